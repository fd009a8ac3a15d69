"""Makes the requests of one phase, closed or open loop, on one thread and one clock, and counts what comes of them.

Nothing on the way of a request waits for a task: answers arrive by callback (`exchange.Connection`), and the next
request goes out from there. Only connections are opened by tasks.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from isotherm.http.exchange import Connection, ExchangeFailed, connect, tls_context
from isotherm.load.alarm import Alarm
from isotherm.load.plan import Arrival, Operation, check_shard, first_customer, shard_arrivals, shard_threads
from isotherm.load.result import Ending, PhaseResult
from isotherm.load.spec import REQUESTS_PER_ITERATION, LoadSpec, Phase
from isotherm.load.tally import Tally
from isotherm.load.target import Target

#: From when all is ready to the begin, where no begin was agreed.
_LEAD_S = 0.05

#: Connections opened side by side before the begin: fewer than a listener's queue usually holds.
_OPENED_AT_ONCE = 32

#: An open loop opens connections for so much of its rate beforehand, and further ones as they are needed.
_CONNECTIONS_FOR_S = 0.1

#: An open loop writes requests before they are due, this long (s); the very next one even longer, but not so long that
#: its signature gets old. It writes none when one is due within the margin.
_AHEAD_S = 0.05
_SIGNATURE_S = 60.0
_MARGIN_S = 0.00005

#: Connections are opened this long before an agreed begin (s): servers close those that idle for some seconds.
_PREPARE_S = 3.0

_CLOSING_S = 1.0
_NOT_FOUND = 404

#: Failures of servers that say nothing at all: there was nobody, or no answer, for as long as a time-out.
_WITHOUT_ANSWER = frozenset({"connect_timeout", "timeout"})

#: The generator did not keep up where 1 % of its sends were later than this, and than a tenth of what answers took
#: (p99).
_LATE_US = 1000
_LATE_SHARE = 0.10

#: ... or where it used a processor, or waited for one, for more than this share of at least this many seconds.
_BUSY_SHARE = 0.95
_BUSY_FROM_S = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is, on this shard."""

    ended: int
    succeeded: int
    in_flight: int
    elapsed_s: float


async def run(
    spec: LoadSpec,
    target: Target,
    phase: str,
    *,
    shard: int = 0,
    shards: int = 1,
    begin_at: float | None = None,
    end_by: float | None = None,
    watch: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    give_up_after: int | None = None,
) -> PhaseResult:
    """Make one phase's requests, or a shard's share of them.

    Parameters
    ----------
    spec : LoadSpec
        The whole load.
    target : Target
        What it is made on.
    phase : str
        Name of the phase.
    shard, shards : int
        Which share of how many: threads of a closed loop and pairs of an open one go round the shards. So do the
        connections of `max_in_flight`.
    begin_at : float, optional
        Unix time (s) at which all shards begin; connections are opened before. Soon, if not given.
    end_by : float, optional
        Unix time (s) at which the phase is ended whatever is left of it: that counts as not sent, or timed out.
    watch : callable, optional
        Called some times a second with the progress.
    stop : callable, optional
        Asked some times a second, so it must answer at once; true ends the phase as `end_by` does.
    give_up_after : int, optional
        Closed loop: so many time-outs for each thread, one after the other and with no answer to any thread in between,
        end the phase as `end_by` does. Waiting on would take iterations x time-out. If not given, it waits.

    Returns
    -------
    PhaseResult
        Every planned request accounted for.

    Raises
    ------
    ValueError
        `phase` or `shard` does not exist, or `max_in_flight` leaves this shard without a connection.
    """
    check_shard(shard, shards)
    part = spec.phase(phase)
    loop = _ClosedLoop if spec.loop == "closed" else _OpenLoop
    return await loop(spec, target, part, shard, shards).run(begin_at, end_by, watch, stop, give_up_after)


@dataclass(slots=True)
class _Thread:
    """One thread of a closed loop: `made` requests written so far, `left` to be written, `next` ready to be sent."""

    first_customer: int
    left: int
    made: int = 0
    connection: Connection | None = None
    connecting: bool = False
    next: _Errand | None = None


