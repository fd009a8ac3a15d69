"""Expands a step into orders: exactly which calls are to be made, each with an id of its own, and what it carries."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isotherm.campaign.cell import Kind
from isotherm.campaign.lane import LATEST, Burst, Lane, Step
from isotherm.load.customers import WebRequest, as_event, create_request, customer, read_request
from isotherm.measurement.shot import Order, Outcome


@dataclass(frozen=True, slots=True)
class StepOrders:
    """All calls of a step, in the order in which they are made: burst after burst, then priming, then warm calls."""

    bursts: list[list[Order]]
    prime: list[Order]
    warm: list[Order]

    @property
    def planned(self) -> int:
        """How many calls there are."""
        return sum(map(len, self.bursts)) + len(self.prime) + len(self.warm)

    @property
    def width(self) -> int:
        """How many calls are made at once, at most."""
        warm = self.warm[0].concurrency if self.warm else 0
        return max(1, *(len(burst) for burst in self.bursts), len(self.prime), warm)

    def is_spent(self, version: str) -> bool:
        """Whether a version that had its burst is called no more: the last one serves the warm calls."""
        return not self.warm or version != self.warm[0].version


def step_orders(lane: Lane, step: Step, versions: Sequence[str], memory_mb: int) -> StepOrders:
    """The calls of a whole step.

    Parameters
    ----------
    lane, step : Lane, Step
        What is planned.
    versions : sequence of str
        What was published for it, a version for each burst; the last one is primed and called warm. Empty: the
        function is called as it is deployed.
    memory_mb : int
        What these versions have.
    """
    last = versions[-1] if versions else LATEST
    return StepOrders(
        bursts=[burst_orders(lane, step, burst, versions[burst.burst], memory_mb) for burst in step.bursts],
        prime=warm_orders(lane, step, "prime", 0, step.prime_shots, last, memory_mb),
        warm=warm_orders(lane, step, "warm", 0, step.warm_shots, last, memory_mb),
    )


def is_held(step: Step, order: Order) -> bool:
    """Whether a call is one of a burst whose calls are held open until all of them are in."""
    together = {"cold": order.concurrency, "prime": step.prime_shots, "warm": 1}[order.kind]
    return step.protocol == "invoke" and together > 1


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


def event_of(lane: Lane, step: Step, order: Order, hold_until_ms: float | None) -> dict[str, Any]:
    """What a call by invoke hands to its function.

    Parameters
    ----------
    hold_until_ms : float or None
        Epoch milliseconds until which the probe holds the call open; None holds nothing.
    """
    asked: dict[str, Any] = {"shot_id": order.shot_id}
    if hold_until_ms is not None:
        asked["hold_until_ms"] = hold_until_ms
    event: dict[str, Any] = {"isotherm": asked}
    if step.inner is not None:
        event["inner"] = {"region": step.inner.region, "function_name": step.inner.function_name}
    if step.operation is not None:
        event |= as_event(request_of(lane, step, order), order.shot_id)
    return event


def request_of(lane: Lane, step: Step, order: Order) -> WebRequest:
    """What a call of the target `customers` asks: to create a customer, or to read one that a priming call created."""
    seed = zlib.crc32(f"{lane.key}/{step.step}".encode())
    if step.operation == "get" and order.kind != "prime":
        return read_request(customer(seed, order.index % step.prime_shots).email_id)
    return create_request(customer(seed, order.index))


def outcome_of_status(status: int) -> Outcome:
    """Where an HTTP status says that a call ended.

    What never reached the function is a throttle (429) or the client's fault (401, 403); whoever waited in vain says
    504, a timeout; anything else that is not a success came from the function, or instead of its answer.
    """
    if 200 <= status < 300:
        return "answered"
    if status == 429:
        return "throttled"
    if status in (401, 403):
        return "client_error"
    return "timeout" if status == 504 else "function_error"
