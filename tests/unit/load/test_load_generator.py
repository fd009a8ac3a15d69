"""Both loops against real servers on loopback that answer well, badly or not at all; for times: test_load_times."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from typing import Any

import pytest

from isotherm.http.exchange import Connection
from isotherm.load.generator import Progress, run
from isotherm.load.result import LoadResult, PhaseResult, merge
from isotherm.load.spec import RECORD_PHASES, LoadSpec, Phase, closed_loop_requests
from isotherm.load.target import HttpTarget, Verdict
from unit.present import present

from .loopback import HANG_UP, Customers, Script, answer_of, read_request, serving

pytestmark = [pytest.mark.usefixtures("each_event_loop"), pytest.mark.timeout(120)]

PEAK = (Phase("peak", 1.0),)


def closed(threads: int, iterations: int, **options: Any) -> LoadSpec:
    return LoadSpec(loop="closed", threads=threads, iterations=iterations, **{"phases": PEAK, **options})


def opened(rate: float, duration: float, **options: Any) -> LoadSpec:
    return LoadSpec(
        loop="open", rate_per_s=rate, duration_s=duration, **{"phases": PEAK, "arrivals": "constant", **options}
    )


def load(
    spec: LoadSpec, script: Script, tls: ssl.SSLContext | None = None, cafile: str | None = None, **options: Any
) -> PhaseResult:
    """One phase's result; the accounts must be in order whatever happened."""

    async def main() -> PhaseResult:
        async with serving(script, tls) as origin:
            target = HttpTarget(origin, seed=7, cafile=cafile)
            return await run(spec, target, spec.phases[0].name, **options)

    return in_order(asyncio.run(main()))


def in_order(result: PhaseResult) -> PhaseResult:
    assert result.planned == result.succeeded + result.failed.total()
    assert result.sent <= result.planned
    assert sum(second.sent for second in result.series.values()) == result.sent
    assert sum(second.succeeded for second in result.series.values()) == result.succeeded
    assert result.latency_us.total >= result.succeeded
    return result


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_closed_loop_makes_the_records_requests_phase_by_phase(tls: ssl.SSLContext, cafile: str) -> None:
    spec = closed(20, 5, phases=RECORD_PHASES)
    server = Customers()

    async def main() -> LoadResult:
        async with serving(server, tls) as origin:
            target = HttpTarget(origin, seed=7, cafile=cafile)
            return LoadResult(spec, [await run(spec, target, phase.name) for phase in spec.phases])

    result = asyncio.run(main())
    expected = closed_loop_requests(20, 5)
    assert {phase.phase: in_order(phase).succeeded for phase in result.phases} == expected
    assert result.rows()[-1].succeeded == sum(expected.values()) == len(server.lines)
    assert Counter(line.split()[0] for line in server.lines) == {"post": 185, "get": 185}
    assert len(server.known) == 185
    assert result.rows()[-1].cold_starts == 1
    assert server.connections == 2 + 10 + 20 + 5


def test_a_thread_of_a_closed_loop_waits_for_its_answer() -> None:
    at_once: Counter[str] = Counter()

    async def before(*_: object) -> None:
        at_once["now"] += 1
        at_once["most"] = max(at_once["now"], at_once["most"])
        await asyncio.sleep(0.002)
        at_once["now"] -= 1

    result = load(closed(3, 10), Customers(before))
    assert (result.succeeded, at_once["most"]) == (60, 3)
    assert present(result.latency_us.quantile(0.0)) >= 1000  # uvloop sleeps whole milliseconds, or a little less
    assert result.lateness_us.total == 0


def test_an_open_loop_sends_nothing_before_its_time() -> None:
    """However slow a machine is, it makes nothing early; that nothing is late either: test_load_times."""
    result = load(opened(100, 1), Customers())
    assert (result.succeeded, result.lateness_us.total) == (100, 100)
    assert result.wall_s >= 0.99


