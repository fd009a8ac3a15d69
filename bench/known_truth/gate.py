"""How often `isotherm compare A B --fail-on-regression 5%` fails a build, and so with two targets of one campaign.

Sessions differ by a factor: how many times as wide their means scatter as one session's own calls predict. Each target
has a luck of its own in each session, which is the worst case. A is one of the sessions of its name that are known.

The former gate said "worse" where the middle difference of all calls against all calls (Hodges and Lehmann's, with its
interval) was above 5 % and surely above nothing, of any target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bench.known_truth.claims import Case, Claim, Experiment
from bench.known_truth.samples import FIRST, METRIC, TARGETS, analysed
from bench.known_truth.shapes import Floats, times_in_rounds
from isotherm.analysis.comparison import Side, compare_campaigns, regressions, undecided
from isotherm.analysis.session_scatter import session_scatter
from isotherm.analysis.side_by_side import compare_targets, targets_untold
from isotherm.analysis.trend_model import Session, read_session
from isotherm.statistics.two_samples import compare

LIMIT = 0.05
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class BeforeAndAfter(Experiment):
    """Campaigns A and B of five targets, `known` sessions before B; in B the last target is slower by a share."""

    factor: float
    known: int = 6
    slower: float = 0.0

    @property
    def session(self) -> float:
        """Share of the variance between sessions that makes the factor, where rounds do not differ."""
        above: float = self.factor**2 - 1
        return above / (self.calls - 1 + self.factor**2)

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make the sessions of a name and B, and compare the last of them with B."""
        size = len(TARGETS), self.rounds, self.per_round
        drawn = [times_in_rounds(self.shape, size, self.icc, rng, session=self.session) for _ in range(self.known + 1)]
        drawn[-1][-1] *= 1 + self.slower
        sides = [analysed(times, began=FIRST + number * _DAY) for number, times in enumerate(drawn)]
        answer = exit_code(sides[-2], sides[-1], [session_of(side) for side in sides[:-2]])
        old = any(_was_worse(before, after) for before, after in zip(drawn[-2], drawn[-1], strict=True))
        what = f"compare A B, session factor {self.factor:g}, {self.known} sessions"
        if self.slower:
            yield Case(Claim(f"{what}, a target {self.slower:.0%} slower: exit code 99"), old, answer == 99)
            return
        yield Case(Claim(f"{what}, nothing changed: exit code 99", "seldom", 0.05), old, answer == 99)
        yield Case(Claim(f"{what}, nothing changed: exit code 3 (cannot be told)"), None, answer == 3)


def session_of(side: Side) -> Session:
    """What a trend reads of a campaign."""
    assert side.summary is not None
    return read_session(side.summary.model_dump_json().encode())


def exit_code(before: Side, after: Side, others: list[Session]) -> int:
    """As the command ends: 99 where something got slower, 3 where it cannot be told, 0 where nothing did."""
    assert before.summary is not None
    assert after.summary is not None
    found = compare_campaigns(before, after, session_scatter(before.summary, after.summary, others), limit=LIMIT)
    return 99 if regressions(found) else 3 if undecided(found) else 0


def _was_worse(before: Floats, after: Floats) -> bool:
    found = compare(before.ravel(), after.ravel())
    assert found.shift is not None
    assert found.shift_low is not None
    return found.shift_low > 0 and found.shift > LIMIT * float(np.median(before))


@dataclass(frozen=True, kw_only=True)
class SideBySide(Experiment):
    """Two targets of one campaign, the second slower by a share: 0, or what is to be found."""

    slower: float

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, and compare its two targets round by round."""
        times = times_in_rounds(self.shape, (2, self.rounds, self.per_round), self.icc, rng)
        times[1] *= 1 + self.slower
        found = compare_targets(analysed(times, began=FIRST), *TARGETS[:2], slowdown=LIMIT)
        answer = next(test for test in found.tests if test.metric == METRIC).answer
        is_worse = any(test.answer == "worse" for test in found.tests)
        told = is_worse or not targets_untold(found)
        pooled = compare(times[0].ravel(), times[1].ravel())
        old = pooled.shift_low is not None and pooled.shift_low > 0
        if self.slower:
            what = f"compare --targets, the second {self.slower:.0%} slower"
            yield Case(Claim(f"{what}: not worse", "seldom", 0.05), None, answer == "not worse")
            yield Case(Claim(f"{what}: worse"), old, answer == "worse")
        else:
            what = "compare --targets, both alike"
            yield Case(Claim(f"{what}: exit code 99", "seldom", 0.05), old, is_worse)
            yield Case(Claim(f"{what}: exit code 3 (cannot be told)"), None, not told)
