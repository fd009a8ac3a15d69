"""Whether the intervals and verdicts of a summary hold: simulated from samples to headline, nominal against measured.

Run: python -m bench.coverage [--quick] [--json] [--seed N] [--write docs/statistics.md]

Each trial is a campaign of five equal targets (one of them slower where power is asked), its rows read as `isotherm
analyse` reads a file and computed by the same functions. What is judged is read from the summary's fields, and the
verdict from its headline too. A call is F^-1(Phi(sqrt(ICC) B + sqrt(1 - ICC) E)), B one number of its target and round
and E its own, both standard normal: so F, and with it the true median, is the same whatever the ICC, which is the share
of the variance that lies between rounds.

Beside it stands the former method on the same samples, written anew here in a few lines: order statistics over all
calls for quantiles, and for verdicts whether any of the four two-sided Mann-Whitney tests of all calls against all
calls is below .05, with no correction for their number.

Goal: of intervals that say 95 % the true value lies inside in .93 to .975 of cases. (Those of p95 and p99 have no upper
goal: an interval that is open on one side, or of order statistics alone, holds more by its nature.) Of five equal
targets any is told apart in at most .06 of campaigns. The exit code is 1 where a goal is missed by more than the Monte
Carlo error, which is two standard errors.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from isotherm import __version__
from isotherm.analysis.accounting import distinct
from isotherm.analysis.aggregate import summary_of
from isotherm.analysis.design import observed_design
from isotherm.analysis.raw_samples import read_samples
from isotherm.campaign.lane import TargetFunction
from isotherm.campaign.plan import RegionInventory

Floats = NDArray[np.float64]
Verdict = Literal["held", "missed", "wide", "not claimed", ""]

TARGETS = ("default", "pkg20", "pkg50", "size20", "size50")
LOWEST, HIGHEST = 0.93, 0.975
MOST_FALSE = 0.06
METRIC = "init_duration_ms"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
_CHUNK = 25


def _lognormal(u: Floats) -> Floats:
    times: Floats = 91.0 * np.exp(0.25 * stats.norm.ppf(u))
    return times


def _two_modes(u: Floats) -> Floats:
    """One call of ten is a third slower: median 91, p95 about 118, as published for a small Python function."""
    grid, heights = _two_modes_grid()
    return np.interp(u, heights, grid)


@cache
def _two_modes_grid() -> tuple[Floats, Floats]:
    grid = np.linspace(55.0, 190.0, 20_001)
    heights = 0.9 * stats.norm.cdf(np.log(grid / 90.3), scale=0.05) + 0.1 * stats.norm.cdf(
        np.log(grid / 118.0), scale=0.05
    )
    return grid, heights


def _heavy(u: Floats) -> Floats:
    """Pareto with alpha 2.5: the variance is finite, the third moment is not."""
    return 69.0 * (1.0 - u) ** (-1 / 2.5)


def _whole_ms(u: Floats) -> Floats:
    return np.round(_two_modes(u))


SHAPES: Mapping[str, Callable[[Floats], Floats]] = {
    "lognormal": _lognormal,
    "two modes": _two_modes,
    "heavy tail": _heavy,
    "whole ms": _whole_ms,
}


@dataclass(frozen=True)
class Scenario:
    """Campaigns that are alike; `slower` is by which share the last target is, `imports` whether they are measured."""

    shape: str
    icc: float
    rounds: int
    calls: int = 50
    slower: float = 0.0
    imports: bool = False


@dataclass(frozen=True)
class Row:
    """One claim in one scenario: what it says, and what was measured, by the former method and by this version.

    `stated` is the share of cases in which the claim was made at all; `error` is two standard errors of `new`.
    """

    claim: str
    shape: str
    icc: float
    rounds: int
    calls: int
    nominal: float | None
    old: float | None
    new: float | None
    stated: float
    error: float
    verdict: Verdict


def made(scenario: Scenario, rng: np.random.Generator) -> Floats:
    """Times of one campaign: target, round, call."""
    per_round = scenario.calls // scenario.rounds
    luck = rng.standard_normal((len(TARGETS), scenario.rounds, 1))
    own = rng.standard_normal((len(TARGETS), scenario.rounds, per_round))
    latent = math.sqrt(scenario.icc) * luck + math.sqrt(1 - scenario.icc) * own
    times = SHAPES[scenario.shape](stats.norm.cdf(latent))
    times[-1] *= 1 + scenario.slower
    if scenario.imports:  # they start later one after another, and not because of what they import
        times *= 1 + 0.1 * np.arange(len(TARGETS)).reshape(-1, 1, 1)
    return times


def analysed(times: Floats, imports: Floats | None = None) -> dict[str, Any]:
    """The summary's document of such times, by the functions of `isotherm analyse`."""
    raw = read_samples(_rows(times, imports))
    kept, repeats = distinct(raw.samples)
    design = observed_design(raw.samples, name="coverage", version=__version__, platform="aws", baseline=TARGETS[0])
    if imports is not None:
        design = replace(design, inventory=[_archives()])  # which samples do not say
    return summary_of(design, kept, repeats).model_dump()


