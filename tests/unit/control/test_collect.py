"""How long Collect asks for a log that it will not be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from botocore.exceptions import ClientError

from isotherm.measurement.shot import Shot


@pytest.mark.parametrize(
    ("code", "asked"),
    [("AccessDeniedException", 1), ("ResourceNotFoundException", 1), ("ThrottlingException", 3)],
)
def test_what_no_patience_will_change_is_asked_for_once(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, code: str, asked: int
) -> None:
    collect = load("collect")
    questions = []

    def refused(*question: object) -> Iterator[str]:
        questions.append(question)
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "FilterLogEvents")

    clock = iter(range(1000))
    monkeypatch.setattr(collect.logs, "messages", refused)
    monkeypatch.setattr(collect, "time", type("Clock", (), {"monotonic": lambda: next(clock), "sleep": lambda _: None}))
    shot = Shot(
        shot_id="s",
        kind="warm",
        step=0,
        burst=0,
        index=0,
        version="1",
        memory_mb=256,
        concurrency=1,
        sent_at_ms=1e12,
        client_ms=5.0,
        outcome="answered",
        request_id="r",
    )

    missing = collect._ask_until_complete(collect.Witnesses(), [shot], "us-east-1", "/isotherm/isotherm/server", 3.0)

    assert missing == 1
    assert len(questions) == asked
