"""Samples to summaries, intervals and comparisons. Knows arrays of numbers, nothing of campaigns or of AWS.

Quantiles, wherever this package states one, are Hyndman and Fan's definition 7: linear interpolation between order
statistics at position (n - 1) q. It is the default of numpy, R and spreadsheets, so a reader can recompute every number
from `samples.csv.gz`; it never leaves the range of the data, and at q = 0.5 it is the usual median.

References
----------
Hyndman & Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), 361-365.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from isotherm.numbers import digits, percent
from isotherm.statistics.order_statistics import ranks_of_quantile
from isotherm.statistics.results import Comparison, Interval, MetricSummary, Middle, Slope

Floats = NDArray[np.float64]

RESAMPLES = 2000
# Up to this many values on each side the null distribution of U is counted exactly (its counts fit 64 bits).
_EXACT_U = 30
_TUKEY_FENCE = 1.5
_MOST_POINTS = 5000

Words = tuple[str, str, str]
"""Verb, word for more, word for less, as in ("starts", "later", "earlier")."""
STARTS: Words = ("starts", "later", "earlier")
ANSWERS: Words = ("answers", "later", "earlier")
IMPORTS: Words = ("imports for", "longer", "less")


def quantile_interval(values: ArrayLike, q: float, confidence: float = 0.95) -> Interval:
    """Distribution-free confidence interval for a quantile, from order statistics.

    The low end is the highest order statistic that lies above the quantile with a probability of at most
    (1 - `confidence`) / 2, the high end the lowest one that lies below it with at most that probability. Each tail is
    held on its own, so neither side borrows from the other. Coverage is at least `confidence` for any distribution,
    exactly binomial for a continuous one, conservative for tied data.

    Parameters
    ----------
    values : (n,) array of float
        Samples in milliseconds, any order, no NaN.
    q : float
        Quantile in (0, 1).
    confidence : float
        Coverage in (0, 1).

    Returns
    -------
    Interval
        `low` and `high` in milliseconds; a side is None where n is too small to bound it. A bounded interval holds the
        estimate of definition 7.

    Raises
    ------
    ValueError
        `q` or `confidence` outside (0, 1), or NaN among the values.

    Examples
    --------
    >>> quantile_interval([112, 117, 120, 121, 125, 131], 0.5)
    Interval(low=112.0, high=131.0, confidence=0.95)
    >>> quantile_interval([112, 117], 0.5)
    Interval(low=None, high=None, confidence=0.95)

    References
    ----------
    Hahn & Meeker, Statistical Intervals (1991), section 5.2.
    """
    _check_fraction("q", q)
    _check_fraction("confidence", confidence)
    return _interval_of_sorted(np.sort(_values(values)), q, confidence)


def summarize(
    values: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> MetricSummary:
    """Describe one metric of one cell.

    Parameters
    ----------
    values : (n,) array of float
        Samples in the metric's unit, any order, finite.
    blocks : (n,) array, optional
        Round of each value. Values of one round share its luck, so with two rounds or more the interval of the mean
        comes from resampling whole rounds; without, every value is taken as independent.
    confidence : float
        Coverage of every interval, in (0, 1).
    seed : int
        Of the resampling: the same input gives the same summary.
    resamples : int
        How many times rounds are resampled.

    Returns
    -------
    MetricSummary
        In the unit of `values`:

        - `median`, `p90`, `p95`, `p99`, quartiles `q1` and `q3`: definition 7, with intervals of `quantile_interval`
          (`_low`, `_high`), which take the values as independent;
        - `mean`, its interval: Student's t with rounds - 1 degrees of freedom on the standard error found by resampling
          whole rounds (corrected by rounds / (rounds - 1)); wide with few rounds, as it should be;
        - `sd` (n - 1), `cv` = sd / mean, `mad` = median absolute deviation from the median, unscaled;
        - `outliers`: values beyond 1.5 interquartile ranges from the quartiles; counted, never dropped;
        - `rounds`; `between_rounds`: share of the variance that lies between rounds, in 0..1 (one-way analysis of
          variance, negative estimates are 0); `round_factor`: how many times the means of rounds scatter wider than
          the scatter inside a round predicts, so the factor by which an interval from a single round is too narrow
          (at least 1; None where rounds have no scatter of their own).

        What cannot be computed is None: everything but `n` for no values, the spread for one.

    Raises
    ------
    ValueError
        NaN or infinity among the values, `confidence` outside (0, 1), or `blocks` of another length.

    References
    ----------
    Searle, Casella & McCulloch, Variance Components (1992), section 3.6 (rounds of unequal size).
    Hesterberg, What teachers should know about the bootstrap, The American Statistician 69 (2015), 371-386 (t interval
    with a bootstrap standard error, correction for few units).

    Examples
    --------
    >>> summary = summarize([112, 117, 120, 121, 125, 131])
    >>> summary.n, summary.median, summary.median_low, summary.median_high
    (6, 120.5, 112.0, 131.0)
    """
    _check_fraction("confidence", confidence)
    array = _finite(values)
    n = array.size
    labels = None if blocks is None else np.asarray(blocks)
    if labels is not None and labels.shape != array.shape:
        raise ValueError(f"blocks: {labels.size} labels for {n} values; one for each is needed")
    if n == 0:
        return MetricSummary(n=0)
    ordered = np.sort(array)
    q1, median, q3, p90, p95, p99 = np.quantile(ordered, [0.25, 0.5, 0.75, 0.9, 0.95, 0.99]).tolist()
    of_median, of_p90, of_p95, of_p99 = (_interval_of_sorted(ordered, q, confidence) for q in (0.5, 0.9, 0.95, 0.99))
    mean = _mean(ordered)
    sd = float(np.std(ordered, ddof=1)) if n > 1 else None
    if ordered[0] == ordered[-1]:  # a constant has no scatter; the sums above may leave a rounding error
        mean, sd = float(ordered[0]), (0.0 if n > 1 else None)
    fence = _TUKEY_FENCE * (q3 - q1)
    rounds = _Rounds.of(array, labels)
    mean_low: float | None = None
    mean_high: float | None = None
    if rounds is not None and rounds.count > 1:
        mean_low, mean_high = rounds.mean_interval(mean, confidence, seed, resamples)
    elif sd is not None:
        margin = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * sd / math.sqrt(n)
        mean_low, mean_high = mean - margin, mean + margin
    share, factor = rounds.variance() if rounds is not None else (None, None)
    return MetricSummary(
        n=n,
        median=median,
        median_low=of_median.low,
        median_high=of_median.high,
        mean=mean,
        mean_low=mean_low,
        mean_high=mean_high,
        sd=sd,
        cv=sd / mean if sd is not None and mean > 0 else None,
        mad=float(np.median(np.abs(ordered - median))),
        q1=q1,
        q3=q3,
        p90=p90,
        p90_low=of_p90.low,
        p90_high=of_p90.high,
        p95=p95,
        p95_low=of_p95.low,
        p95_high=of_p95.high,
        p99=p99,
        p99_low=of_p99.low,
        p99_high=of_p99.high,
        min=float(ordered[0]),
        max=float(ordered[-1]),
        outliers=int(np.count_nonzero((ordered < q1 - fence) | (ordered > q3 + fence))),
        rounds=rounds.count if rounds is not None else None,
        between_rounds=share,
        round_factor=factor,
    )


def compare(
    baseline: ArrayLike,
    other: ArrayLike,
    *,
    names: tuple[str, str] = ("baseline", "other"),
    words: Words = ("is", "higher", "lower"),
    unit: str = "ms",
    confidence: float = 0.95,
) -> Comparison:
    """Compare two sets of samples of the same metric, without assuming a distribution.

    Parameters
    ----------
    baseline, other : (m,) and (n,) arrays of float
        Samples in `unit`, any order, finite.
    names : (str, str)
        What the sentence calls `baseline` and `other`.
    words : (str, str, str)
        Verb, word for more and word for less, as in ("starts", "later", "earlier").
    unit : str
        Unit that the sentence prints.
    confidence : float
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    Comparison
        `shift`: Hodges-Lehmann, the median of all differences other - baseline. Its interval inverts the Mann-Whitney
        test (exact null distribution up to 30 values a side, normal above), which holds where one distribution is the
        other moved, and the Brunner-Munzel test, which holds where they differ in spread as well; the wider one is
        given. `ratio`: median of other over median of baseline; its interval joins the order-statistic intervals
        of the two medians on the log scale (None unless both are bounded and positive). `p_value`: two-sided
        Mann-Whitney with tie correction. `cliffs_delta`: P(other > baseline) - P(other < baseline), in -1..1.
        `sentence`: the shift in words.
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
    >>> compare(default, pkg50, names=("default", "pkg50"), words=STARTS).sentence
    'pkg50 starts 326 ms later than default (95 % interval 314 to 345)'
    """
    _check_fraction("confidence", confidence)
    x = np.sort(_finite(baseline))
    y = np.sort(_finite(other))
    medians = tuple(float(np.median(side)) if side.size else None for side in (x, y))
    if medians[0] is None or medians[1] is None:
        missing = " and ".join(name for name, side in zip(names, (x, y), strict=True) if not side.size)
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
            sentence=f"{names[1]} and {names[0]} cannot be compared: no samples of {missing}",
        )
    shift, shift_low, shift_high = _hodges_lehmann(x, y, confidence)
    ratio, ratio_low, ratio_high = _ratio_of_medians(x, y, confidence)
    u = _pairs_below(x, y)
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
        cliffs_delta=2.0 * u / (x.size * y.size) - 1.0,
        sentence=difference_in_words(names, words, unit, (shift, shift_low, shift_high), (x.size, y.size), confidence),
    )


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
    blocks gives its interval. With fewer than two such blocks the values are taken as independent after all: Welch's
    interval for means, the one of `compare` for medians.

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
        (`unit` / sqrt(12) for each value), so that a handful of equal values is not taken for certainty.

    Returns
    -------
    Difference
        With blocks the mean of their differences; a side has no end, and there is no p, where one value is all.

    Raises
    ------
    ValueError
        No values, NaN or infinity among them, or `confidence` outside (0, 1).

    References
    ----------
    Welch, The generalization of Student's problem, Biometrika 34 (1947), 28-35.
    """
    _check_fraction("confidence", confidence)
    x, y = _finite(baseline), _finite(other)
    if not x.size or not y.size:
        raise ValueError("baseline, other: no values on a side; leave such a comparison out")
    rounding = unit / math.sqrt(12) * math.sqrt(1 / x.size + 1 / y.size)
    if blocks is not None:
        first, second = (np.asarray(labels) for labels in blocks)
        shared = np.intersect1d(first, second)
        if shared.size > 1:
            of = np.mean if middle == "mean" else np.median
            steps = np.array([float(of(y[second == label])) - float(of(x[first == label])) for label in shared])
            error = max(float(np.std(steps, ddof=1)) / math.sqrt(steps.size), rounding)
            return _student(_mean(steps), error, steps.size - 1, confidence, steps.size)
    if middle == "median":
        found = compare(x, y, confidence=confidence)
        return Difference(found.shift or 0.0, found.shift_low, found.shift_high, found.p_value, None)
    value = _mean(y) - _mean(x)
    if x.size < 2 or y.size < 2:
        return Difference(value, None, None, None, None)
    parts = [max(float(np.var(side, ddof=1)), unit**2 / 12) / side.size for side in (x, y)]
    variance = sum(parts)
    freedom = variance**2 / (parts[0] ** 2 / (x.size - 1) + parts[1] ** 2 / (y.size - 1)) if variance else 1.0
    return _student(value, math.sqrt(variance), freedom, confidence, None)


