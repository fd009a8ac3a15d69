"""Invokes a target as told and keeps the client's clock. Decides nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import make_client
from isotherm.campaign.lane import Lane, Step, hold_ms
from isotherm.measurement.orders import event_of, outcome_of_status
from isotherm.measurement.shot import Order, Shot

#: A throttled call is made again after these pauses (s); when they are used up it counts as throttled
#: (docs/measuring.md, rule 18).
THROTTLE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

#: Of a message of an error, so much is kept.
_SHOWN = 500

_THROTTLES = {"TooManyRequestsException", "ThrottlingException", "ThrottledException"}


class Caller:
    """Calls one function from up to `concurrency` threads, each with a connection that is open already."""

    def __init__(self, lane: Lane, step: Step, concurrency: int, timeout_s: int) -> None:
        """`timeout_s` is the function's own; the client waits longer, so that the platform's answer arrives."""
        self._lane, self._step = lane, step
        self._name = lane.function_name
        self._pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="shot")
        self._concurrency = concurrency
        # One attempt: a retry inside the client would be an invocation that is not counted.
        config = Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=concurrency,
            connect_timeout=10,
            read_timeout=timeout_s + 60,
            tcp_keepalive=True,
        )
        self._lambda = make_client("lambda", lane.region, config)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def open_connections(self) -> None:
        """Open all connections with dry runs, which check the permission and run nothing; no shot pays for one."""
        together = threading.Barrier(self._concurrency)

        def dry_run(_: int) -> None:
            together.wait(timeout=60)
            # Whatever is wrong, the shots will meet it too, and are counted.
            with contextlib.suppress(ClientError, BotoCoreError):
                self._lambda.invoke(FunctionName=self._name, InvocationType="DryRun")

        list(self._pool.map(dry_run, range(self._concurrency)))

    def burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        """Make all calls at once; with `hold` each is kept open until all are in, so that no two share an environment.

        At most `concurrency` orders.
        """
        together = threading.Barrier(len(orders))
        hold_until_ms = time.time() * 1000 + hold_ms(len(orders)) if hold else None

        def shoot(order: Order) -> Shot:
            together.wait(timeout=60)
            return self._call(order, hold_until_ms)

        return list(self._pool.map(shoot, orders))

    def in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        """Make calls one after the other on each of `concurrency` threads; stops early where `go_on` says so."""
        queue, lock = iter(orders), threading.Lock()
        made: list[Shot] = []

        def work(_: int) -> None:
            while go_on():
                with lock:
                    order = next(queue, None)
                if order is None:
                    return
                shot = self._call(order, None)
                with lock:
                    made.append(shot)

        list(self._pool.map(work, range(concurrency)))
        return made

    def _call(self, order: Order, hold_until_ms: float | None) -> Shot:
        attempt, shot = 1, self._call_once(order, hold_until_ms)
        for attempt, pause_s in enumerate(THROTTLE_PAUSES_S, start=2):
            if shot.outcome != "throttled":
                return shot
            time.sleep(pause_s)
            shot = replace(self._call_once(order, hold_until_ms), attempts=attempt)
        return shot

    def _call_once(self, order: Order, hold_until_ms: float | None) -> Shot:
        payload = json.dumps(event_of(self._lane, self._step, order, hold_until_ms)).encode()
        sent_at_ms, began_ns = time.time() * 1000, time.perf_counter_ns()
        client_ms = None
        try:
            answer = self._lambda.invoke(
                FunctionName=self._name, Qualifier=order.version, Payload=payload, LogType="Tail"
            )
            body = answer["Payload"].read()
            client_ms = (time.perf_counter_ns() - began_ns) / 1e6
            seen = _answer(answer, body)
            if self._step.operation is not None and seen["outcome"] == "answered":
                seen |= _web_answer(body)
        except ClientError as fault:
            seen = _refusal(fault.response)
        except BotoCoreError as fault:  # timeouts and broken connections: there is no response to read
            seen = {"outcome": "client_error", "error_type": type(fault).__name__, "error_message": str(fault)[:_SHOWN]}
        return Shot(**asdict(order), sent_at_ms=sent_at_ms, client_ms=client_ms, **seen)


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


def _answer(answer: Any, body: bytes) -> dict[str, Any]:
    tail = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    seen = {"outcome": "answered", "request_id": answer["ResponseMetadata"].get("RequestId"), "log_tail": tail or None}
    return seen | _function_error(answer.get("FunctionError"), body)


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
