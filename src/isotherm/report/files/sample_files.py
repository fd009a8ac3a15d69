"""Files of samples to rows: CSV (gzipped or not), JSON lines, Parquet. Knows forms, and not what a sample is."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, cast

from isotherm.printable import of_spreadsheet_text
from isotherm.report.files.exports import PARQUET_HINT, can_parquet

Row = tuple[int, Mapping[str, object]]
CheckColumns = Callable[[list[str]], None]

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"

#: A longer field is no sample's: a quote was opened and never closed.
_LONGEST_FIELD = 1 << 20


class BadFile(ValueError):
    """A file that has not the form which its content begins with; the text says where."""


class NoParquet(Exception):
    """A Parquet file, and nothing here that reads it; the text says what to install."""


def rows_of(file: BinaryIO, check_columns: CheckColumns) -> Iterator[Row]:
    """Rows of a file in whichever form it is, told by how it begins.

    Parameters
    ----------
    file : binary file
        At its beginning; it is read as far as rows are asked for.
    check_columns : callable
        Is given the names of all columns before the first row, where the form has a header; raises where it misses one.

    Yields
    ------
    (int, mapping)
        Number of the line (of a Parquet file, of the row), and values by column.

    Raises
    ------
    BadFile
        It is none of these, or is broken.
    NoParquet
        pyarrow is not installed.
    """
    line = 0
    try:
        plain = _peeked(file)
        if plain.peek(2)[:2] == _GZIP:
            plain = _peeked(cast(BinaryIO, gzip.GzipFile(fileobj=plain)))
        begin = plain.peek(64)
        if begin[:4] == _PARQUET:
            rows = _parquet(plain.read(), check_columns)
        else:
            begin = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
            text = io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
            rows = _json_lines(text) if begin[:1] in (b"{", b"[") else _csv(text, check_columns)
        for line, row in rows:
            yield line, row
    except UnicodeDecodeError:
        raise BadFile(f"after line {line}: not UTF-8 text, nor gzip, nor Parquet") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        raise BadFile(f"after line {line}: gzip data that is broken or cut off ({problem})") from None


def _peeked(file: BinaryIO) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, file), 1 << 20)


def _csv(text: io.TextIOWrapper, check_columns: CheckColumns) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    # Strict: a quote that is closed too late would make one value of all rows between.
    rows = csv.reader(text, strict=True)
    try:
        columns = [name.strip() for name in next(filter(None, rows), [])]
        if not any(columns):
            raise BadFile("nothing in it: a header with the names of the columns is needed")
        if "" in columns:
            raise BadFile(f"line {rows.line_num}: column {columns.index('') + 1} has no name")
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise BadFile(f"line {rows.line_num}, {twice[0]}: two columns have this name")
        for other, called in ((";", "semicolons"), ("\t", "tabs")):
            if len(columns) == 1 and other in columns[0]:
                raise BadFile(f"line {rows.line_num}: columns are separated by {called}; commas are needed")
        check_columns(columns)
        for row in rows:
            if not row:
                continue
            if len(row) != len(columns):
                raise BadFile(f"line {rows.line_num}: {len(row)} values for the {len(columns)} columns of the header")
            yield rows.line_num, dict(zip(columns, map(of_spreadsheet_text, row), strict=True))
    except csv.Error as problem:
        raise BadFile(f"line {rows.line_num}: not CSV ({problem})") from None


def _json_lines(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise BadFile(f"line {number}: not a JSON object on a line of its own") from None
        if not isinstance(row, dict):
            raise BadFile(f"line {number}: not a JSON object; one object a line is needed (jq -c '.[]' makes them)")
        yield number, row


def _parquet(data: bytes, check_columns: CheckColumns) -> Iterator[Row]:
    if not can_parquet():
        raise NoParquet(f"Parquet needs pyarrow, which is not installed: {PARQUET_HINT}")
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file: Any = parquet.ParquetFile(pa.BufferReader(data))
        columns = list(file.schema_arrow.names)
        check_columns(columns)
        number = 0
        for batch in file.iter_batches():
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, dict(zip(columns, values, strict=True))
    except (pa.ArrowException, OSError) as problem:
        raise BadFile(f"Parquet that is broken or cut off ({problem})") from None
