"""Statistics whose unit is the session. Knows numbers of sessions, nothing of campaigns.

Calls of one session share its hour, its hosts and its luck, so a thousand calls of three sessions are three
observations of how sessions differ. Every session counts once, whatever its number of samples.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.numbers import count
from isotherm.statistics.results import ENOUGH_SESSIONS, Estimate, Spread

SHUFFLES = 1999


def session_spread(means: ArrayLike, errors: ArrayLike, freedoms: ArrayLike, confidence: float = 0.95) -> Spread:
    """How many times wider the means of sessions scatter than the scatter inside sessions predicts.

    For the day-to-day spread of a mean 1.42 is on record (docs/measuring.md, rule 15). 1 means that sessions differ no
    more than chance makes them; the factor is how much too narrow an interval is that was made from one session alone.

    The factor is the standard deviation of the means over the root mean square of their standard errors. Its square is
    the F of a one-way analysis of variance where sessions are alike in size and scatter; where they are not, it is the
    modified F of Brown and Forsythe, whose expectation stays 1 without a session effect, and both degrees of freedom
    are fitted (Box, Satterthwaite). Its interval inverts that F, so it is as wide as few sessions make it.

    Parameters
    ----------
    means : (k,) array of float
        Mean of each session, k at least 2.
    errors : (k,) array of float
        Standard error of each, as predicted from inside the session; above 0 for at least one.
    freedoms : (k,) array of float
        Degrees of freedom of each standard error, above 0.
    confidence : float
        Coverage of the interval, in (0, 1).

    Returns
    -------
    Spread
        `factor` may be below 1, by chance. `low`, `high`: interval of the true factor. It assumes that the sessions'
        true means are about normal; where they are skewed as an exponential is, 95 % become 80 to 90 %. `p_value`: of
        a factor as large without any session effect, which assumes no such thing.

    Raises
    ------
    ValueError
        Fewer than two sessions, lengths that differ, or no scatter inside any session.

    References
    ----------
    Brown & Forsythe, The small sample behavior of some statistics which test the equality of several means,
    Technometrics 16 (1974), 129-132. Mehrotra, Improving the Brown-Forsythe solution to the generalized Behrens-Fisher
    problem, Communications in Statistics 26 (1997), 1139-1145 (numerator degrees of freedom).
    Searle, Casella & McCulloch, Variance Components (1992), section 3.5 (interval of the ratio of variances).

    Examples
    --------
    >>> spread = session_spread([100, 106, 97], [2, 2, 2], [19, 19, 19])
    >>> round(spread.factor, 2), round(spread.p_value, 3)
    (2.29, 0.008)
    """
    m, v, f = (np.asarray(values, dtype=np.float64) for values in (means, errors, freedoms))
    k = m.size
    if k < 2:
        raise ValueError(f"means: {count(k, 'session')}; at least 2 are needed")
    if v.shape != m.shape or f.shape != m.shape:
        raise ValueError(f"errors, freedoms: {v.size} and {f.size} for {k} means; one for each is needed")
    v = v**2
    predicted = float(np.mean(v))
    if not predicted > 0:
        raise ValueError("errors: none is above 0; without scatter inside sessions nothing is predicted")
    seen = float(np.var(m, ddof=1))
    # Of the centred means' covariance, for Box's approximation: trace of (A V)^2 with A = I - J/k.
    squares = float(np.sum(v**2))
    trace = squares * (1 - 2 / k) + float(np.sum(v)) ** 2 / k**2
    above = (k - 1) ** 2 * predicted**2 / trace
    below = float(np.sum(v)) ** 2 / float(np.sum(v**2 / f))
    ratio = seen / predicted
    tail = (1 - confidence) / 2
    return Spread(
        sessions=k,
        factor=math.sqrt(ratio),
        low=math.sqrt(ratio / float(stats.f.isf(tail, above, below))),
        high=math.sqrt(ratio / float(stats.f.ppf(tail, above, below))),
        p_value=float(stats.f.sf(ratio, above, below)),
        p_holm=None,
        between_sd=math.sqrt(max(0.0, seen - predicted)),
    )


def over_sessions(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Mean over sessions with Student's t interval (sessions - 1 degrees of freedom); none below three sessions.

    A session's median or mean is an average over many calls and so about normal, for which this interval is exact. A
    bootstrap of sessions is none the wiser and covers too little: about 84 % for 95 % at five sessions.

    Parameters
    ----------
    values : (k,) array of float
        One number for each session, k at least 1.
    confidence : float
        Coverage, in (0, 1).
    """
    array = np.asarray(values, dtype=np.float64)
    # From the first value, so that equal values have exactly their mean and no scatter.
    apart = array - array[0]
    mean = float(array[0] + np.mean(apart))
    if array.size < ENOUGH_SESSIONS:
        return Estimate(value=mean, low=None, high=None)
    error = float(np.std(apart, ddof=1)) / math.sqrt(array.size)
    margin = float(stats.t.ppf(0.5 + confidence / 2, array.size - 1)) * error
    return Estimate(value=mean, low=mean - margin, high=mean + margin)


def hour_effect_p(values: ArrayLike, hours: ArrayLike, seed: int = 0) -> float:
    """Probability of hours differing at least as much as they do, were sessions dealt to hours by chance.

    A permutation test of the one-way F statistic with sessions as units: exact for any distribution, as long as
    sessions of different hours scatter alike. Days that differ as a whole make it cautious, not bold.

    Parameters
    ----------
    values : (k,) array of float
        One number for each session.
    hours : (k,) array of int
        The hour each began in.
    seed : int
        Of the shuffles: the same input gives the same answer.
    """
    array, labels = np.asarray(values, dtype=np.float64), np.unique(np.asarray(hours), return_inverse=True)[1]
    # Ranking from one fixed order makes the answer the same for sessions in any order.
    order = np.lexsort((labels, array))
    array, labels = array[order] - array.mean(), labels[order]
    members = np.eye(int(labels.max()) + 1)[labels]
    sizes = members.sum(axis=0)
    rows = np.random.default_rng(seed).permuted(np.tile(array, (SHUFFLES, 1)), axis=1)
    between = ((rows @ members) ** 2 / sizes).sum(axis=1)
    seen = float(((array @ members) ** 2 / sizes).sum())
    # The sums of one arrangement reached in two orders differ by rounding.
    return float((1 + np.count_nonzero(between >= seen * (1 - 1e-12))) / (SHUFFLES + 1))


def standard_error(low: float, high: float, freedom: int, confidence: float) -> float:
    """Standard error behind a Student's t interval of `freedom` degrees of freedom."""
    return (high - low) / 2 / float(stats.t.ppf(0.5 + confidence / 2, freedom))