def _student(value: float, error: float, freedom: float, confidence: float, blocks: int | None) -> Difference:
    if error == 0:
        return Difference(value, value, value, 1.0 if value == 0 else 0.0, blocks)
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


def theil_sen(x: ArrayLike, y: ArrayLike, confidence: float = 0.95, strata: ArrayLike | None = None) -> Slope:
    """Straight line through points, by the median of all slopes: up to 29 % of the points may be anything.

    Parameters
    ----------
    x, y : (n,) arrays of float
        Points, finite; at most 5,000, as every pair of them is looked at.
    confidence : float
        Coverage of the interval, in (0, 1).
    strata : (n,) array, optional
        Only points of the same stratum are paired, so what differs between strata does not enter the slope.

    Returns
    -------
    Slope
        In units of `y` per unit of `x`; all but `n` None where no two points that may be paired differ in `x`, and the
        interval None where there are too few of them to bound the slope. The intercept is that of all points.

    Raises
    ------
    ValueError
        NaN or infinity, lengths that differ, more than 5,000 points, or `confidence` outside (0, 1).

    References
    ----------
    Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968), 1379-1389.
    Kendall, Rank Correlation Methods (1970), chapter 5 (variance with ties in both).
    Helsel & Frans, Regional Kendall test for trend, Environmental Science & Technology 40 (2006), 4066-4073 (strata).
    """
    _check_fraction("confidence", confidence)
    across, up = _finite(x), _finite(y)
    n = across.size
    if up.size != n:
        raise ValueError(f"y: {up.size} values for {n} of x; one for each is needed")
    if n > _MOST_POINTS:
        raise ValueError(f"x: {n} points; at most {_MOST_POINTS} are accepted, so compare medians of cells")
    labels = np.zeros(n, dtype=np.int8) if strata is None else np.asarray(strata)
    if labels.shape != across.shape:
        raise ValueError(f"strata: {labels.size} labels for {n} points; one for each is needed")
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    slopes = np.sort(np.concatenate([_pair_slopes(across[m], up[m]) for m in members] or [np.empty(0)]))
    if not slopes.size:
        return Slope(n=n, slope=None, low=None, high=None, intercept=None)
    slope = float(np.median(slopes))
    deviation = math.sqrt(max(0.0, sum(_pairs_variance(m.size, across[m], up[m]) for m in members)))
    margin = float(stats.norm.ppf(0.5 + confidence / 2)) * deviation
    low = math.floor((slopes.size - margin) / 2)
    bounded = low >= 1
    return Slope(
        n=n,
        slope=slope,
        low=float(slopes[low - 1]) if bounded else None,
        high=float(slopes[slopes.size - low]) if bounded else None,
        intercept=float(np.median(up - slope * across)),
    )


