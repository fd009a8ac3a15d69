"""What looks like the platform's and is not, and what is not all there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isotherm.platform_log import parse_events

ID = "b92a770e-7c92-4a13-84e3-613428ff991f"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 3.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)


def only(text: str) -> dict[str, Any]:
    (event,) = parse_events(text)
    return {name: value for name, value in event.items() if value is not None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\ufeff\ud800",
        "plain output mentioning START RequestId: inside a line\n",
        f"DEBUG RequestId: {ID} something else\n",
        f"BACKEND RequestId: {ID}\n",
        "we reached the END RequestId: 77 of it\n",
        "RequestId: abc Error: user not found\n",
        f"RequestId: {ID} Error: the customer has no address\n",
        "RequestId: abc Version: 1.2.3-beta\n",
        "My Task timed out after 3.00 seconds\n",
        "Duration: 5 ms\n",
        "Total Duration: 3 ms Memory Size: 4 MB\n",
        "| 2025-08-15 | 91c92f73 | REPORT |\n",
        "REPORT: all is well\n",
        "EXTENSION of the deadline\nLOGS are below\nIMAGE of a cat\nTELEMETRY off\n",
        "INIT_START of my program\nINIT_REPORT: fine\n",
        '{"msg":"Status: error Error Type: Runtime.OutOfMemory"}\n',
        '{"type":"platform.report","message":"no record"}\n',
        '{"type":"platformer","record":{}}\n',
        "REPORT RequestID: 9ba2 Duration: 121.4 ms Billed Duration: 200 ms Memory Size: 128 MB\n",
        "START RequestID: 9ba2 Version: d4e\nEND RequestID: 9ba2\n",
    ],
)
def test_nothing_is_read_from_what_the_platform_did_not_write(text: str) -> None:
    assert parse_events(text) == []


@pytest.mark.parametrize(
    "prefix",
    [
        f"2024-05-20T16:29:45.022Z\t{ID}\tINFO\t",
        f"2024-05-20T16:29:45.022Z\t{ID}\tINFO\tthe log says: ",
        f"[INFO]\t2024-05-20T16:29:45.022Z\t{ID}\t",
    ],
)
def test_a_line_with_the_prefix_of_a_runtimes_logger_is_the_functions_own(prefix: str) -> None:
    assert parse_events(prefix + REPORT) == []


@pytest.mark.parametrize("key", ["level", "severity"])
def test_a_structured_log_record_is_the_functions_own(key: str) -> None:
    assert parse_events(json.dumps({key: "INFO", "message": REPORT, "service": "orders"})) == []


@pytest.mark.parametrize("kind", ["function", "extension"])
def test_a_telemetry_record_of_what_was_printed_is_no_platform_event(kind: str) -> None:
    assert parse_events(json.dumps({"time": "2024-05-20T16:29:45.022Z", "type": kind, "record": REPORT})) == []


@pytest.mark.parametrize("printed", ["hello", "}", "]", "3.14", "a/b/c", "ok: "])
def test_a_report_glued_to_what_was_printed_without_a_newline_is_read(printed: str) -> None:
    assert only(printed + REPORT)["duration_ms"] == 3.1


def test_an_end_glued_to_a_traceback_is_read() -> None:
    assert only(f"    return result[0]END RequestId: {ID}\n")["event"] == "end"


@pytest.mark.parametrize(
    ("cut", "given"),
    [
        (f"REPORT RequestId: {ID}", {}),
        (f"REPORT RequestId: {ID}\tDurat", {}),
        (f"REPORT RequestId: {ID}\tDuration: 12.3", {}),
        (f"REPORT RequestId: {ID}\tDuration: 12.34 m", {}),
        (f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 1", {"duration_ms": 12.34}),
        (f"REPORT RequestId: {ID} Duration: 12.34 Billed Duration: 13 ms", {"billed_duration_ms": 13}),
        (
            f"REPORT RequestId: {ID}\tDuration: 1.5 s\tMemory Size: 1 GB\tMax Memory Used: 5 MB",
            {"max_memory_used_mb": 5},
        ),
        (f"REPORT RequestId: {ID}\tDuration: -1 ms\tBilled Duration: NaN ms\tMemory Size: 1 MB", {"memory_size_mb": 1}),
    ],
)
def test_a_number_without_its_unit_is_no_value(cut: str, given: dict[str, Any]) -> None:
    assert only(cut) == {"event": "report", "request_id": ID, **given}


def test_zero_is_a_value() -> None:
    event = only("REPORT RequestId: x Duration: 0.00 ms Billed Duration: 0 ms Memory Size: 0 MB Max Memory Used: 0 MB")

    assert (event["duration_ms"], event["billed_duration_ms"], event["memory_size_mb"]) == (0, 0, 0)


@pytest.mark.parametrize("blank", ["", " ", "\t", " \t "])
def test_a_blank_id_is_none_and_swallows_no_label(blank: str) -> None:
    event = only(f"REPORT RequestId:{blank}Duration: 5.00 ms\tBilled Duration: 5 ms")

    assert event == {"event": "report", "duration_ms": 5.0, "billed_duration_ms": 5}


def test_a_field_that_comes_again_belongs_to_something_else() -> None:
    assert only(REPORT + "Duration: 99.00 ms\n")["duration_ms"] == 3.1


def test_a_field_nobody_knows_yet_is_kept_by_the_naming_rule() -> None:
    (event,) = parse_events(REPORT.strip() + "\tQueue Duration: 0.25 ms\tPlacement Group: zone-b\tRetries: 2\n")

    assert event.extra == {"queue_duration_ms": 0.25, "placement_group": "zone-b", "retries": 2}
    assert event.queue_duration_ms == 0.25
    assert event.max_memory_used_mb == 36


def test_a_platform_type_nobody_knows_yet_is_kept_with_its_record() -> None:
    record = {"requestId": ID, "metrics": {"chillMs": 1.5}, "reason": "why not", "parts": [{"a": 1}]}
    (event,) = parse_events(json.dumps({"time": "t", "type": "platform.somethingNew", "record": record}))

    assert event.event == "platform.somethingNew"
    assert (event.request_id, event.chill_ms, event.reason) == (ID, 1.5, "why not")
    assert event.record == record


def test_span_durations_stay_in_the_record() -> None:
    spans = [{"name": "responseLatency", "start": "t", "durationMs": 2.2}]
    record = {"requestId": ID, "spans": spans, "metrics": {"durationMs": 11.1}}
    (event,) = parse_events(json.dumps({"type": "platform.runtimeDone", "record": record}))

    assert event.duration_ms == 11.1
    assert event.record["spans"] == spans


def test_a_json_number_cut_by_the_end_of_the_text_is_no_value() -> None:
    whole = json.dumps({"type": "platform.report", "record": {"requestId": ID, "metrics": {"durationMs": 11.642}}})

    assert only(whole[: whole.index("642")]) == {"event": "platform.report", "request_id": ID}


@pytest.mark.parametrize("value", ["1e999", "NaN", "true", '"12"', "null", "[1]"])
def test_a_json_metric_that_is_no_number_is_no_value(value: str) -> None:
    text = '{"type":"platform.report","record":{"metrics":{"durationMs":%s}}}' % value  # noqa: UP031 - braces

    assert only(text) == {"event": "platform.report"}


def test_the_error_type_beside_an_error_message_belongs_to_it() -> None:
    message = f"RequestId: {ID} Error: Task timed out after 3.00 seconds"
    event = only(json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}))

    assert (event["event"], event["error_type"], event["timeout_seconds"]) == ("timeout", "Sandbox.Timedout", 3.0)


def test_insights_fields_stand_in_only_where_the_message_was_not_selected() -> None:
    fields = [{"field": "@requestId", "value": ID}, {"field": "@memorySize", "value": "1.28E8"}]
    with_message = [{"field": "@message", "value": REPORT}, *fields]

    events = parse_events(json.dumps({"results": [with_message, fields]}))

    assert [event.event for event in events] == ["report", "insights_fields"]
    assert events[1].memory_size_mb == 128


def test_a_tail_that_starts_inside_a_report_keeps_what_it_has() -> None:
    tail = REPORT[REPORT.index("Id:") :]
    event = only(tail)

    assert event["event"] == "report_fragment"
    assert (event["request_id"], event["max_memory_used_mb"]) == (ID, 36)
