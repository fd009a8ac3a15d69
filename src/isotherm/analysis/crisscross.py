"""What a criss-cross of regions says: its cells, whether billed time depends on distance, what the database costs.

A target (outer) in one region calls another function (inner) in each region. Knows plan and samples, nothing of AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from isotherm.analysis.summary import (
    Accounting,
    Cell,
    Crisscross,
    CrisscrossCell,
    DatabaseCost,
    Dependence,
    DistanceSlope,
    Failure,
    LaneOutcome,
    MetricName,
    Sent,
)
from isotherm.analysis.words.differences import Words, difference_in_words
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from isotherm.numbers import count, digits, per_ms, percent
from isotherm.statistics.results import MetricSummary, Middle, Slope
from isotherm.statistics.slopes import theil_sen
from isotherm.statistics.two_samples import holm, middle_difference

#: A time that changes by less than this for each ms of network does not depend on distance, for any practical purpose:
#: half the Earth (some 300 ms there and back) would be worth 15 ms.
NEGLIGIBLE_SLOPE = 0.05
#: The network times of pairs must be told apart at least this well, or the slope on them would be pulled towards zero:
#: the share of their variance that is not scatter of the medians themselves (errors in variables, Fuller 1987, 1.1).
LEAST_RELIABILITY = 0.95

#: The target that has a database, and what it is called without.
WITH_DATABASE: Mapping[str, str] = {"inner_db": "inner"}

_BILLED: MetricName = "billed_duration_ms"
_INNER_BILLED: MetricName = "inner_billed_duration_ms"
_TIMES: Mapping[MetricName, str] = {
    _BILLED: "billed time",
    "duration_ms": "actual time",
    _INNER_BILLED: "billed time",
    "inner_duration_ms": "actual time",
}
_COSTS: Mapping[MetricName, Words] = {
    "inner_duration_ms": ("takes", "longer", "less"),
    _INNER_BILLED: ("is billed", "more", "less"),
}


class Pair(NamedTuple):
    """A pair of regions as a point: median network time with its standard error, and the mean of a time."""

    region: str
    inner_region: str
    network_ms: float
    error_ms: float | None
    time_ms: float


def crisscrosses(
    plan: Plan,
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    lanes: Iterable[LaneOutcome],
    failures: Iterable[Failure],
    confidence: float = 0.95,
) -> list[Crisscross]:
    """Every criss-cross of a campaign: one for each memory size of the outer function and each client.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    cells : sequence of Cell
        The campaign's, with their metrics; others than warm nested ones are passed over.
    used : mapping
        Used samples by cell.
    lanes : iterable of LaneOutcome
        How lanes ended, for the reasons of what is missing.
    failures : iterable of Failure
        Why calls failed, for the same.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of Crisscross
        Empty where no target called another.
    """
    outcomes = {lane.lane_key: lane for lane in lanes}
    why: dict[CellKey, list[Failure]] = {}
    for failure in failures:
        why.setdefault(cell_key(failure), []).append(failure)
    found: dict[tuple[str, int, str | None], list[Cell]] = {}
    for cell in cells:
        if cell.kind == "warm" and cell.inner is not None:
            found.setdefault((cell.target, cell.memory_mb, cell.client_region), []).append(cell)
    return [
        _crisscross(
            plan, of_group, used, {key: why.get(key, []) for key in map(cell_key, of_group)}, outcomes, confidence
        )
        for of_group in found.values()
    ]


def _crisscross(
    plan: Plan,
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    failures: Mapping[CellKey, Sequence[Failure]],
    outcomes: Mapping[str, LaneOutcome],
    confidence: float,
) -> Crisscross:
    first = cells[0]
    asked = plan.campaign.inner
    inner_targets = _in_order((cell.inner or "" for cell in cells), asked.targets if asked else [])
    regions = _in_order((cell.region for cell in cells), plan.campaign.regions or [])
    slopes = [
        distance_slope(
            first.target,
            inner,
            time,
            _pairs(cells, inner, time),
            confidence,
            one_machine=plan.platform == "emulated",
        )
        for inner in inner_targets
        for time in _TIMES
    ]
    return Crisscross(
        target=first.target,
        memory_mb=first.memory_mb,
        client_region=first.client_region,
        regions=regions,
        inner_regions=_in_order(
            (cell.inner_region or "" for cell in cells), asked.regions or regions if asked else regions
        ),
        inner_targets=inner_targets,
        cells=[
            CrisscrossCell(
                region=cell.region,
                inner=cell.inner or "",
                inner_region=cell.inner_region or "",
                used=cell.accounting.used,
                sent=_sent(used.get(cell_key(cell), ())),
                missing=None if cell.accounting.used else _why_missing(plan, cell, failures[cell_key(cell)], outcomes),
            )
            for cell in cells
        ],
        slopes=slopes,
        findings=[_finding([s for s in slopes if s.inner == inner], confidence) for inner in inner_targets],
        database=_database(cells, used, inner_targets, confidence),
    )


def _in_order(names: Iterable[str], asked: Collection[str]) -> list[str]:
    """Each name once: in the order in which they were asked for, then strangers."""
    there = dict.fromkeys(names)
    return [name for name in asked if name in there] + [name for name in there if name not in asked]


def _sent(samples: Sequence[Sample]) -> Sent | None:
    if not samples:
        return None
    times = np.array([sample.sent_at_ms for sample in samples])
    # From the first one: epoch milliseconds leave no digits for squares.
    since = times - times[0]
    return Sent(
        first_at_ms=float(times.min()),
        last_at_ms=float(times.max()),
        mean_at_ms=round(float(times[0] + since.mean()), 3),
        sd_s=round(float(since.std(ddof=1)) / 1000, 6) if times.size > 1 else None,
    )


def _why_missing(plan: Plan, cell: Cell, failures: Sequence[Failure], outcomes: Mapping[str, LaneOutcome]) -> str:
    """Why a cell has no used sample: what its lanes said, or what became of its calls."""
    if cell.accounting.issued:
        return _what_became(cell.accounting, failures)
    reasons = Counter(
        outcomes[lane.key].reason or "no reason was given"
        for lane in plan.lanes.values()
        if (lane.target, lane.region) == (cell.target, cell.region)
        and (cell.client_region is None or lane.client_region == cell.client_region)
        and lane.key in outcomes
        and outcomes[lane.key].status == "failed"
    )
    if not reasons:
        return f"none of {count(cell.accounting.planned, 'planned call')} was issued"
    return "lane failed: " + "; ".join(reasons)


def _what_became(account: Accounting, failures: Sequence[Failure]) -> str:
    others = {
        "contested": account.contested,
        "unexpected (cold where a warm call was meant)": account.unexpected,
        "without a witness": account.unwitnessed,
    }
    parts = [f"{failure.calls} {failure.reason}" for failure in failures]
    parts += [f"{number} {name}" for name, number in others.items() if number]
    return f"none of {count(account.issued, 'call')} could be used: {', '.join(parts) or 'no reason is known'}"


def _pairs(cells: Iterable[Cell], inner: str, time: MetricName) -> list[Pair]:
    """A point for each pair of regions that has both numbers.

    The mean of the time, not its median: a bill is a sum, and medians of whole milliseconds would tie. A few strange
    pairs do not move the slope, which is a median over pairs.
    """
    found = []
    for cell in cells:
        network, times = cell.metrics.get("network_ms"), cell.metrics.get(time)
        if cell.inner == inner and network is not None and times is not None:
            median, mean = network.median, times.mean
            if median is not None and mean is not None:
                found.append(Pair(cell.region, cell.inner_region or "", median, _error_of_median(network), mean))
    return found


def _error_of_median(summary: MetricSummary) -> float | None:
    """Standard error of a median: from its interval, or as for a normal distribution where there is none."""
    if summary.median_low is not None and summary.median_high is not None:
        return (summary.median_high - summary.median_low) / (2 * 1.96)
    return None if summary.sd is None else 1.2533 * summary.sd / summary.n**0.5


def distance_slope(
    outer: str,
    inner: str,
    time: MetricName,
    pairs: Sequence[Pair],
    confidence: float = 0.95,
    *,
    one_machine: bool = False,
) -> DistanceSlope:
    """Slope of a time on the network time of the pair, between pairs that share the region of the function it is of.

    Distance belongs to a pair of regions, not to a call: the calls of a pair share it. So a pair is one point, at the
    median of its network times, and the interval is about pairs. Had each call its own place on the axis, the scatter
    of a call's own network time, which is in its round trip and so in what outer is billed, would make a slope of its
    own. Only pairs are set against each other whose billed function is one and the same (the strata of `theil_sen`):
    how fast a region's machines are does not enter.

    Parameters
    ----------
    outer, inner : str
        The two functions.
    time : MetricName
        Of outer, or of inner where it begins with inner_.
    pairs : sequence of Pair
        One for each pair of regions that has both numbers, in ms.
    confidence : float
        Of the interval.
    one_machine : bool
        Whether all regions are emulated on one machine, for the reason why nothing can be told.

    Returns
    -------
    DistanceSlope
        Without a slope where the pairs' network times are not told apart well enough (`LEAST_RELIABILITY`).
    """
    of_inner = time.startswith("inner_")
    strata = [pair.inner_region if of_inner else pair.region for pair in pairs]
    known = _reliability(pairs, strata)
    who = inner if of_inner else outer
    subject = f"{_TIMES[time]} of {who}"
    slope = Slope(n=len(pairs), slope=None, low=None, high=None, intercept=None)
    why = None
    if len(pairs) < 3:
        why = f"{count(len(pairs), 'pair')} of regions measured"
    elif known is None:
        why = "too few calls of a pair to know its network time"
    elif known < LEAST_RELIABILITY:
        times = [pair.network_ms for pair in pairs]
        why = (
            f"the pairs' network times ({digits(min(times))} to {digits(max(times))} ms) differ by little more than "
            "their own scatter"
        )
        if one_machine:
            why += ": all regions are on this machine"
    else:
        slope = theil_sen(
            [pair.network_ms for pair in pairs], [pair.time_ms for pair in pairs], confidence, strata=strata
        )
        if slope.low is None:
            why = f"{count(len(pairs), 'pair')} of regions are too few for an interval"
    verdict = _verdict(slope)
    return DistanceSlope(
        inner=inner,
        time=time,
        slope=slope,
        verdict=verdict,
        sentence=f"whether {subject} depends on the network to {inner} cannot be told: {why}"
        if why
        else _in_words(subject, f"the network to {inner}", slope, verdict, confidence),
    )


def _reliability(pairs: Sequence[Pair], strata: Sequence[str]) -> float | None:
    """Share of the variance of the pairs' network times, inside strata, that is not the error of the medians."""
    errors = [pair.error_ms for pair in pairs if pair.error_ms is not None]
    if not errors or len(errors) < len(pairs):
        return None
    members: dict[str, list[float]] = {}
    for pair, stratum in zip(pairs, strata, strict=True):
        members.setdefault(stratum, []).append(pair.network_ms)
    squares = sum(float(np.var(of)) * len(of) for of in members.values())
    freedom = len(pairs) - len(members)
    if freedom < 1 or squares == 0:
        return 0.0
    # The median over pairs: one pair with wild calls says nothing about the others.
    return 1.0 - float(np.median(np.square(errors))) / (squares / freedom)


