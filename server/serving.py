"""Listens, runs the application in one process or several, and stops gracefully. Knows nothing of what is served."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from botocore.exceptions import BotoCoreError

from isotherm import __version__
from server import logs
from server.application import Application, Bounds
from server.handlers import Handlers
from server.keeping import LogGroup
from server.protocol import GOODBYE_S, BoundedProtocol

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

#: Longer than the 60 s that a load balancer keeps an idle connection (its default): the one that reuses connections
#: has to be the one that closes them, or it sends a request into a connection that is just being closed.
KEEP_ALIVE_S = 75

BACKLOG = 2048


class CannotListen(Exception):
    """The address cannot be listened on, and why."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    stop_s: how long what is in flight may take to end once the server was told to stop. log_group: where in CloudWatch
    Logs to put the lines of measured requests too.
    """

    context: ssl.SSLContext
    stop_s: float
    workers: int
    bounds: Bounds
    log_group: str | None = None


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one.

    Raises
    ------
    CannotListen
        The port is taken or may not be taken by this user, or the host is none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as problem:
        raise CannotListen(f"--host: {host!r} is not an address of this machine: {problem.strerror}") from problem
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as problem:
        listening.close()
        reasons = {
            errno.EADDRINUSE: f"--port: {port} is taken on {host}; give another, or 0 for any that is free",
            errno.EACCES: f"--port: {port} may not be listened on by this user; give one above 1023",
            errno.EADDRNOTAVAIL: f"--host: {host!r} is not an address of this machine",
        }
        raise CannotListen(reasons.get(problem.errno or 0, f"--host, --port: {problem.strerror}")) from problem
    listening.setblocking(False)
    return listening


def serve(listening: socket.socket, serving: Serving) -> int:
    """Serve until told to stop; give the exit code: 0, or 1 where a request was given up or a worker was lost.

    Parameters
    ----------
    listening : socket
        From `listen`.
    serving : Serving
        How.
    """
    if serving.workers == 1:
        return _serve(listening, serving)
    return _supervise(serving.workers, lambda: _serve(listening, serving))


class _Server(uvicorn.Server):
    """uvicorn's server, except that it says when it serves, and that being told to stop is not a failure."""

    def __init__(self, config: uvicorn.Config, say: Callable[[], None]) -> None:
        super().__init__(config)
        self._say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again at the end, and the process would end by it.
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _BoundedLoop(uvloop.Loop):
    """An event loop whose servers wait for TLS no longer than for requests; uvicorn has no such options.

    Without them a client may take a minute for its handshake, and half of one to say goodbye.
    """

    def __init__(self, arrival_s: float) -> None:
        super().__init__()
        self._tls_bounds = {"ssl_handshake_timeout": arrival_s, "ssl_shutdown_timeout": GOODBYE_S}

    async def create_server(self, *arguments: Any, **options: Any) -> Any:
        if options.get("ssl") is not None:
            options = {**self._tls_bounds, **options}
        return await super().create_server(*arguments, **options)


def _serve(listening: socket.socket, serving: Serving) -> int:
    # Here and no earlier: each process that serves is an execution environment with an id of its own.
    try:
        handlers = Handlers()
        kept = LogGroup(serving.log_group) if serving.log_group else None
    except BotoCoreError as problem:  # no region, most often
        logs.tell("cannot start", pid=os.getpid(), error=str(problem))
        return 1

    def write(line: dict[str, Any]) -> None:
        logs.write(line)
        if kept is not None:
            kept.keep(line)

    application = Application(handlers, serving.bounds, write)
    config = uvicorn.Config(
        application,
        http=partial(BoundedProtocol, arrival_s=serving.bounds.arrival_s),  # type: ignore[arg-type]  # any factory
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=serving.stop_s,  # type: ignore[arg-type]  # asyncio takes any number
        ssl_context_factory=lambda _config, _default: serving.context,
    )

    def say() -> None:
        logs.tell(
            "serving",
            url=url,
            version=__version__,
            pid=os.getpid(),
            environment_id=handlers.environment_id,
            customers=handlers.store,
            workers=serving.workers,
            threads=serving.bounds.threads,
        )

    url = _url(listening)
    server = _Server(config, say)
    with asyncio.Runner(loop_factory=partial(_BoundedLoop, serving.bounds.arrival_s)) as runner:
        runner.run(server.serve(sockets=[listening]))
    application.close()
    if kept is not None:
        kept.close()
    logs.tell("stopped", pid=os.getpid(), given_up=application.abandoned)
    if application.abandoned:
        # Python would wait at its end for the threads of those given up.
        sys.stdout.flush()
        os._exit(1)
    return 0


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _supervise(workers: int, work: Callable[[], int]) -> int:
    """Run `work` in several processes that share the listening socket; all end when one does."""
    running: set[int] = set()
    stopping = False

    def stop(_number: int = 0, _frame: FrameType | None = None) -> None:
        nonlocal stopping
        stopping = True
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    # Held back until every worker is known: a signal in between would miss one.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for _ in range(workers):
        pid = os.fork()
        if pid == 0:
            _become_worker(work)
        running.add(pid)
    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    worst = 0
    while running:
        pid, status = os.wait()
        running.discard(pid)
        code = os.waitstatus_to_exitcode(status)
        # A worker that was told to stop before it served ends by the signal.
        if not stopping or code not in (0, -signal.SIGTERM):
            worst = 1
        if not stopping:
            # Whoever started the server starts it again, whole (systemd, ECS); a part of one would go unnoticed.
            logs.tell("worker lost", pid=pid, exit_code=code)
            stop()
    return worst


def _become_worker(work: Callable[[], int]) -> None:
    code = 1
    try:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        code = work()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
