"""One sample of numbers: quantiles and their intervals, the mean by rounds, and what lies far out.

Quantiles, wherever this package states one, are Hyndman and Fan's definition 8, which they recommend: linear between
order statistics, at the position (n + 1/3) q + 1/3 and never outside the data. About as many estimates lie above the
true quantile as below it, whatever the distribution; definition 7, the default of numpy, R and spreadsheets, puts the
p95 and p99 of few values too low. At q = 0.5 both are the usual median. In numpy it is method="median_unbiased", in R
type = 8, so a reader can recompute every number from `samples.csv.gz`.

References
----------
Hyndman & Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), 361-365.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, checked_values, finite_values, mean_of
from isotherm.statistics.order_statistics import ranks_of_quantile
from isotherm.statistics.results import FAR_OUT, TUKEY_FENCE, Interval, MetricSummary
from isotherm.statistics.rounds import (
    DesignEffect,
    by_round,
    design_effect,
    median_over_rounds,
    pooled,
    quantile_ranks,
    rounding_unit,
)

#: The method of numpy's that is definition 8.
DEFINITION: Literal["median_unbiased"] = "median_unbiased"

#: Of fewer values no interval of the mean is given: a slow mode of one call in 25 may be missing from them altogether.
ENOUGH_FOR_MEAN = 100

#: Nor where fewer of them than this are far out on the slow side: then the mean hangs on how many of those came.
_FEW_FAR_OUT = 5


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
        estimate of definition 8.

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
    effect: DesignEffect | None = None,
) -> MetricSummary:
    """Describe one metric of one cell.

    Parameters
    ----------
    values : (n,) array of float
        Samples in the metric's unit, any order, finite.
    blocks : (n,) array, optional
        Round of each value. Values of one round share its luck; without, every value is taken as independent.
    confidence : float
        Coverage of every interval, in (0, 1).
    effect : DesignEffect, optional
        Of this cell and those like it (`isotherm.statistics.rounds.pooled`); by default of this cell alone.

    Returns
    -------
    MetricSummary
        In the unit of `values`:

        - `median`, `p90`, `p95`, `p99`, quartiles `q1` and `q3`: definition 8. `p99` is None where no value could
          bound it from above (fewer than 368 values at 95 %): too few for a p99;
        - `scope`: what the intervals of quantiles speak of. "rounds": from 3 rounds of 3 values on, the interval of the
          median is Student's t over the rounds' medians (`isotherm.statistics.rounds.median_over_rounds`), those of the
          other quantiles are Woodruff's with a `design_effect`, never narrower than `quantile_interval`.
          "these_rounds": there are fewer, so the intervals are those of `quantile_interval`, which take values as
          independent: they hold for the rounds that happened and for no others. None without `blocks`: the same, and
          nothing is known of rounds;
        - `mean`; `mean_error`, its standard error, over rounds where there are two or more; its interval, Student's t.
          No interval where none is honest: of fewer than 100 values, which may lack a slow mode altogether, and where
          1 to 4 of them are far out on the slow side (3 interquartile ranges), so that the mean hangs on their number.
          Not below 0 where no value is;
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
    Cochran, Sampling Techniques (1977), section 9A.1 (standard error of a mean over clusters of unequal size).
    Searle, Casella & McCulloch, Variance Components (1992), section 3.6 (rounds of unequal size).
    Tukey, Exploratory Data Analysis (1977), chapter 2 (outside and far out).

    Examples
    --------
    >>> summary = summarize([112, 117, 120, 121, 125, 131])
    >>> summary.n, summary.median, summary.median_low, summary.median_high
    (6, 120.5, 112.0, 131.0)
    >>> summary = summarize([112, 117, 120, 121, 125, 131, 118, 119, 124], blocks=[1, 1, 1, 2, 2, 2, 3, 3, 3])
    >>> summary.scope, round(summary.median_low, 1), round(summary.median_high, 1)
    ('rounds', 110.4, 131.0)
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
    q1, median, q3, p90, p95, p99 = np.quantile(ordered, [0.25, 0.5, 0.75, 0.9, 0.95, 0.99], method=DEFINITION).tolist()
    fence, far_out = TUKEY_FENCE * (q3 - q1), q3 + FAR_OUT * (q3 - q1)
    mean = mean_of(ordered)
    sd = float(np.std(ordered, ddof=1)) if n > 1 else None
    if ordered[0] == ordered[-1]:  # a constant has no scatter; the sums above may leave a rounding error
        mean, sd = float(ordered[0]), (0.0 if n > 1 else None)
    rounds = _Rounds.of(array, labels)
    apart = [] if labels is None else by_round(array.tolist(), labels.tolist())
    over_rounds = median_over_rounds(apart, confidence)
    if over_rounds is not None:
        effect = effect or pooled([design_effect(apart)]) or _NO_EFFECT
        of_median = Interval(low=over_rounds[0], high=over_rounds[1], confidence=confidence)
    else:
        effect, of_median = None, interval_of_sorted(ordered, 0.5, confidence)
    of_p90, of_p95, of_p99 = (interval_of_sorted(ordered, q, confidence, effect) for q in (0.9, 0.95, 0.99))
    has_p99 = ranks_of_quantile(n, 0.99, confidence)[1] is not None
    mean_error, freedom = _error_of_mean(rounds, mean, sd, n)
    slow = int(np.count_nonzero(ordered > far_out))
    of_mean = None if 0 < slow < _FEW_FAR_OUT else _interval_of_mean(ordered, mean, mean_error, freedom, confidence)
    share, factor = rounds.variance() if rounds is not None else (None, None)
    return MetricSummary(
        n=n,
        median=median,
        median_low=of_median.low,
        median_high=of_median.high,
        mean=mean,
        mean_low=None if of_mean is None else of_mean.low,
        mean_high=None if of_mean is None else of_mean.high,
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
        p99=p99 if has_p99 else None,
        p99_low=of_p99.low if has_p99 else None,
        p99_high=of_p99.high if has_p99 else None,
        min=float(ordered[0]),
        max=float(ordered[-1]),
        outliers=int(np.count_nonzero((ordered < q1 - fence) | (ordered > q3 + fence))),
        rounds=rounds.count if rounds is not None else None,
        between_rounds=share,
        round_factor=factor,
        scope=None if labels is None else "these_rounds" if over_rounds is None else "rounds",
        design_effect=effect.value if effect is not None else None,
        mean_error=mean_error,
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


def interval_of_sorted(ordered: Floats, q: float, confidence: float, effect: DesignEffect | None = None) -> Interval:
    """`quantile_interval` of values that are sorted and checked already, wider by a design effect, if any."""
    low, high = quantile_ranks(ordered.size, q, effect, confidence)
    return Interval(
        low=None if low is None else float(ordered[low - 1]),
        high=None if high is None else float(ordered[high - 1]),
        confidence=confidence,
    )


#: Where no design effect can be found, as with equal values: that of independent values, as if well known.
_NO_EFFECT = DesignEffect(1.0, 1_000_000)


def _error_of_mean(rounds: _Rounds | None, mean: float, sd: float | None, n: int) -> tuple[float | None, int]:
    """Standard error of a mean and its degrees of freedom: over rounds where there are two, else over values."""
    if rounds is not None and rounds.count > 1:
        return rounds.error_of_mean(mean), rounds.count - 1
    return (None, 0) if sd is None else (sd / math.sqrt(n), n - 1)


def _interval_of_mean(
    ordered: Floats, mean: float, error: float | None, freedom: int, confidence: float
) -> Interval | None:
    """Student's t, not below 0 where no value is; of equal values as wide as the unit they are rounded to."""
    if error is None or ordered.size < ENOUGH_FOR_MEAN:
        return None
    margin = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    if ordered[0] == ordered[-1]:
        margin = rounding_unit([float(ordered[0])]) / 2
    low, high = mean - margin, mean + margin
    if not math.isfinite(margin):
        return None
    return Interval(low=max(low, 0.0) if ordered[0] >= 0 else low, high=high, confidence=confidence)


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

    def error_of_mean(self, mean: float) -> float:
        """Standard error of the mean of all values, a ratio of sums over rounds, from two rounds on."""
        count, weights = self.count, self.sizes / self.sizes.sum()
        return math.sqrt(float(np.sum((weights * (self.means - mean)) ** 2)) * count / (count - 1))

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
