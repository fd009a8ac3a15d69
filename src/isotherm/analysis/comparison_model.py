"""The shapes of a comparison: of two campaigns, and of two targets in one. Knows no arithmetic and no words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import Field

from isotherm.analysis.shape import OfCell, Shape
from isotherm.analysis.summary import MetricName
from isotherm.campaign.cell import CellKey
from isotherm.campaign.lane import CallProtocol
from isotherm.statistics.results import SIGNIFICANT, SequentialAnswer, Verdict

#: Metrics that campaigns, and targets of one, are compared by.
COMPARED: tuple[MetricName, ...] = ("init_duration_ms", "startup_ms", "client_ms")

#: The slow-down that is asked about where none is given.
USUAL_SLOWDOWN = 0.05

#: Why two campaigns cannot tell whether something got slower: a side has no summary, so that its name is not known; no
#: session of the name but itself is known; too few are; too few of them measured this; a side has fewer than three
#: rounds of three values; a median of 0 has no ratio; or the two answers are both possible.
Untold = Literal["no_summary", "no_sessions", "few_sessions", "few_measured", "few_rounds", "no_ratio", "scatter"]


class Scatter(NamedTuple):
    """Standard deviation of sessions' true times as a share of their mean, from how many sessions; None: unknown."""

    sd: float | None
    sessions: int


@dataclass(frozen=True, slots=True)
class SessionScatter:
    """Of one name: how many sessions there are, and the scatter of each metric of each cell that they measured."""

    name: str
    sessions: int
    of: Mapping[tuple[CellKey, str], Scatter]


class Difference(Shape):
    """A setting that differs: its value before and after, None where that side has none."""

    setting: str
    before: str | None
    after: str | None


class Ratio(Shape):
    """Two medians, other against baseline: in ms, and how many times as long.

    `baseline_rounds` and `other_rounds` are those with three values or more. `ratio` is of the two sides by rounds
    where they have three, else of the medians. `ratio_low` and `ratio_high` hold for all comparisons together, and
    their p-value is the change's `p_holm`: it is below 0.05 where they do not hold 1. `ratio_at_most` is one-sided and
    of this comparison alone. All are None where `Change.why` says what is missing.
    """

    baseline_n: int
    other_n: int
    baseline_rounds: int
    other_rounds: int
    baseline_median: float
    other_median: float
    shift: float
    ratio: float | None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_at_most: float | None = None
    p_value: float | None = None


class ChangeFacts(OfCell):
    """How one metric of one cell changed; `result.baseline_*` is before, `result.other_*` after.

    `session_sd` is how far the medians of `sessions` sessions scatter, as a share. `answer` is about a slow-down of
    more than `CampaignComparison.limit`; `why` says why it is undecided.
    """

    metric: MetricName
    session_sd: float | None
    sessions: int | None
    p_holm: float | None
    answer: Verdict
    why: Untold | None
    result: Ratio

    @property
    def is_sure(self) -> bool:
        """Whether it changed at all, by more than sessions differ anyway."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


class Change(ChangeFacts):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class Range(Shape):
    """A number as each round found it: `mid` is the median of the rounds, and the one number where there is one."""

    rounds: int
    mid: float
    low: float
    high: float


class LoadChange(Shape):
    """One number of one phase before and after; None where no round of that side has it.

    `ratio` is after to before. `apart` says that every round after lies beyond every round before: with a single round
    on a side it says nothing, and is None.
    """

    target: str
    region: str
    client_region: str | None
    protocol: CallProtocol
    phase: str
    measure: str
    unit: str
    before: Range | None
    after: Range | None
    ratio: float | None
    apart: bool | None


class CampaignComparison(Shape):
    """Everything that changed. `only_before` and `only_after` are cells that one side alone has used samples of.

    `sessions` of `name` are known besides the one after, which say how far sessions differ. `limit` is the slow-down
    that answers are about, as a share. Of loads, which have no cells, `loads` says what changed; they have no
    intervals.
    """

    before: str
    after: str
    settings_known: bool
    settings: list[Difference]
    name: str | None
    sessions: int
    limit: float
    changes: list[Change]
    only_before: list[str]
    only_after: list[str]
    loads: list[LoadChange] = Field(default_factory=list)


class TargetTest(OfCell):
    """The sequential test of one metric in two cells that are alike but for the target; `target` is the new one.

    `no_ratio` says that a round's median is 0 or less, so that there is no test.
    """

    metric: MetricName
    baseline: str
    baseline_n: int
    other_n: int
    baseline_median: float
    other_median: float
    rounds_left_out: int
    no_ratio: bool
    test: SequentialAnswer | None

    @property
    def answer(self) -> Verdict:
        """What the test says."""
        return self.test.answer if self.test else "undecided"


class TargetTestInWords(TargetTest):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class TargetsSideBySide(Shape):
    """Two targets of one campaign; `alpha` and `beta` are the rates of false alarms (of all together) and of misses.

    `only_baseline` and `only_other` are cells that one of the two alone has used samples of.
    """

    campaign: str
    baseline: str
    other: str
    slowdown: float
    alpha: float
    beta: float
    tests: list[TargetTestInWords]
    only_baseline: list[str]
    only_other: list[str]
