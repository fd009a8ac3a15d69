"""Two samples of numbers against each other: shift, ratio, p-values, and their correction for how many were made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, finite_values, mean_of, resolution
from isotherm.statistics.describe import interval_of_sorted
from isotherm.statistics.fewest import FEWEST_ROUNDS
from isotherm.statistics.results import Comparison, Middle

# Up to this many values on each side the null distribution of U is counted exactly (its counts fit 64 bits).
_EXACT_U = 30
# Up to this many ways to divide tied values among two sides all are counted: 6 on each.
_EXACT_PERMUTATIONS = 1000


def compare(
    baseline: ArrayLike,
    other: ArrayLike,
    *,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two sets of samples of the same metric, without assuming a distribution.

    Parameters
    ----------
    baseline, other : (m,) and (n,) arrays of float
        Samples of one unit, any order, finite.
    confidence : float
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    Comparison
        `shift`: Hodges-Lehmann, the median of all differences other - baseline. Its interval inverts the Mann-Whitney
        test (exact null distribution up to 30 values a side, normal above), which holds where one distribution is the
        other moved, and the Brunner-Munzel test, which holds where they differ in spread as well; the wider one is
        given, and never one of no width where values are known in whole units (`resolution`). `ratio`: median of other
        over median of baseline; its interval joins the order-statistic intervals of the two medians on the log scale
        (None unless both are bounded and positive). `p_value`: two-sided Mann-Whitney with tie correction, counted
        exactly for few values. `cliffs_delta`: P(other > baseline) - P(other < baseline), in -1..1.
        With no values on a side everything but the counts and that side's median is None.

    Raises
    ------
    ValueError
        NaN or infinity among the values, or `confidence` outside (0, 1).

    References
    ----------
    Hollander, Wolfe & Chicken, Nonparametric Statistical Methods (2014), sections 4.1 to 4.3.
    Brunner & Munzel, The nonparametric Behrens-Fisher problem, Biometrical Journal 42 (2000), 17-25.
    Donner & Zou, Closed-form confidence intervals for functions of the normal mean and standard deviation, Statistical
    Methods in Medical Research 21 (2012), 347-359 (joining intervals of two estimates).
    Cliff, Dominance statistics, Psychological Bulletin 114 (1993), 494-509.

    Examples
    --------
    >>> default, pkg50 = [112, 117, 115, 113, 118, 114], [432, 457, 440, 436, 449, 441]
    >>> found = compare(default, pkg50)
    >>> found.shift, found.shift_low, found.shift_high
    (326.0, 314.0, 345.0)
    """
    check_fraction("confidence", confidence)
    x = np.sort(finite_values(baseline))
    y = np.sort(finite_values(other))
    medians = tuple(float(np.median(side)) if side.size else None for side in (x, y))
    if medians[0] is None or medians[1] is None:
        return Comparison(
            baseline_n=x.size,
            other_n=y.size,
            baseline_median=medians[0],
            other_median=medians[1],
            ratio=None,
            ratio_low=None,
            ratio_high=None,
            shift=None,
            shift_low=None,
            shift_high=None,
            p_value=None,
            cliffs_delta=None,
        )
    shift, shift_low, shift_high = _hodges_lehmann(x, y, confidence)
    if shift_low is not None and shift_low == shift_high:
        # All of a side's values are equal: each of the two numbers may be half a unit more or less.
        unit = resolution(np.concatenate([x, y]))
        shift_low, shift_high = shift - unit, shift + unit
    ratio, ratio_low, ratio_high = _ratio_of_medians(x, y, confidence)
    return Comparison(
        baseline_n=x.size,
        other_n=y.size,
        baseline_median=medians[0],
        other_median=medians[1],
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        shift=shift,
        shift_low=shift_low,
        shift_high=shift_high,
        p_value=_mann_whitney_p(x, y),
        cliffs_delta=_delta(x, y),
    )


def cliffs_delta(baseline: ArrayLike, other: ArrayLike) -> float:
    """P(other > baseline) - P(other < baseline), in -1..1; at least one value a side, finite.

    References
    ----------
    Cliff, Dominance statistics, Psychological Bulletin 114 (1993), 494-509.
    """
    return _delta(np.sort(finite_values(baseline)), np.sort(finite_values(other)))


