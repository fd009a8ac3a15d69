"""Calls a target over HTTP as told, each call on a connection of its own, and keeps the client's clock, stage by stage.

Decides nothing. `isotherm.aws.calls.invoke` does the same by Lambda's own API.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from isotherm.aws.calls.bearer_token import Bearer, bearer_for
from isotherm.aws.calls.certificates import trusting
from isotherm.aws.calls.invoke import THROTTLE_PAUSES_S
from isotherm.aws.calls.signature import Signer, caller_role_arn
from isotherm.aws.clients import Home
from isotherm.campaign.lane import LaneTask, Step
from isotherm.http.exchange import Client, Exchange, ExchangeFailed, tls_context
from isotherm.load.customers import CALL_HEADER, SHOT_HEADER
from isotherm.measurement.orders import outcome_of_status, request_of
from isotherm.measurement.shot import Order, Shot

#: The gateway gives up on a function after 5 s (TimeoutInMillis in template.yaml), `customers` itself is cut off after
#: 3 s, a server's handler after 30 s: the client waits longer, so that the 500, 503 or 504 that is answered arrives.
TIMEOUT_S = 45.0

#: API Gateway's own id of a request.
GATEWAY_HEADER = "apigw-requestid"


class _Call(NamedTuple):
    """An order, with all that is sent for it."""

    order: Order
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


class WebCaller:
    """Calls the HTTP API before one function, or a server that runs the same handler.

    Every call opens a connection, so that each has all the stages: name, connection, TLS, first byte, whole.
    """

    def __init__(self, home: Home, task: LaneTask, step: Step) -> None:
        self._lane, self._step = task.lane, step
        self._signer: Signer | Bearer | None
        server = task.servers.get(step.protocol)
        if step.on_server:
            address = server.url if server else ""
            self._signer = bearer_for(task.lane.region, server)
        else:
            address = task.function.url or ""
            self._signer = Signer(task.lane.region, caller_role_arn(home.stack, task.lane.region))
        url = urlsplit(address)
        self._origin, self._base = f"{url.scheme}://{url.netloc}", url.path.rstrip("/")
        with trusting(server) as cafile:
            # One for all calls: making one takes longer than a call, on the very thread that times the other calls.
            self._context = tls_context(cafile) if url.scheme == "https" else None

    def __enter__(self) -> WebCaller:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close: each call closes its connection."""

    def open_connections(self) -> None:
        """Get the signature's credentials, so that no shot waits for them; connections are each call's own."""
        self._headers("GET", self._base or "/", None, {})

    def burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        """Make all calls at once; `hold` is not for calls that go to a function as it is deployed."""
        del hold
        calls = [self._prepare(order) for order in orders]  # signed before the first of them is timed
        return asyncio.run(self._all(calls, len(calls), lambda: True))

    def in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        """Make calls one after the other, `concurrency` of them at a time; stops early where `go_on` says so."""
        return asyncio.run(self._all(map(self._prepare, orders), concurrency, go_on))  # a signature gets old

    async def _all(self, calls: Iterable[_Call], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        queue = iter(calls)
        made: list[Shot] = []

        async def work() -> None:
            while go_on() and (call := next(queue, None)) is not None:
                made.append(await self._call(call))

        await asyncio.gather(*(work() for _ in range(concurrency)))
        return made

    async def _call(self, call: _Call) -> Shot:
        shot = await self._call_once(call)
        for attempt, pause_s in enumerate(THROTTLE_PAUSES_S, start=2):
            if shot.outcome != "throttled":
                return shot
            await asyncio.sleep(pause_s)
            shot = replace(await self._call_once(self._prepare(call.order)), attempts=attempt)
        return shot

    def _prepare(self, order: Order) -> _Call:
        request = request_of(self._lane, self._step, order)
        path = self._base + request.path
        headers = {"accept": "application/json", SHOT_HEADER: order.shot_id}
        if request.body is not None:
            headers["content-type"] = "application/json"
        headers = self._headers(request.method, path, request.body, headers)
        return _Call(order, request.method, path, headers, request.body)

    async def _call_once(self, call: _Call) -> Shot:
        async with Client(self._origin, connections=1, timeout_s=TIMEOUT_S, context=self._context) as client:
            sent_at_ms = time.time() * 1000
            try:
                seen = _seen(await client.request(call.method, call.path, call.headers, call.body))
            except ExchangeFailed as fault:
                seen = {"outcome": "client_error", "error_type": fault.kind, "error_message": str(fault)[:500]}
        return Shot(**{**asdict(call.order), "sent_at_ms": sent_at_ms, "client_ms": None, **seen})

    def _headers(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, str]:
        """All headers of a request; signed, where it goes to an API, or with the token that a server asks for."""
        return self._signer.headers(method, self._origin + path, body, headers) if self._signer else headers


def _seen(exchange: Exchange) -> dict[str, Any]:
    outcome = outcome_of_status(exchange.status)
    said: dict[str, Any] = {}
    if outcome != "answered":
        text = exchange.body[:500].decode("utf-8", "replace")
        if given := exchange.headers.get(GATEWAY_HEADER):
            text += f" ({GATEWAY_HEADER} {given})"  # by it AWS finds a request that its function never answered
        said = {"error_type": f"HTTP {exchange.status}", "error_message": text}
    return {
        "outcome": outcome,
        "client_ms": exchange.total_ms - exchange.opening_ms,
        "http_status": exchange.status,
        "dns_ms": exchange.dns_ms,
        "connect_ms": exchange.connect_ms,
        "tls_ms": exchange.tls_ms,
        "first_byte_ms": exchange.first_byte_ms,
        "total_ms": exchange.total_ms,
        "answered_by": exchange.headers.get(CALL_HEADER),
        **said,
    }