def _verdict(slope: Slope) -> Dependence:
    if slope.low is None or slope.high is None:
        return "unclear"
    if slope.low >= -NEGLIGIBLE_SLOPE and slope.high <= NEGLIGIBLE_SLOPE:
        return "independent"
    return "rises" if slope.low > 0 else "falls" if slope.high < 0 else "unclear"


def _in_words(subject: str, network: str, slope: Slope, verdict: Dependence, confidence: float) -> str:
    """The slope in words; `network` is "the network to inner", or "it" where that was just spoken of."""
    falls = verdict == "falls"
    ends = [slope.low, slope.high] if not falls else [-(slope.high or 0.0), -(slope.low or 0.0)]
    low, high = (per_ms(end) for end in ends)
    size = per_ms(-(slope.slope or 0.0) if falls else slope.slope)
    found = f"{size} ms ({percent(confidence)} interval {low} to {high})"
    if verdict in ("rises", "falls"):
        return f"{subject} {verdict} by {found} for each ms of {network}"
    each = "" if network == "it" else " for each ms"
    if verdict == "independent":
        return f"{subject} does not depend on {network}: {found}{each}"
    return f"whether {subject} depends on {network} cannot be told: {found}{each}"


def _finding(slopes: Sequence[DistanceSlope], confidence: float) -> str:
    """Who pays for distance, in one sentence about one inner target: billed times of outer, then of inner."""
    of_outer = next(slope for slope in slopes if slope.time == _BILLED)
    of_inner = next(slope for slope in slopes if slope.time == _INNER_BILLED)
    inner = of_inner.inner
    if of_outer.slope.low is None and of_inner.slope.low is None:
        why = of_outer.sentence.partition(" cannot be told: ")[2]
        return f"whether billed time depends on the network to {inner} cannot be told: {why}"
    said = of_outer.sentence
    if of_outer.verdict == "rises" and of_inner.verdict == "independent":
        said += ": who waits pays for distance"
    if of_inner.slope.low is None:
        return f"{said}; {of_inner.sentence}"
    return f"{said}; {_in_words(f'billed time of {inner}', 'it', of_inner.slope, of_inner.verdict, confidence)}"


