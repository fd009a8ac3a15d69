"""The command line, run in a checkout where nothing is deployed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from isotherm.cli.app import run_command


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Isotherm = Callable[..., Ran]


@pytest.fixture
def isotherm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Isotherm:
    """The command, in a checkout of its own with nothing in it, and no settings of the user's."""
    (tmp_path / "statemachines").mkdir()
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("ISOTHERM_CHECKOUT", "ISOTHERM_ON", "ISOTHERM_STACK", "ISOTHERM_HOME_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("isotherm.cli.app.signal.signal", lambda *_: None)

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = run_command(arguments)
        return Ran(code, *capfd.readouterr())

    return run