def _pair_slopes(x: Floats, y: Floats) -> Floats:
    first, second = np.triu_indices(x.size, 1)
    run = x[second] - x[first]
    apart = run != 0
    slopes: Floats = (y[second] - y[first])[apart] / run[apart]
    return slopes


def _pairs_variance(n: int, x: Floats, y: Floats) -> float:
    """Variance of Kendall's S where x and y are independent, ties in both taken into account (Kendall 1970, ch. 5)."""
    if n < 2:
        return 0.0
    t, u = (np.unique(values, return_counts=True)[1].astype(np.float64) for values in (x, y))
    pairs_t, pairs_u = float(np.sum(t * (t - 1))), float(np.sum(u * (u - 1)))
    triples_t, triples_u = float(np.sum(t * (t - 1) * (t - 2))), float(np.sum(u * (u - 1) * (u - 2)))
    untied = n * (n - 1) * (2 * n + 5)
    variance = (untied - float(np.sum(t * (t - 1) * (2 * t + 5))) - float(np.sum(u * (u - 1) * (2 * u + 5)))) / 18
    variance += pairs_t * pairs_u / (2 * n * (n - 1))
    if n > 2:
        variance += triples_t * triples_u / (9 * n * (n - 1) * (n - 2))
    return variance


def round_effect_p(summary: MetricSummary) -> float | None:
    """Probability of rounds scattering at least as wide as they do, were there no round effect (F test).

    None without two rounds and scatter inside them.
    """
    if summary.round_factor is None or summary.rounds is None:
        return None
    if summary.round_factor <= 1:
        return 1.0
    return float(stats.f.sf(summary.round_factor**2, summary.rounds - 1, summary.n - summary.rounds))