def _delta(x: Floats, y: Floats) -> float:
    return 2.0 * _pairs_below(x, y) / (x.size * y.size) - 1.0


class Difference(NamedTuple):
    """Of two middles, other - baseline, with its interval; `blocks` None: every value was taken as independent."""

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    blocks: int | None


def middle_difference(
    baseline: ArrayLike,
    other: ArrayLike,
    blocks: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    middle: Middle = "mean",
    confidence: float = 0.95,
    unit: float = 0.0,
) -> Difference:
    """Difference of two means or medians, block by block.

    Values of one block share its luck: a slow host, a busy hour. Taken as independent, they would make a difference of
    a block's luck look sure. So the difference is taken inside each block that both sides have, and Student's t over
    blocks gives its interval. Without `blocks` the values are taken as independent: Welch's interval for means, the one
    of `compare` for medians.

    Parameters
    ----------
    baseline, other : (m,) and (n,) arrays of float
        Samples in one unit, any order, finite, at least one on each side.
    blocks : (array, array), optional
        Round of each value of `baseline` and of `other`.
    middle : "mean" or "median"
        Mean for what is paid by the sum, median for what is typical.
    confidence : float
        Coverage in (0, 1).
    unit : float
        Values are known in whole units of this size. The difference is given at least the scatter of that rounding
        (`unit` / sqrt(12), for each value of a mean, for each side of a median: equal values are rounded alike), so
        that a handful of equal values is not taken for certainty.

    Returns
    -------
    Difference
        With blocks the mean of their differences. No ends and no p where fewer than `FEWEST_ROUNDS` blocks are shared,
        where one value is all of a side, or where all differences are one and the same and no `unit` says how exact.

    Raises
    ------
    ValueError
        No values, NaN or infinity among them, or `confidence` outside (0, 1).

    References
    ----------
    Welch, The generalization of Student's problem, Biometrika 34 (1947), 28-35.
    """
    check_fraction("confidence", confidence)
    x, y = finite_values(baseline), finite_values(other)
    if not x.size or not y.size:
        raise ValueError("baseline, other: no values on a side; leave such a comparison out")
    rounding = unit / math.sqrt(12) * math.sqrt(1 / x.size + 1 / y.size if middle == "mean" else 2)
    if blocks is not None:
        first, second = (np.asarray(labels) for labels in blocks)
        shared = np.intersect1d(first, second)
        of = np.mean if middle == "mean" else np.median
        if not shared.size:
            return Difference(float(of(y)) - float(of(x)), None, None, None, 0)
        steps = np.array([float(of(y[second == label])) - float(of(x[first == label])) for label in shared])
        if steps.size < FEWEST_ROUNDS:
            return Difference(mean_of(steps), None, None, None, steps.size)
        error = max(float(np.std(steps, ddof=1)) / math.sqrt(steps.size), rounding)
        return _student(mean_of(steps), error, steps.size - 1, confidence, steps.size)
    if middle == "median":
        found = compare(x, y, confidence=confidence)
        return Difference(found.shift or 0.0, found.shift_low, found.shift_high, found.p_value, None)
    value = mean_of(y) - mean_of(x)
    if x.size < 2 or y.size < 2:
        return Difference(value, None, None, None, None)
    parts = [max(float(np.var(side, ddof=1)), unit**2 / 12) / side.size for side in (x, y)]
    variance = sum(parts)
    freedom = variance**2 / (parts[0] ** 2 / (x.size - 1) + parts[1] ** 2 / (y.size - 1)) if variance else 1.0
    return _student(value, math.sqrt(variance), freedom, confidence, None)


