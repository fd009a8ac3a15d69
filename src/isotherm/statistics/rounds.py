"""Intervals of a cell that was measured in rounds, whose values share their round's luck. Only the standard library.

A round is a slow host or a busy minute, and all its values have it: fifty calls in two rounds are nearer to two
observations than to fifty. So an interval belongs to the highest level that varies (Kalibera & Jones, ISMM 2013). The
control functions, which import neither numpy nor scipy, decide by the same functions as the summary is made with.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence
from statistics import fmean, median, stdev
from typing import NamedTuple

from isotherm.statistics.fewest import FEWEST_ROUNDS, LEAST_A_ROUND
from isotherm.statistics.order_statistics import quantile, ranks_of_quantile
from isotherm.statistics.student import student_t

#: The design effect of an indicator is larger in the middle of a distribution than in its tail: at the p90 it is an
#: upper bound of what it is at the p95 and p99, and found from more values than there.
_QUANTILE_OF_EFFECT = 0.9

#: Times are written down with at most so many decimals; with more, no rounding is seen.
_FINEST_DECIMALS = 6


class RoundMedians(NamedTuple):
    """Medians of the rounds that are large enough for one, on the scale on which their interval is made.

    `values` are logarithms where `is_log` says so, else as measured.
    """

    values: list[float]
    is_log: bool

    def half_width(self, confidence: float = 0.95) -> float:
        """Student's t times the standard error of their mean, on their scale."""
        count = len(self.values)
        return student_t(count - 1, confidence) * stdev(self.values) / math.sqrt(count)


class DesignEffect(NamedTuple):
    """How many times wider than for independent values the variance of a share is, and from how many rounds that is."""

    value: float
    freedom: int


def by_round(values: Iterable[float], labels: Iterable[Hashable]) -> list[list[float]]:
    """The values of each round, in the order in which rounds first come."""
    rounds: dict[Hashable, list[float]] = {}
    for value, label in zip(values, labels, strict=True):
        rounds.setdefault(label, []).append(value)
    return list(rounds.values())


def round_medians(rounds: Sequence[Sequence[float]]) -> RoundMedians | None:
    """Medians of the rounds of at least `LEAST_A_ROUND` values; None where there are fewer than `FEWEST_ROUNDS` such.

    On the log scale where every value is above 0: times are skewed, and their luck is a factor. Where one is not
    (whole milliseconds that round to 0, differences), the medians as they are.
    """
    large = [values for values in rounds if len(values) >= LEAST_A_ROUND]
    if len(large) < FEWEST_ROUNDS:
        return None
    is_log = all(value > 0 for values in rounds for value in values)
    medians = [median(values) for values in large]
    return RoundMedians([math.log(value) for value in medians] if is_log else medians, is_log)


def median_over_rounds(
    rounds: Sequence[Sequence[float]], confidence: float = 0.95
) -> tuple[float | None, float | None] | None:
    """Interval of the median by Student's t over the medians of rounds.

    Parameters
    ----------
    rounds : sequence of sequences of float
        Finite values of each round, in any unit. Rounds of fewer than `LEAST_A_ROUND` values say nothing of their
        median and are passed over.
    confidence : float
        Coverage, in (0, 1).

    Returns
    -------
    (float or None, float or None), or None
        The ends, in the unit of the values; None instead of both where too few rounds are large enough. Student's t is
        about the mean of the rounds' medians. Where their luck is skewed, that is not the median of all values: of ten
        rounds hardly, of thirty by more than t allows for. So both ends are also as far from the median of all values
        as a one-sided interval's end would be; one side alone can then be missed. It is never narrower than the unit in
        which the values are rounded (a handful of equal values is not certainty), and not below 0 where no value is. An
        end beyond what a float holds is None.

    References
    ----------
    Kalibera & Jones, Rigorous benchmarking in reasonable time, ISMM 2013.
    """
    medians = round_medians(rounds)
    if medians is None:
        return None
    every = [value for values in rounds for value in values]
    middle, margin, here = fmean(medians.values), medians.half_width(confidence), median(every)
    of_all, one_sided = math.log(here) if medians.is_log else here, 2 * confidence - 1
    beyond = medians.half_width(one_sided) if one_sided > 0 else 0.0
    ends = min(middle - margin, of_all - beyond), max(middle + margin, of_all + beyond)
    try:
        low, high = (math.exp(end) if medians.is_log else end for end in ends)
    except OverflowError:
        return None, None
    half_unit = rounding_unit(every) / 2
    low, high = min(low, here - half_unit), max(high, here + half_unit)
    if min(every) >= 0:
        low = max(low, 0.0)
    return (low if math.isfinite(low) else None), (high if math.isfinite(high) else None)


