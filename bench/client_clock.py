"""What of a call's time is the client's own: against a stub of Lambda's API behind TLS, beside our former way.

The stub runs in a process of its own on loopback. It answers each call of a burst a stated time after the whole request
was there, says in the log tail how long that was, and counts the connections that it accepts. Each way makes some
bursts of each width, the first of them right after its connections were opened. What is left of the client's time
without the stub's own is the client's work, the wire, and what the request waits until the stub turns to it: where two
processes share few processors, mostly that.

Then as many calls at a time are made in a row, which the stub answers at once, so that they compete for the client's
processor; its time for each, from signing to the finished shot, says how many calls a second it carries. A call of a
burst is given its time too: a lone one costs more, as a processor that waited begins with cold caches, and delays none.

Former way: botocore's client in threads. It opened a connection for each call by a dry run whose answer it did not
read, and so lost all of them.

Aims, of our own way: no connection opened inside bursts and rows, and less than 0.3 ms of the processor for each call
in a row.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import numpy as np
import trustme
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.calls.invoke import Caller
from isotherm.aws.clients import make_client
from isotherm.campaign.lane import Burst, Lane, Step
from isotherm.http.open_files import allow_connections
from isotherm.measurement.orders import burst_orders, event_of, warm_orders
from isotherm.measurement.shot import Order, Shot

WIDTHS = [1, 10, 50, 100, 500]
PROCESSOR_MS = 0.3
REGION, VERSION = "us-east-1", "1"

Way = Literal["ours", "former"]


# The stub


@dataclass(frozen=True)
class Answer:
    """What Lambda answers, `after_s` after the whole request was there; a tail of None says how long that was (ms)."""

    status: int = 200
    body: bytes = b'{"ok": true}'
    headers: Mapping[str, str] = field(default_factory=dict)
    log_tail: str | None = None
    after_s: float = 0.0
    closes: bool = False


class Answering(asyncio.Protocol):
    """One connection of Lambda's API: HTTP/1.1, kept alive, one request at a time."""

    def __init__(self, answer: Callable[[bytes, bytes], Answer]) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer the request as soon as it is whole, and its time has come."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not found or len(body) < int(length or 0):
            return
        self._received = b""
        began, answer = time.perf_counter(), self._answer(head, body)
        if answer.after_s:
            asyncio.get_running_loop().call_later(answer.after_s, self._write, answer, began)
        else:
            self._write(answer, began)

    def _write(self, answer: Answer, began: float) -> None:
        tail = answer.log_tail
        if tail is None:
            tail = f"{(time.perf_counter() - began) * 1000:.3f}"
        headers = {
            "Content-Length": str(len(answer.body)),
            "x-amzn-RequestId": "8f507cfc-example",
            "X-Amz-Log-Result": base64.b64encode(tail.encode()).decode(),
            "X-Amz-Executed-Version": VERSION,
            **answer.headers,
        }
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
        if answer.closes:
            self._transport.close()


def _serve(pipe: Connection, accepted: Any, certificate: str, answer: Callable[[bytes, bytes], Answer]) -> None:
    """Be the stub, until something comes through the pipe or it is closed."""

    async def until_told() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        loop, told = asyncio.get_running_loop(), asyncio.Event()

        def accept() -> Answering:
            with accepted.get_lock():
                accepted.value += 1
            return Answering(answer)

        server = await loop.create_server(accept, "127.0.0.1", 0, ssl=context, backlog=1024)
        loop.add_reader(pipe.fileno(), told.set)
        pipe.send(server.sockets[0].getsockname()[1])
        await told.wait()
        loop.remove_reader(pipe.fileno())
        server.close()

    asyncio.run(until_told())


class Stub:
    """A stub that runs; `cafile` names the file of its authority."""

    def __init__(self, url: str, cafile: str, accepted: Any) -> None:
        self.url, self.cafile, self._accepted = url, cafile, accepted

    @property
    def accepted(self) -> int:
        """How many connections it has accepted."""
        return int(self._accepted.value)


