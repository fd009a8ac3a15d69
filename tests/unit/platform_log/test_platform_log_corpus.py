"""Real lines of eleven years, and what a careful person makes of each by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isotherm.platform_log import parse_events, parse_reports

RECORDS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
]


def expected(record: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = record.get("expect_all", [record["expect"]])
    return [event for event in events if event["event"] != "not_platform"]


def test_the_corpus_is_whole() -> None:
    assert len(RECORDS) == 212
    assert sum(not expected(record) for record in RECORDS) == 3


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_every_event_and_every_field_is_as_expected_and_nothing_else(record: dict[str, Any]) -> None:
    assert [event.to_dict() for event in parse_events(record["raw"])] == expected(record)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_fields_are_attributes_and_items_too(record: dict[str, Any]) -> None:
    for event, fields in zip(parse_events(record["raw"]), expected(record), strict=True):
        assert dict(event) == fields
        assert {name: getattr(event, name) for name in fields} == fields


def test_the_whole_corpus_as_one_text_gives_all_its_reports_to_both_readers() -> None:
    text = "\n\n".join(record["raw"] for record in RECORDS)
    reports = [event for event in parse_events(text) if event.event in ("report", "platform.report")]

    table = parse_reports(text.encode())

    assert len(reports) > 100
    assert list(table.request_id) == [event.request_id for event in reports]
