"""Collect waits for reports as long as they may come, and not for those that nobody could tell to be a shot's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.measurement.sample import Report
from isotherm.measurement.shot import Shot


@pytest.fixture
def collect(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = load("collect")
    monkeypatch.setattr(module, "PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(module, "GRACE_S", 0.1)
    return module


def shot(shot_id: str, status: int) -> Shot:
    return Shot(
        shot_id=shot_id,
        kind="warm",
        step=0,
        burst=0,
        index=0,
        version="$LATEST",
        memory_mb=128,
        concurrency=1,
        sent_at_ms=1.0,
        client_ms=5.0,
        outcome="answered" if status < 500 else "function_error",
        http_status=status,
    )


def logged(shot_id: str, request_id: str) -> list[str]:
    facts = {
        "shot_id": shot_id,
        "request_id": request_id,
        "environment_id": "e",
        "invocation_index": 1,
        "process_start_at_ms": 0.0,
        "import_begin_at_ms": 0.0,
        "import_ms": 1.0,
        "handler_begin_at_ms": 1.0,
        "work_ms": 1.0,
        "hold_ms": 0.0,
    }
    probe = json.dumps({"isotherm_probe": 1, **facts})
    return [probe, f"REPORT RequestId: {request_id}\tDuration: 1.48 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\n"]


def asked(collect: Any, monkeypatch: pytest.MonkeyPatch, shots: list[Shot], lines: list[str], within_s: float) -> Any:
    monkeypatch.setattr(collect.logs, "messages", lambda *_: lines)
    witnesses, began = collect.Witnesses(), time.monotonic()
    missing = collect._ask_until_complete(witnesses, shots, "us-east-1", "log", began + within_s)
    return missing, time.monotonic() - began


ID = "1f2e3d4c-0000-4000-8000-000000000001"


def test_what_failed_over_http_without_a_word_is_not_waited_for(collect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    missing, took_s = asked(collect, monkeypatch, [shot("a", 200), shot("b", 503)], logged("a", ID), 30.0)
    assert missing == 1
    assert took_s < 15


@pytest.mark.parametrize("lines", [[], logged("b", ID)[:1]])
def test_what_may_still_come_is_waited_for(collect: Any, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """A shot that was answered, or a log of which nothing has arrived yet."""
    missing, took_s = asked(collect, monkeypatch, [shot("b", 503)], lines, 0.5)
    assert missing == 1
    assert took_s > 0.4


@pytest.mark.parametrize(("timeouts", "outcome"), [(1, "timeout"), (2, "function_error")])
def test_reports_of_timeouts_are_the_silent_shots_where_their_numbers_agree(
    collect: Any, timeouts: int, outcome: str
) -> None:
    witnesses = collect.Witnesses()
    witnesses.read("\n".join(logged("a", ID)))
    witnesses.reports |= {str(number): Report(str(number), status="timeout") for number in range(timeouts)}
    named = witnesses.name_timeouts([shot("a", 500), shot("b", 503)])
    assert [one.outcome for one in named] == ["function_error", outcome]
