"""The alarm rings at its time, once, wherever it is set from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

import pytest

from isotherm.load.alarm import Alarm

pytestmark = pytest.mark.usefixtures("each_event_loop")


#: Sets the alarm, knowing when it rang and when all began.
Setting = Callable[[Alarm, list[float], float], None]


def rung(plan: Setting) -> list[float]:
    """When it rang, in seconds from the begin; `plan(alarm, rings, begin)` sets it."""

    async def main() -> list[float]:
        rings: list[float] = []
        begin = perf_counter()

        def ring() -> None:
            rings.append(perf_counter() - begin)
            plan(alarm, rings, begin)

        alarm = Alarm(asyncio.get_running_loop(), ring)
        plan(alarm, rings, begin)
        await asyncio.sleep(0.3)
        alarm.close()
        await asyncio.sleep(0.05)
        return rings

    return asyncio.run(main())


def test_it_rings_once_and_not_before_its_time() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin + 0.1)

    (rang,) = rung(plan)
    assert 0.1 <= rang < 0.3


def test_it_rings_again_where_it_is_set_again() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if len(rings) < 5:
            alarm.set(begin + 0.02 * (len(rings) + 1))

    rings = rung(plan)
    assert len(rings) == 5
    assert all(rang >= 0.02 * (number + 1) for number, rang in enumerate(rings))


def test_a_time_that_has_passed_is_now() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin - 1)

    (rang,) = rung(plan)
    assert rang < 0.2


def test_setting_it_again_moves_it() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin + 0.01)
            alarm.set(begin + 0.15)

    (rang,) = rung(plan)
    assert rang >= 0.15


def test_it_does_not_ring_once_closed() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin + 0.32)

    assert rung(plan) == []
