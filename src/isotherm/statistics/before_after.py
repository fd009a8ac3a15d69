"""One session against another: how far their medians lie apart beside how far sessions lie apart anyway.

Each of the two is one observation of how sessions differ, so their own calls, however many, cannot tell whether a
difference is more than that. How far sessions of one kind differ has to be known from further sessions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.statistics.arrays import finite_values, mean_of, resolution
from isotherm.statistics.fewest import LEAST_A_ROUND
from isotherm.statistics.results import ENOUGH_SESSIONS
from isotherm.statistics.sequential import COARSEST, FIRST_LOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMedian:
    """Mean of the logarithms of rounds' medians, its standard error, and the number of rounds."""

    value: float
    error: float
    rounds: int


def log_median(rounds: Iterable[ArrayLike]) -> LogMedian | None:
    """The median of a session by its rounds; None below three rounds of three values, or with a median of 0 or less.

    Parameters
    ----------
    rounds : iterable of arrays of float
        Finite times of each round, in one unit.
    """
    kept = [values for values in map(finite_values, rounds) if values.size >= LEAST_A_ROUND]
    medians = np.array([float(np.median(values)) for values in kept])
    if medians.size < FIRST_LOOK or np.any(medians <= 0):
        return None
    logs = np.log(medians)
    scatter = float(np.std(logs, ddof=1)) / math.sqrt(logs.size)
    rounding = resolution(np.concatenate(kept), coarsest=COARSEST) / math.sqrt(12) / float(medians.min())
    return LogMedian(value=mean_of(logs), error=math.hypot(scatter, rounding), rounds=int(logs.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRatio:
    """Logarithm of after over before, with the standard error of a difference of two sessions."""

    log: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Both ends of the ratio."""
        margin = float(stats.t.ppf(0.5 + confidence / 2, self.freedom)) * self.error
        return math.exp(self.log - margin), math.exp(self.log + margin)

    def at_most(self, confidence: float) -> float:
        """The largest ratio that can be, one-sided."""
        return math.exp(self.log + float(stats.t.ppf(confidence, self.freedom)) * self.error)

    @property
    def p_value(self) -> float:
        """Two-sided, of a ratio so far from 1 without any change."""
        if self.error == 0:
            return 1.0 if self.log == 0 else 0.0
        return 2 * float(stats.t.sf(abs(self.log) / self.error, self.freedom))


def session_ratio(before: LogMedian, after: LogMedian, *, session_sd: float, sessions: int) -> SessionRatio:
    """The ratio of two sessions' medians, with what sessions differ by anyway in its standard error.

    Parameters
    ----------
    before, after : LogMedian
        Of the two sessions.
    session_sd : float
        Standard deviation of sessions' true medians as a share of their mean, from `sessions` sessions among which
        `after` is not.
    sessions : int
        At least 3. The interval is Student's t with one degree of freedom fewer, and never more than the rounds allow.

    Raises
    ------
    ValueError
        Fewer than 3 sessions, or a negative standard deviation.

    References
    ----------
    Kalibera & Jones, Rigorous benchmarking in reasonable time, ISMM (2013), 63-74 (an interval belongs to the highest
    level that varies). Satterthwaite, An approximate distribution of estimates of variance components, Biometrics
    Bulletin 2 (1946), 110-114.

    Examples
    --------
    >>> before, after = (LogMedian(value=value, error=0.01, rounds=5) for value in (4.5, 4.7))
    >>> found = session_ratio(before, after, session_sd=0.03, sessions=8)
    >>> [round(end, 2) for end in found.interval(0.95)]
    [1.1, 1.36]
    """
    if sessions < ENOUGH_SESSIONS:
        raise ValueError(f"sessions: {sessions}; at least {ENOUGH_SESSIONS} are needed")
    if not 0 <= session_sd < math.inf:
        raise ValueError(f"session_sd: {session_sd} is not a standard deviation")
    parts = [
        (before.error**2, before.rounds - 1),
        (after.error**2, after.rounds - 1),
        (2 * session_sd**2, sessions - 1),
    ]
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / freedom for part, freedom in parts)
    fitted = variance**2 / below if below else float(sessions - 1)
    return SessionRatio(
        log=after.value - before.value, error=math.sqrt(variance), freedom=min(fitted, float(sessions - 1))
    )