def rounding_unit(values: Collection[float]) -> float:
    """The unit in which values were rounded: the largest power of ten, up to 1, that all are multiples of; 0 for none.

    Examples
    --------
    >>> rounding_unit([5, 6, 8]), rounding_unit([91.25, 90.5]), rounding_unit([1 / 3])
    (1.0, 0.01, 0.0)
    """
    for decimals in range(_FINEST_DECIMALS + 1):
        if all(value == round(value, decimals) for value in values):
            return 10.0**-decimals
    return 0.0


def design_effect(rounds: Sequence[Sequence[float]]) -> DesignEffect | None:
    """How much wider the share of values up to the p90 varies between rounds than that of independent values would.

    The variance is that of a ratio, over rounds of whatever size. None where rounds are too few for an interval over
    rounds, or where no value lies above the p90, as with equal values.

    References
    ----------
    Kish, Survey Sampling (1965), section 8.2.
    """
    if round_medians(rounds) is None:
        return None
    limit = quantile(sorted(value for values in rounds for value in values), _QUANTILE_OF_EFFECT)
    n = sum(map(len, rounds))
    up_to = [sum(value <= limit for value in values) for values in rounds]
    share = sum(up_to) / n
    if not 0 < share < 1:
        return None
    count = len(rounds)
    variance = sum(((k - len(values) * share) / n) ** 2 for k, values in zip(up_to, rounds, strict=True))
    return DesignEffect(variance * count / (count - 1) / (share * (1 - share) / n), count - 1)


def pooled(effects: Iterable[DesignEffect | None]) -> DesignEffect | None:
    """The design effect of cells that are alike, weighted by their rounds and at least 1; None where none has any."""
    known = [effect for effect in effects if effect is not None]
    freedom = sum(effect.freedom for effect in known)
    if not known:
        return None
    return DesignEffect(max(1.0, sum(e.value * e.freedom for e in known) / freedom), freedom)


def quantile_ranks(
    n: int, q: float, effect: DesignEffect | None = None, confidence: float = 0.95
) -> tuple[int | None, int | None]:
    """Ranks of the order statistics that bound a quantile where values of one round are alike; None where n is small.

    Woodruff's interval: that of the share of values below the quantile, with its design effect, read at the values of
    those shares. It is never narrower than that of independent values (`ranks_of_quantile`), which is also the answer
    without a design effect.

    Parameters
    ----------
    n : int
        How many values there are.
    q : float
        Quantile in (0, 1).
    effect : DesignEffect, optional
        At least 1.
    confidence : float
        Coverage, in (0, 1).

    References
    ----------
    Woodruff, Confidence intervals for medians and other position measures, JASA 47 (1952), 635-646.
    Francisco & Fuller, Quantile estimation with a complex survey design, Annals of Statistics 19 (1991), 454-469.
    """
    low, high = ranks_of_quantile(n, q, confidence)
    if effect is None:
        return low, high
    margin = student_t(effect.freedom, confidence) * math.sqrt(effect.value * n * q * (1 - q))
    wide_low, wide_high = math.floor(n * q - margin), math.ceil(n * q + margin) + 1
    return (
        None if low is None or wide_low < 1 else min(low, wide_low),
        None if high is None or wide_high > n else max(high, wide_high),
    )
