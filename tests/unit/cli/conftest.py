"""The command line, run in a checkout where nothing is deployed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from isotherm.aws.clients import Home
from isotherm.cli.app import run_command
from isotherm.local import stack
from isotherm.local.checkout import Checkout

# Serves the health page as MiniStack does.
MINISTACK = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"edition": os.environ["MINISTACK_EDITION"]}).encode())
    def log_message(self, *_): pass
http.server.HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


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
    monkeypatch.setattr(sys, "path", [*sys.path])  # `serve` adds the checkout to it

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        try:
            code = run_command(arguments)
        except SystemExit as end:  # how argparse ends, which reads the options of `serve`
            code = int(end.code or 0)
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isotherm: Isotherm) -> Iterator[Checkout]:
    """The command's checkout, with a small program in MiniStack's place and a campaign for the demo."""
    del isotherm  # makes the checkout
    program = tmp_path / "ministack"
    program.write_text(f"#!{sys.executable}\n{MINISTACK}")
    program.chmod(0o755)
    monkeypatch.setattr(stack, "ensure", lambda *_: program)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "campaign-demo.json").write_text('{"targets": ["default"], "rounds": 1, "budget_usd": 1}')
    made = Checkout(tmp_path)
    yield made
    stack.down(made)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Table and bucket of a home region, by moto."""
    from isotherm.aws.clients import client
    from unit.account_in_memory import account_in_memory, make_table

    with account_in_memory(monkeypatch):
        make_table("samples", "us-east-1")
        client("s3", "us-east-1").create_bucket(Bucket="bucket")
        yield Home("isotherm", "us-east-1", "samples", "bucket")