def _interval_of_sorted(ordered: Floats, q: float, confidence: float) -> Interval:
    low, high = ranks_of_quantile(ordered.size, q, confidence)
    return Interval(
        low=None if low is None else float(ordered[low - 1]),
        high=None if high is None else float(ordered[high - 1]),
        confidence=confidence,
    )


class _Rounds:
    """Sizes, means and inner scatter of the rounds of a cell."""

    def __init__(self, sizes: Floats, means: Floats, inner_squares: Floats) -> None:
        self.sizes = sizes
        self.means = means
        self.inner_squares = inner_squares
        self.count = sizes.size

    @classmethod
    def of(cls, values: Floats, labels: NDArray[np.generic] | None) -> _Rounds | None:
        if labels is None:
            return None
        _, codes = np.unique(labels, return_inverse=True)
        sizes = np.bincount(codes).astype(np.float64)
        # Taken from a middle value, so that large values with a small scatter keep their digits.
        origin = float(values[0])
        means = np.bincount(codes, weights=values - origin) / sizes
        inner = np.bincount(codes, weights=(values - origin - means[codes]) ** 2).astype(np.float64)
        return cls(sizes, means + origin, inner)

    def mean_interval(self, mean: float, confidence: float, seed: int, resamples: int) -> tuple[float, float]:
        count = self.count
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=resamples)
        means = drawn @ (self.sizes * (self.means - mean)) / (drawn @ self.sizes)
        error = float(np.sqrt(np.mean(means**2) * count / (count - 1)))
        margin = float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * error
        return mean - margin, mean + margin

    def variance(self) -> tuple[float | None, float | None]:
        """Share of the variance between rounds, and how much wider than predicted the rounds' means scatter."""
        n = float(self.sizes.sum())
        if self.count < 2 or n <= self.count:
            return None, None
        grand = float(self.sizes @ self.means) / n
        between = float(self.sizes @ (self.means - grand) ** 2) / (self.count - 1)
        inner = float(self.inner_squares.sum()) / (n - self.count)
        usual_size = (n - float(self.sizes @ self.sizes) / n) / (self.count - 1)
        component = max(0.0, (between - inner) / usual_size)
        whole = component + inner
        share = component / whole if whole > 0 else 0.0
        if inner == 0:
            return share, (1.0 if component == 0 else None)
        return share, max(1.0, math.sqrt(between / inner))


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
    of_base, of_other = _interval_of_sorted(x, 0.5, confidence), _interval_of_sorted(y, 0.5, confidence)
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
    # The exact distribution knows no ties; scipy's "auto" uses it only where there are none and n is small.
    return float(stats.mannwhitneyu(y, x, alternative="two-sided", method="auto").pvalue)


