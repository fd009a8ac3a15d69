"""Which function a log is about, and the statistics of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isotherm.analysis.log_statistics import Measures
from isotherm.platform_log import parse_events
from isotherm.platform_log.functions import events_by_function

RECORD = (Path(__file__).parent / "lambda-latency-by-package-size.md").read_text(encoding="utf-8")
REPORT = (
    "REPORT RequestId: {}\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)


def names(text: str) -> list[str | None]:
    return [function for function, _ in events_by_function(text)]


def test_the_record_of_2021_names_each_function_above_its_reports() -> None:
    assert names(RECORD) == [
        name for name in ("aws-default", "aws-pkg20", "aws-pkg50", "aws-size20", "aws-size50") for _ in range(3)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "## resize\n\n" + REPORT,
        "- `resize`:\n```\n" + REPORT + "```\n",
        "resize:\n" + REPORT,
        "==> /aws/lambda/resize <==\n" + REPORT,
        "2024-03-05T16:02:57.691000+00:00 2024/03/05/resize[$LATEST]66dae4eef2bf42f6afd0e4cc70b48606 " + REPORT,
        "[resize] 3:38:41 PM " + REPORT,
        "resize  | " + REPORT,
        json.dumps({"logGroup": "/aws/lambda/resize", "logEvents": [{"message": REPORT}]}),
    ],
)
def test_the_name_is_where_people_and_tools_put_it(text: str) -> None:
    assert names(text) == ["resize"]


@pytest.mark.parametrize(
    "text", [REPORT, "- done\n- and dusted\n\nsome words\n" + REPORT, "### Step 1. Try\n" + REPORT]
)
def test_without_a_name_there_is_none(text: str) -> None:
    assert names(text) == [None]


def test_json_events_name_their_function_themselves() -> None:
    start = {
        "type": "platform.start",
        "record": {"requestId": "r1", "functionArn": "arn:aws:lambda:x:1:function:resize"},
    }
    report = {"type": "platform.report", "record": {"requestId": "r1", "metrics": {"durationMs": 1.5}}}

    assert names(json.dumps(start) + "\n" + json.dumps(report)) == ["resize", "resize"]


def test_naming_functions_neither_adds_nor_loses_events() -> None:
    assert [event for _, event in events_by_function(RECORD)] == parse_events(RECORD)


def test_a_report_read_twice_counts_once() -> None:
    measures = Measures()
    for _ in range(2):
        for function, event in events_by_function(RECORD):
            measures.add(function or "", event)

    assert measures.duplicates == 15
    assert {summary.n for group, _, summary in measures.summaries() if group.temperature == "cold"} == {2}


def test_an_id_pasted_under_two_functions_counts_for_both_and_is_told() -> None:
    measures = Measures()
    for function, event in events_by_function(RECORD):
        measures.add(function or "", event)

    assert measures.shared_ids == 1
    warm = [
        group.function
        for group, metric, _ in measures.summaries()
        if (group.temperature, metric) == ("warm", "duration_ms")
    ]
    assert len(warm) == 5


def test_a_restore_is_a_cold_start_and_an_init_report_is_no_report() -> None:
    measures = Measures()
    restored = REPORT.strip().format("a") + "\tRestore Duration: 500.00 ms\tBilled Restore Duration: 80 ms\n"
    for event in parse_events("INIT_REPORT Init Duration: 9.00 ms\tPhase: init\n" + restored):
        measures.add("f", event)

    (first, *_) = measures.summaries()
    assert (first[0].temperature, first[1], first[2].n, first[2].median) == ("cold", "restore_duration_ms", 1, 500.0)
