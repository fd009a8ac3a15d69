"""Decides whether a lane's cells are measured precisely enough already. Only the standard library; calls nothing.

The rule looks at how wide intervals over rounds are, never at where they lie, so it does not wait for a result that
pleases. Looking after every round costs coverage, for an interval that is narrow by luck is likelier to end a campaign:
of few rounds most. So nothing is decided before `LEAST_TO_DECIDE` rounds, and an interval has to be narrow enough after
two rounds in a row (tests/simulations/test_stopping.py measures what is left of 95 %).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from isotherm.campaign.cell import CellKey, InCell, cell_key, cell_of
from isotherm.campaign.lane import LEAST_TO_DECIDE, LaneTask, Platform
from isotherm.statistics.order_statistics import quantile, relative_width
from isotherm.statistics.rounds import (
    by_round,
    design_effect,
    median_over_rounds,
    pooled,
    quantile_ranks,
    round_medians,
)

CONFIDENCE = 0.95

TimeName = Literal["init_duration_ms", "startup_ms", "client_ms"]
Quantile = Literal["median", "p95"]

_STARTS: dict[Platform | Literal["unknown"], tuple[TimeName, ...]] = {
    "aws": ("init_duration_ms", "startup_ms"),
    "emulated": ("startup_ms",),
    "unknown": ("init_duration_ms", "startup_ms"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(InCell):
    """What the rule reads of a sample: its cell and round, whether it enters statistics, and its times."""

    round: int
    verdict: str
    init_duration_ms: float | None = None
    startup_ms: float | None = None
    client_ms: float | None = None


class Precise(Protocol):
    """How wide intervals may be, as shares of what they bound; None asks nothing."""

    @property
    def median(self) -> float:
        """Relative width of the median's interval."""

    @property
    def p95(self) -> float | None:
        """Relative width of the p95's interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalWidth:
    """How wide the interval of a quantile is after `n` samples, and how wide it may be, both as shares of the quantile.

    The interval is over rounds, by the cell's own rounds alone. `width` is None where there is none: rounds or samples
    are too few.
    """

    quantile: Quantile
    n: int
    width: float | None
    wanted: float

    @property
    def is_met(self) -> bool:
        """Whether it is as narrow as was asked for."""
        return self.width is not None and self.width <= self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """An interval of one of a lane's cells that is not known to be as narrow as asked; `metric` is its time."""

    memory_mb: int
    kind: Literal["cold", "warm"]
    metric: TimeName | None
    interval: IntervalWidth


def start_metric(platform: Platform | Literal["unknown"], measured: Collection[str]) -> TimeName | None:
    """The metric that speaks for a cold start: Init Duration where the platform reports it, else the probe's."""
    return next((metric for metric in _STARTS[platform] if metric in measured), None)


def shortfalls(task: LaneTask, samples: Iterable[Timing]) -> list[Shortfall]:
    """What is not precise enough yet of a lane's cells; empty where all of them are.

    Parameters
    ----------
    task : LaneTask
        Its steps say which cells there are, its `enough` how precise each has to be.
    samples : iterable of Timing
        All there are of this target and region, of every earlier round.

    Raises
    ------
    ValueError
        The lane has no such rule.
    """
    if task.enough is None:
        raise ValueError(f"lane {task.lane.key} has no rule that says when it is precise enough")
    used: dict[CellKey, list[Timing]] = {}
    for sample in samples:
        if sample.verdict == "used":
            used.setdefault(cell_key(sample), []).append(sample)
    found = []
    for step in task.lane.steps:
        memory_mb = task.function.memory_mb if step.memory_mb is None else step.memory_mb
        kinds: tuple[tuple[Literal["cold", "warm"], bool], ...] = (
            ("cold", bool(step.bursts)),
            ("warm", step.warm_shots > 0),
        )
        for kind in (kind for kind, is_measured in kinds if is_measured):
            of_cell = used.get(cell_of(task.lane, step, kind, memory_mb, clients_named=task.clients_named), [])
            metric = _metric(task.platform, kind, of_cell)
            timed = [(s.round, value) for s in of_cell if metric and (value := getattr(s, metric)) is not None]
            found += [
                Shortfall(memory_mb=memory_mb, kind=kind, metric=metric, interval=interval)
                for interval in too_wide(rounds_in_order(timed), task.enough)
            ]
    return found


def rounds_in_order(timed: Iterable[tuple[int, float]]) -> list[list[float]]:
    """Times of each round, by the numbers of rounds, from pairs of a round's number and a time."""
    in_order = sorted(timed)
    return by_round([time for _, time in in_order], [number for number, _ in in_order])


def too_wide(rounds: Sequence[Sequence[float]], precision: Precise) -> list[IntervalWidth]:
    """Which of the intervals that `precision` speaks of are not as narrow as it asks, or were not a round before.

    Parameters
    ----------
    rounds : sequence of sequences of float
        A cell's times of each round, in the order of rounds.
    precision : Precise
        How narrow they have to be.

    Returns
    -------
    list of IntervalWidth
        As they are after the last round; all of them where rounds are too few to decide.
    """
    now, before = interval_widths(rounds, precision), interval_widths(rounds[:-1], precision)
    medians = round_medians(rounds)
    if medians is None or len(medians.values) < LEAST_TO_DECIDE:
        return now
    return [after for after, earlier in zip(now, before, strict=True) if not (after.is_met and earlier.is_met)]


def interval_widths(rounds: Sequence[Sequence[float]], precision: Precise) -> list[IntervalWidth]:
    """How wide the intervals that `precision` speaks of are, from a cell's times of each round."""
    ordered = sorted(value for values in rounds for value in values)
    of_median = median_over_rounds(rounds, CONFIDENCE)
    width = None if of_median is None else relative_width(*of_median, quantile(ordered, 0.5))
    found = [IntervalWidth(quantile="median", n=len(ordered), width=width, wanted=precision.median)]
    if precision.p95 is not None:
        width = _width_of_p95(rounds, ordered)
        found.append(IntervalWidth(quantile="p95", n=len(ordered), width=width, wanted=precision.p95))
    return found


def _width_of_p95(rounds: Sequence[Sequence[float]], ordered: Sequence[float]) -> float | None:
    if round_medians(rounds) is None:
        return None
    low, high = quantile_ranks(len(ordered), 0.95, pooled([design_effect(rounds)]), CONFIDENCE)
    if low is None or high is None:
        return None
    return relative_width(ordered[low - 1], ordered[high - 1], quantile(ordered, 0.95))


def _metric(platform: Platform, kind: Literal["cold", "warm"], samples: list[Timing]) -> TimeName | None:
    """The time by which a cell is judged."""
    if kind == "warm":
        return "client_ms"
    measured = {
        metric
        for metric in ("init_duration_ms", "startup_ms")
        if any(getattr(sample, metric) is not None for sample in samples)
    }
    return start_metric(platform, measured)
