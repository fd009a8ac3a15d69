"""How one number rises with another: Theil and Sen's slope, within strata."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, finite_values
from isotherm.statistics.results import Slope

_MOST_POINTS = 5000


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
    check_fraction("confidence", confidence)
    across, up = finite_values(x), finite_values(y)
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