@contextmanager
def running_stub(answer: Callable[[bytes, bytes], Answer], *, apart: bool) -> Iterator[Stub]:
    """A stub, in a process of its own (`apart`; `answer` has to be picklable) or in a thread of this one.

    `answer` is given a request's head and its body.
    """
    spawn = multiprocessing.get_context("spawn")
    start: Callable[..., Any] = spawn.Process if apart else threading.Thread
    with tempfile.TemporaryDirectory() as folder:
        authority, cafile, certificate = trustme.CA(), Path(folder, "ca.pem"), Path(folder, "stub.pem")
        authority.cert_pem.write_to_path(str(cafile))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        here, there = spawn.Pipe()
        accepted = spawn.Value("i", 0)
        serving = start(target=_serve, args=(there, accepted, str(certificate), answer))
        serving.start()
        try:
            yield Stub(f"https://127.0.0.1:{here.recv()}", str(cafile), accepted)
        finally:
            here.send("stop")
            serving.join()


def answer_after(after_s: float, head: bytes, body: bytes) -> Answer:
    """As Lambda does: a dry run at once, without a body; here a warm call at once, too."""
    if b"dryrun" in head.lower():
        return Answer(204, b"", log_tail="")
    return Answer(after_s=0.0 if b"/warm/" in body else after_s)


# The two ways


def _step(width: int, bursts: int) -> tuple[Lane, Step]:
    step = Step(
        step=0,
        memory_mb=None,
        cold_method="burst",
        bursts=[Burst(burst=number, shots=width) for number in range(bursts)],
        warm_shots=0,
        warm_concurrency=1,
        prime_shots=0,
    )
    lane = Lane(
        key="bench",
        target="default",
        region=REGION,
        round=0,
        function_name="isotherm-target_default",
        steps=[step],
        client_region=REGION,
    )
    return lane, step


class Ours:
    """`isotherm.aws.calls.invoke.Caller`; gives the client's and the stub's time of each call."""

    def __init__(self, lane: Lane, step: Step, width: int) -> None:
        self._caller = Caller(lane, step, width, timeout_s=30)

    def open(self) -> None:
        """Open all connections."""
        self._caller.open_connections()

    def burst(self, orders: Sequence[Order]) -> list[tuple[float, float]]:
        """Make all calls at once."""
        return _times(self._caller.burst(orders, hold=len(orders) > 1))

    def row(self, orders: Sequence[Order], width: int) -> list[tuple[float, float]]:
        """Make calls one after the other, so many at a time."""
        return _times(self._caller.in_a_row(orders, width, lambda: True))

    def close(self) -> None:
        """Close all connections."""
        self._caller.__exit__()


def _times(shots: Sequence[Shot]) -> list[tuple[float, float]]:
    return [(shot.client_ms or np.nan, float(shot.log_tail or "nan")) for shot in shots]


class Former:
    """botocore's client, in as many threads as there are calls at once."""

    def __init__(self, lane: Lane, step: Step, width: int) -> None:
        self._lane, self._step, self._width = lane, step, width
        self._pool = ThreadPoolExecutor(max_workers=width)
        config = Config(
            retries={"total_max_attempts": 1}, max_pool_connections=width, connect_timeout=60, read_timeout=90
        )
        self._lambda = make_client("lambda", REGION, config)

    def open(self) -> None:
        """Open all connections, and lose them: what the dry run answers is not read."""
        together = threading.Barrier(self._width)

        def dry_run(_: int) -> None:
            together.wait(timeout=60)
            with contextlib.suppress(ClientError, BotoCoreError):
                self._lambda.invoke(FunctionName=self._lane.function_name, InvocationType="DryRun")

        list(self._pool.map(dry_run, range(self._width)))

    def burst(self, orders: Sequence[Order]) -> list[tuple[float, float]]:
        """Make all calls at once."""
        together = threading.Barrier(len(orders))

        def call(order: Order) -> tuple[float, float]:
            together.wait(timeout=60)
            return self._call(order)

        return list(self._pool.map(call, orders))

    def row(self, orders: Sequence[Order], _: int) -> list[tuple[float, float]]:
        """Make calls one after the other in each thread."""
        return list(self._pool.map(self._call, orders))

    def _call(self, order: Order) -> tuple[float, float]:
        payload = json.dumps(event_of(self._lane, self._step, order, None)).encode()
        began = time.perf_counter()
        answer = self._lambda.invoke(
            FunctionName=self._lane.function_name, Qualifier=order.version, Payload=payload, LogType="Tail"
        )
        answer["Payload"].read()
        return (time.perf_counter() - began) * 1000, float(base64.b64decode(answer["LogResult"]))

    def close(self) -> None:
        """Close all connections."""
        self._pool.shutdown()
        self._lambda.close()


# Measuring


