"""Regions that are worked on side by side: each has its line, and nothing is said twice."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from isotherm.cli import waiting as module
from isotherm.cli.waiting import waiting


def shown(*, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=100, color_system=None), text


def test_in_a_log_each_change_of_a_region_is_one_line_with_its_time() -> None:
    console, text = shown(terminal=False)
    with waiting(console) as say:
        say("sam build")
        for region, state in (("tokyo", "uploading"), ("tokyo", "uploading"), ("london", "uploading")):
            say.region(region, state)
        say.region("tokyo", "deployed after 3 s", ended=True)

    assert text.getvalue().splitlines() == [
        "sam build ...",
        "[   0 s] tokyo: uploading",
        "[   0 s] london: uploading",
        "[   0 s] tokyo: deployed after 3 s",
    ]


def test_in_a_log_a_state_that_lasts_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("isotherm.cli.waiting.time.monotonic", lambda: now)
    console, text = shown(terminal=False)
    with waiting(console) as say:
        for _ in range(4):
            say.region("tokyo", "CREATE_IN_PROGRESS")
            now += module.SHOWN_AGAIN_S / 2

    assert text.getvalue().splitlines() == [f"[{seconds:4} s] tokyo: CREATE_IN_PROGRESS" for seconds in (0, 30)]


def test_on_a_terminal_a_region_that_has_ended_stays_as_a_line_and_its_spinner_goes() -> None:
    console, text = shown(terminal=True)
    with waiting(console) as say:
        say.region("tokyo", "uploading")
        say.region("london", "uploading")
        say.region("tokyo", "deployed after 3 s", ended=True)
        say.region("london", "failed after 4 s", ended=True)

    assert text.getvalue().count("tokyo: deployed after 3 s") == 1
    last = text.getvalue().rpartition("london: failed after 4 s")[2]
    assert "uploading" not in last
