"""How one number rises with another: Theil and Sen's slope within strata, and straight lines round by round."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, finite_values
from isotherm.statistics.results import Slope
from isotherm.statistics.sessions import over_sessions

#: Places on an axis must be told apart at least this well, or a slope on them would be pulled towards zero: the share
#: of their variance that is not scatter of the places themselves (errors in variables, Fuller 1987, 1.1).
LEAST_RELIABILITY = 0.95

_MOST_POINTS = 5000
# A scatter this much smaller than the numbers is rounding of the arithmetic.
_NOTHING = 1e-9


def left_over(values: ArrayLike, others: ArrayLike) -> tuple[Floats, int]:
    """What is left of values when what other columns explain is taken out by least squares; and its degrees of freedom.

    Parameters
    ----------
    values : (n,) array of float
        Finite.
    others : (n, k) array of float
        The columns; one of ones takes out the mean, one for each stratum (1 for its members, else 0) takes out theirs.
    """
    array, columns = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    coefficients, _, rank, _ = np.linalg.lstsq(columns, array, rcond=None)
    left: Floats = array - columns @ coefficients
    left[np.abs(left) <= _NOTHING * float(np.max(np.abs(array), initial=0.0))] = 0.0
    return left, array.size - int(rank)


def reliability(values: ArrayLike, errors: ArrayLike, others: ArrayLike) -> float:
    """Share of the variance of places on an axis that is not their own error, once other columns are taken out.

    Parameters
    ----------
    values : (n,) array of float
        Places on the axis.
    errors : (n,) array of float
        Standard error of each, in the same unit.
    others : (n, k) array of float
        What is taken out first, as for `left_over`.

    Returns
    -------
    float
        At most 1; 0 where nothing is left that differs, below 0 where errors are larger than what differs.

    References
    ----------
    Fuller, Measurement Error Models (1987), section 1.1: a slope shrinks by this factor.
    """
    left, freedom = left_over(values, others)
    squares = float(left @ left)
    if freedom < 1 or squares == 0:
        return 0.0
    # The median of the errors: one place that is hardly known says nothing about the others.
    return 1.0 - float(np.median(np.square(np.asarray(errors, dtype=np.float64)))) / (squares / freedom)


def slopes_by_round(
    axes: Sequence[ArrayLike], times: ArrayLike, weights: ArrayLike, confidence: float = 0.95
) -> list[Slope]:
    """What one unit of each axis adds, by one plane through all points in each round, with Student's t over rounds.

    The planes are fitted by least squares with the same weights in all rounds, so all rounds estimate the same number,
    even where points lie beside any plane. Whatever a round does to points, alike or not, is in the scatter of its
    slopes, and a round counts once however many calls it has.

    Parameters
    ----------
    axes : sequence of (n,) arrays of float
        Places of the points on each axis; they must not explain one another (`left_over`).
    times : (rounds, n) array of float
        One value for each round and point, finite.
    weights : (n,) array of float
        Of the points, above 0.
    confidence : float
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    list of Slope
        One for each axis; `n` counts rounds times points. No slope without rounds; no interval below three rounds or
        where slopes of all rounds are the same, which says nothing of how sure they are.

    Raises
    ------
    ValueError
        NaN or infinity, axes or weights of another length, or axes that explain one another.

    References
    ----------
    Kalibera & Jones, Rigorous benchmarking in reasonable time, ISMM 2013 (the level that varies is the one to repeat).
    Ibragimov & Müller, t-statistic based correlation and heterogeneity robust inference, Journal of Business & Economic
    Statistics 28 (2010), 453-468 (one estimate for each group, then Student's t over the groups).
    """
    check_fraction("confidence", confidence)
    table = np.asarray(times, dtype=np.float64)
    heavy = finite_values(weights)
    columns = np.column_stack([np.ones(heavy.size), *(finite_values(axis) for axis in axes)])
    if table.ndim != 2 or table.shape[1] != heavy.size or not np.isfinite(table).all():
        raise ValueError(f"times: rounds of {heavy.size} finite values are needed, one for each weight")
    if not (heavy > 0).all():
        raise ValueError("weights: each has to be above 0")
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise ValueError("axes: they explain one another, so no point tells what each of them adds")
    if not table.size:
        return [Slope(n=0, slope=None, low=None, high=None, intercept=None) for _ in axes]
    root = np.sqrt(heavy)
    fitted = table @ (np.linalg.pinv(columns * root[:, None]) * root).T
    intercept = float(np.mean(fitted[:, 0]))
    found = []
    for of_round in fitted.T[1:]:
        scatters = float(np.ptp(of_round)) > _NOTHING * float(np.max(np.abs(of_round)))
        mean = over_sessions(of_round, confidence)
        found.append(
            Slope(
                n=table.size,
                slope=mean.value,
                low=mean.low if scatters else None,
                high=mean.high if scatters else None,
                intercept=intercept,
            )
        )
    return found


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
