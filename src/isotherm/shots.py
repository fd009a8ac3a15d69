"""Expands a step into shards and orders: exactly which calls are to be made, each with an id of its own."""

from __future__ import annotations

from isotherm.lane import Burst, Lane, Step
from isotherm.sample import Kind, Order


def burst_orders(lane: Lane, step: Step, burst: Burst, version: str, memory_mb: int) -> list[Order]:
    """The calls of one burst, all to one fresh version."""
    return [
        _order(lane, step, "cold", burst.burst, index, version, memory_mb, burst.shots) for index in range(burst.shots)
    ]


def warm_orders(lane: Lane, step: Step, kind: Kind, first: int, stop: int, version: str, memory_mb: int) -> list[Order]:
    """The priming ("prime") or warm ("warm") calls [first, stop) of a step, all to one version."""
    return [
        _order(lane, step, kind, 0, index, version, memory_mb, step.warm_concurrency) for index in range(first, stop)
    ]


def _order(
    lane: Lane, step: Step, kind: Kind, burst: int, index: int, version: str, memory_mb: int, concurrency: int
) -> Order:
    return Order(
        shot_id=f"{lane.key}/s{step.step}/{kind}/{burst}/{index}",
        kind=kind,
        step=step.step,
        burst=burst,
        index=index,
        version=version,
        memory_mb=memory_mb,
        concurrency=concurrency,
    )
