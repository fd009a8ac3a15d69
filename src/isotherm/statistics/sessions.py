"""Statistics whose unit is the session. Knows numbers of sessions, nothing of campaigns.

Calls of one session share its hour, its hosts and its luck, so a thousand calls of three sessions are three
observations of how sessions differ. Every session counts once, whatever its number of samples.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from isotherm.numbers import count
from isotherm.statistics.arrays import Floats, check_fraction
from isotherm.statistics.results import ENOUGH_SESSIONS, Drift, Estimate, Interval, Spread

SHUFFLES = 1999
#: A drift is judged by blocks of at least so many consecutive days: sessions that are close in time are alike.
DAYS_OF_BLOCK = 2
#: Below so many blocks a drift has no interval; above, blocks are made longer instead.
FEWEST_BLOCKS = 4
MOST_BLOCKS = 7

# A scatter this much smaller than the numbers is rounding of the arithmetic.
_NOTHING = 1e-9


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
    between_sd, mean = math.sqrt(max(0.0, seen - predicted)), float(np.mean(m))
    return Spread(
        sessions=k,
        factor=math.sqrt(ratio),
        low=math.sqrt(ratio / float(stats.f.isf(tail, above, below))),
        high=math.sqrt(ratio / float(stats.f.ppf(tail, above, below))),
        p_value=float(stats.f.sf(ratio, above, below)),
        p_holm=None,
        between_sd=between_sd,
        relative_sd=between_sd / mean if mean > 0 else None,
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


def next_session(values: ArrayLike, confidence: float = 0.95) -> Interval | None:
    """Interval in which one further session's number is expected; None below three sessions, or where all are equal.

    It is as wide as sessions differ, however many there are, where the interval of their mean shrinks. It takes
    sessions as alike and independent: a drift, or a next session at an hour of its own, is not in it. Where all numbers
    are above 0, as times are, it is Student's t over their logarithms, so that no end of it is negative.

    Parameters
    ----------
    values : (k,) array of float
        One number for each session.
    confidence : float
        How often it holds the next one, in (0, 1).

    References
    ----------
    Hahn & Meeker, Statistical Intervals (1991), chapter 4 (prediction intervals of a normal distribution).
    """
    check_fraction("confidence", confidence)
    array = np.asarray(values, dtype=np.float64)
    if array.size < ENOUGH_SESSIONS or float(np.ptp(array)) == 0:
        return None
    logs = bool((array > 0).all())
    scale = np.log(array) if logs else array
    mean = over_sessions(scale).value
    margin = float(stats.t.ppf(0.5 + confidence / 2, array.size - 1)) * float(np.std(scale - mean, ddof=1))
    margin *= math.sqrt(1 + 1 / array.size)
    ends = np.array([mean - margin, mean + margin])
    low, high = np.exp(ends).tolist() if logs else ends.tolist()
    return Interval(low=low, high=high, confidence=confidence)


def day_numbers(times: ArrayLike) -> NDArray[np.int64]:
    """Number of the day that each time lies in, days being cut where no session is near.

    Parameters
    ----------
    times : (k,) array of float
        In days, k at least 1. A schedule's starts vary by seconds: were days cut at one of its hours, a session might
        fall into the day before. So they are cut in the middle of the time without sessions before the first one's
        hour, or of the longest one where that is more than twice as long.

    Returns
    -------
    (k,) array of int
        From 0.
    """
    array = np.asarray(times, dtype=np.float64)
    hours = np.sort((array - array.min()) % 1.0)
    # The first one's hour is 0; a start a little before it on another day is at the end of the circle.
    gaps = np.diff(np.concatenate([hours, [1.0]]))
    last = np.flatnonzero(gaps > gaps.max() / 2)[-1]
    cut = hours[last] + gaps[last] / 2
    numbers = np.floor(array - array.min() - cut).astype(np.int64)
    found: NDArray[np.int64] = numbers - numbers.min()
    return found


def drift_by_days(times: ArrayLike, days: ArrayLike, values: ArrayLike, confidence: float = 0.95) -> Drift | None:
    """By how much a number rises in a day, judged by blocks of consecutive days.

    Sessions a few hours apart share more than those of other days: taken as independent, "95 %" intervals of a slope
    miss in 13 % where neighbours of four a day are correlated by 0.3, and in 23 % at 0.5. So a line is fitted through
    the means of blocks (least squares, Student's t with blocks - 2 degrees of freedom); blocks of two days or more are
    nearly independent of one another.

    Parameters
    ----------
    times : (k,) array of float
        When each session began, in days.
    days : (k,) array of int
        Number of the day of each: `day_numbers`.
    values : (k,) array of float
        One number for each session.
    confidence : float
        Coverage of the interval, in (0, 1).

    Returns
    -------
    Drift or None
        None where all sessions lie in one day. The slope is that of the means of days where days are too few for
        `FEWEST_BLOCKS` blocks of `DAYS_OF_BLOCK` (8 are needed): then there is neither interval nor p, nor where the
        blocks lie on one line.

    References
    ----------
    Carlstein, The use of subseries values for estimating the variance of a general statistic from a stationary
    sequence, Annals of Statistics 14 (1986), 1171-1179. Ibragimov & Müller, t-statistic based correlation and
    heterogeneity robust inference, Journal of Business & Economic Statistics 28 (2010), 453-468 (few blocks).
    """
    check_fraction("confidence", confidence)
    when, up, labels = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64), np.asarray(days)
    numbers = np.unique(labels)
    if numbers.size < 2:
        return None
    across, means = (np.array([np.mean(array[labels == number]) for number in numbers]) for array in (when, up))
    known = {"n": up.size, "days": numbers.size}
    blocks = min(MOST_BLOCKS, numbers.size // DAYS_OF_BLOCK)
    if blocks >= FEWEST_BLOCKS:
        parts = np.array_split(np.arange(numbers.size), blocks)
        across, means = (np.array([np.mean(array[part]) for part in parts]) for array in (across, means))
    run, rise = across - across.mean(), means - means.mean()
    slope = float(run @ rise) / float(run @ run)
    intercept = float(means.mean() - slope * across.mean())
    left = rise - slope * run
    tied = float(np.max(np.abs(left))) <= _NOTHING * float(np.max(np.abs(means)))
    if blocks < FEWEST_BLOCKS or tied:
        return Drift(slope=slope, low=None, high=None, intercept=intercept, **known)
    freedom = blocks - 2
    error = math.sqrt(float(left @ left) / freedom / float(run @ run))
    margin = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    return Drift(
        slope=slope,
        low=slope - margin,
        high=slope + margin,
        intercept=intercept,
        p_value=2 * float(stats.t.sf(abs(slope) / error, freedom)),
        blocks=blocks,
        **known,
    )


def hour_effect_p(values: ArrayLike, hours: ArrayLike, days: ArrayLike, seed: int = 0) -> float:
    """Probability of hours differing at least as much as they do, were a day's sessions dealt to its hours by chance.

    A permutation test inside days: exact for any distribution and whatever days do as a whole, as long as sessions of
    one day could as well have been each other's. The statistic is the one-way F's of sessions less the mean of their
    day. Shuffled over all days, as it was, days that differ hide nearly every hour.

    Parameters
    ----------
    values : (k,) array of float
        One number for each session.
    hours : (k,) array of int
        The hour each began in.
    days : (k,) array of int
        The day each began in; one that is alone in its day tells nothing.
    seed : int
        Of the shuffles: the same input gives the same answer.

    References
    ----------
    Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005), on blocked designs.
    """
    array, labels = np.asarray(values, dtype=np.float64), np.unique(np.asarray(hours), return_inverse=True)[1]
    places = np.unique(np.asarray(days), return_inverse=True)[1]
    sizes = np.bincount(places)
    # From the first value, so that equal values are exactly their day's mean.
    apart = array - array[0]
    array = apart - (np.bincount(places, weights=apart) / sizes)[places]
    shared = sizes[places] > 1
    if not shared.any():
        return 1.0
    # Ranking from one fixed order makes the answer the same for sessions in any order.
    order = np.lexsort((labels[shared], array[shared], places[shared]))
    array, labels, places = array[shared][order], labels[shared][order], places[shared][order]
    members = np.eye(int(labels.max()) + 1)[labels]
    members = members[:, members.any(axis=0)]
    # Random keys beside the day's number: sorting them shuffles each day in itself.
    keys = np.random.default_rng(seed).random((SHUFFLES, array.size)) + places
    between = _between_hours(array[np.argsort(keys, axis=1)], members)
    seen = float(_between_hours(array[None], members)[0])
    # The sums of one arrangement reached in two orders differ by rounding.
    return float((1 + np.count_nonzero(between >= seen * (1 - 1e-9))) / (SHUFFLES + 1))


def _between_hours(rows: Floats, members: Floats) -> Floats:
    squares: Floats = ((rows @ members) ** 2 / members.sum(axis=0)).sum(axis=1)
    return squares


def standard_error(low: float, high: float, freedom: int, confidence: float) -> float:
    """Standard error behind a Student's t interval of `freedom` degrees of freedom."""
    return (high - low) / 2 / float(stats.t.ppf(0.5 + confidence / 2, freedom))
