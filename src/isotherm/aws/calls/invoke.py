"""Invokes a target as told and keeps the client's clock, on connections that are open already. Decides nothing.

botocore says where to and signs, our own client sends (docs/decisions.md, "How calls by Lambda's own API are made").
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import create_parser

from isotherm.aws.calls.signature import Signer
from isotherm.aws.clients import client, trusted_certificates
from isotherm.campaign.lane import Lane, Step, hold_ms
from isotherm.http.exchange import Client, Exchange, ExchangeFailed, encode_request, tls_context
from isotherm.http.open_files import allow_connections
from isotherm.load.target import invoke_path
from isotherm.measurement.orders import event_of, outcome_of_status
from isotherm.measurement.shot import Order, Shot

#: A throttled call is made again after these pauses (s); when they are used up it counts as throttled
#: (docs/measuring.md, rule 18).
THROTTLE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

#: A signature older than this (s) is made anew before it is sent: AWS takes one for five minutes.
SIGNATURE_S = 60.0

#: The client waits so much longer (s) than the function's own time, so that the platform's answer arrives.
PATIENCE_S = 60.0

#: Of a message of an error, so much is kept.
_SHOWN = 500

_THROTTLES = {"TooManyRequestsException", "ThrottlingException", "ThrottledException"}


@dataclass(slots=True)
class _Call:
    """An order with all that is sent for it; `hold_until_ms` is epoch milliseconds, `signed_at` monotonic seconds."""

    order: Order
    payload: bytes
    hold_until_ms: float | None
    message: bytes = b""
    signed_at: float = -math.inf


class Caller:
    """Calls one function, up to `concurrency` times at once, each time on a connection that is open already."""

    def __init__(self, lane: Lane, step: Step, concurrency: int, timeout_s: int) -> None:
        """`timeout_s` is the function's own."""
        self._lane, self._step, self._concurrency = lane, step, concurrency
        self._signer = Signer(lane.region, service="lambda")
        url = urlsplit(client("lambda", lane.region).meta.endpoint_url)
        #: Scheme, host and port that calls go to.
        self.origin = f"{url.scheme}://{url.netloc}"
        self._base = url.path.rstrip("/")
        allow_connections(concurrency)
        self._client = Client(
            self.origin,
            connections=concurrency,
            timeout_s=timeout_s + PATIENCE_S,
            context=tls_context(trusted_certificates()) if url.scheme == "https" else None,
        )
        # One loop for all calls, since the connections belong to it; on this thread, since there is one processor.
        self._loop = asyncio.Runner()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        with self._loop as loop:
            loop.run(self._client.close())

    def open_connections(self) -> None:
        """Open all connections, and use each for a dry run, which checks the permission and runs nothing."""
        self._loop.run(self._try_connections())

    def burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        """Make all calls at once; with `hold` each is kept open until all are in, so that no two share an environment.

        At most `concurrency` orders.
        """
        return self._loop.run(self._burst(orders, hold=hold))

    def in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        """Make calls one after the other, `concurrency` of them at a time; stops early where `go_on` says so."""
        return self._loop.run(self._in_a_row(orders, concurrency, go_on))

    async def _try_connections(self) -> None:
        # Whatever is wrong, the shots will meet it too, and are counted.
        with contextlib.suppress(ExchangeFailed, ClientError, BotoCoreError):
            await self._client.open()
            message = self._message("", b"", {"x-amz-invocation-type": "DryRun"})
            dry_runs = (self._client.send(message) for _ in range(self._concurrency))
            await asyncio.gather(*dry_runs, return_exceptions=True)

    async def _burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        await self._reopen_connections()
        hold_until_ms = time.time() * 1000 + hold_ms(len(orders)) if hold else None
        return await asyncio.gather(*(self._call(call) for call in self._prepare(orders, hold_until_ms)))

    async def _in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        await self._reopen_connections()
        queue = iter(self._prepare(orders, None))
        made: list[Shot] = []

        async def work() -> None:
            while go_on() and (call := next(queue, None)) is not None:
                made.append(await self._call(call))

        await asyncio.gather(*(work() for _ in range(concurrency)))
        return made

    async def _reopen_connections(self) -> None:
        with contextlib.suppress(ExchangeFailed):  # the shots will meet it too, and say so
            await self._client.open()

    def _prepare(self, orders: Iterable[Order], hold_until_ms: float | None) -> list[_Call]:
        """All calls signed, so that none of them waits while the processor signs another one."""
        calls = [
            _Call(order, json.dumps(event_of(self._lane, self._step, order, hold_until_ms)).encode(), hold_until_ms)
            for order in orders
        ]
        with contextlib.suppress(ClientError, BotoCoreError):  # no credentials any more: each shot will say so
            for call in calls:
                self._sign(call)
        return calls

    def _sign(self, call: _Call) -> None:
        """Sign a call, unless that was done a moment ago; credentials that are about to end are renewed for it."""
        now = time.monotonic()
        if now - call.signed_at > SIGNATURE_S:
            call.message = self._message(call.order.version, call.payload, {"x-amz-log-type": "Tail"})
            call.signed_at = now

    def _message(self, version: str, payload: bytes, headers: Mapping[str, str]) -> bytes:
        origin, path = self._client.origin, self._base + invoke_path(self._lane.function_name, version)
        headers = {"content-type": "application/json", **headers}
        return encode_request(
            origin, "POST", path, self._signer.headers("POST", f"{origin}{path}", payload, headers), payload
        )

    async def _call(self, call: _Call) -> Shot:
        shot = await self._call_once(call)
        for attempt, pause_s in enumerate(THROTTLE_PAUSES_S, start=2):
            if shot.outcome != "throttled" or _is_over(call.hold_until_ms, pause_s):
                return shot
            await asyncio.sleep(pause_s)
            shot = replace(await self._call_once(call), attempts=attempt)
        return shot

    async def _call_once(self, call: _Call) -> Shot:
        sent_at_ms, client_ms = time.time() * 1000, None
        try:
            self._sign(call)
            sent_at_ms = time.time() * 1000
            exchange = await self._client.send(call.message)
            if exchange.status < HTTPStatus.MOVED_PERMANENTLY:  # as botocore tells answers from refusals
                client_ms = exchange.total_ms - exchange.opening_ms
                seen = _answer(exchange)
                if self._step.operation is not None and seen["outcome"] == "answered":
                    seen |= _web_answer(exchange.body)
            else:
                seen = _refusal(_read_refusal(exchange))
        except ExchangeFailed as fault:  # time-outs and broken connections: there is no response to read
            seen = {"outcome": "client_error", "error_type": fault.kind, "error_message": str(fault)[:_SHOWN]}
        except ClientError as fault:  # credentials that could not be renewed
            seen = _refusal(fault.response)
        except BotoCoreError as fault:
            seen = {"outcome": "client_error", "error_type": type(fault).__name__, "error_message": str(fault)[:_SHOWN]}
        return Shot(**asdict(call.order), sent_at_ms=sent_at_ms, client_ms=client_ms, **seen)


