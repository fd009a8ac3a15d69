"""Text made to be slow to read, or to break a reader: its cost grows as its length does, and nothing raises."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.platform_log import parse_events, parse_reports

UUID = "b92a770e-7c92-4a13-84e3-613428ff991f"
# Each is repeated many thousand times; each makes another rule begin and fail as often as it can.
REPEATED = {
    "braces": '{"a":',
    "envelopes never closed": '{"type":"platform.report","record":{',
    "objects with a message cut": '{"a":"REPORT RequestId: x',
    "log records cut": '{"level":"INFO","message":"REPORT RequestId: ',
    "lists": '{"time":[1,1,1,1,1,1,',
    "escaped objects": '{\\"a\\":',
    "backslashes": "\\",
    "escaped quotes": '\\"',
    "doubled quotes": '{""time"":',
    "single quotes": "{'a':'",
    "insights pairs": '{"field": "@a", "value": "b"},',
    "report words": "REPORT ",
    "report labels": "REPORT RequestId: ",
    "reports without end": "REPORT RequestId: x Duration: 1 ",
    "reports full of spaces": "REPORT RequestId: x" + " " * 50,
    "reports with unknown fields": "REPORT RequestId: x Foo Bar: baz ",
    "traces": "REPORT RequestId: x\nXRAY TraceId: ",
    "digits": "REPORT RequestId: x Duration: 1" + "9" * 30,
    "starts": " START RequestId:",
    "ends": f"xEND RequestId: {UUID} ",
    "ids": "RequestId: ",
    "errors": "RequestId: x Error: a.B ",
    "timeouts": f"{UUID} Task timed out after ",
    "durations": "Duration: 1 ms\n",
    "initializations": "INIT_REPORT Init Duration: ",
    "extensions": "EXTENSION Name: a ",
    "images": "IMAGE Launch error: Entrypoint: [",
    "emulator": "INIT START(type: a, ",
    "base64": "ZXF1ZXN0SWQ6",
    "wrapped base64": "ZXF1ZXN0SWQ6QUJDQUJD\n",
    "log results": '{"LogResult":"QUJDREVG',
    "colours": "\x1b[31;",
    "prefixes": "2024/01/01/[$LATEST]" + "a" * 32 + " ",
    "labels": "A A ",
    "white space": " ",
    "newlines": "\n",
    "zeros": "\0",
    "surrogates": "\ud800",
}


@pytest.mark.parametrize("piece", REPEATED.values(), ids=REPEATED.keys())
def test_ten_times_the_hostile_text_costs_about_ten_times_as_much(piece: str) -> None:
    """A rule that looks again from each place would cost a hundred times as much (seconds: bench/platform_log.py)."""
    short, long = (piece * (length // len(piece)) for length in (40_000, 400_000))

    for parse in (parse_events, _parse_bytes):
        allowed_s = 40 * min(processor_s(parse, short) for _ in range(3))
        # Where the machine was busy, once more; where it was not, once tells.
        assert any(processor_s(parse, long) < allowed_s for _ in range(2))


def processor_s(parse: Callable[[str], object], text: str) -> float:
    """Processor time of reading a text once."""
    began = time.process_time()
    parse(text)
    return time.process_time() - began


def _parse_bytes(text: str) -> object:
    return parse_reports(text.encode("utf-8", "surrogatepass"))


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for event in parse_events(text):
        assert event.to_dict()["event"]


@given(
    st.lists(
        st.sampled_from(["REPORT", " RequestId: ", "\t", "\n", "{", "}", '"', "\\", "Duration: ", "1", " ms", "[", "x"])
    )
)
def test_no_pieces_of_a_log_in_any_order_raise(pieces: list[str]) -> None:
    for event in parse_events("".join(pieces)):
        assert event.to_dict()["event"]
