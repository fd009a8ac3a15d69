"""How long requests take when some of them fail: a request that failed would have taken at least as long as it waited.

To leave failures out makes a server that gives up look faster than one that is slow: the slowest requests are those
that it fails. To count the time until they failed as their latency makes a server that fails at once look fast. So a
failure is a censored value, and quantiles are those of Kaplan and Meier's estimate: a failure counts as "longer than
it waited", and where so many failed that a quantile lies among them, it is "at least" the longest that anything took.

References
----------
Kaplan & Meier, Nonparametric estimation from incomplete observations, Journal of the American Statistical Association
53 (1958), 457-481. It takes failing as independent of how long the answer would have taken, given that it was not
there yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from isotherm.load.histogram import Histogram
from isotherm.statistics.order_statistics import place_of_quantile, ranks_of_quantile

#: From this quantile on an estimate is given only where its interval has an upper end: 368 requests for a p99.
_FAR_OUT = 0.99

#: Shares of requests are sums of floats; a whole number of requests is reached within this.
_ROUNDING = 1e-9


class Reading(NamedTuple):
    """A time in microseconds; `at_least` where so many requests failed that it can be longer."""

    us: float
    at_least: bool


@dataclass(frozen=True)
class Latency:
    """Microseconds from the intended start: of requests until they were `answered`, or until they `failed`."""

    answered: Histogram
    failed: Histogram

    @property
    def total(self) -> int:
        """How many requests there are."""
        return self.answered.total + self.failed.total

    def estimate(self, q: float) -> Reading | None:
        """`quantile`, but None where there are too few requests for one so far out.

        From the p99 on an estimate is given only where its interval has an upper end.
        """
        if q >= _FAR_OUT and ranks_of_quantile(self.total, q)[1] is None:
            return None
        return self.quantile(q)

    def quantile(self, q: float) -> Reading | None:
        """A quantile by Hyndman and Fan's definition 8, each value taken as the middle of its bucket.

        None where there are no requests.
        """
        total = self.total
        if not total:
            return None
        place = place_of_quantile(total, q)
        below, above = self._at_rank(place.below), self._at_rank(place.above)
        if below is None or (above is None and place.share):
            return Reading(self._longest, at_least=True)
        between = 0.0 if above is None else (above - below) * place.share
        return Reading(below + between, at_least=False)

    @property
    def mean(self) -> Reading | None:
        """The mean; where the longest wait failed, that of times cut off there, which is the least it can be."""
        mean = before = 0.0
        surviving = 1.0
        for us, share_left in self._steps:
            mean += (us - before) * surviving
            before, surviving = us, share_left
        return Reading(mean, at_least=surviving > _ROUNDING) if self._steps else None

    @property
    def highest(self) -> Reading | None:
        """The longest of all, answered or failed."""
        if not self.total:
            return None
        return Reading(self._longest, at_least=(self.failed.highest or 0) > (self.answered.highest or 0))

    @property
    def _longest(self) -> int:
        """Microseconds; of requests of which there is at least one."""
        return max(self.answered.highest or 0, self.failed.highest or 0)

    def _at_rank(self, rank: int) -> float | None:
        """The time within which at least `rank` of the requests were answered; None where they were not."""
        allowed = 1 - rank / self.total + _ROUNDING
        return next((us for us, share_left in self._steps if share_left <= allowed), None)

    @cached_property
    def _steps(self) -> list[tuple[float, float]]:
        """Times in order, each with the share of requests that take longer."""
        failed = dict(self.failed.middles())
        ended = {middle: (count, failed.pop(middle, 0)) for middle, count in self.answered.middles()}
        ended |= {middle: (0, count) for middle, count in failed.items()}
        steps, share_left, waiting = [], 1.0, self.total
        for middle in sorted(ended):
            answered, gave_up = ended[middle]
            share_left *= 1 - answered / waiting
            waiting -= answered + gave_up
            steps.append((middle, share_left))
        return steps