def test_what_could_not_be_sent_in_time_is_not_dropped() -> None:
    async def before(*_: object) -> None:
        await asyncio.sleep(0.2)

    result = load(opened(50, 1, max_in_flight=1, timeout_s=0.5), Customers(before))
    assert result.planned == 50
    assert result.failed["not_sent"] > 20
    assert result.sent == result.planned - result.failed["not_sent"]
    assert result.latency.total == 50
    assert result.failed_after_us.above(490_000) >= result.failed["not_sent"]


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_a_kept_connection_that_the_server_closed_is_opened_anew(spec: LoadSpec) -> None:
    """A server may close a connection after any answer without saying so in it; nothing failed by that."""
    server = Customers()

    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, body = await read_request(reader)
        writer.write(server.answer(line, body))

    result = load(spec, one_answer)
    assert (result.succeeded, result.failed) == (30, {})
    assert result.connections_opened >= 30
    if spec.loop == "closed":  # its next request is written before the end of the connection is seen
        assert result.sent_again > 0


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_a_server_that_closes_without_an_answer_fails_its_requests(spec: LoadSpec) -> None:
    """Also on connections that answered before: made a second time, over a new one, a request is counted as it ends."""
    served: Counter[str] = Counter()

    async def first_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served["connections"] += 1
        if served.total() == 1:
            await read_request(reader)
            writer.write(answer_of(200, b"{}"))
        await read_request(reader)

    result = load(spec, first_only)
    assert result.succeeded == 1
    assert result.failed == {"reset": 29}
    assert result.sent_again <= 1


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_refused_connections_are_counted_each(spec: LoadSpec) -> None:
    async def main() -> PhaseResult:
        return await run(spec, HttpTarget(f"http://127.0.0.1:{free_port()}", seed=7), "peak")

    result = in_order(asyncio.run(main()))
    assert result.failed == {"refused": 30}
    assert (result.sent, result.latency_us.total) == (0, 0)
    assert result.connections_failed["refused"] >= 30


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_a_certificate_that_is_not_trusted_is_counted(spec: LoadSpec, tls: ssl.SSLContext) -> None:
    result = load(spec, Customers(), tls)
    assert result.failed == {"certificate": 30}


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_a_server_that_hangs_up_is_counted_and_connected_to_again(spec: LoadSpec) -> None:
    async def before(_: str, number: int) -> bytes | None:
        return HANG_UP if number % 3 == 0 else None

    server = Customers(before)
    result = load(spec, server)
    assert result.failed["reset"] == 10
    assert server.connections >= 10
    assert result.succeeded + result.failed["http_4xx"] == 20


@pytest.mark.parametrize("spec", [closed(3, 5), opened(100, 0.3)])
def test_answers_are_counted_by_what_they_mean(spec: LoadSpec) -> None:
    statuses = {1: 429, 2: 503, 3: 400, 4: 302}

    async def before(_: str, number: int) -> bytes | None:
        return answer_of(statuses[number], b"") if number in statuses else None

    result = load(spec, Customers(before))
    assert {kind: result.failed[kind] for kind in ("throttled", "http_5xx", "http_3xx")} == {
        "throttled": 1,
        "http_5xx": 1,
        "http_3xx": 1,
    }
    # A customer whose post failed is not found; that is not a success.
    assert result.failed["http_4xx"] >= 1


def test_throttles_are_not_tried_again() -> None:
    async def before(*_: object) -> bytes | None:
        return answer_of(429, b"slow down")

    server = Customers(before)
    result = load(closed(2, 4), server)
    assert result.failed == {"throttled": 16}
    assert len(server.lines) == 16


def test_a_get_before_any_customer_is_known_may_find_nothing() -> None:
    """In an open loop the first get does not wait for the first post; that it finds nothing is right, not a failure."""

    async def before(line: str, _: int) -> None:
        if line.startswith("post"):
            await asyncio.sleep(0.3)

    server = Customers(before)
    result = load(opened(50, 1), server)
    assert result.failed == {}
    assert result.succeeded == 50


def test_a_get_that_does_not_find_what_was_posted_is_a_failure() -> None:
    async def before(line: str, _: int) -> bytes | None:
        return answer_of(404, b"{}") if line.startswith("get") else None

    result = load(closed(1, 5), Customers(before))
    assert result.failed == {"http_4xx": 5}


@pytest.mark.parametrize("spec", [closed(4, 5), opened(100, 0.4)])
def test_shards_begin_together_and_add_up(spec: LoadSpec) -> None:
    server = Customers()

    async def main() -> tuple[float, list[PhaseResult]]:
        async with serving(server) as origin:
            begin_at = time.time() + 0.3
            target = HttpTarget(origin, seed=7)
            shards = (run(spec, target, "peak", shard=shard, shards=3, begin_at=begin_at) for shard in range(3))
            return begin_at, await asyncio.gather(*shards)

    begin_at, parts = asyncio.run(main())
    whole = in_order(merge(parts))
    assert (whole.planned, whole.succeeded) == (40, 40)
    assert len(server.known) == 20
    assert whole.missing_shards == []
    assert all(part.began_at == pytest.approx(begin_at, abs=0.001) for part in parts)
    assert min(whole.series) >= int(begin_at)


