"""Samples to a file and back."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.measurement.sample import Sample
from isotherm.report.files.exports import csv_bytes, sample_rows
from isotherm.report.files.samples_csv import COLUMNS, read_csv, write_csv
from unit.statistics.made_up import made_up_plan, made_up_samples

SAMPLES = made_up_samples(made_up_plan(cold=8, warm=8), mishaps=0.1)
texts = st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def test_the_columns_are_the_fields_of_a_sample_in_their_order() -> None:
    rows = list(csv.reader(io.StringIO(gzip.decompress(write_csv(SAMPLES)).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS == tuple(field.name for field in fields(Sample))
    assert len(rows) == 1 + len(SAMPLES)


def test_any_order_and_any_repetition_gives_the_same_bytes() -> None:
    assert write_csv(SAMPLES[::-1] + SAMPLES[:7]) == write_csv(SAMPLES)


def test_all_comes_back() -> None:
    key = [(s.lane, s.shot_id) for s in SAMPLES]
    back = {(s.lane, s.shot_id): s for s in read_csv(write_csv(SAMPLES))}
    assert [back[k] for k in key] == SAMPLES


@given(message=texts, client_ms=numbers, startup_ms=numbers, cold=st.none() | st.booleans())
def test_any_value_comes_back_as_it_was(
    message: str | None, client_ms: float | None, startup_ms: float | None, cold: bool | None
) -> None:
    sample = replace(SAMPLES[0], error_message=message, client_ms=client_ms, startup_ms=startup_ms, platform_cold=cold)
    assert read_csv(write_csv([sample])) == [sample]


FORMULAS = (
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "'=1",
)


@pytest.mark.parametrize("message", FORMULAS)
def test_no_cell_is_a_formula_to_a_spreadsheet(message: str) -> None:
    sample = replace(SAMPLES[0], error_message=message, error_type=message, target=message, client_ms=-1.5)
    data = write_csv([sample])
    (row,) = csv.DictReader(io.StringIO(gzip.decompress(data).decode(), newline=""))
    assert [row[name] for name in ("error_message", "error_type", "target")] == [f"'{message}"] * 3
    assert row["client_ms"] == "-1.5"
    assert csv_bytes(sample_rows([sample])) == gzip.decompress(data)
    assert read_csv(data) == [sample]


@given(message=texts, prefix=st.sampled_from(["", "'", "''", "=", "'-"]))
def test_text_that_begins_like_a_formula_comes_back_as_it_was(message: str | None, prefix: str) -> None:
    sample = replace(SAMPLES[0], error_message=prefix + (message or "x"))
    data = write_csv([sample])
    assert read_csv(data) == [sample]
    (row,) = csv.DictReader(io.StringIO(gzip.decompress(data).decode(), newline=""))
    assert row["error_message"][0] not in "=+-@\t\r\n"


def test_files_from_before_cells_were_quoted_are_read() -> None:
    text = gzip.decompress(write_csv([replace(SAMPLES[0], error_message="quoted")])).decode()
    (sample,) = read_csv(gzip.compress(text.replace(",quoted,", ",=1+1,").encode()))
    assert sample.error_message == "=1+1"


def test_what_is_missing_is_empty_and_never_zero() -> None:
    sample = replace(SAMPLES[0], client_ms=None, startup_ms=0.0)
    row = next(csv.DictReader(io.StringIO(gzip.decompress(write_csv([sample])).decode())))
    assert row["client_ms"] == ""
    assert row["startup_ms"] == "0.0"


def test_no_samples_are_a_header() -> None:
    assert read_csv(write_csv([])) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not gzip", "samples: no gzipped UTF-8 text"),
        (gzip.compress(b"\xff\xfe", mtime=0), "samples: no gzipped UTF-8 text"),
        (gzip.compress(b"colour\nred\n", mtime=0), "samples: column 'colour' is none of a sample's"),
        (gzip.compress(b"lane\na,b\n", mtime=0), "samples: line 2"),
        (write_csv(SAMPLES)[:-20], "samples: no gzipped UTF-8 text"),
    ],
)
def test_what_is_no_such_file_is_refused_in_a_line(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(data)


def test_a_wrong_value_is_named_with_its_place() -> None:
    text = gzip.decompress(write_csv(SAMPLES[:1])).decode().replace(",answered,", ",perhaps,")
    with pytest.raises(ValueError, match=r"^samples: line 2, outcome: Input should be 'answered'"):
        read_csv(gzip.compress(text.encode()))
