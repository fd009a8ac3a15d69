"""The rows as a table for a terminal, and as docs/reliability.md."""

from __future__ import annotations

import time
from pathlib import Path

from rich.table import Table

from .driver import Results
from .faults import FAULTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"

COLUMNS = ("fault", "times", "planned", "sent", "accounted", "lost", "left behind")


def table(results: Results) -> Table:
    """The rows, for a terminal."""
    shown = Table(*COLUMNS, title=f"faults thrown at campaigns on the embedded stack, seed {results.seed}")
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in results.rows:
        shown.add_row(*map(str, vars(row).values()), style="red" if row.lost or row.left_behind else None)
    return shown


def write_page(results: Results) -> None:
    """Write docs/reliability.md."""
    PAGE.write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """docs/reliability.md."""
    what = {fault.name: fault.what for fault in FAULTS}
    rows = [
        f"| {row.fault}: {what[row.fault]} | {' | '.join(map(str, list(vars(row).values())[1:]))} |"
        for row in results.rows
    ]
    return "\n".join(rows) + "\n" + time.strftime("%Y-%m-%d") + "\n"
