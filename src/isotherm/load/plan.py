"""Which requests a phase makes, when, and which shard makes them. Sends nothing, and needs no clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal, NamedTuple

from isotherm.load.spec import LoadSpec, Phase

Operation = Literal["post", "get"]

#: Customers that a phase may make up: phases share none, so that none finds its customers there already.
_CUSTOMERS_OF_PHASE = 10**9


class Arrival(NamedTuple):
    """A request of an open loop: due `at_s` seconds after the phase begins, about customer `number`."""

    at_s: float
    operation: Operation
    number: int


def check_shard(shard: int, shards: int) -> None:
    """Refuse what is not a part of a whole.

    Raises
    ------
    ValueError
        `shard` is not within 0 to `shards` - 1.
    """
    if not 0 <= shard < shards:
        raise ValueError(f"shard: {shard} is outside 0 to {shards - 1}, the shards of {shards}")


def shard_threads(spec: LoadSpec, phase: Phase, shard: int, shards: int) -> range:
    """The threads of a closed loop's phase that fall to a shard."""
    return range(shard, spec.phase_threads(phase), shards)


def first_customer(spec: LoadSpec, phase: Phase, thread: int = 0) -> int:
    """The number of the first customer of a phase's thread; each iteration takes the next one."""
    return spec.phases.index(phase) * _CUSTOMERS_OF_PHASE + thread * (spec.iterations or 0)


def shard_arrivals(spec: LoadSpec, phase: Phase, shard: int, shards: int) -> Iterator[Arrival]:
    """The arrivals of an open loop's phase that fall to a shard, in order, made as they are asked for.

    Requests come in pairs, a post and a get; a pair is one shard's, and the pairs go round the shards. Together the
    shards make exactly the arrivals that one alone would make, at the same times.
    """
    first = first_customer(spec, phase)
    for position, at_s in enumerate(_times(spec, phase)):
        pair, second = divmod(position, 2)
        if pair % shards == shard:
            yield Arrival(at_s, "get" if second else "post", first + pair)


def _times(spec: LoadSpec, phase: Phase) -> Iterator[float]:
    rate, duration_s = spec.phase_rate(phase), spec.duration_s or 0.0
    if spec.arrivals == "constant":
        # A product, as a sum of gaps would drift; rounded, since 0.1 * 30 is a little more than 3.
        for position in range(round(rate * duration_s, 6).__floor__()):
            yield position / rate
        return
    dice = random.Random(f"{spec.seed}/{phase.name}")  # noqa: S311  (not a secret)
    at_s = dice.expovariate(rate)
    while at_s < duration_s:
        yield at_s
        at_s += dice.expovariate(rate)