@dataclass(slots=True)
class _Errand:
    """A request on its way: when it was intended (`time.perf_counter`, s), and what it is about."""

    intended: float
    operation: Operation
    number: int
    thread: _Thread | None = None
    message: bytes | None = None
    #: Whether it is not known yet that the customer exists, so that "not found" is the right answer.
    maybe_missing: bool = False
    #: Whether it is made a second time, because the first met a connection that its server had closed.
    again: bool = False
    #: Since when it has waited for a connection with as many there as may be (`time.perf_counter`, s).
    held_since: float | None = None


class _Load(ABC):
    """What both loops have in common: connections, time limits, counting, the end."""

    def __init__(self, spec: LoadSpec, target: Target, phase: Phase, shard: int, shards: int) -> None:
        self.spec, self.target, self.phase, self.shard, self.shards = spec, target, phase, shard, shards
        self.tally = Tally(phase.name, spec.loop, shard, shards)
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.in_flight = 0
        self.unanswered = 0  # time-outs since the last request that ended otherwise
        self.ending: Ending = "complete"
        self.begin = 0.0
        self.alarm = Alarm(self.loop, self._guarded(self.ring))
        self._context = tls_context(target.cafile) if target.origin.scheme == "https" else None
        self._finished: asyncio.Future[None] = self.loop.create_future()
        self._opening: set[asyncio.Task[Connection | ExchangeFailed]] = set()
        self._sweep_s = min(0.25, spec.timeout_s / 20)
        self._sweeper: asyncio.TimerHandle | None = None
        self._name = f"shard {shard} of {shards}: " if shards > 1 else ""

    async def run(
        self,
        begin_at: float | None,
        end_by: float | None,
        watch: Callable[[Progress], None] | None,
        stop: Callable[[], bool] | None,
        give_up_after: int | None,
    ) -> PhaseResult:
        def over(now: float) -> Ending | None:
            if now > end or (stop is not None and stop()):
                return "stopped"
            return "gave_up" if give_up_after and self.is_unanswered(give_up_after) else None

        end = float("inf")
        try:
            self.target.message("post", 0)  # what cannot be written, or signed, shows here
            if begin_at is not None:
                await asyncio.sleep(max(0.0, begin_at - time.time() - _PREPARE_S))
            await self._unless_stopped(self.prepare(), stop)
            ready = perf_counter()
            self.tally.epoch_offset_s = offset = time.time() - ready
            self.begin = ready + _LEAD_S if begin_at is None else begin_at - offset
            self.write_ahead()
            end = end if end_by is None else end_by - offset
            if stop is not None and stop():
                self._end("stopped", ready)
            self._sweep(over, watch)
            self.alarm.set(self.begin)
            # What is there already is not garbage; going through it would stop the generator for tens of milliseconds.
            gc.collect()
            gc.freeze()
            used_s, waited_s = time.process_time(), _waited_for_processor_s()
            await self._finished
            used_s, waited_s = time.process_time() - used_s, _waited_for_processor_s() - waited_s
        finally:
            gc.unfreeze()
            await self._close()
        result = self.tally.result(self.begin, int(used_s * 1e6), int(waited_s * 1e6))
        result.late = tuple(self._reasons(result, max(0.0, ready - self.begin)))
        result.ending = self.ending
        return result

    @abstractmethod
    async def prepare(self) -> None:
        """Open connections; whoever is stopped in it has none."""

    @abstractmethod
    def write_ahead(self) -> None:
        """Make the bytes of requests that are not due yet."""

    @abstractmethod
    def ring(self) -> None:
        """The alarm rings: at the begin, and whenever it was set for afterwards."""

    @abstractmethod
    def answered(self, errand: _Errand, connection: Connection, *, succeeded: bool) -> None:
        """The request has ended, and is counted; the connection is free or closed."""

    @abstractmethod
    def send_again(self, errand: _Errand) -> None:
        """Send a request over a new connection; the one it was sent over had been closed by the server."""

    @abstractmethod
    def expire(self, now: float) -> None:
        """Give up what has waited too long to be sent."""

    @abstractmethod
    def is_unanswered(self, times: int) -> bool:
        """Whether nothing was answered for so long that waiting on has no use."""

    @abstractmethod
    def stop(self, now: float) -> None:
        """Count what was not sent as such, and send nothing more."""

    @property
    @abstractmethod
    def all_sent(self) -> bool:
        """Whether nothing is left to send."""

    def finish_if_done(self) -> None:
        if self.all_sent and not self.in_flight and not self._finished.done():
            self._finished.set_result(None)

    def send(self, connection: Connection, errand: _Errand) -> None:
        """Write a request to a connection that is open and free."""
        if errand.message is None:
            self.write(errand)
            self.tally.made_late += 1
        message, errand.message = errand.message, None
        connection.errand = errand
        self.in_flight += 1
        connection.send(message or b"", self._done)
        if not errand.again:
            self.tally.send(connection.sent_at)

    def write(self, errand: _Errand) -> None:
        """Make a request's bytes."""
        errand.message = self.target.message(errand.operation, errand.number)

    def fail(self, errand: _Errand, kind: str, now: float) -> None:
        """Count a request that never got a connection."""
        self._note(kind)
        self.tally.fail(kind, now, errand.intended, None)

    def open_one(self, opened: Callable[[Connection | ExchangeFailed | None], None]) -> None:
        """Open a connection in the background, then call `opened`; with None where the phase ended before."""

        def ended(task: asyncio.Task[Connection | ExchangeFailed]) -> None:
            self._opening.discard(task)
            if not self._finished.done():
                self._guarded(lambda: opened(None if task.cancelled() else task.result()))()

        task = self.loop.create_task(self._connect())
        self._opening.add(task)
        task.add_done_callback(ended)

    async def open_some(self, number: int) -> list[Connection]:
        """Open up to `number` connections. One that cannot be opened is tried again when it is needed."""
        together = asyncio.Semaphore(_OPENED_AT_ONCE)

        async def one() -> Connection | ExchangeFailed:
            async with together:
                return await self._connect()

        opened = await asyncio.gather(*(one() for _ in range(number)))
        return [connection for connection in opened if isinstance(connection, Connection)]

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)

    async def _connect(self) -> Connection | ExchangeFailed:
        try:
            connection, _ = await connect(self.target.origin, self._context, self.spec.timeout_s)
        except ExchangeFailed as problem:
            self.tally.connections_failed[problem.kind] += 1
            return problem
        self.tally.connections_opened += 1
        self.connections.add(connection)
        connection.lost.add_done_callback(lambda _: self._guarded(lambda: self.lost(connection))())
        return connection

    def _done(self, connection: Connection, failure: ExchangeFailed | None) -> None:
        try:
            self.in_flight -= 1
            errand: _Errand = connection.errand
            now = connection.done_at
            succeeded = False
            if failure is not None and not errand.again and connection.was_closed_before(failure):
                errand.again = True
                self.tally.sent_again += 1
                self.write(errand)
                self.send_again(errand)
                return
            self._note(None if failure is None else failure.kind)
            if failure is not None:
                self.tally.fail(failure.kind, now, errand.intended, connection.sent_at)
            else:
                status, kind, cold = self.target.judge(connection)
                if cold:
                    self.tally.cold_starts += 1
                if kind is None or (status == _NOT_FOUND and errand.maybe_missing):
                    succeeded = True
                    self.tally.succeed(now, errand.intended, connection.sent_at)
                else:
                    self.tally.fail(kind, now, errand.intended, connection.sent_at)
            self.answered(errand, connection, succeeded=succeeded)
            if not self.in_flight:
                self.finish_if_done()
        except BaseException as problem:
            self._give_up(problem)
            raise

    def _guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        """Do it so that where it raises, the phase ends with that error instead of waiting for ever."""

        def guarded() -> None:
            try:
                work()
            except BaseException as problem:
                self._give_up(problem)
                raise

        return guarded

    def _give_up(self, problem: BaseException) -> None:
        if not self._finished.done():
            self._finished.set_exception(problem)

    def _note(self, kind: str | None) -> None:
        """Note at what a request failed, or that it got an answer."""
        self.unanswered = self.unanswered + 1 if kind in _WITHOUT_ANSWER else 0

    async def _unless_stopped(self, work: Coroutine[Any, Any, None], stop: Callable[[], bool] | None) -> None:
        """Do it to its end, or until the phase is told to stop."""
        task = self.loop.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=self._sweep_s))[0] and not (stop is not None and stop()):
                pass
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    def _end(self, ending: Ending, now: float) -> None:
        """End the phase: nothing more is sent, and nothing waited for."""
        if not self.all_sent or self.in_flight:
            self.ending = ending
        self.stop(now)
        for task in list(self._opening):
            task.cancel()
        for connection in list(self.connections):
            if connection.busy:
                connection.give_up("timeout", "the phase was ended before the answer came")

    def _sweep(self, over: Callable[[float], Ending | None], watch: Callable[[Progress], None] | None) -> None:
        def sweep() -> None:
            now = perf_counter()
            limit_s = self.spec.timeout_s
            for connection in list(self.connections):
                if connection.busy and now - connection.sent_at > limit_s:
                    connection.give_up("timeout", f"no complete answer within {limit_s:g} s")
            self.expire(now)
            if (ending := over(now)) is not None:
                self._end(ending, now)
            self.finish_if_done()
            if watch is not None and now > self.begin:
                watch(Progress(self.tally.ended, self.tally.succeeded, self.in_flight, now - self.begin))
            self._sweeper = self.loop.call_later(self._sweep_s, self._guarded(sweep))

        self._sweeper = self.loop.call_later(max(0.0, self.begin - perf_counter()) + self._sweep_s, sweep)

    def _reasons(self, result: PhaseResult, began_late_s: float) -> Iterator[str]:
        """Why the generator did not keep up, if it did not."""
        name = self._name
        if began_late_s > 0:
            yield f"{name}it was ready {began_late_s:.3f} s after the agreed begin"
        lateness, service_us = result.lateness_us, result.service_us.quantile(0.99) or 0
        late_us = lateness.quantile(0.99)
        if late_us is not None and late_us > max(_LATE_US, _LATE_SHARE * service_us):
            yield (
                f"{name}1 % of the sends were more than {late_us / 1000:.1f} ms late (median "
                f"{(lateness.quantile(0.5) or 0) / 1000:.1f}, most {(lateness.highest or 0) / 1000:.1f} ms), "
                f"where answers took {service_us / 1000:.1f} ms (p99)"
            )
        wall_us = result.wall_s * 1e6
        if wall_us >= _BUSY_FROM_S * 1e6 and result.processor_us + result.processor_wait_us > _BUSY_SHARE * wall_us:
            yield (
                f"{name}it used a processor for {result.processor_us / wall_us:.0%} of the time and waited for one for "
                f"{result.processor_wait_us / wall_us:.0%}: latencies contain waiting for the generator itself"
            )

    async def _close(self) -> None:
        self.alarm.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in list(self._opening):
            task.cancel()
        lost = [connection.lost for connection in self.connections]
        for connection in list(self.connections):
            connection.abort()
        if lost:
            await asyncio.wait(lost, timeout=_CLOSING_S)


