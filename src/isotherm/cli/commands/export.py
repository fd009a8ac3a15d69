"""`isotherm export`: every sample of a campaign, its comparisons, or a load's phases or seconds, for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption


class Format(StrEnum):
    """What can be written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Of(StrEnum):
    """Which rows of a campaign can be exported."""

    SAMPLES = "samples"
    PHASES = "phases"
    SECONDS = "seconds"
    COMPARISONS = "comparisons"


WhatArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A campaign's id, a report's folder, or its samples.csv.gz.")
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="Parquet needs pyarrow (isotherm[parquet]).")]
FileOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write, - for standard output (else samples.FORMAT, or as --of says)."),
]
OfOption = Annotated[
    Of | None,
    typer.Option("--of", help="Of a load: its phases (unless told otherwise), or its seconds; or how targets compare."),
]


def export(
    what: WhatArgument,
    format_: FormatOption = Format.CSV,
    output: FileOption = None,
    of: OfOption = None,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Write every sample of a campaign, used or not, one row each; what is missing is empty, never zero.

    A load has no samples: of it the phases are written, or with --of seconds its seconds. With --of comparisons each
    target is written against the first, with medians, p95s, differences, ratios and adjusted p-values.
    """
    import json
    import sys

    from isotherm.cli.console import remarks
    from isotherm.cli.errors import BadInput, Failed
    from isotherm.cli.reports import results_of, shown_path
    from isotherm.local.writing import written
    from isotherm.report.files import exports

    to_stdout = str(output) == "-"
    if to_stdout and as_json:
        raise BadInput("--json: says where the file is; with --output - the rows themselves go to standard output")
    if format_ is Format.PARQUET and not exports.can_parquet():
        raise Failed(f"parquet needs pyarrow, which is not installed: {exports.PARQUET_HINT}; or --format csv")
    side = results_of(what, "ID", Place(on, stack, home))
    loads = side.summary.loads if side.summary else []
    rows_of = of or (Of.PHASES if loads and not side.samples else Of.SAMPLES)
    if rows_of is Of.SAMPLES:
        found = exports.sample_rows(side.samples)
    elif rows_of is Of.COMPARISONS:
        found = exports.comparison_rows(side.summary.comparisons if side.summary else [])
    else:
        found = exports.phase_rows(loads) if rows_of is Of.PHASES else exports.second_rows(loads)
    if not found.rows:
        raise Failed(f"{what} has no {rows_of.value} to export; isotherm report {what} says what became of it")
    data = exports.WRITERS[format_.value](found)
    if to_stdout:
        sys.stdout.buffer.write(data)
        return
    path = output or Path(f"{rows_of.value}.{format_.value}")
    with written(path):
        path.write_bytes(data)
    if as_json:
        print(json.dumps({"file": str(path), "format": format_.value, rows_of.value: len(found.rows)}, indent=2))
    else:
        remarks().print(f"{len(found.rows):,} {rows_of.value}: {shown_path(path)}", markup=False, soft_wrap=True)
