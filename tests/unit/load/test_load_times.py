"""When a load sends, how long its answers took and when it ends, to the millisecond, in a time of the test's own."""

from __future__ import annotations

import asyncio
import re

import pytest

from isotherm.load import generator
from isotherm.load.generator import Progress
from isotherm.load.plan import shard_arrivals
from isotherm.load.spec import Arrivals, LoadSpec
from unit.present import present

from .loopback import Customers
from .made_up_time import MadeUpTime
from .test_load_generator import closed, in_order, opened

#: From when all is ready to the begin, where no begin is agreed.
LEAD_S = generator._LEAD_S

#: How often a load looks whether it is to end, and tells its progress.
SWEEP_S = 0.25


def answering_after(seconds: float) -> Customers:
    async def before(*_: object) -> None:
        await asyncio.sleep(seconds)

    return Customers(before)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
@pytest.mark.parametrize("answer_s", [0.0, 0.5])
def test_an_open_loop_sends_when_it_was_planned_to_whatever_the_answers_take(
    made_up_time: MadeUpTime, arrivals: Arrivals, answer_s: float
) -> None:
    sent_at = []

    async def before(*_: object) -> None:
        sent_at.append(made_up_time.now)
        await asyncio.sleep(answer_s)

    spec = opened(100, 1, arrivals=arrivals)
    result = in_order(made_up_time.load(spec, Customers(before), begin_at=made_up_time.unix(2)))
    planned = [arrival.at_s for arrival in shard_arrivals(spec, spec.phases[0], 0, 1)]
    assert sent_at == pytest.approx([2 + at_s for at_s in planned], abs=1e-6)
    assert (result.succeeded, result.lateness_us.total, result.lateness_us.highest) == (len(planned), len(planned), 0)
    assert result.wall_s == pytest.approx(planned[-1] + answer_s, abs=1e-6)
    assert present(result.latency_us.quantile(0.0)) == pytest.approx(1e6 * answer_s, rel=0.001)


def test_coordinated_omission_shows_only_in_the_open_loop(made_up_time: MadeUpTime) -> None:
    """A server that stalls once for a second: the closed loop hardly notices, the open one tells the truth."""

    def stalling() -> Customers:
        stalled = asyncio.Event()
        begun = []

        async def before(_: str, number: int) -> None:
            await asyncio.sleep(0.005)
            if number == 100:
                begun.append(True)
                await asyncio.sleep(1.0)
                stalled.set()
            elif begun and not stalled.is_set():
                await stalled.wait()

        return Customers(before)

    threads, rate = 4, 200
    closed_loop = in_order(made_up_time.load(closed(threads, 100), stalling()))
    open_loop = in_order(made_up_time.load(opened(rate, 2.5), stalling()))
    assert (closed_loop.succeeded, open_loop.succeeded) == (800, 500)
    # A thread waits once; meanwhile, in the open loop, everybody who would have come waits too.
    assert closed_loop.latency_us.above(100_000) == threads
    assert open_loop.latency_us.above(100_000) == pytest.approx(0.9 * rate, abs=1)
    assert present(closed_loop.latency_us.quantile(0.99)) == pytest.approx(5_000, rel=0.001)
    assert present(open_loop.latency_us.quantile(0.9)) > 500_000
    assert present(open_loop.latency_us.highest) == pytest.approx(1_005_000, rel=0.001)


def test_what_waits_for_a_connection_counts_from_its_intended_start(made_up_time: MadeUpTime) -> None:
    result = in_order(made_up_time.load(opened(100, 0.3, max_in_flight=1), answering_after(0.05)))
    assert (result.succeeded, result.connections_opened) == (30, 1)
    assert present(result.service_us.highest) == pytest.approx(50_000, rel=0.001)
    # The last of 30 requests of 50 ms each, over one connection, ended after 1.5 s; it was intended at 0.29 s.
    assert present(result.latency_us.highest) == pytest.approx(1_210_000, rel=0.001)