@pytest.mark.parametrize("spec", [closed(2, 50), opened(100, 60.0)])
def test_a_phase_that_is_told_to_stop_ends_and_accounts_for_the_rest(spec: LoadSpec) -> None:
    async def before(*_: object) -> None:
        await asyncio.sleep(0.1)

    seen: list[Progress] = []
    result = load(spec, Customers(before), watch=seen.append, stop=lambda: bool(seen) and seen[-1].succeeded >= 4)
    assert 4 <= result.succeeded < result.planned
    assert result.failed["not_sent"] > 10


@pytest.mark.parametrize("spec", [closed(2, 50), opened(100, 1.0)])
def test_a_phase_that_is_stopped_before_its_begin_sends_nothing(spec: LoadSpec) -> None:
    result = load(spec, Customers(), stop=lambda: True)
    assert result.sent == 0
    assert result.planned == result.failed["not_sent"] == (200 if spec.loop == "closed" else result.planned)
    assert result.planned > 50


@pytest.mark.parametrize("spec", [closed(2, 5, timeout_s=600), opened(100, 60.0, timeout_s=600)])
def test_a_phase_that_is_told_to_stop_waits_for_no_connection(spec: LoadSpec) -> None:
    """Of a server with TLS that never shakes hands; waiting for it would take the ten minutes of a time-out."""
    hellos: list[bytes] = []

    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        hellos.append(await reader.read(1))
        await reader.read()

    async def main() -> PhaseResult:
        async with serving(script) as origin:
            target = HttpTarget(origin.replace("http", "https"), seed=7)
            return await run(spec, target, "peak", stop=lambda: bool(hellos))

    result = in_order(asyncio.run(main()))
    assert result.ending == "stopped"
    assert result.failed == {"not_sent": result.planned}


def test_a_closed_loop_gives_up_only_when_no_thread_has_an_answer() -> None:
    """One customer in two gets no answer: threads time out again and again, and never all of them in a row."""

    async def before(_: str, number: int) -> None:
        if number % 2:
            await asyncio.sleep(3600)

    result = load(closed(2, 4, timeout_s=0.5), Customers(before), give_up_after=3)
    assert result.ending == "complete"
    assert result.sent == 16
    assert result.failed["timeout"] == 8


def test_a_load_that_shall_not_give_up_makes_all_of_its_requests() -> None:
    async def before(*_: object) -> None:
        await asyncio.sleep(3600)

    result = load(closed(2, 4, timeout_s=0.1), Customers(before))
    assert (result.ending, result.failed) == ("complete", {"timeout": 16})
    result = load(closed(2, 4, timeout_s=0.1), Customers(before), give_up_after=2)
    assert result.ending == "gave_up"
    assert 4 <= result.failed["timeout"] <= 6
    assert result.failed.total() == 16


def test_shards_that_begin_late_say_so() -> None:
    result = load(closed(1, 1), Customers(), begin_at=time.time() - 2)
    assert result.generator_late
    assert "after the agreed begin" in result.late[0]


def test_more_shards_than_connections_is_refused() -> None:
    with pytest.raises(ValueError, match="max_in_flight: 2 leaves none of 3 shards"):
        load(opened(50, 1, max_in_flight=2), Customers(), shard=2, shards=3)


def test_an_error_of_the_generator_ends_the_phase_instead_of_hanging_it() -> None:
    class Broken(HttpTarget):
        def judge(self, answer: Connection) -> Verdict:  # noqa: ARG002
            raise RuntimeError("broken")

    async def main() -> None:
        async with serving(Customers()) as origin:
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            await run(closed(1, 5), Broken(origin, seed=7), "peak")

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(main())


def test_a_get_of_one_path_may_be_all_requests() -> None:
    seen: Counter[str] = Counter()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, _ = await read_request(reader)
            seen[line] += 1
            writer.write(answer_of(200, b"{}"))

    async def main() -> PhaseResult:
        async with serving(script) as origin:
            return await run(closed(2, 5), HttpTarget(f"{origin}/stage/", seed=7, get="/health"), "peak")

    assert in_order(asyncio.run(main())).succeeded == 20
    assert seen == {"get /stage/health http/1.1": 20}