def _waited_for_processor_s() -> float:
    """How long this thread was ready to run and did not, since it began; 0 where the system does not tell."""
    try:
        # https://docs.kernel.org/scheduler/sched-stats.html: time on the processor, time waiting for it, both in ns
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class _ClosedLoop(_Load):
    """Threads that each wait for an answer before they send the next request."""

    async def prepare(self) -> None:
        spec = self.spec
        requests = (spec.iterations or 0) * REQUESTS_PER_ITERATION
        self._stopped = False
        self._threads = [
            _Thread(first_customer(spec, self.phase, thread), requests)
            for thread in shard_threads(spec, self.phase, self.shard, self.shards)
        ]
        self._left = self.tally.planned = sum(thread.left for thread in self._threads)
        for connection, thread in zip(await self.open_some(len(self._threads)), self._threads, strict=False):
            thread.connection = connection

    def write_ahead(self) -> None:
        for thread in self._threads:
            self._write_next(thread)

    def ring(self) -> None:
        for thread in self._threads:
            self._turn(thread)
        self.finish_if_done()

    def answered(self, errand: _Errand, connection: Connection, *, succeeded: bool) -> None:  # noqa: ARG002
        if errand.thread is not None:
            self._turn(errand.thread)

    def expire(self, now: float) -> None:
        pass  # nothing waits: a thread turns to a request when it can

    def is_unanswered(self, times: int) -> bool:
        return self.unanswered >= times * len(self._threads)

    def stop(self, now: float) -> None:
        self.tally.cut(self._left, now)
        self._left = 0
        self._stopped = True

    @property
    def all_sent(self) -> bool:
        return self._left == 0 and not any(thread.connecting for thread in self._threads)

    def _write_next(self, thread: _Thread) -> None:
        """Make the bytes of the thread's next request before it is needed."""
        if not thread.left:
            thread.next = None
            return
        iteration, second = divmod(thread.made, REQUESTS_PER_ITERATION)
        thread.made += 1
        thread.left -= 1
        thread.next = _Errand(0.0, "get" if second else "post", thread.first_customer + iteration, thread)
        self.write(thread.next)

    def _turn(self, thread: _Thread) -> None:
        """Have the thread do its next request, if it has one."""
        errand = thread.next
        if errand is None or self._stopped:
            return
        self._left -= 1
        errand.intended = perf_counter()
        if thread.connection is None or thread.connection.closed:
            self._reconnect(thread, errand)
            self._write_next(thread)
            return
        self.send(thread.connection, errand)
        self._write_next(thread)

    def send_again(self, errand: _Errand) -> None:
        if errand.thread is not None:
            self._reconnect(errand.thread, errand)

    def _reconnect(self, thread: _Thread, errand: _Errand) -> None:
        thread.connecting = True
        self.open_one(lambda outcome: self._connected(thread, errand, outcome))

    def _connected(self, thread: _Thread, errand: _Errand, outcome: Connection | ExchangeFailed | None) -> None:
        thread.connecting = False
        if isinstance(outcome, Connection) and not self._stopped:
            thread.connection = outcome
            self.send(outcome, errand)
            return
        self.fail(errand, _without_connection(errand, outcome), perf_counter())
        self._turn(thread)
        self.finish_if_done()


