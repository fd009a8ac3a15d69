"""Whether times depend on the distance between two functions: slopes on the network time. Knows no words.

A point is a pair of regions: distance belongs to a pair, not to a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from isotherm.analysis.summary import Cell, Dependence, DistanceDependence, MetricName, NoSlope
from isotherm.statistics.results import MetricSummary, Slope
from isotherm.statistics.slopes import LEAST_RELIABILITY, reliability, theil_sen

#: A time that changes by less than this for each ms of network does not depend on distance, for any practical purpose:
#: half the Earth (some 300 ms there and back) would be worth 15 ms.
NEGLIGIBLE_SLOPE = 0.05

BILLED: MetricName = "billed_duration_ms"
INNER_BILLED: MetricName = "inner_billed_duration_ms"
#: The times that are set against the network, and those of them that are the inner function's.
TIMES: tuple[MetricName, ...] = (BILLED, "duration_ms", INNER_BILLED, "inner_duration_ms")
OF_INNER: frozenset[MetricName] = frozenset({INNER_BILLED, "inner_duration_ms"})


class Pair(NamedTuple):
    """A pair of regions as a point: median network time with its standard error, and the mean of a time."""

    region: str
    inner_region: str
    network_ms: float
    error_ms: float | None
    time_ms: float


def pairs_of(cells: Iterable[Cell], inner: str, time: MetricName) -> list[Pair]:
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


def distance_dependence(
    inner: str,
    time: MetricName,
    pairs: Sequence[Pair],
    confidence: float = 0.95,
    *,
    one_machine: bool = False,
) -> DistanceDependence:
    """Slope of a time on the network time of the pair, between pairs that share the region of the function it is of.

    Distance belongs to a pair of regions, not to a call: the calls of a pair share it. So a pair is one point, at the
    median of its network times, and the interval is about pairs. Had each call its own place on the axis, the scatter
    of a call's own network time, which is in its round trip and so in what outer is billed, would make a slope of its
    own. Only pairs are set against each other whose billed function is one and the same (the strata of `theil_sen`):
    how fast a region's machines are does not enter.

    Parameters
    ----------
    inner : str
        The function that is called.
    time : MetricName
        One of `TIMES`; of the outer function, or of inner where it is one of `OF_INNER`.
    pairs : sequence of Pair
        One for each pair of regions that has both numbers, in ms.
    confidence : float
        Of the interval.
    one_machine : bool
        Whether all regions are emulated on one machine, for the reason why nothing can be told.

    Returns
    -------
    DistanceDependence
        Without a slope where the pairs' network times are not told apart well enough
        (`isotherm.statistics.slopes.LEAST_RELIABILITY`).
    """
    strata = [pair.inner_region if time in OF_INNER else pair.region for pair in pairs]
    known = _reliability(pairs, strata)
    slope = Slope(n=len(pairs), slope=None, low=None, high=None, intercept=None)
    times = [pair.network_ms for pair in pairs]
    why: NoSlope | None = None
    if len(pairs) < 3:
        why = "few_pairs"
    elif known is None:
        why = "few_calls"
    elif known < LEAST_RELIABILITY:
        why = "one_machine" if one_machine else "alike"
    else:
        slope = theil_sen(times, [pair.time_ms for pair in pairs], confidence, strata=strata)
        if slope.low is None:
            why = "no_interval"
    return DistanceDependence(
        inner=inner,
        time=time,
        slope=slope,
        verdict=_verdict(slope),
        why=why,
        network_ms=(min(times), max(times)) if times else None,
    )


def _reliability(pairs: Sequence[Pair], strata: Sequence[str]) -> float | None:
    """Of the pairs' network times inside strata; None where the error of one is not known."""
    errors = [pair.error_ms for pair in pairs if pair.error_ms is not None]
    if not errors or len(errors) < len(pairs):
        return None
    members = np.array(strata)[:, None] == np.unique(strata)
    return reliability([pair.network_ms for pair in pairs], errors, members)


def _verdict(slope: Slope) -> Dependence:
    if slope.low is None or slope.high is None:
        return "unclear"
    if slope.low >= -NEGLIGIBLE_SLOPE and slope.high <= NEGLIGIBLE_SLOPE:
        return "independent"
    return "rises" if slope.low > 0 else "falls" if slope.high < 0 else "unclear"
