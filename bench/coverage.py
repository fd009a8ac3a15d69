"""Whether what a summary, a comparison, a trend and a load say holds: simulated from samples on, against a known truth.

Run: python -m bench.coverage [--quick] [--only GROUP,...] [--json] [--seed N] [--write docs/statistics.md]

Each trial makes samples, reads them as `isotherm analyse` reads a file, and has them computed by the functions that the
commands and the control functions call. What is judged are the fields that those give, and the verdict of a campaign
from its headline too. Beside each stands the former method on the same samples, written anew here in a few lines.
`bench/known_truth/` has a module for each kind of claim, which says what is made up and what the former method was.

Goals: of intervals that say 95 % the true value lies inside in .93 to .975 of cases. (Those of p95 and p99 have no
upper goal: an interval that is open on one side, or of order statistics alone, holds more by its nature.) What should
be said in at most .05 of cases, of all that is compared together, is said in at most .06. What truly differs is found
nine tenths as often as by the best honest method known. The exit code is 1 where a goal is missed by more than the
Monte Carlo error, which is two standard errors.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.known_truth.campaigns import EqualTargets, SlowerTarget
from bench.known_truth.claims import Case, Experiment, Row, row_of
from bench.known_truth.gate import LIMIT, BeforeAndAfter, SideBySide
from bench.known_truth.loads import EveryFifthSlow
from bench.known_truth.shapes import SHAPES
from bench.known_truth.slopes import CostlyImports, NothingImported
from bench.known_truth.stopping import Stopped
from bench.known_truth.trends import EqualSessions, HourOfDay, NoDrift
from isotherm import __version__

BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"

#: Trials of an experiment that are made in one go.
_CHUNK = 20

#: An experiment and how many trials of it are made.
Asked = tuple[Experiment, int]


def groups(*, quick: bool) -> Mapping[str, list[Asked]]:
    """What is simulated, by the kind of claim; quickly a selection of it."""
    return {
        "campaigns": _campaigns(quick=quick),
        "power": _power(quick=quick),
        "stopping": _stopping(quick=quick),
        "compare": _compare(quick=quick),
        "trends": _trends(quick=quick),
        "drift": _drift(quick=quick),
        "slopes": _slopes(quick=quick),
        "loads": [(EveryFifthSlow(shape="20 ms, 3 s", status=of, rounds=1, calls=1000), 10) for of in (200, 504)],
    }


def _campaigns(*, quick: bool) -> list[Asked]:
    shapes = ("two modes", "lognormal") if quick else tuple(SHAPES)
    shares = (0.0, 0.1, 0.3) if quick else (0.0, 0.02, 0.1, 0.3)
    trials = 20 if quick else 120
    found: list[Asked] = [
        (EqualTargets(shape=shape, icc=icc, rounds=rounds), trials)
        for shape in shapes
        for rounds in (2, 5, 10)
        for icc in shares
    ]
    return found + [(EqualTargets(shape="two modes", icc=icc, calls=500), trials // 2) for icc in (0.1, 0.3)]


def _power(*, quick: bool) -> list[Asked]:
    return [
        (SlowerTarget(shape=shape, icc=icc, rounds=rounds, slower=slower), 20 if quick else 120)
        for shape in (("lognormal",) if quick else ("two modes", "lognormal"))
        for rounds in ((10,) if quick else (5, 10))
        for icc in (0.0, 0.1)
        for slower in (0.05, 0.1, 0.3)
    ]


def _stopping(*, quick: bool) -> list[Asked]:
    widths = {"two modes": 0.05, "lognormal": 0.15, "heavy tail": 0.3, "whole ms": 0.05}
    return [
        (Stopped(shape=shape, icc=icc, rounds=40, calls=400, width=widths[shape]), 40 if quick else 200)
        for shape in (("lognormal",) if quick else tuple(SHAPES))
        for icc in (0.0, 0.1, 0.3)
    ]


def _compare(*, quick: bool) -> list[Asked]:
    trials = 15 if quick else 120
    found: list[Asked] = [(BeforeAndAfter(factor=factor), trials) for factor in (1.0, 1.42, 2.18)]
    if not quick:
        found.append((BeforeAndAfter(factor=1.42, icc=0.1), trials))
        found += [(BeforeAndAfter(factor=1.42, slower=slower), trials // 2) for slower in (0.1, 0.3, 1.0)]
    return found + [
        (SideBySide(shape=shape, icc=icc, rounds=20, calls=200, slower=slower), 40 if quick else 200)
        for shape in (("two modes",) if quick else ("two modes", "lognormal"))
        for icc in (0.0, 0.1, 0.3)
        for slower in (0.0, LIMIT)
    ]


def _trends(*, quick: bool) -> list[Asked]:
    trials = 10 if quick else 120
    found: list[Asked] = [(EqualSessions(icc=icc), 2 * trials) for icc in ((0.3,) if quick else (0.0, 0.1, 0.3))]
    return found + [(HourOfDay(shape="two modes", slower=slower, rounds=3, calls=30), trials) for slower in (0.0, 0.02)]


def _drift(*, quick: bool) -> list[Asked]:
    followed = (0.5,) if quick else (0.0, 0.3, 0.5)
    return [(NoDrift(shape="two modes", rho=rho, rounds=3, calls=9), 10 if quick else 120) for rho in followed]


def _slopes(*, quick: bool) -> list[Asked]:
    trials = 20 if quick else 120
    shares = (0.1,) if quick else (0.0, 0.1, 0.3)
    found: list[Asked] = [(NothingImported(shape="two modes", icc=icc, rounds=10), trials) for icc in shares]
    return found + [
        (CostlyImports(shape=shape, icc=icc, rounds=10), trials)
        for shape in (("two modes",) if quick else ("two modes", "lognormal"))
        for icc in shares
    ]


def _trials(experiment: Experiment, seed: int, chunk: int, trials: int) -> list[Case]:
    rng = np.random.default_rng([seed, chunk, experiment.key])
    return [case for _ in range(trials) for case in experiment.trial(rng)]


def simulated(asked: Sequence[Asked], seed: int, *, processes: int = 2) -> list[Row]:
    """All rows; the same seed gives the same, in however many processes and with whatever else is asked."""
    chunks = [
        (place, experiment, chunk, min(_CHUNK, trials - chunk * _CHUNK))
        for place, (experiment, trials) in enumerate(asked)
        for chunk in range(-(-trials // _CHUNK))
    ]
    cases: list[dict[str, list[Case]]] = [{} for _ in asked]
    with ProcessPoolExecutor(processes) as pool:
        made_of = [pool.submit(_trials, experiment, seed, chunk, trials) for _, experiment, chunk, trials in chunks]
        for (place, *_), future in zip(chunks, made_of, strict=True):
            for case in future.result():
                cases[place].setdefault(case.claim.name, []).append(case)
    rows = [row_of(experiment, of) for (experiment, _), by in zip(asked, cases, strict=True) for of in by.values()]
    order = list(dict.fromkeys(row.claim for row in rows))
    return sorted(rows, key=lambda row: order.index(row.claim))


def _number(value: float | None, row: Row) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} ms" if row.unit == "ms" else f"{value:.3f}"


def cells_of(row: Row) -> list[str]:
    """A row of the table as text."""
    error = "" if row.new is None or row.unit == "ms" else f" ± {row.error:.3f}"
    return [
        row.claim,
        row.shape,
        f"{row.rounds} x {row.per_round}",
        f"{row.icc:g}",
        "" if row.nominal is None else f"{row.nominal:g}",
        _number(row.old, row),
        _number(row.new, row) + error,
        "" if row.best is None else _number(row.best, row),
        f"{row.stated:.0%}",
        row.verdict,
    ]


HEADS = ("claim", "times", "rounds x calls", "ICC", "nominal", "former", "now", "best", "stated", "goal")
_WIDTHS = (75, 10, 14, 4, 7, 8, 13, 6, 6, 11)


def markdown(rows: list[Row], seed: int, *, quick: bool) -> str:
    """The table for docs/statistics.md: a line for each claim, shape and number of rounds, a column for each ICC.

    Lines in which nothing is claimed by either method are left out.
    """
    shares = sorted({row.icc for row in rows})
    lines: dict[tuple[str, ...], dict[float, Row]] = {}
    for row in rows:
        if row.new is not None or row.old is not None:
            claim, shape, rounds, *_ = cells_of(row)
            lines.setdefault((claim, shape, rounds), {})[row.icc] = row
    heads = ["claim", "times", "rounds x calls", *(f"ICC {share:g}" for share in shares), "±", "goal"]
    table = [heads, ["---"] * len(heads)]
    for place, by_share in lines.items():
        known = [by_share.get(share) for share in shares]
        error = max((row.error for row in by_share.values()), default=0.0)
        missed = [f"{share:g}" for share, row in by_share.items() if row.verdict == "missed"]
        verdicts = list(dict.fromkeys(row.verdict for row in by_share.values() if row.verdict not in ("missed", "")))
        goal = f"missed at {', '.join(missed)}" if missed else ", ".join(verdicts)
        table.append([*place, *map(_sides, known), f"{error:.3f}", goal])
    how = "python -m bench.coverage" + (" --quick" if quick else "")
    return "\n".join(
        [f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{how} --seed {seed}`.", ""]
        + [f"| {' | '.join(line)} |" for line in table]
    )


def _sides(row: Row | None) -> str:
    """Former, now, and best where there is one."""
    if row is None:
        return ""
    values = [row.old, row.new] if row.best is None else [row.old, row.new, row.best]
    return ", ".join(_number(value, row) for value in values)


def write_into(document: Path, table: str) -> None:
    """Put the table between the document's marks, in place of what stands there."""
    before, begin, rest = document.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{document}: there are no marks {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def main() -> None:
    """Simulate, and print a table, or with --json one object; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0] if __doc__ else None,
        epilog="exit code 1: a goal was missed by more than the Monte Carlo error",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a selection, with fewer trials: half a minute on two calm cores"
    )
    parser.add_argument("--only", metavar="GROUP,...", help=f"of {', '.join(groups(quick=True))}")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at once; 2 unless told otherwise")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    parser.add_argument("--write", type=Path, metavar="FILE", help="document to put the table into, between its marks")
    options = parser.parse_args()
    every = groups(quick=options.quick)
    names = options.only.split(",") if options.only else list(every)
    if unknown := [name for name in names if name not in every]:
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(every)}")
    begin = time.perf_counter()
    rows = simulated([asked for name in names for asked in every[name]], options.seed, processes=options.processes)
    took = time.perf_counter() - begin
    missed = [row for row in rows if row.verdict == "missed"]
    if options.json:
        found = {"version": __version__, "seed": options.seed, "quick": options.quick, "seconds": round(took, 1)}
        print(json.dumps({**found, "missed": len(missed), "rows": [asdict(row) for row in rows]}))
    else:
        for cells in [HEADS, *map(cells_of, rows)]:
            print(" ".join(f"{cell:{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip())
        print(f"{len(missed)} of {len(rows)} rows miss their goal; seed {options.seed}, {took:.0f} s")
    if options.write:
        write_into(options.write, markdown(rows, options.seed, quick=options.quick))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
