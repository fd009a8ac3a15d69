"""One sample of numbers: quantiles and their intervals, the mean by rounds, and what lies far out.

Quantiles, wherever this package states one, are Hyndman and Fan's definition 7: linear interpolation between order
statistics at position (n - 1) q. It is the default of numpy, R and spreadsheets, so a reader can recompute every number
from `samples.csv.gz`; it never leaves the range of the data, and at q = 0.5 it is the usual median.

References
----------
Hyndman & Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), 361-365.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, checked_values, finite_values, mean_of
from isotherm.statistics.order_statistics import ranks_of_quantile
from isotherm.statistics.results import TUKEY_FENCE, Interval, MetricSummary

RESAMPLES = 2000


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
    check_fraction("q", q)
    check_fraction("confidence", confidence)
    return interval_of_sorted(np.sort(checked_values(values)), q, confidence)


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
    check_fraction("confidence", confidence)
    array = finite_values(values)
    n = array.size
    labels = None if blocks is None else np.asarray(blocks)
    if labels is not None and labels.shape != array.shape:
        raise ValueError(f"blocks: {labels.size} labels for {n} values; one for each is needed")
    if n == 0:
        return MetricSummary(n=0)
    ordered = np.sort(array)
    q1, median, q3, p90, p95, p99 = np.quantile(ordered, [0.25, 0.5, 0.75, 0.9, 0.95, 0.99]).tolist()
    of_median, of_p90, of_p95, of_p99 = (interval_of_sorted(ordered, q, confidence) for q in (0.5, 0.9, 0.95, 0.99))
    mean = mean_of(ordered)
    sd = float(np.std(ordered, ddof=1)) if n > 1 else None
    if ordered[0] == ordered[-1]:  # a constant has no scatter; the sums above may leave a rounding error
        mean, sd = float(ordered[0]), (0.0 if n > 1 else None)
    fence = TUKEY_FENCE * (q3 - q1)
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


def round_effect_p(summary: MetricSummary) -> float | None:
    """Probability of rounds scattering at least as wide as they do, were there no round effect (F test).

    None without two rounds and scatter inside them.
    """
    if summary.round_factor is None or summary.rounds is None:
        return None
    if summary.round_factor <= 1:
        return 1.0
    return float(stats.f.sf(summary.round_factor**2, summary.rounds - 1, summary.n - summary.rounds))


def interval_of_sorted(ordered: Floats, q: float, confidence: float) -> Interval:
    """The same interval of values that are sorted and checked already."""
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
