"""What the statistics answer with: intervals, summaries, comparisons, slopes. Knows numbers, nothing of campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Middle = Literal["mean", "median"]

#: Below this many sessions nothing is said about how sessions differ.
ENOUGH_SESSIONS = 3

#: By which method the p-values and intervals of several differences hold for all of them together.
AdjustedBy = Literal["dunnett", "holm"]

#: A difference is called more than chance below this corrected p.
SIGNIFICANT = 0.05

#: Values further than this many interquartile ranges beyond the quartiles are outliers (Tukey), and far out.
TUKEY_FENCE = 1.5
FAR_OUT = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval; a side is None where n is too small to bound it."""

    low: float | None
    high: float | None
    confidence: float

    @property
    def bounded(self) -> bool:
        """Whether both sides are there."""
        return self.low is not None and self.high is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric of one cell. How each number is defined: `isotherm.statistics.summarize`."""

    n: int
    median: float | None = None
    median_low: float | None = None
    median_high: float | None = None
    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    sd: float | None = None
    cv: float | None = None
    mad: float | None = None
    q1: float | None = None
    q3: float | None = None
    p90: float | None = None
    p90_low: float | None = None
    p90_high: float | None = None
    p95: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    p99: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    min: float | None = None
    max: float | None = None
    outliers: int = 0
    rounds: int | None = None
    between_rounds: float | None = None
    round_factor: float | None = None
    scope: Literal["rounds", "these_rounds"] | None = None
    design_effect: float | None = None
    mean_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How `other` differs from `baseline` in one metric: positive shift, ratio above 1 and positive delta mean more.

    The p95s are there where a comparison was made of cells whose p95 is known.
    """

    baseline_n: int
    other_n: int
    baseline_median: float | None
    other_median: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    shift: float | None
    shift_low: float | None
    shift_high: float | None
    p_value: float | None
    cliffs_delta: float | None
    baseline_p95: float | None = None
    other_p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A straight line through `n` points: `slope` with its interval, in units of y per unit of x."""

    n: int
    slope: float | None
    low: float | None
    high: float | None
    intercept: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Slope):
    """A slope per day over `days` days with sessions: `isotherm.statistics.sessions.drift_by_days`.

    Interval and p are over `blocks` of consecutive days; without blocks there is neither. `p_holm` is corrected for all
    series of the trend. (Slopes in trends of earlier versions have no p, and intervals that take sessions as
    independent.)
    """

    p_value: float | None = None
    p_holm: float | None = None
    days: int | None = None
    blocks: int | None = None

    @property
    def apart(self) -> bool:
        """Whether it is more than chance."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over sessions, each counting once, with Student's t interval over sessions."""

    value: float
    low: float | None
    high: float | None


#: What can be said of a possible slow-down.
Verdict = Literal["worse", "not worse", "undecided"]

#: Why nothing can be said: below three rounds; more rounds are to come; all are spent; values in whole units that are
#: too coarse for the slow-down; or rounds that scatter too far for it.
Undecided = Literal["few_rounds", "more_rounds", "budget", "coarse", "scatter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialAnswer:
    """What `isotherm.statistics.sequential_test` can say after `rounds` of the `rounds_given`.

    `ratio` is other over baseline, a geometric mean over rounds; `ratio_low` and `ratio_high` are its bounds, each
    one-sided and valid at whichever round one stops: `alpha` (this metric's share of it) and `beta` are how often the
    truth is beyond them. "worse" is a lower bound above 1, "not worse" an upper one below 1 + `slowdown`. `p_worse`: of
    looking so much slower by chance, corrected for the looks and for the metrics; `p_less`: of looking so little slower
    where it is slower by `slowdown`. `samples` are the values of both sides up to `rounds`. `why` and `rounds_needed`,
    in all and about, are for an undecided test (None where no number of rounds would do, or nothing can be said).
    """

    answer: Verdict
    why: Undecided | None
    rounds: int
    rounds_given: int
    max_rounds: int
    samples: int | None
    slowdown: float
    alpha: float
    beta: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_worse: float | None
    p_less: float | None
    rounds_needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How much wider the means of sessions scatter than was predicted: `isotherm.statistics.sessions.session_spread`.

    `between_sd` is the standard deviation of sessions' true means, in the metric's unit, once the predicted scatter is
    taken out, and `relative_sd` is it over their mean (None where that is not positive, and in trends of earlier
    versions); `p_holm` is corrected for all series of the trend.
    """

    sessions: int
    factor: float
    low: float
    high: float
    p_value: float
    p_holm: float | None
    between_sd: float
    relative_sd: float | None = None

    @property
    def apart(self) -> bool:
        """Whether sessions differ by more than chance."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT
