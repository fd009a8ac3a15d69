"""Expands a step into shards and orders: exactly which calls are to be made, each with an id of its own."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.lane import Burst, Lane, Step
from isotherm.sample import Kind, Order

#: A shard is what one Fire does within Lambda's 15 minutes.
BURSTS_PER_SHARD = 100
WARM_CALLS_IN_ROW_PER_SHARD = 5000


@dataclass(frozen=True, slots=True)
class Shard:
    """What one Fire carries out of a step: bursts [first, stop), then primes, then warm calls [first, stop)."""

    bursts: tuple[int, int]
    prime_shots: int
    warm: tuple[int, int]


def shards(step: Step) -> list[Shard]:
    """Cut a step into what one Fire can do in its time; at least one shard where there is anything to do."""
    cut = [
        Shard(bursts=(first, min(first + BURSTS_PER_SHARD, len(step.bursts))), prime_shots=0, warm=(0, 0))
        for first in range(0, len(step.bursts), BURSTS_PER_SHARD)
    ]
    chunk = WARM_CALLS_IN_ROW_PER_SHARD * step.warm_concurrency
    warm = [(first, min(first + chunk, step.warm_shots)) for first in range(0, step.warm_shots, chunk)]
    if warm:
        last = cut.pop() if cut else Shard(bursts=(0, 0), prime_shots=0, warm=(0, 0))
        cut.append(Shard(bursts=last.bursts, prime_shots=step.prime_shots, warm=warm[0]))
        none = (len(step.bursts), len(step.bursts))
        cut.extend(Shard(bursts=none, prime_shots=0, warm=part) for part in warm[1:])
    return cut


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