@cache
def _archives() -> RegionInventory:
    """Archives of different sizes: 10 MB more from target to target."""
    functions = [
        TargetFunction(
            target=target,
            region="us-east-1",
            function_name=target,
            memory_mb=128,
            timeout_s=30,
            runtime="python3.13",
            architecture="x86_64",
            code_size_bytes=1000 + 10_000_000 * place,
            code_sha256="",
            log_group="",
        )
        for place, target in enumerate(TARGETS)
    ]
    return RegionInventory(region="us-east-1", targets=functions, concurrency_limit=1000, unreserved_concurrency=1000)


def _rows(times: Floats, imports: Floats | None) -> Iterator[tuple[int, dict[str, object]]]:
    common = {"region": "us-east-1", "memory_mb": 128, "kind": "cold", "verdict": "used"}
    line = 1
    for place, of_target in enumerate(times.tolist()):
        for number, of_round in enumerate(of_target):
            for call, value in enumerate(of_round):
                line += 1
                row = {**common, "target": TARGETS[place], "round": number, METRIC: value}
                if imports is not None:
                    row["import_ms"] = float(imports[place, number, call])
                yield line, row


def tells_apart(headline: str) -> bool:
    """Whether a headline says of two targets that one is later than the other."""
    finding = headline.partition(";")[0]
    told = " later than " in finding or " earlier than " in finding
    return told and not any(doubt in finding for doubt in (" about ", "cannot be told", "too few"))


def is_sure(comparison: Mapping[str, Any]) -> bool:
    """Whether a comparison tells two targets apart by its corrected p."""
    p = comparison["p_holm"]
    return p is not None and p < 0.05