@dataclass(frozen=True)
class Measured:
    """Calls of one width, made in one way: connections opened, and times in milliseconds.

    `opened_in_burst` is of all bursts and of the row; the client's times are of all calls of the bursts;
    `processor_ms_per_call` is of the row, `processor_ms_per_call_in_bursts` of the bursts.
    """

    way: Way
    width: int
    opened_before: int
    opened_in_burst: int
    client_less_stub_p50_ms: float
    client_less_stub_p99_ms: float
    processor_ms_per_call: float
    processor_ms_per_call_in_bursts: float


def measure(way: Way, width: int, bursts: int, row: int, stub: Stub) -> Measured:
    """Open connections, make some bursts, then a row of at least `row` calls, `width` at a time."""
    lane, step = _step(width, bursts)
    began, in_bursts, calls_in_row = stub.accepted, list[tuple[float, float]](), max(row, width)
    caller = (Ours if way == "ours" else Former)(lane, step, width)
    try:
        caller.open()
        opened = stub.accepted
        orders = [burst_orders(lane, step, burst, VERSION, 128) for burst in step.bursts]
        begun_s = time.process_time()
        for burst in orders:
            in_bursts += caller.burst(burst)
        bursts_done_s = time.process_time()
        in_row = caller.row(warm_orders(lane, step, "warm", 0, calls_in_row, VERSION, 128), width)
        row_done_s = time.process_time()
        opened_in_burst = stub.accepted - opened
    finally:
        caller.close()
    if failed := sum(np.isnan(client_ms) for client_ms, _ in in_bursts + in_row):
        sys.exit(f"{way}, {width} at once: {failed} calls of {len(in_bursts) + len(in_row)} failed")
    own_ms = [client_ms - stub_ms for client_ms, stub_ms in in_bursts]
    p50, p99 = np.quantile(own_ms, (0.5, 0.99), method="median_unbiased")
    return Measured(
        way=way,
        width=width,
        opened_before=opened - began,
        opened_in_burst=opened_in_burst,
        client_less_stub_p50_ms=float(p50),
        client_less_stub_p99_ms=float(p99),
        processor_ms_per_call=(row_done_s - bursts_done_s) * 1000 / calls_in_row,
        processor_ms_per_call_in_bursts=(bursts_done_s - begun_s) * 1000 / len(in_bursts),
    )


def main() -> None:
    """Measure and print; exit code 1 where our own way misses an aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="calls at once (default: %(default)s)")
    parser.add_argument("--bursts", type=int, default=10, help="of each width and way (default: %(default)s)")
    parser.add_argument("--answer-ms", type=float, default=200.0, help="the stub's time (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="two bursts of each width, and a short row")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    bursts, row = (2, 100) if options.quick else (options.bursts, 1000)
    allow_connections(max(options.widths))
    with running_stub(partial(answer_after, options.answer_ms / 1000), apart=True) as stub:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_ENDPOINT_URL": stub.url,
            "AWS_CA_BUNDLE": stub.cafile,
        }
        ways: tuple[Way, Way] = ("ours", "former")
        measured = [measure(way, width, bursts, row, stub) for width in options.widths for way in ways]
    if options.json:
        print(json.dumps({"bursts": [asdict(one) for one in measured]}, indent=2))
    else:
        _print(measured, bursts, options.answer_ms)
    ours = [one for one in measured if one.way == "ours"]
    if any(one.opened_in_burst or one.processor_ms_per_call >= PROCESSOR_MS for one in ours):
        sys.exit(1)


def _print(measured: Sequence[Measured], bursts: int, answer_ms: float) -> None:
    print(
        f"{bursts} bursts of each width, which the stub answers after {answer_ms:g} ms; rows, which it answers at once"
    )
    print(f"{'':19}{'connections opened':>20}{'client less stub, ms':>24}{'processor, ms a call':>25}")
    times = f"{'p50':>14}{'p99':>10}{'in bursts':>14}{'in rows':>11}"
    print(f"{'calls at once':>13} {'':6}{'before':>10}{'inside':>10}{times}")
    for one in measured:
        opened = f"{one.opened_before:10}{one.opened_in_burst:10}"
        own = f"{one.client_less_stub_p50_ms:14.2f}{one.client_less_stub_p99_ms:10.2f}"
        processor = f"{one.processor_ms_per_call_in_bursts:14.3f}{one.processor_ms_per_call:11.3f}"
        print(f"{one.width:13} {one.way:6}{opened}{own}{processor}")


if __name__ == "__main__":
    main()