def difference_in_words(
    names: tuple[str, str],
    words: Words,
    unit: str,
    shift: tuple[float, float | None, float | None],
    sizes: tuple[int, int],
    confidence: float,
) -> str:
    """A difference with its interval as a sentence: how much more or less, or that it cannot be told.

    Parameters
    ----------
    names, words, unit, confidence
        As of `compare`.
    shift : (float, float or None, float or None)
        The difference, other - baseline, and both ends of its interval.
    sizes : (int, int)
        Samples of baseline and other.
    """
    baseline, other = names
    verb, more, less = words
    middle, low, high = shift
    coverage = percent(confidence)
    if low is None or high is None:
        return (
            f"{other} {verb} about {digits(abs(middle))} {unit} {more if middle >= 0 else less} than {baseline}; "
            f"{sizes[1]} and {sizes[0]} samples are too few for a {coverage} interval"
        )
    if low <= 0 <= high:
        return (
            f"{other} and {baseline} cannot be told apart from these samples "
            f"(difference {digits(middle)} {unit}, {coverage} interval {digits(low)} to {digits(high)})"
        )
    ends = (low, high) if middle > 0 else (-high, -low)
    return (
        f"{other} {verb} {digits(abs(middle))} {unit} {more if middle > 0 else less} than {baseline} "
        f"({coverage} interval {digits(ends[0])} to {digits(ends[1])})"
    )


def _mean(values: Floats) -> float:
    # From the first value, so that a large common part costs no digits.
    return float(values[0]) + float(np.mean(values - values[0]))


def _values(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values: {array.ndim} dimensions; a flat list of numbers is needed")
    bad = int(np.count_nonzero(np.isnan(array)))
    if bad:
        raise ValueError(f"values: {bad} of {array.size} are NaN; leave missing samples out")
    return array


def _finite(values: ArrayLike) -> Floats:
    array = _values(values)
    bad = int(np.count_nonzero(np.isinf(array)))
    if bad:
        raise ValueError(f"values: {bad} of {array.size} are infinite; finite numbers are needed")
    return array


def _check_fraction(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}: {value} is outside (0, 1)")