def _is_without_0(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= 0 <= high


def _covers(summary: Mapping[str, Any], name: str, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where none is claimed. An end that is open holds everything."""
    low, high = summary[f"{name}_low"], summary[f"{name}_high"]
    if (low is None and high is None) or (name != "mean" and summary.get("scope") == "these_rounds"):
        return None
    return (low is None or low <= truth) and (high is None or truth <= high)


def _of_order_statistics(values: Floats, q: float, truth: float) -> bool:
    """Whether the former interval of a quantile holds the truth: the widest ranks of exact binomial coverage."""
    ordered = np.sort(values)
    low = int(stats.binom.ppf(0.025, ordered.size, q))
    high = int(stats.binom.ppf(0.975, ordered.size, q)) + 1
    return (low < 1 or ordered[low - 1] <= truth) and (high > ordered.size or truth <= ordered[high - 1])


QUANTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99}


def _trials(scenario: Scenario, seed: int, chunk: int, trials: int) -> dict[str, list[tuple[bool | None, bool | None]]]:
    """By claim: for each case whether it held by the former method, and by this version."""
    rng = np.random.default_rng([seed, chunk, *(int(1000 * part) for part in _numbers(scenario))])
    truths, mean = true_values(scenario.shape)
    found: dict[str, list[tuple[bool | None, bool | None]]] = {}
    for _ in range(trials):
        times = made(scenario, rng)
        imports = 0.4 * np.exp(0.05 * rng.standard_normal(times.shape)) if scenario.imports else None
        document = analysed(times, imports)
        if scenario.imports:
            costs = [cost["slope"] for cost in document["startup_costs"] if cost["per"] == "import_ms"]
            sure = any(_is_without_0(cost["low"], cost["high"]) for cost in costs)
            found.setdefault("slope", []).append((None, sure))
            continue
        flat = times.reshape(len(TARGETS), -1)
        tests = stats.mannwhitneyu(flat[1:], flat[0], axis=1).pvalue
        starts = [c for c in document["comparisons"] if c["metric"] == METRIC]
        if scenario.slower:
            of_last = next((c for c in starts if c["other"] == TARGETS[-1]), None)
            found.setdefault("power", []).append((bool(tests[-1] < 0.05), of_last is not None and is_sure(of_last)))
            continue
        old = bool((tests < 0.05).any())
        found.setdefault("headline", []).append((old, tells_apart(document["headline"])))
        found.setdefault("comparisons", []).append((old, any(map(is_sure, starts))))
        for cell in document["cells"]:
            summary = cell["metrics"][METRIC]
            values = flat[TARGETS.index(cell["target"])]
            for name, q in QUANTILES.items():
                held = _of_order_statistics(values, q, truths[name])
                found.setdefault(name, []).append((held, _covers(summary, name, truths[name])))
            found.setdefault("mean", []).append((None, _covers(summary, "mean", mean)))
    return found


def _numbers(scenario: Scenario) -> tuple[float, ...]:
    shape = list(SHAPES).index(scenario.shape)
    return shape, scenario.icc, scenario.rounds, scenario.calls, scenario.slower, scenario.imports


@cache
def true_values(shape: str) -> tuple[dict[str, float], float]:
    """Quantiles and mean of a distribution, on two million evenly spaced probabilities."""
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    values = SHAPES[shape](u)
    mean = 69.0 * 2.5 / 1.5 if shape == "heavy tail" else float(values.mean())
    return {name: float(SHAPES[shape](np.array([q]))[0]) for name, q in QUANTILES.items()}, mean


_CLAIMS = {
    "median": "interval of a median",
    "p95": "interval of a p95",
    "p99": "interval of a p99",
    "mean": "interval of a mean",
    "headline": "five equal targets: headline tells two apart",
    "comparisons": "five equal targets: a comparison with p (corrected) < .05",
    "slope": "start-up on imports that do not differ: sure slope",
}


def row_of(scenario: Scenario, claim: str, cases: list[tuple[bool | None, bool | None]]) -> Row:
    """What all cases of a claim come to."""
    old = [held for held, _ in cases if held is not None]
    new = [held for _, held in cases if held is not None]
    share = sum(new) / len(new) if new else None
    error = 2 * math.sqrt(max(share * (1 - share), 1 / len(new)) / len(new)) if share is not None and new else 0.0
    interval = claim in (*QUANTILES, "mean")
    return Row(
        claim=f"a target {scenario.slower:.0%} slower is told apart" if claim == "power" else _CLAIMS[claim],
        shape=scenario.shape,
        icc=scenario.icc,
        rounds=scenario.rounds,
        calls=scenario.calls,
        nominal=None if claim == "power" else 0.95 if interval else 0.05,
        old=sum(old) / len(old) if old else None,
        new=share,
        stated=len(new) / len(cases),
        error=error,
        verdict=_judged(claim, share, error),
    )


def _judged(claim: str, share: float | None, error: float) -> Verdict:
    if claim == "power":
        return ""
    if share is None:
        return "not claimed"
    if claim in ("headline", "comparisons", "slope"):
        return "missed" if share - error > MOST_FALSE else "held"
    if share + error < LOWEST:
        return "missed"
    if share - error > HIGHEST:
        return "missed" if claim in ("median", "mean") else "wide"
    return "held"


def scenarios(*, quick: bool) -> list[tuple[Scenario, int]]:
    """What is simulated, with how many campaigns of each."""
    shapes = ("two modes", "lognormal") if quick else tuple(SHAPES)
    shares = (0.0, 0.1, 0.3) if quick else (0.0, 0.02, 0.1, 0.3)
    trials = 40 if quick else 400
    found = [(Scenario(shape, icc, rounds), trials) for shape in shapes for rounds in (2, 5, 10) for icc in shares]
    found += [(Scenario(shapes[0], icc, 5, calls=500), trials // 3) for icc in (0.1, 0.3)]
    found += [
        (Scenario(shape, icc, rounds, slower=slower), trials // 2)
        for shape in (("lognormal",) if quick else ("two modes", "lognormal"))
        for rounds in ((10,) if quick else (5, 10))
        for icc in (0.0, 0.1)
        for slower in (0.05, 0.1, 0.3)
    ]
    found += [(Scenario(shapes[0], icc, 10, imports=True), trials // 2) for icc in (0.0, 0.3)]
    return found


def simulated(seed: int, *, quick: bool, processes: int = 2) -> list[Row]:
    """All rows; the same seed gives the same, in however many processes."""
    asked = scenarios(quick=quick)
    chunks = [
        (place, scenario, chunk, min(_CHUNK, trials - chunk * _CHUNK))
        for place, (scenario, trials) in enumerate(asked)
        for chunk in range(-(-trials // _CHUNK))
    ]
    cases: list[dict[str, list[tuple[bool | None, bool | None]]]] = [{} for _ in asked]
    with ProcessPoolExecutor(processes) as pool:
        made_of = [pool.submit(_trials, scenario, seed, chunk, trials) for _, scenario, chunk, trials in chunks]
        for (place, *_), future in zip(chunks, made_of, strict=True):
            for claim, held in future.result().items():
                cases[place].setdefault(claim, []).extend(held)
    rows = [row_of(asked[place][0], claim, held) for place, by in enumerate(cases) for claim, held in by.items()]
    order = list(dict.fromkeys([*_CLAIMS.values(), *(row.claim for row in rows)]))
    return sorted(rows, key=lambda row: order.index(row.claim))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def cells_of(row: Row) -> list[str]:
    """A row of the table as text."""
    error = "" if row.new is None else f" ± {row.error:.3f}"
    return [
        row.claim,
        row.shape,
        f"{row.rounds} x {row.calls // row.rounds}",
        f"{row.icc:g}",
        "" if row.nominal is None else f"{row.nominal:g}",
        _share(row.old),
        _share(row.new) + error,
        f"{row.stated:.0%}",
        row.verdict,
    ]


HEADS = ("claim", "times", "rounds x calls", "ICC", "nominal", "former", "now", "stated", "goal")


def markdown(rows: list[Row], seed: int, *, quick: bool) -> str:
    """The table for docs/statistics.md: a line for each claim, shape and number of rounds, a column for each ICC."""
    shares = sorted({row.icc for row in rows})
    lines: dict[tuple[str, ...], dict[float, Row]] = {}
    for row in rows:
        claim, shape, rounds, *_ = cells_of(row)
        lines.setdefault((claim, shape, rounds), {})[row.icc] = row
    heads = ["claim", "times", "rounds x calls", *(f"ICC {share:g}: former, now" for share in shares), "±", "goal"]
    table = [heads, ["---"] * len(heads)]
    for place, by_share in lines.items():
        known = [by_share.get(share) for share in shares]
        sides = [f"{_share(found.old)}, {_share(found.new)}" if found else "" for found in known]
        error = max((row.error for row in by_share.values()), default=0.0)
        missed = [f"{share:g}" for share, row in by_share.items() if row.verdict == "missed"]
        verdicts = list(dict.fromkeys(row.verdict for row in by_share.values() if row.verdict not in ("missed", "")))
        goal = f"missed at {', '.join(missed)}" if missed else ", ".join(verdicts)
        table.append([*place, *sides, f"{error:.3f}", goal])
    how = "python -m bench.coverage" + (" --quick" if quick else "")
    return "\n".join(
        [f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{how} --seed {seed}`.", ""]
        + [f"| {' | '.join(line)} |" for line in table]
    )


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
    parser.add_argument("--quick", action="store_true", help="fewer scenarios and campaigns: a minute and a half")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    parser.add_argument("--write", type=Path, metavar="FILE", help="document to put the table into, between its marks")
    options = parser.parse_args()
    begin = time.perf_counter()
    rows = simulated(options.seed, quick=options.quick)
    took = time.perf_counter() - begin
    missed = [row for row in rows if row.verdict == "missed"]
    if options.json:
        found = {"version": __version__, "seed": options.seed, "quick": options.quick, "seconds": round(took, 1)}
        print(json.dumps({**found, "missed": len(missed), "rows": [asdict(row) for row in rows]}))
    else:
        for claim, shape, rounds, icc, nominal, old, new, stated, verdict in [HEADS, *map(cells_of, rows)]:
            print(f"{claim:58} {shape:10} {rounds:>14} {icc:>4} {nominal:>7} {old:>6} {new:>13} {stated:>6} {verdict}")
        print(f"{len(missed)} of {len(rows)} rows miss their goal; seed {options.seed}, {took:.0f} s")
    if options.write:
        write_into(options.write, markdown(rows, options.seed, quick=options.quick))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
