"""Decides whether a lane's cells are measured precisely enough already. Only the standard library; calls nothing.

The rule looks at how wide intervals are, never at where they lie, so it does not wait for a result that pleases.
Looking after every round does cost a little coverage: an interval that is narrow by luck is likelier to end a campaign
(tests/unit/test_enough.py measures how little).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, Protocol

from isotherm.campaign.lane import LaneTask, Platform
from isotherm.statistics.order_statistics import quantile_width

CONFIDENCE = 0.95

TimeName = Literal["init_duration_ms", "startup_ms", "client_ms"]

_STARTS: dict[Platform, tuple[TimeName, ...]] = {
    "aws": ("init_duration_ms", "startup_ms"),
    "emulated": ("startup_ms",),
}


class Timed(Protocol):
    """What the rule reads of a sample."""

    @property
    def kind(self) -> str:
        """What was asked for."""

    @property
    def verdict(self) -> str:
        """Whether it enters statistics."""

    @property
    def memory_mb(self) -> int:
        """Memory of its cell."""

    @property
    def init_duration_ms(self) -> float | None:
        """The platform's start-up."""

    @property
    def startup_ms(self) -> float | None:
        """The probe's start-up."""

    @property
    def client_ms(self) -> float | None:
        """The client's time."""

    @property
    def protocol(self) -> str:
        """By which way it was called."""

    @property
    def operation(self) -> str | None:
        """What was asked of it."""

    @property
    def inner(self) -> str | None:
        """Which function it called in turn."""

    @property
    def inner_region(self) -> str | None:
        """And where."""


class Precise(Protocol):
    """How wide intervals may be, as shares of what they bound; None asks nothing."""

    @property
    def median(self) -> float:
        """Of the median's interval."""

    @property
    def p95(self) -> float | None:
        """Of the p95's interval."""


def start_metric(platform: Platform, measured: Collection[str]) -> TimeName | None:
    """The metric that speaks for a cold start: Init Duration where the platform reports it, else the probe's."""
    return next((metric for metric in _STARTS[platform] if metric in measured), None)


def shortfalls(task: LaneTask, samples: Iterable[Timed]) -> list[str]:
    """What is not precise enough yet of a lane's cells, in words; empty where all of them are.

    Parameters
    ----------
    task : LaneTask
        Its steps say which cells there are, its `enough` how precise each has to be.
    samples : iterable of Timed
        All there are of this target and region, of every earlier round.

    Raises
    ------
    ValueError
        The lane has no such rule.
    """
    if task.enough is None:
        raise ValueError(f"lane {task.lane.key} has no rule by which it could be precise enough")
    used: dict[tuple[str | int | None, ...], list[Timed]] = {}
    for sample in samples:
        if sample.verdict == "used":
            route = (sample.protocol, sample.operation, sample.inner, sample.inner_region)
            used.setdefault((sample.memory_mb, sample.kind, *route), []).append(sample)
    found = []
    for step in task.lane.steps:
        memory_mb = task.function.memory_mb if step.memory_mb is None else step.memory_mb
        inner = (step.inner.target, step.inner.region) if step.inner else (None, None)
        route = (step.protocol, step.operation, *inner)
        for kind, wanted in (("cold", bool(step.bursts)), ("warm", step.warm_shots > 0)):
            if wanted:
                values = _values(task.platform, kind, used.get((memory_mb, kind, *route), []))
                found += [f"{memory_mb} MB, {kind}: {what}" for what in too_wide(values, task.enough)]
    return found


def too_wide(values: Iterable[float], precision: Precise) -> list[str]:
    """Which of the intervals that `precision` speaks of are wider than it allows, in words."""
    ordered = sorted(values)
    found = []
    for name, q, allowed in (("median", 0.5, precision.median), ("p95", 0.95, precision.p95)):
        if allowed is None:
            continue
        width = quantile_width(ordered, q, CONFIDENCE)
        if width is None:
            found.append(f"{len(ordered)} samples are too few for an interval of the {name}")
        elif width > allowed:
            found.append(f"interval of the {name} {100 * width:.2g} % wide, {100 * allowed:.4g} % asked for")
    return found


def _values(platform: Platform, kind: str, samples: list[Timed]) -> list[float]:
    if kind == "warm":
        return [sample.client_ms for sample in samples if sample.client_ms is not None]
    measured = {
        metric
        for metric in ("init_duration_ms", "startup_ms")
        if any(getattr(sample, metric) is not None for sample in samples)
    }
    metric = start_metric(platform, measured)
    return [value for sample in samples if metric and (value := getattr(sample, metric)) is not None]
