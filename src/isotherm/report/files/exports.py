"""Results as files for other programs: CSV, JSON lines, Parquet. What is missing is empty or null, never zero.

Of samples the columns are the fields of `Sample`, in order; of loads those of `LoadRun` and of its phases or seconds,
of comparisons those of `TargetComparison` and of its result.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_type_hints

from pydantic import BaseModel

from isotherm.analysis.accounting import distinct
from isotherm.analysis.summary import (
    ComparisonInWords,
    LoadRow,
    LoadRun,
    LoadSecond,
    TargetComparison,
    TargetDifference,
)
from isotherm.analysis.words.loads import is_reported
from isotherm.load.result import KINDS
from isotherm.measurement.sample import Sample
from isotherm.report.files.samples_csv import csv_text

PARQUET_HINT = "pip install 'isotherm[parquet]' (in this checkout: .venv/bin/uv pip install -e '.[parquet]')"


class Rows(NamedTuple):
    """What is written: the columns with their types, and a row for each thing."""

    kinds: dict[str, type]
    rows: Sequence[Sequence[Any]]


def sample_rows(samples: Iterable[Sample]) -> Rows:
    """Every distinct sample, used or not."""
    hints = get_type_hints(Sample)
    kinds = {field.name: _kind(hints[field.name]) for field in fields(Sample)}
    return Rows(kinds, [attrgetter(*kinds)(sample) for sample in distinct(samples)[0]])


_OF_RUN = ("lane_key", "target", "region", "client_region", "protocol", "round", "fires")
#: Numbers of a phase of which nothing was reported; they are none, and not zero.
_UNKNOWN = ("sent", "succeeded", "wall_s", "cold_starts")


def phase_rows(loads: Iterable[LoadRun]) -> Rows:
    """The phases of every load, and all of them together; failures have a column for each kind.

    `latency_us` (of requests that succeeded) and `failed_after_us` are HdrHistogram's compressed text, which its tools
    read; the row of all phases has none. `at_least` names the times that can be longer, with spaces between them.
    """
    of_phase = {name: kind for name, kind in _kinds(LoadRow).items() if name not in ("name", "failed")}
    failed = {"failed": int, **{f"failed_{kind}": int for kind in KINDS}}
    kinds = {**_kinds(LoadRun, _OF_RUN), "phase": str, **of_phase, **failed, "latency_us": str, "failed_after_us": str}
    rows = []
    for run in loads:
        for row in run.rows:
            known = is_reported(row)
            values = {**_values(run, _OF_RUN), "phase": row.name, **_values(row, of_phase)}
            values |= {"failed": sum(row.failed.values()), **{f"failed_{k}": row.failed.get(k, 0) for k in KINDS}}
            values |= {} if known else dict.fromkeys([*failed, *_UNKNOWN])
            values["latency_us"] = run.latency_us.get(row.name)
            values["failed_after_us"] = run.failed_after_us.get(row.name)
            values["at_least"] = " ".join(row.at_least)
            rows.append([values[name] for name in kinds])
    return Rows(kinds, rows)


def second_rows(loads: Iterable[LoadRun]) -> Rows:
    """Every second of every load in which something was sent or ended."""
    of_second = _kinds(LoadSecond)
    kinds = {**_kinds(LoadRun, _OF_RUN), **of_second}
    found = [{**_values(run, _OF_RUN), **_values(second, of_second)} for run in loads for second in run.seconds]
    return Rows(kinds, [[values[name] for name in kinds] for values in found])


def comparison_rows(comparisons: Iterable[TargetComparison]) -> Rows:
    """Each target against the baseline in each metric: the cell, both medians and p95s, difference, ratio and p."""
    of_cell = [name for name in _kinds(TargetDifference) if name not in ("target", "baseline", "result")]
    hints = get_type_hints(ComparisonInWords)
    kinds = {"baseline": str, "target": str, **{name: _kinds(TargetDifference)[name] for name in of_cell}}
    kinds |= {field.name: _kind(hints[field.name]) for field in fields(ComparisonInWords)}
    rows = []
    for found in comparisons:
        values = {"is_sure": found.is_sure, **_values(found, ("baseline", "target", *of_cell)), **asdict(found.result)}
        rows.append([values[name] for name in ("is_sure", *kinds)])
    return Rows({"is_sure": bool, **kinds}, rows)


def _kinds(model: type[BaseModel], names: Iterable[str] | None = None) -> dict[str, type]:
    hints = get_type_hints(model)
    return {name: _kind(hints[name]) for name in names or model.model_fields}


def _values(found: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def csv_bytes(found: Rows) -> bytes:
    """CSV as `isotherm.report.files.samples_csv` writes it, not compressed."""
    return csv_text(found.kinds, found.rows).encode()


def jsonl_bytes(found: Rows) -> bytes:
    """One JSON object a line, in the order of the CSV; null where there is nothing."""
    rows = (dict(zip(found.kinds, row, strict=True)) for row in found.rows)
    return "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows).encode()


def can_parquet() -> bool:
    """Whether pyarrow is there."""
    return importlib.util.find_spec("pyarrow") is not None


def parquet_bytes(found: Rows) -> bytes:
    """Parquet with a typed column for each field; null where there is nothing.

    Raises
    ------
    ImportError
        pyarrow is not installed (`can_parquet`).
    """
    import pyarrow as pa
    from pyarrow import parquet

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in found.kinds.items()])
    columns = {name: [row[place] for row in found.rows] for place, name in enumerate(found.kinds)}
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def _kind(hint: Any) -> type:
    """The one type of a field that may be missing; text for a choice of words."""
    kinds = [kind for kind in get_args(hint) if kind in (str, int, float, bool)] or [hint]
    return kinds[0] if isinstance(kinds[0], type) else str


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": csv_bytes,
    "jsonl": jsonl_bytes,
    "parquet": parquet_bytes,
}
