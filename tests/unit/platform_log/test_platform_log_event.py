"""An event as a value, and what importing the package costs."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.platform_log import BASE_FIELDS, Event, parse_events

LINE = (
    "REPORT RequestId: b92a770e-7c92-4a13-84e3-613428ff991f\tDuration: 3.10 ms\tBilled Duration: 546 ms\t"
    "Memory Size: 2048 MB\tMax Memory Used: 95 MB\tInit Duration: 542.01 ms\t\n"
)


def test_an_event_is_a_mapping_with_every_base_field() -> None:
    (event,) = parse_events(LINE)

    assert tuple(event) == BASE_FIELDS
    assert len(event) == len(BASE_FIELDS)
    assert event["restore_duration_ms"] is None
    assert event.get("phase") is None
    assert "phase" not in event
    assert event == event.to_dict()


def test_a_field_of_other_events_reads_as_none_and_a_slip_of_the_pen_does_not() -> None:
    (event,) = parse_events(LINE)

    assert event.phase is None
    with pytest.raises(AttributeError):
        _ = event.durations_ms
    with pytest.raises(KeyError):
        _ = event["durations_ms"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])  # noqa: S301
def test_copies_are_equal(duplicate: object) -> None:
    (event,) = parse_events(LINE)

    assert duplicate(event) == event  # type: ignore[operator]


def test_an_event_goes_into_json_and_back() -> None:
    (event,) = parse_events(LINE)

    assert json.loads(json.dumps(event.to_dict())) == event


@given(st.dictionaries(st.sampled_from(["event", "duration_ms", "phase", "new_ms"]), st.integers(), min_size=1))
def test_extra_holds_just_what_is_unknown(fields: dict[str, int]) -> None:
    assert Event(fields).extra == {name: value for name, value in fields.items() if name == "new_ms"}


def test_importing_the_reader_loads_nothing_heavy() -> None:
    program = (
        "import sys; before = set(sys.modules); from isotherm.platform_log import parse_events; "
        "parse_events('{\"a\": 1} START RequestId: x Version: 1'); print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    heavy = {
        "numpy",
        "pydantic",
        "rich",
        "typer",
        "scipy",
        "inspect",
        "typing_extensions",
        "dataclasses",
        "boto3",
        "gzip",
    }
    assert not heavy.intersection(loaded)