def _without_connection(errand: _Errand, outcome: Connection | ExchangeFailed | None) -> str:
    """At what a request failed that got no connection, or got it when the phase was over."""
    if isinstance(outcome, ExchangeFailed):
        return outcome.kind
    return "timeout" if errand.again else "not_sent"  # it was under way already, or it never was


class _OpenLoop(_Load):
    """Requests that arrive when they were planned to, whatever became of those before."""

    async def prepare(self) -> None:
        spec, shards = self.spec, self.shards
        self._limit = len(range(self.shard, spec.max_in_flight, shards))
        if not self._limit:
            raise ValueError(f"max_in_flight: {spec.max_in_flight} leaves none of {shards} shards its own connection")
        self._arrivals: Iterator[Arrival] | None = shard_arrivals(spec, self.phase, self.shard, shards)
        self._ahead: deque[_Errand] = deque()  # not due yet, in order
        self._due: deque[_Errand] = deque()  # due, waiting for a connection, in order
        self._wanted = 0
        self._again = 0  # requests that wait for a new connection of their own
        self._known: int | None = None
        self._idle: list[Connection] = []
        self._held, self._held_longest_s = 0, 0.0
        at_once = math.ceil(spec.phase_rate(self.phase) / shards * _CONNECTIONS_FOR_S)
        self._idle = await self.open_some(min(self._limit, max(1, at_once)))

    def ring(self) -> None:
        now = perf_counter()
        while (errand := self._next()) is not None and errand.intended <= now:
            self._ahead.popleft()
            self.tally.lateness_us.record(int((now - errand.intended) * 1e6))
            self._due.append(errand)
            self._serve()
            now = perf_counter()
            if len(self._due) > self._wanted:  # no connection is being opened for it, so none may be
                errand.held_since = now
        self.write_ahead()
        if self._ahead:
            self.alarm.set(self._ahead[0].intended)
        self.finish_if_done()

    def write_ahead(self) -> None:
        ahead = self._ahead
        if self._next() is None:
            return
        errand: _Errand | None = ahead[-1]  # all before it are written
        now = perf_counter()
        while errand is not None and ahead[0].intended - now > _MARGIN_S:
            limit_s = _SIGNATURE_S if errand is ahead[0] else _AHEAD_S
            if errand.intended - now > limit_s:
                return
            if errand.message is None:
                self.write(errand)
            errand = self._pull()
            now = perf_counter()

    def answered(self, errand: _Errand, connection: Connection, *, succeeded: bool) -> None:
        if succeeded and errand.operation == "post":
            self._known = errand.number
        if not connection.closed:
            self._idle.append(connection)
        self._serve()

    def send_again(self, errand: _Errand) -> None:
        self._again += 1
        self.open_one(lambda outcome: self._reopened(errand, outcome))

    def _reopened(self, errand: _Errand, outcome: Connection | ExchangeFailed | None) -> None:
        self._again -= 1
        if isinstance(outcome, Connection):
            self.send(outcome, errand)
            return
        self.fail(errand, _without_connection(errand, outcome), perf_counter())
        self._serve()
        self.finish_if_done()

    def expire(self, now: float) -> None:
        due, limit_s = self._due, self.spec.timeout_s
        while due and now - due[0].intended > limit_s:
            self.fail(self._take(now), "not_sent", now)

    def is_unanswered(self, times: int) -> bool:  # noqa: ARG002
        return False  # its length is given, whatever is answered

    def stop(self, now: float) -> None:
        while self._due:
            self.fail(self._take(now), "not_sent", now)
        left = len(self._ahead)
        self._ahead.clear()
        if self._arrivals is not None:
            rest = sum(1 for _ in self._arrivals)
            self._arrivals = None
            self.tally.planned += rest
            left += rest
        self.tally.cut(left, now)

    @property
    def all_sent(self) -> bool:
        return self._arrivals is None and not self._ahead and not self._due and not self._again

    def lost(self, connection: Connection) -> None:
        super().lost(connection)
        self._serve()  # its place is free for another one, if that is needed

    def write(self, errand: _Errand) -> None:
        """A get asks for the customer whose post was answered last, or else for one that may not be there yet."""
        if errand.operation == "get":
            errand.maybe_missing = self._known is None
            if self._known is not None:
                errand.number = self._known
        super().write(errand)

    def _next(self) -> _Errand | None:
        """The next request that is not due yet, or is just now."""
        return self._ahead[0] if self._ahead else self._pull()

    def _pull(self) -> _Errand | None:
        """One more request of the plan, as the last of those ahead."""
        arrival = None if self._arrivals is None else next(self._arrivals, None)
        if arrival is None:
            self._arrivals = None
            return None
        self.tally.planned += 1
        errand = _Errand(self.begin + arrival.at_s, arrival.operation, arrival.number)
        self._ahead.append(errand)
        return errand

    def _take(self, now: float | None = None) -> _Errand:
        """The first that is due, which waits no longer."""
        errand = self._due.popleft()
        if errand.held_since is not None:
            self._held += 1
            waited_s = (perf_counter() if now is None else now) - errand.held_since
            self._held_longest_s = max(self._held_longest_s, waited_s)
        return errand

    def _reasons(self, result: PhaseResult, began_late_s: float) -> Iterator[str]:
        yield from super()._reasons(result, began_late_s)
        if self._held:
            limit, own = self.spec.max_in_flight, self._limit
            share = f"{own} of {limit}" if self.shards > 1 else f"{limit}"
            yield (
                f"{self._name}{self._held} requests waited because max_in_flight ({share}) were under way, at most "
                f"{self._held_longest_s * 1000:.1f} ms: that is the generator's own limit"
            )

    def _serve(self) -> None:
        """Send what is due over connections that are free; open more where there are none."""
        due, idle = self._due, self._idle
        while due:
            while idle and idle[-1].closed:
                idle.pop()
            if not idle:
                break
            self.send(idle.pop(), self._take())
        while self._wanted < len(due) and self._wanted + self._again + len(self.connections) < self._limit:
            self._wanted += 1
            self.open_one(self._opened)

    def _opened(self, outcome: Connection | ExchangeFailed | None) -> None:
        self._wanted -= 1
        if isinstance(outcome, Connection):
            self._idle.append(outcome)
        elif outcome is not None and self._due:  # a connection was tried for it
            self.fail(self._take(), outcome.kind, perf_counter())
        self._serve()
        self.finish_if_done()