def _student(value: float, error: float, freedom: float, confidence: float, blocks: int | None) -> Difference:
    if error == 0:
        return Difference(value, 0.0, 0.0, 1.0, blocks) if value == 0 else Difference(value, None, None, None, blocks)
    margin = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(value) / error, freedom))
    return Difference(value, value - margin, value + margin, p, blocks)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values of many comparisons, so that all of them together err with at most the stated probability.

    Parameters
    ----------
    p_values : sequence of float or None
        One for each comparison made; None where there was none to make, which stays None and is not counted.

    Returns
    -------
    list of float or None
        In the order given, each at least as large as before and at most 1.

    Raises
    ------
    ValueError
        A p-value outside 0..1.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979), 65-70.

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    for p in p_values:
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"p_values: {p} is outside 0 to 1")
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    running = 0.0
    for rank, (p, place) in enumerate(known):
        running = max(running, min(1.0, (len(known) - rank) * p))
        corrected[place] = running
    return corrected


def widened(confidence: float, p_value: float | None, corrected: float | None, comparisons: int) -> float:
    """Coverage at which one interval leaves out 0 exactly where its p, corrected by `holm`, is below 1 - `confidence`.

    Parameters
    ----------
    confidence : float
        Of all `comparisons` together.
    p_value, corrected : float or None
        Of this comparison, before and after `holm`.
    comparisons : int
        How many p-values were corrected together.

    Returns
    -------
    float
        By the number that its p was multiplied with where it stays significant, else by all of them (Bonferroni).
    """
    alpha = 1 - confidence
    if p_value is None or corrected is None or comparisons < 2:
        return confidence
    if p_value > 0 and corrected < alpha:
        return 1 - alpha * p_value / corrected
    return 1 - alpha / comparisons


def corrected_differences(
    differences: Sequence[Callable[[float], Difference]], confidence: float
) -> list[tuple[Difference, float | None]]:
    """Differences whose intervals and p-values hold for all of them together, each with its p corrected by `holm`.

    Parameters
    ----------
    differences : sequence of functions
        Each gives one difference with its interval at the coverage that it is given.
    confidence : float
        Of all of them together, in (0, 1).
    """
    p_values = [difference(confidence).p_value for difference in differences]
    corrected = holm(p_values)
    levels = [widened(confidence, p, q, len(differences)) for p, q in zip(p_values, corrected, strict=True)]
    found = [difference(level) for difference, level in zip(differences, levels, strict=True)]
    return list(zip(found, corrected, strict=True))