def _is_over(hold_until_ms: float | None, pause_s: float) -> bool:
    """Whether a call of a burst, made again after a pause, would not be held and so meet one that is done already."""
    return hold_until_ms is not None and (time.time() + pause_s) * 1000 >= hold_until_ms


#: botocore's own reader, which knows where Lambda's refusals have their code and their text.
_parser = create_parser("rest-json")


def _read_refusal(exchange: Exchange) -> Any:
    response = {"status_code": exchange.status, "headers": exchange.headers, "body": exchange.body}
    return _parser.parse(response, None)


def _refusal(response: Any) -> dict[str, Any]:
    """What a response says that is not an answer of the function: throttled, forbidden, not found."""
    error, metadata = response["Error"], response["ResponseMetadata"]
    throttled = error["Code"] in _THROTTLES or metadata["HTTPStatusCode"] == 429
    return {
        "outcome": "throttled" if throttled else "client_error",
        "request_id": metadata.get("RequestId"),
        "error_type": error["Code"],
        "error_message": error["Message"][:_SHOWN],
    }


def _answer(exchange: Exchange) -> dict[str, Any]:
    headers = exchange.headers
    tail = base64.b64decode(headers.get("x-amz-log-result", "")).decode("utf-8", "replace")
    seen = {"outcome": "answered", "request_id": headers.get("x-amzn-requestid"), "log_tail": tail or None}
    return seen | _function_error(headers.get("x-amz-function-error"), exchange.body)


def _web_answer(body: bytes) -> dict[str, Any]:
    """What a handler for an HTTP API says of how it ended, in the answer it would give the API."""
    answer = _object(body)
    status = answer.get("statusCode")
    if type(status) is not int or not 100 <= status <= 999:
        return {"outcome": "function_error", "error_type": "NoStatusCode", "error_message": _text(body)}
    outcome = outcome_of_status(status)
    said = {}
    if outcome != "answered":
        message = answer.get("body")
        said = {"error_type": f"HTTP {status}", "error_message": _text(message if isinstance(message, str) else body)}
    return {"outcome": outcome, "http_status": status, **said}


def _object(body: bytes) -> dict[str, Any]:
    """An answer as an object of JSON; empty where it is none: a function may answer whatever it likes."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(said: str | bytes) -> str:
    """The beginning of a text, without what could not be written to a file (a lone surrogate)."""
    whole = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return whole[:_SHOWN].encode("utf-8", "replace").decode()


def _function_error(function_error: str | None, body: bytes) -> dict[str, Any]:
    if function_error is None:
        return {}
    error = _object(body)
    message, kind = error.get("errorMessage"), error.get("errorType")
    message = _text(message if isinstance(message, str) else body)
    kind = _text(kind if isinstance(kind, str) else function_error)
    # AWS names a timeout Sandbox.Timedout; before that there was only the text (docs/platform-logs.md,
    # "START, END, and how calls fail").
    timed_out = kind == "Sandbox.Timedout" or "Task timed out after" in message
    return {
        "outcome": "timeout" if timed_out else "function_error",
        "error_type": kind,
        "error_message": message,
    }