def _database(
    cells: Sequence[Cell], used: Mapping[CellKey, Sequence[Sample]], inner_targets: Sequence[str], confidence: float
) -> list[DatabaseCost]:
    """The inner target with a database against the one without, in each inner region."""
    by_place: dict[tuple[str | None, str | None], list[Sample]] = {}
    for cell in cells:
        by_place.setdefault((cell.inner, cell.inner_region), []).extend(used.get(cell_key(cell), ()))
    found = []
    for with_database, without in WITH_DATABASE.items():
        if {with_database, without} <= set(inner_targets):
            for place in dict.fromkeys(cell.inner_region or "" for cell in cells):
                sides = by_place.get((without, place), []), by_place.get((with_database, place), [])
                for metric in _COSTS:
                    cost = _cost(place, (without, with_database), metric, sides, confidence)
                    found += [cost] if cost else []
    corrected = holm([cost.p_value for cost in found])
    return [cost.model_copy(update={"p_holm": p}) for cost, p in zip(found, corrected, strict=True)]


def _cost(
    place: str,
    names: tuple[str, str],
    metric: MetricName,
    sides: tuple[Sequence[Sample], Sequence[Sample]],
    confidence: float,
) -> DatabaseCost | None:
    """What the second of two inner targets takes over the first; a block is one outer region in one round."""
    middle: Middle = "mean" if metric == _INNER_BILLED else "median"
    (ours, our_blocks), (theirs, their_blocks) = (
        (
            [value for s in side if (value := getattr(s, metric)) is not None],
            [f"{s.region} {s.round}" for s in side if getattr(s, metric) is not None],
        )
        for side in sides
    )
    if not (ours and theirs):
        return None
    result = middle_difference(
        ours,
        theirs,
        (our_blocks, their_blocks),
        middle=middle,
        confidence=confidence,
        unit=1.0 if metric == _INNER_BILLED else 0.0,
    )
    of = np.mean if middle == "mean" else np.median
    ends = (result.value, result.low, result.high)
    without, with_database = names
    return DatabaseCost(
        inner_region=place,
        without=without,
        with_database=with_database,
        metric=metric,
        middle=middle,
        without_value=float(of(ours)),
        with_value=float(of(theirs)),
        difference=result.value,
        low=result.low,
        high=result.high,
        p_value=result.p_value,
        p_holm=None,
        blocks=result.blocks,
        sentence=difference_in_words(
            (without, f"{with_database} in {place}"), _COSTS[metric], "ms", ends, (len(ours), len(theirs)), confidence
        ),
    )


def round_trips(crisscross: Crisscross, cells: Iterable[Cell]) -> str | None:
    """What outer waits for and what inner is billed, of the first inner target: medians of the nearest and farthest."""
    inner = crisscross.inner_targets[0]
    ours = [
        cell
        for cell in cells
        if (cell.target, cell.memory_mb, cell.client_region, cell.inner, cell.kind)
        == (crisscross.target, crisscross.memory_mb, crisscross.client_region, inner, "warm")
    ]
    waits = [found.median for cell in ours if (found := cell.metrics.get("inner_round_trip_ms")) and found.median]
    bills = [found.median for cell in ours if (found := cell.metrics.get(_INNER_BILLED)) and found.median is not None]
    if not waits:
        return None
    said = f"{crisscross.target} waits {_range(waits)} ms for {inner}"
    if bills:
        said += f", which is billed {_range(bills)} ms"
    return f"{said} (medians of {count(len(waits), 'pair')} of regions)"


def _range(values: Sequence[float]) -> str:
    ends = [digits(min(values)), digits(max(values))]
    return " to ".join(dict.fromkeys(ends))
