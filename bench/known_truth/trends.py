"""Whether a trend finds differences, drifts and hours that are not there, and those that are.

Former methods: sessions against the scatter of single calls; Theil and Sen's slope over sessions as if independent;
hours against the scatter of all sessions (by F here, by permutation there). The best honest test of the hour knows that
days differ: the F of a two-way analysis of variance of day and hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from scipy import stats

from bench.known_truth.claims import Case, Claim, Experiment
from bench.known_truth.gate import session_of
from bench.known_truth.samples import FIRST, METRIC, analysed
from bench.known_truth.shapes import Floats, times_in_rounds
from isotherm import __version__
from isotherm.analysis.trend import build_trend
from isotherm.statistics.slopes import theil_sen

A_DAY = 4
_EVERY = timedelta(days=1) / A_DAY


def series_of(sessions: Sequence[Floats]) -> dict[str, Any]:
    """The one series of a trend over sessions six hours apart, with the trend's `overall` beside it."""
    sides = [analysed(times, began=FIRST + number * _EVERY) for number, times in enumerate(sessions)]
    trend = build_trend([session_of(side) for side in sides], metrics=[METRIC], version=__version__)
    document = trend.model_dump()
    return {**document["series"][0], "overall": document["overall"]}


@dataclass(frozen=True, kw_only=True)
class EqualSessions(Experiment):
    """Sessions that differ in nothing but their rounds."""

    sessions: int = 10

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one trend, and a further session for its forecast."""
        size = (1, self.rounds, self.per_round)
        drawn = [times_in_rounds(self.shape, size, self.icc, rng) for _ in range(self.sessions + 1)]
        series = series_of(drawn[:-1])
        old = series["spread"]["p_value"] < 0.05
        what = f"trend of {self.sessions} equal sessions"
        yield Case(
            Claim(f"{what}: headline says more than chance", "seldom", 0.05),
            old,
            any(one["apart"] for one in series["overall"]),
        )
        ahead = series.get("next_session")
        holds = ahead and ahead["low"] <= float(np.median(drawn[-1])) <= ahead["high"]
        yield Case(Claim(f"{what}: interval of the next session's median", "covers", 0.95), None, holds)


@dataclass(frozen=True, kw_only=True)
class NoDrift(Experiment):
    """Sessions whose luck (5 %) follows the one before by `rho`, and that rise by nothing."""

    rho: float
    days: int = 14

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one trend, and see whether it tells a drift."""
        number = self.days * A_DAY
        luck = rng.standard_normal(number)
        for place in range(1, number):
            luck[place] = self.rho * luck[place - 1] + np.sqrt(1 - self.rho**2) * luck[place]
        size = (1, self.rounds, self.per_round)
        drawn = [times_in_rounds(self.shape, size, self.icc, rng) * np.exp(0.05 * one) for one in luck]
        drift = series_of(drawn)["drift"]
        was = theil_sen(np.arange(number) / A_DAY, [float(np.median(times)) for times in drawn])
        claim = Claim(
            f"trend of {self.days} days, {A_DAY} sessions a day alike by {self.rho:g}: sure drift", "seldom", 0.05
        )
        yield Case(claim, is_without_0(was.low, was.high), is_without_0(drift["low"], drift["high"]))


@dataclass(frozen=True, kw_only=True)
class HourOfDay(Experiment):
    """Days differ (sd 2 %), sessions too (1 %); the last hour of each day is slower by a share."""

    slower: float
    days: int = 7

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one trend, and see whether it tells hours apart."""
        luck = 0.02 * rng.standard_normal((self.days, 1)) + 0.01 * rng.standard_normal((self.days, A_DAY))
        luck[:, -1] += self.slower
        size = (1, self.rounds, self.per_round)
        drawn = [times_in_rounds(self.shape, size, self.icc, rng) * np.exp(one) for one in luck.ravel()]
        p = series_of(drawn)["hours"][0]["p_holm"]
        medians = np.array([np.median(times) for times in drawn]).reshape(self.days, A_DAY)
        old = stats.f_oneway(*medians.T).pvalue < 0.05
        what = f"trend of {self.days} days, one hour of {A_DAY}"
        claim = Claim(f"{what} {self.slower:.0%} slower: hours differ", "as the best")
        if not self.slower:
            claim = Claim(f"{what} slower by nothing: hours differ", "seldom", 0.05)
        yield Case(claim, bool(old), p is not None and p < 0.05, _two_way_p(medians) < 0.05)


def _two_way_p(table: Floats) -> float:
    """The p of the columns of a table, by the F of a two-way analysis of variance."""
    days, hours = table.shape
    columns = table.mean(axis=0) - table.mean()
    left = table - table.mean(axis=1, keepdims=True) - columns
    freedom = (days - 1) * (hours - 1)
    ratio = days * np.sum(columns**2) / (hours - 1) / (np.sum(left**2) / freedom)
    return float(stats.f.sf(ratio, hours - 1, freedom))


def is_without_0(low: float | None, high: float | None) -> bool:
    """Whether there is an interval, and 0 is not inside."""
    return low is not None and high is not None and not low <= 0 <= high
