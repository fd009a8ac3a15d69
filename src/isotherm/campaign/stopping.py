"""Decides whether a lane's cells are measured precisely enough already. Only the standard library; calls nothing.

The rule looks at how wide intervals are, never at where they lie, so it does not wait for a result that pleases.
Looking after every round does cost a little coverage: an interval that is narrow by luck is likelier to end a campaign
(tests/unit/test_enough.py measures how little).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from isotherm.campaign.cell import CellKey, InCell, cell_key, cell_of
from isotherm.campaign.lane import LaneTask, Platform
from isotherm.statistics.order_statistics import quantile_width

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
    """What the rule reads of a sample: its cell, whether it enters statistics, and its times."""

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

    `width` is None where there is no interval: the samples are too few for one.
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
    """An interval of one of a lane's cells that is not as narrow as was asked for; `metric` is the time it is of."""

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
            values = [value for s in of_cell if metric and (value := getattr(s, metric)) is not None]
            found += [
                Shortfall(memory_mb=memory_mb, kind=kind, metric=metric, interval=interval)
                for interval in too_wide(values, task.enough)
            ]
    return found


def too_wide(values: Iterable[float], precision: Precise) -> list[IntervalWidth]:
    """Which of the intervals that `precision` speaks of are not as narrow as it asks."""
    ordered = sorted(values)
    asked: tuple[tuple[Quantile, float, float | None], ...] = (
        ("median", 0.5, precision.median),
        ("p95", 0.95, precision.p95),
    )
    found = [
        IntervalWidth(quantile=name, n=len(ordered), width=quantile_width(ordered, q, CONFIDENCE), wanted=wanted)
        for name, q, wanted in asked
        if wanted is not None
    ]
    return [interval for interval in found if not interval.is_met]


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
