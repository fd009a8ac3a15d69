"""The ASGI application: routes a request to its handler, within bounds, and writes one line about it.

Handlers that wait for the table run in the threads of a pool of bounded size. What waits for a thread is bounded as
well, and so is how long a client is kept waiting: beyond either the answer is an error, at once, that it can count.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from isotherm import __version__
from server import HEALTH_PATH
from server.events import BadAnswer, Request, Response, as_event, as_response
from server.handlers import Call, Context, Handlers, Route

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SHOT_HEADER = "x-isotherm-shot"
CALL_HEADER = "x-isotherm-call"
REQUEST_ID_HEADER = "x-request-id"

#: What nginx calls a client that left before its answer. It is logged only: there is no client left to answer.
CLIENT_LEFT = 499


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the application takes on.

    threads: handlers under way at once. in_flight: requests taken on at once, those that wait for a thread included.
    timeout_s: from a request being all here to its handler's answer. body_bytes: of a request.
    arrival_s: for a TLS handshake, and for a request to be all here, from its connection or its first byte.
    """

    threads: int = 16
    in_flight: int = 1024
    timeout_s: float = 30.0
    body_bytes: int = 1_048_576
    arrival_s: float = 20.0


class _ClientLeft(Exception):
    pass


class _TooLarge(Exception):
    pass


@dataclass(slots=True)
class _Account:
    """What is to be said of a request once it is over."""

    begin_ns: int = field(default_factory=time.perf_counter_ns)
    begin_at_ms: float = field(default_factory=lambda: time.time_ns() / 1e6)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    route: str | None = None
    shot_id: str | None = None
    queue_ms: float | None = None
    probe: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)

    def line(self, method: str, path: str, status: int, answered_bytes: int) -> dict[str, Any]:
        """The log line; the probe's fields are those of its own line, so that whoever reads that reads this."""
        line = (
            {"isotherm_server": 1}
            | self.probe
            | {
                "shot_id": self.shot_id,
                "request_id": self.request_id,
                "method": method,
                "route": self.route,
                "status": status,
                "begin_at_ms": self.begin_at_ms,
                "duration_ms": (time.perf_counter_ns() - self.begin_ns) / 1e6,
                "bytes": answered_bytes,
            }
        )
        if self.queue_ms is not None:
            line["queue_ms"] = self.queue_ms
        if self.route is None:
            line["path"] = path[:256]
        return line | self.error


