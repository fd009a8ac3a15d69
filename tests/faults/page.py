"""The rows as a table for a terminal, and as docs/reliability.md."""

from __future__ import annotations

import time
from pathlib import Path

from rich.table import Table

from .driver import Results, Row
from .faults import FAULTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"

COLUMNS = ("fault", "times", "planned", "sent", "accounted", "lost", "left behind")

INTRODUCTION = """\
# Reliability

What becomes of a campaign when something goes wrong in the middle of it. Each fault below was thrown at a small
campaign (two functions, 3 cold and 4 warm calls each, where its row does not say otherwise) on the embedded stack, at a
moment drawn from a seed, and what was left was judged from outside:

- **sent** is what was really sent. Each call is counted by the measured function itself, in a file that Isotherm knows
  nothing of (of calls over HTTP, by its log), and by the shots in the bucket.
- **accounted** is what the campaign's report says was sent: samples, failed ones among them, and uncollected calls.
  Where the embedded stack itself ends, all that it held ends with it: its calls count as accounted for where the person
  was told so, and only there.
- **lost** are calls that were sent and are neither samples nor uncollected, samples or uncollected calls that were
  never sent, and samples that are there twice. Only of a client that was killed may a few more be uncollected than were
  sent, at most those it had announced together. It must be 0, and every sum must balance, of each cell and of the
  whole.
- **left behind** is each fact of a function that is not as before, byte for byte (configuration, code, versions,
  aliases), except for what somebody else changed on purpose, and each lease, running execution and scratch folder that
  is still there. It must be 0.
- Besides, each command must end with the right exit code and say what happened in words, without a traceback.

```
python -m tests.faults                        all of it; writes this page
python -m tests.faults --quick                a tenth of it; `make test` holds it too
python -m tests.faults --only 'outsider-*'    some of it; --list names them; --merge FILE keeps the other rows
python -m tests.faults --json --seed 7        for a program, other moments
```

The embedded stack is kinder than AWS in places and harsher in others ([decisions.md](decisions.md), "What is
emulated"); none of this was run on AWS.
"""


def table(results: Results) -> Table:
    """The rows, for a terminal."""
    shown = Table(*COLUMNS, title=f"faults thrown at campaigns on the embedded stack, seed {results.seed}")
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in results.rows:
        shown.add_row(*_cells(row), style="red" if row.lost or row.left_behind else None)
    return shown


def page(results: Results, date: str) -> str:
    """The text of docs/reliability.md."""
    what = {fault.name: fault.what for fault in FAULTS}
    times = sum(row.times for row in results.rows)
    lines = [
        INTRODUCTION,
        f"Made on {date} on the embedded stack, seed {results.seed}: {times} faults of {len(results.rows)} kinds.\n",
        f"| what is done | {' | '.join(COLUMNS)} |",
        f"|---|---|{'---:|' * (len(COLUMNS) - 1)}",
        *(f"| {what[row.fault]} | {' | '.join(_cells(row))} |" for row in results.rows),
    ]
    if missing := [fault.name for fault in FAULTS if fault.name not in {row.fault for row in results.rows}]:
        lines += ["", f"Not thrown in this run: {', '.join(missing)}."]
    if results.problems:
        lines += ["", "What was wrong:", ""]
        lines += [f"- {fault}: {' '.join(problem.split())}" for fault, problem in dict.fromkeys(results.problems)]
    return "\n".join(lines) + "\n"


def write_page(results: Results) -> None:
    """Write docs/reliability.md."""
    PAGE.write_text(page(results, time.strftime("%Y-%m-%d")), encoding="utf-8")


def _cells(row: Row) -> list[str]:
    numbers = (row.times, row.planned, row.sent, row.accounted, row.lost, row.left_behind)
    return [row.fault, *map(str, numbers)]
