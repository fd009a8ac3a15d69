"""Samples as files for other programs: CSV, JSON lines, Parquet. The columns are the fields of `Sample`, in order."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, get_args, get_type_hints

from isotherm.accounting import distinct
from isotherm.report.csv import COLUMNS, write_csv
from isotherm.sample import Sample

PARQUET_HINT = "pip install 'isotherm[parquet]' (in this checkout: .venv/bin/uv pip install -e '.[parquet]')"


def csv_bytes(samples: Iterable[Sample]) -> bytes:
    """CSV as `isotherm.report.csv` writes it, not compressed."""
    return gzip.decompress(write_csv(samples))


def jsonl_bytes(samples: Iterable[Sample]) -> bytes:
    """One JSON object a line, in the order of the CSV; null where there is nothing."""
    lines = (json.dumps(asdict(sample), ensure_ascii=False, separators=(",", ":")) for sample in distinct(samples)[0])
    return "".join(f"{line}\n" for line in lines).encode()


def can_parquet() -> bool:
    """Whether pyarrow is there."""
    return importlib.util.find_spec("pyarrow") is not None


def parquet_bytes(samples: Iterable[Sample]) -> bytes:
    """Parquet with a typed column for each field; null where there is nothing.

    Raises
    ------
    ImportError
        pyarrow is not installed (`can_parquet`).
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    hints = get_type_hints(Sample)
    schema = pa.schema([(name, kinds.get(_kind(hints[name]), pa.string())) for name in COLUMNS])
    rows = distinct(samples)[0]
    table = pa.table({name: [getattr(row, name) for row in rows] for name in COLUMNS}, schema=schema)
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _kind(hint: Any) -> type:
    """The one type of a field that may be missing; text for a choice of words."""
    kinds = [kind for kind in get_args(hint) if kind in (str, int, float, bool)] or [hint]
    return kinds[0] if isinstance(kinds[0], type) else str


WRITERS: dict[str, Callable[[Iterable[Sample]], bytes]] = {
    "csv": csv_bytes,
    "jsonl": jsonl_bytes,
    "parquet": parquet_bytes,
}