class Application:
    """An ASGI application of one process; `write` takes the line about each request."""

    def __init__(self, handlers: Handlers, bounds: Bounds, write: Callable[[dict[str, Any]], None]) -> None:
        self.in_flight = 0
        self.abandoned = 0
        self._handlers = handlers
        self._bounds = bounds
        self._write = write
        self._pool = ThreadPoolExecutor(bounds.threads, thread_name_prefix="handler")
        self._began_s = time.monotonic()

    def close(self) -> None:
        """Take on nothing more. A handler that does not return is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise ValueError(f"scope: {scope['type']!r} is not served, only http")
        account = _Account()
        status, size = 500, 0
        self.in_flight += 1
        try:
            response = await self._respond(scope, receive, account)
            await _send(response, account, scope["method"], send)
            status, size = response.status, len(response.body)
        except _ClientLeft:
            status, size = CLIENT_LEFT, 0
        except asyncio.CancelledError:
            self.abandoned += 1
            account.error = {"error": "given up, as the server had to stop"}
            raise  # uvicorn answers with 500
        finally:
            self.in_flight -= 1
            self._write(account.line(scope["method"], scope["path"], status, size))

    async def _respond(self, scope: MutableMapping[str, Any], receive: Receive, account: _Account) -> Response:
        path, method = scope["path"], scope["method"]
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        account.shot_id = next((value for name, value in headers if name == SHOT_HEADER), None)
        if path == HEALTH_PATH and method in ("GET", "HEAD"):
            account.route = f"GET {HEALTH_PATH}"
            return self._health()
        route, parameters, allowed = self._match(method, scope["raw_path"].decode("latin-1"))
        if route is None:
            if allowed:
                return _refusal(405, f"{method} is not allowed here, only {allowed}", ("allow", allowed))
            return _refusal(404, "Not Found")
        account.route = route.key
        if self.in_flight > self._bounds.in_flight:
            account.error = {"error": f"{self._bounds.in_flight} requests are under way, the most this server takes on"}
            return _refusal(503, "Service Unavailable: too many requests under way", ("retry-after", "1"))
        try:
            body = await self._body(headers, receive)
        except _TooLarge:
            most = self._bounds.body_bytes
            return _refusal(413, f"the body is larger than {most} bytes, the most accepted", ("connection", "close"))
        client = scope.get("client")
        request = Request(
            method=method,
            path=path,
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=body,
            source_ip=client[0] if client else "",
            begin_at_ms=account.begin_at_ms,
        )
        return await self._handle(route, as_event(request, route.key, parameters, account.request_id), account)

    def _match(self, method: str, raw_path: str) -> tuple[Route | None, dict[str, str], str]:
        """The route of a request with what its path holds; without one, the methods that the path would allow."""
        allowed = []
        for route in self._handlers.routes:
            parameters = route.parameters(raw_path)
            if parameters is None:
                continue
            if route.method == method:
                return route, parameters, ""
            allowed.append(route.method)
        return None, {}, ", ".join(allowed)

    def _health(self) -> Response:
        """Say that this process serves; touches nothing else, so that a table in trouble gets no server replaced."""
        health = {
            "status": "ok",
            "version": __version__,
            "environment_id": self._handlers.environment_id,
            "up_s": round(time.monotonic() - self._began_s, 3),
            "in_flight": self.in_flight - 1,
        }
        return Response(200, [("content-type", "application/json")], json.dumps(health).encode())

    async def _body(self, headers: list[tuple[str, str]], receive: Receive) -> bytes:
        announced = next((value for name, value in headers if name == "content-length"), "0")
        if int(announced) > self._bounds.body_bytes:
            raise _TooLarge
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientLeft
            piece: bytes = message.get("body", b"")
            body += piece
            if len(body) > self._bounds.body_bytes:
                raise _TooLarge
            if not message.get("more_body", False):
                return body

    async def _handle(self, route: Route, event: dict[str, Any], account: _Account) -> Response:
        context = Context(
            aws_request_id=account.request_id,
            function_name=f"server-{route.target}",
            deadline_s=time.monotonic() + self._bounds.timeout_s,
        )

        queued_ns = time.perf_counter_ns()

        def call() -> Call:
            account.queue_ms = (time.perf_counter_ns() - queued_ns) / 1e6
            return self._handlers.call(route, event, context)

        try:
            # A thread cannot be stopped: whoever began goes on, and holds its thread until its own timeouts end it.
            async with asyncio.timeout(self._bounds.timeout_s) as bound:
                if route.waits:
                    called = await asyncio.get_running_loop().run_in_executor(self._pool, call)
                else:  # handing it to a thread would cost twice what it does (docs/server.md, "Size")
                    called = call()
        except Exception as problem:  # noqa: BLE001 - a handler may raise anything; the client is told as little as by AWS
            if bound.expired():
                account.error = {"error": f"no answer from the handler within {self._bounds.timeout_s:g} s"}
                return _refusal(504, "Gateway Timeout")
            account.probe = problem.__dict__.get("probe", {})
            return _failure(problem, account)
        account.probe = called.probe
        try:
            return as_response(called.answer)
        except BadAnswer as problem:
            return _failure(problem, account)


async def _send(response: Response, account: _Account, method: str, send: Send) -> None:
    own = {REQUEST_ID_HEADER: account.request_id}
    if "environment_id" in account.probe:
        own[CALL_HEADER] = f"{account.probe['environment_id']}/{account.probe['invocation_index']}"
    headers = [(name, value) for name, value in response.headers if name not in own and name != "content-length"]
    headers += own.items()
    if response.status != 204:
        headers.append(("content-length", str(len(response.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else response.body})


def _refusal(status: int, message: str, *headers: tuple[str, str]) -> Response:
    body = json.dumps({"message": message}).encode()
    return Response(status, [("content-type", "application/json"), *headers], body)


def _failure(problem: Exception, account: _Account) -> Response:
    """Answer as API Gateway does where a function fails; what went wrong is in the log only."""
    account.error = {
        "error": f"{type(problem).__name__}: {problem}",
        "traceback": "".join(traceback.format_exception(problem)),
    }
    return _refusal(500, "Internal Server Error")