def _hodges_lehmann(x: Floats, y: Floats, confidence: float) -> tuple[float, float | None, float | None]:
    """Median of all differences y - x with its interval; `x` and `y` are sorted and not empty."""
    pairs = x.size * y.size
    lower_middle = _nth_difference(x, y, (pairs + 1) // 2)
    middle = lower_middle if pairs % 2 else (lower_middle + _nth_difference(x, y, pairs // 2 + 1)) / 2
    rank = min(_shift_rank(x.size, y.size, confidence), _placement_rank(x, y, middle, confidence))
    if rank < 1:
        return middle, None, None
    return middle, _nth_difference(x, y, rank), _nth_difference(x, y, pairs + 1 - rank)


@lru_cache(maxsize=4096)
def _shift_rank(m: int, n: int, confidence: float) -> int:
    """Rank of the difference that bounds the shift from below: highest k with P(U < k) <= (1 - confidence) / 2.

    For distributions of one shape; below 1 where there are too few values.
    """
    tail = (1.0 - confidence) / 2.0
    if max(m, n) <= _EXACT_U:
        counts = _u_counts(m, n)
        cumulative = np.cumsum(counts / counts.sum())
        return int(np.searchsorted(cumulative, tail, side="right"))
    deviation = math.sqrt(m * n * (m + n + 1) / 12.0)
    return math.floor(m * n / 2.0 + 0.5 + float(stats.norm.ppf(tail)) * deviation)


def _placement_rank(x: Floats, y: Floats, shift: float, confidence: float) -> int:
    """The same rank for distributions of any two shapes, by the scatter of each value's place among the others."""
    m, n = x.size, y.size
    if m < 2 or n < 2:
        return 0
    moved = y - shift
    # Values within rounding of each other are ties: `shift` was made of differences of these very values.
    near = 1e-9 * max(abs(float(x[0])), abs(float(x[-1])), abs(float(moved[0])), abs(float(moved[-1])))
    among_y = (np.searchsorted(moved, x - near) + np.searchsorted(moved, x + near, side="right")) / (2.0 * n)
    among_x = (np.searchsorted(x, moved - near) + np.searchsorted(x, moved + near, side="right")) / (2.0 * m)
    parts = float(np.var(among_y, ddof=1)) / m, float(np.var(among_x, ddof=1)) / n
    variance = sum(parts)
    if variance == 0:
        return m * n
    freedom = variance**2 / (parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (n - 1))
    margin = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * m * n * math.sqrt(variance)
    return math.floor(m * n / 2.0 + 0.5 - margin)


def _u_counts(m: int, n: int) -> Floats:
    """How many orderings of m and n values give each Mann-Whitney U from 0 to m n: a Gaussian binomial."""
    size = m * n + 1
    counts = np.zeros(size, dtype=np.int64)
    counts[0] = 1
    for i in range(1, m + 1):
        if n + i < size:
            counts[n + i :] -= counts[: size - n - i].copy()
        for offset in range(min(i, size)):
            counts[offset::i] = np.cumsum(counts[offset::i])
    return counts.astype(np.float64)


def _pairs_below(x: Floats, y: Floats) -> float:
    """Pairs with x < y, ties counted half; both sorted."""
    below = np.searchsorted(x, y, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(x, y, side="right").sum(dtype=np.int64)
    return float(below + not_above) / 2.0


def _nth_difference(x: Floats, y: Floats, nth: int) -> float:
    """The `nth` smallest (from 1) of all differences y - x, without forming them: bisection on a count of pairs.

    The two arrays are sorted. A million values a side have 10^12 differences; counting those up to a limit takes one
    pass of binary searches.
    """
    low, high = float(y[0] - x[-1]), float(y[-1] - x[0])
    tolerance = 1e-12 * max(1.0, abs(float(x[0])), abs(float(x[-1])), abs(float(y[0])), abs(float(y[-1])))
    if _differences_up_to(x, y, low + tolerance) >= nth:
        return low
    while high - low > tolerance:
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        if _differences_up_to(x, y, middle) >= nth:
            high = middle
        else:
            low = middle
    # The bisection ends within rounding of a difference that exists; answer with that one.
    place = np.clip(np.searchsorted(y, x + high), 1, y.size - 1) if y.size > 1 else np.zeros(x.size, dtype=np.intp)
    candidates = np.concatenate([y[place] - x, y[place - 1] - x])
    return float(candidates[np.argmin(np.abs(candidates - high))])


def _differences_up_to(x: Floats, y: Floats, limit: float) -> int:
    return int(np.searchsorted(y, x + limit, side="right").sum(dtype=np.int64))


def _ratio_of_medians(x: Floats, y: Floats, confidence: float) -> tuple[float | None, float | None, float | None]:
    base, other = float(np.median(x)), float(np.median(y))
    if base <= 0 or other < 0:
        return None, None, None
    ratio = other / base
    of_base, of_other = interval_of_sorted(x, 0.5, confidence), interval_of_sorted(y, 0.5, confidence)
    ends = (of_base.low, of_base.high, of_other.low, of_other.high)
    if any(end is None or end <= 0 for end in ends):
        return ratio, None, None
    base_low, base_high, other_low, other_high = (math.log(end) for end in ends if end is not None)
    down = math.hypot(math.log(other) - other_low, base_high - math.log(base))
    up = math.hypot(other_high - math.log(other), math.log(base) - base_low)
    return ratio, ratio * math.exp(-down), ratio * math.exp(up)


def _mann_whitney_p(x: Floats, y: Floats) -> float:
    if x[0] == x[-1] == y[0] == y[-1]:  # all tied: nothing speaks against equality
        return 1.0
    size = x.size + y.size
    tied = np.unique(np.concatenate([x, y])).size < size
    few = min(x.size, y.size) > 1 and math.comb(size, x.size) <= _EXACT_PERMUTATIONS
    method: Any = stats.PermutationMethod(n_resamples=_EXACT_PERMUTATIONS) if tied and few else "auto"
    # Without ties scipy's "auto" counts exactly where n is small; with ties it would take the normal approximation.
    return float(stats.mannwhitneyu(y, x, alternative="two-sided", method=method).pvalue)
