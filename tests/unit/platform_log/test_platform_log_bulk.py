"""The columnar reader gives what the exact reader gives, and reads the lines it is made for by itself."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.platform_log import ReportTable, bulk, parse_events, parse_reports

from .platform_log_renderings import Written, glued_reports, json_events, text_events, text_reports, wrapped_reports

# The last kilobyte of any data goes to the exact reader.
AFTERWARDS = b"\nSTART RequestId: 0 Version: 1\n" + b" " * 1100
REPORTS = ("report", "platform.report")


def check_agreement(data: bytes) -> ReportTable:
    table = parse_reports(data)
    expected = [event for event in parse_events(data.decode("utf-8", "replace")) if event.event in REPORTS]
    rows = list(table.rows())
    assert rows == [{name: event.get(name) for name in table.names} for event in expected]
    return table


written = st.one_of(text_reports(), text_reports(), wrapped_reports(), glued_reports(), text_events, json_events())


@given(events=st.lists(written, max_size=12), between=st.sampled_from(["\n", "\r\n", "\n\n", "", "\nprinted\n", " | "]))
def test_both_readers_agree_on_any_log(events: list[Written], between: str) -> None:
    text = between.join("\n".join(event.lines) for event in events)

    check_agreement(text.encode() + AFTERWARDS)


@given(data=st.binary(max_size=300), events=st.lists(text_reports(), max_size=3))
def test_both_readers_agree_on_logs_with_any_bytes_in_between(data: bytes, events: list[Written]) -> None:
    lines = b"".join("\n".join(event.lines).encode() + b"\n" + data for event in events)

    check_agreement(data + lines + AFTERWARDS)


BASE = "Duration: 3.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 95 MB\t"
CANONICAL = [
    BASE,
    BASE + "Init Duration: 542.01 ms\t",
    BASE.replace("4 ms\t", "100 ms \t"),
    BASE.replace("\t", " ").strip(),
    "Duration: 161 ms Billed Duration: 0 ms Memory Size: 0 MB Max Memory Used: 18 MB",
    "Init Duration: 0.47 ms  " + BASE.replace("\t", "     "),
    BASE + "Restore Duration: 511.56 ms\tBilled Restore Duration: 136 ms\t",
    BASE + "Status: timeout",
    BASE + "Status: error\tError Type: Runtime.ExitError",
    BASE + "\nXRAY TraceId: 1-5e61292c-cc1229a4dfbeae1043928548\tSegmentId: 07a85e713f6302b2\tSampled: true\t",
    "Duration: 125.46 ms",
]


# The console writes no time in front of the second line of a message.
TIMED = [
    (time, fields)
    for time in ("", "2024-05-20T16:29:45.022Z\t", "2021-01-16T17:26:43.137+01:00\t")
    for fields in CANONICAL
    if not (time and "\n" in fields)
]


@pytest.mark.parametrize(("time", "fields"), TIMED)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_of_the_service_are_read_without_the_exact_reader(fields: str, line_end: str, time: str) -> None:
    line = f"{time}REPORT RequestId: b92a770e-7c92-4a13-84e3-613428ff991f\t{fields}\n".replace("\n", line_end).encode()
    data = line * 50 + AFTERWARDS.lstrip(b"\n")

    with patch.object(bulk, "parse_piece", return_value=[]) as exact:
        table = parse_reports(data)

    assert exact.call_count == 1  # for the last kilobyte
    assert len(table) == 50
    check_agreement(data)


def test_columns_are_arrays_with_nan_and_none_for_what_is_not_there() -> None:
    table = parse_reports(
        ("REPORT RequestId: x\tDuration: 1.50 ms\n" + "REPORT RequestId: \tDuration: 2 ms\n").encode()
    )

    assert table.duration_ms.tolist() == [1.5, 2.0]
    assert np.isnan(table["init_duration_ms"]).all()
    assert table.request_id.tolist() == ["x", None]
    assert table.status.tolist() == [None, None]
    assert table.xray_sampled.dtype == np.float64


def test_no_reports_make_an_empty_table() -> None:
    for data in (b"", b"\n" * 5000, b"nothing\n" * 5000):
        table = parse_reports(data)
        assert len(table) == 0
        assert table.request_id.tolist() == []
        assert table.duration_ms.tolist() == []


def test_data_of_many_blocks_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_BLOCK", 700)
    odd = '2024 quoted "REPORT RequestId: masked-{}\tDuration: {}.25 ms"\n'
    even = "REPORT RequestId: b92a770e-7c92-4a13-84e3-{:012d}\tDuration: {}.25 ms\t\n"
    text = "".join((odd if number % 3 else even).format(number, number) for number in range(400))

    table = check_agreement(text.encode())

    assert table.duration_ms.tolist() == [number + 0.25 for number in range(400)]


@given(st.integers(0, 10**7 - 1), st.integers(0, 999), st.integers(1, 3))
def test_numbers_are_the_same_floats_as_python_reads(whole: int, fraction: int, places: int) -> None:
    number = f"{whole}.{fraction % 10**places:0{places}d}"
    line = f"REPORT RequestId: b92a770e-7c92-4a13-84e3-613428ff991f\tDuration: {number} ms\n"

    table = parse_reports(line.encode() * 2 + AFTERWARDS.lstrip(b"\n"))

    assert table.duration_ms.tolist() == [float(number)] * 2


def test_a_line_longer_than_a_block_is_stepped_over() -> None:
    line = b"REPORT RequestId: b92a770e-7c92-4a13-84e3-613428ff991f\tDuration: 1.25 ms\n"

    assert len(check_agreement(line + b"x" * (5 << 20) + b"\n" + line + AFTERWARDS)) == 2
