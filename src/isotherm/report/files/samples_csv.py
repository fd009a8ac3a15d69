"""Every sample as one row of a gzipped CSV, and back. The columns are the fields of `Sample`, in their order."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from isotherm.analysis.accounting import distinct
from isotherm.measurement.sample import Sample
from isotherm.printable import of_spreadsheet_text, spreadsheet_text

COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Sample))

_MAY_BE_MISSING = frozenset(name for name, hint in get_type_hints(Sample).items() if type(None) in get_args(hint))
_row_of = attrgetter(*COLUMNS)
_samples = TypeAdapter(Sample)


def write_csv(samples: Iterable[Sample]) -> bytes:
    """Gzipped CSV (UTF-8, header; commas and line ends as in RFC 4180) with one row for each distinct sample.

    Rows are sorted by lane, step, kind, burst and index, and the gzip header carries no time, so the same samples in
    any order give the same bytes. What is missing is an empty field, never zero; true and false are written so. A text
    that begins like a formula is preceded by `'`, which `read_csv` takes away.
    """
    text = csv_text(COLUMNS, map(_row_of, distinct(samples)[0]))
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """CSV with a header, commas and line ends as in RFC 4180; None is an empty field, true and false are words."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_field(value) for value in row])
    return text.getvalue()


def read_csv(data: bytes) -> list[Sample]:
    """Samples of a file that `write_csv` made.

    Raises
    ------
    ValueError
        The data is not a gzipped CSV of samples; the text names the first row and column that is wrong.
    """
    try:
        text = gzip.decompress(data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"samples: no gzipped UTF-8 text ({error})") from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    unknown = set(rows.fieldnames or ()) - set(COLUMNS)
    if unknown:
        raise ValueError(f"samples: column {sorted(unknown)[0]!r} is none of a sample's")
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            found.append(_samples.validate_python({name: _value(name, cell) for name, cell in row.items()}))
        except ValidationError as error:
            first = error.errors()[0]
            column = ".".join(str(part) for part in first["loc"]) or "row"
            raise ValueError(f"samples: line {number}, {column}: {first['msg']}") from None
    return found


def _value(name: str, cell: object) -> object:
    if cell == "" and name in _MAY_BE_MISSING:
        return None
    return of_spreadsheet_text(cell) if isinstance(cell, str) else cell  # no text: too few cells, or too many


def _field(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return spreadsheet_text(value)
    return repr(float(value)) if isinstance(value, float) else value
