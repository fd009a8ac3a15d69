"""Dunnett's distribution: the largest of several Student's t that share one baseline and one estimate of scatter."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from isotherm.statistics.arrays import Floats, check_fraction

#: Points of the trapezoidal rule, which is exact to rounding for integrands as smooth as these.
_NORMAL_POINTS = 121
_SCALE_POINTS = 161
#: What lies beyond these quantiles of the scale's distribution is left out.
_BEYOND = 1e-13


def loadings(correlation: ArrayLike) -> tuple[float, ...]:
    """One factor that explains the correlations of differences from a shared baseline: corr(i, j) = l_i l_j.

    Exact where nothing is missing (all are the square root of 1/2) and for two differences; else the closest in the
    least-squares sense.

    Parameters
    ----------
    correlation : (k, k) array of float
        Of the estimated differences, with ones on the diagonal.

    References
    ----------
    Hsu, The factor analytic approach to simultaneous inference in the general linear model, Journal of Computational
    and Graphical Statistics 1 (1992), 151-168.
    """
    given = np.array(correlation, dtype=np.float64)
    if given.shape[0] == 1:
        return (0.0,)
    reduced = given.copy()
    found = np.zeros(given.shape[0])
    for _ in range(2000):
        np.fill_diagonal(reduced, found**2 if found.any() else np.max(given - np.eye(given.shape[0]), axis=1))
        values, vectors = np.linalg.eigh(reduced)
        before, found = found, np.abs(vectors[:, -1]) * math.sqrt(max(float(values[-1]), 0.0))
        if np.allclose(before, found, rtol=0, atol=1e-10):
            break
    # Rounded, so that designs that are alike share one critical value.
    return tuple(round(min(value, 0.999), 9) for value in found.tolist())


@lru_cache(maxsize=4096)
def p_of_largest(t: float, of: tuple[float, ...], freedom: float) -> float:
    """Probability that the largest of |t_1|, ..., |t_k| is at least `t`, where no treatment differs from the baseline.

    Parameters
    ----------
    t : float
        At least 0.
    of : tuple of float
        Loading of each difference on the common factor (`loadings`).
    freedom : float
        Degrees of freedom of the scatter.

    References
    ----------
    Dunnett, A multiple comparison procedure for comparing several treatments with a control, Journal of the American
    Statistical Association 50 (1955), 1096-1121.
    """
    alone = min(1.0, 2 * float(stats.t.sf(t, freedom)))
    if len(of) == 1:
        return alone
    scale, weight = _scale(freedom)
    z = np.linspace(-8.5, 8.5, _NORMAL_POINTS)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    limits = t * scale[:, None]
    inside = np.ones((scale.size, z.size))
    for loading, times in Counter(of).items():
        rest = math.sqrt(1 - loading**2)
        alike = special.ndtr((limits - loading * z) / rest) - special.ndtr((-limits - loading * z) / rest)
        inside *= alike**times
    # Between that of one and Bonferroni's bound, also where it is too small for the sum above.
    return float(np.clip(weight @ (1.0 - inside) @ density, alone, min(1.0, len(of) * alone)))


@lru_cache(maxsize=4096)
def critical_value(of: tuple[float, ...], freedom: float, confidence: float = 0.95) -> float:
    """The t that all differences stay below together with probability `confidence`; parameters as of `p_of_largest`.

    Raises
    ------
    ValueError
        `confidence` outside (0, 1).

    Examples
    --------
    >>> round(critical_value((0.5**0.5,) * 4, 16), 2)  # Dunnett (1964), table II: four treatments, 16 degrees
    2.71
    """
    check_fraction("confidence", confidence)
    alone = float(stats.t.ppf(0.5 + confidence / 2, freedom))
    # Bonferroni's value is an upper bound.
    most = float(stats.t.isf((1 - confidence) / 2 / len(of), freedom))
    if most - alone < 1e-12:
        return alone

    def too_likely(t: float) -> float:
        return p_of_largest(t, of, freedom) - (1 - confidence)

    return float(optimize.brentq(too_likely, alone * (1 - 1e-6), most * (1 + 1e-6), xtol=1e-9))


@lru_cache(maxsize=256)
def _scale(freedom: float) -> tuple[Floats, Floats]:
    """Points and weights of the estimated standard deviation over the true one, spaced evenly on the log scale."""
    ends = stats.chi2.ppf(_BEYOND, freedom), stats.chi2.isf(_BEYOND, freedom)
    low, high = (0.5 * math.log(float(end) / freedom) for end in ends)
    logs = np.linspace(low, high, _SCALE_POINTS)
    squares = freedom * np.exp(2 * logs)
    weights = stats.chi2.pdf(squares, freedom) * 2 * squares * (logs[1] - logs[0])
    return np.exp(logs), np.asarray(weights, dtype=np.float64)