def test_waiting_at_the_generators_own_limit_is_said_and_counted(made_up_time: MadeUpTime) -> None:
    """20 at once, each for half a second, are 40 a second: of 100 a second most wait, and not for the server's sake."""
    result = in_order(made_up_time.load(opened(100, 1, max_in_flight=20), answering_after(0.5)))
    (reason,) = result.late
    said = present(
        re.match(r"(\d+) requests waited because max_in_flight \(20\) were under way, at most ([\d.]+) ms", reason)
    )
    # The first 20 do not wait. The last 20 leave with the fifth round, after 2 s; they were due from 0.8 s on.
    assert int(said[1]) == 80
    assert float(said[2]) == pytest.approx(1200, abs=0.1)
    assert present(result.latency_us.highest) == pytest.approx(1_700_000, rel=0.001)
    assert made_up_time.load(opened(100, 0.3, max_in_flight=60), answering_after(0.5)).late == ()
    shared = made_up_time.load(opened(100, 0.5, max_in_flight=20), answering_after(0.5), shards=2)
    assert [reason for reason in shared.late if "(10 of 20)" in reason]


@pytest.mark.parametrize("spec", [closed(2, 5), opened(100, 0.1)])
def test_a_slow_answer_is_a_timeout_and_the_load_goes_on(made_up_time: MadeUpTime, spec: LoadSpec) -> None:
    async def before(_: str, number: int) -> None:
        if number == 3:
            await asyncio.sleep(5)

    spec = LoadSpec.from_dict({**spec.to_dict(), "timeout_s": 0.3})
    result = in_order(made_up_time.load(spec, Customers(before)))
    assert result.failed["timeout"] == 1
    assert result.succeeded + result.failed["http_4xx"] == result.planned - 1
    # Whether time is up is looked at twenty times within it.
    assert 300_000 <= present(result.failed_after_us.highest) <= 1.05 * 300_000 * 1.001


@pytest.mark.parametrize("spec", [closed(2, 50), opened(100, 1.0)])
@pytest.mark.parametrize("told", ["when", "now"])
def test_a_phase_that_must_end_ends_and_accounts_for_the_rest(
    made_up_time: MadeUpTime, spec: LoadSpec, told: str
) -> None:
    """By the time it was told beforehand, or because somebody says so meanwhile."""
    end_s = LEAD_S + 0.45
    if told == "when":
        result = made_up_time.load(spec, answering_after(0.1), end_by=made_up_time.unix(end_s))
    else:
        result = made_up_time.load(spec, answering_after(0.1), stop=lambda: made_up_time.now > end_s)
    assert 0.45 <= in_order(result).wall_s <= 0.45 + SWEEP_S
    assert 0 < result.succeeded < result.planned
    # What was under way is given up; what was not sent yet, never is.
    assert result.failed["timeout"] == (2 if spec.loop == "closed" else 10)
    assert result.failed["not_sent"] == result.planned - result.sent > 10


def test_a_generator_that_cannot_keep_up_says_so_with_numbers(made_up_time: MadeUpTime) -> None:
    async def before(_: str, number: int) -> None:
        if number % 20 == 0:
            made_up_time.pass_by(0.02)

    result = in_order(made_up_time.load(opened(400, 0.5), Customers(before)))
    assert result.generator_late
    (reason,) = result.late
    said = present(
        re.match(r"1 % of the sends were more than ([\d.]+) ms late \(median 0\.0, most ([\d.]+) ms\)", reason)
    )
    # Eight are due in the 20 ms: one of them as they begin, and the next one 2.5 ms after that.
    assert [float(ms) for ms in said.groups()] == pytest.approx([17.5, 17.5], abs=0.1)


def test_a_quiet_generator_is_not_called_late(made_up_time: MadeUpTime) -> None:
    result = in_order(made_up_time.load(opened(40, 1), answering_after(0.05)))
    assert (result.lateness_us.total, result.lateness_us.highest) == (40, 0)
    assert (result.generator_late, result.late) == (False, ())


def test_progress_is_told_meanwhile(made_up_time: MadeUpTime) -> None:
    seen: list[Progress] = []
    made_up_time.load(opened(100, 1), Customers(), watch=seen.append)
    assert [progress.elapsed_s for progress in seen] == pytest.approx([SWEEP_S, 2 * SWEEP_S, 3 * SWEEP_S], abs=0.001)
    assert [progress.ended for progress in seen] == pytest.approx([25, 50, 75], abs=1)
    assert {progress.in_flight for progress in seen} == {0}


def test_connections_idle_until_the_begin_are_opened_shortly_before_it(made_up_time: MadeUpTime) -> None:
    begin_s = 60.0
    made_up_time.load(closed(3, 1), Customers(), begin_at=made_up_time.unix(begin_s))
    assert made_up_time.opened_at == pytest.approx([begin_s - generator._PREPARE_S] * 3, abs=0.001)
