"""Whatever is written in any form of the grammar, inside any wrapper, is read back as what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from isotherm.platform_log import parse_events

from .platform_log_renderings import (
    Written,
    glued_reports,
    inner_wrappers,
    json_events,
    one_line_wrappers,
    outer_wrappers,
    text_events,
    text_reports,
    wrapped_reports,
)

Wrapper = Callable[[str], str]


def read(text: str) -> list[dict[str, Any]]:
    return [given_fields(event.to_dict()) for event in parse_events(text)]


def given_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def expected(*written: Written) -> list[dict[str, Any]]:
    return [given_fields(one.expected) for one in written]


@given(text_events)
def test_an_event_in_text_is_read_back(event: Written) -> None:
    assert read("\n".join(event.lines)) == expected(event)


@given(json_events())
def test_an_event_in_json_is_read_back(event: Written) -> None:
    assert read("\n".join(event.lines)) == expected(event)


@given(event=st.one_of(text_events, json_events()), inner=inner_wrappers, outer=outer_wrappers)
def test_an_event_inside_any_wrappers_is_read_back(event: Written, inner: Wrapper, outer: Wrapper) -> None:
    assert read(outer(inner("\n".join(event.lines)))) == expected(event)


@given(event=st.one_of(text_reports(), text_events), wrapper=one_line_wrappers)
def test_an_event_flattened_into_one_line_is_read_back(event: Written, wrapper: Wrapper) -> None:
    assert read(wrapper("\n".join(event.lines))) == expected(event)


@given(wrapped_reports(), outer_wrappers)
def test_a_report_wrapped_anywhere_is_read_back(event: Written, outer: Wrapper) -> None:
    assert read(outer("\n".join(event.lines))) == expected(event)


@given(glued_reports())
def test_a_report_whose_separators_are_lost_is_read_back(event: Written) -> None:
    assert read("\n".join(event.lines)) == expected(event)


@given(events=st.lists(st.one_of(text_events, json_events()), max_size=6), outer=outer_wrappers)
def test_events_keep_their_number_and_order(events: list[Written], outer: Wrapper) -> None:
    text = "".join("\n".join(event.lines) + "\n" for event in events)

    assert read(outer(text)) == expected(*events)


@given(
    events=st.lists(text_events, min_size=1, max_size=4), printed=st.sampled_from(["done", "ok)", '{"a": 1}', "x = 3"])
)
def test_what_a_function_prints_in_between_changes_nothing(events: list[Written], printed: str) -> None:
    text = "".join(f"{printed}\n" + "\n".join(event.lines) + "\n" for event in events)

    assert read(text) == expected(*events)
