"""`outer` calls `inner` and `inner_db` across regions, and what each of them noted is found in its own region's log."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from isotherm.platform_log import parse_events

from .embedded import REGIONS, STACK, Embedded, messages_of, probes_of

PAIRS = [(outer, inner) for outer in REGIONS for inner in REGIONS]


def call(embedded: Embedded, region: str, event: dict[str, Any]) -> tuple[Any, bool]:
    """What `outer` answers, and whether it failed."""
    answer = embedded.client("lambda", region).invoke(
        FunctionName=f"{STACK}-target_outer", Payload=json.dumps(event).encode()
    )
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


@pytest.mark.parametrize(("outer", "inner"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
@pytest.mark.parametrize("target", ["inner", "inner_db"])
def test_a_call_between_regions_is_timed_on_both_sides(embedded: Embedded, outer: str, inner: str, target: str) -> None:
    shot_id = f"calling-{outer}-{inner}-{target}-{time.time_ns()}"
    function_name = f"{STACK}-target_{target}"
    event = {"isotherm": {"shot_id": shot_id}, "inner": {"region": inner, "function_name": function_name}}
    answer, failed = call(embedded, outer, event)
    assert not failed, answer

    (outer_line,) = probes_of(embedded, outer, "outer", shot_id)
    (inner_line,) = probes_of(embedded, inner, target, shot_id)
    notes = outer_line["notes"]
    assert answer == {"inner": {"ok": True, "target": target, "request_id": inner_line["request_id"]}}
    assert (notes["inner_region"], notes["inner_request_id"]) == (inner, inner_line["request_id"])
    assert inner_line["work_ms"] <= notes["inner_round_trip_ms"] <= outer_line["work_ms"]
    # One machine, one clock: inner began after outer had sent, and before outer was done.
    ended_at_ms = outer_line["handler_begin_at_ms"] + outer_line["work_ms"]
    assert notes["inner_sent_at_ms"] <= inner_line["handler_begin_at_ms"] <= ended_at_ms
    if target == "inner_db":
        database = inner_line["notes"]
        assert database["database_ms"] == pytest.approx(database["put_ms"] + database["get_ms"])
        assert 0 < database["database_ms"] <= inner_line["work_ms"]
    log = messages_of(embedded, inner, target)
    reports = [event for event in parse_events("\n".join(log)) if event["event"] == "report"]
    assert [report["request_id"] for report in reports].count(notes["inner_request_id"]) == 1


def test_who_calls_nobody_is_told_so(embedded: Embedded) -> None:
    shot_id = f"calling-nobody-{time.time_ns()}"
    inner = {"region": REGIONS[1], "function_name": f"{STACK}-target_nobody"}
    answer, failed = call(embedded, REGIONS[0], {"isotherm": {"shot_id": shot_id}, "inner": inner})
    assert failed
    assert answer["errorMessage"].startswith(f"{STACK}-target_nobody in {REGIONS[1]}: An error occurred")
    (line,) = probes_of(embedded, REGIONS[0], "outer", shot_id)
    assert set(line["notes"]) == {"inner_region", "inner_client_new", "inner_sent_at_ms"}
