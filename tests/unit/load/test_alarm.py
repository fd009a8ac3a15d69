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

#: It does not ring at all where it has not by then.
PATIENCE_S = 60.0

#: How long after the last ring that is waited for another one would be noticed.
A_WHILE_S = 0.1


def rung(plan: Setting, rings_awaited: int) -> list[float]:
    """When it rang, in seconds from the begin; `plan(alarm, rings, begin)` sets it, at first and whenever it rang."""

    async def main() -> list[float]:
        rings: list[float] = []
        begin = perf_counter()
        rang = asyncio.Event()

        def ring() -> None:
            rings.append(perf_counter() - begin)
            plan(alarm, rings, begin)
            if len(rings) == rings_awaited:
                rang.set()

        alarm = Alarm(asyncio.get_running_loop(), ring)
        plan(alarm, rings, begin)
        await asyncio.wait_for(rang.wait(), PATIENCE_S)
        await asyncio.sleep(A_WHILE_S)
        alarm.close()
        return rings

    return asyncio.run(main())


def test_it_rings_once_and_not_before_its_time() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin + 0.1)

    (rang,) = rung(plan, 1)
    assert rang >= 0.1


def test_it_rings_again_where_it_is_set_again() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if len(rings) < 5:
            alarm.set(begin + 0.02 * (len(rings) + 1))

    rings = rung(plan, 5)
    assert len(rings) == 5
    assert all(rang >= 0.02 * (number + 1) for number, rang in enumerate(rings))


def test_a_time_that_has_passed_is_now() -> None:
    """Set for a time that never comes again, it would not ring at all."""

    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin - 1)

    assert len(rung(plan, 1)) == 1


def test_setting_it_again_moves_it() -> None:
    def plan(alarm: Alarm, rings: list[float], begin: float) -> None:
        if not rings:
            alarm.set(begin + 0.01)
            alarm.set(begin + 0.15)

    (rang,) = rung(plan, 1)
    assert rang >= 0.15


def test_it_does_not_ring_once_closed() -> None:
    async def main() -> list[str]:
        rang: list[str] = []
        alarm = Alarm(asyncio.get_running_loop(), lambda: rang.append("closed"))
        alarm.set(perf_counter() + 0.01)
        alarm.close()
        await asyncio.sleep(A_WHILE_S)
        return rang

    assert asyncio.run(main()) == []
