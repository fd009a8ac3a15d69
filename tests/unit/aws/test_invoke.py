"""Calls by Lambda's own API become shots, whatever a function answers; Lambda itself is stood in for."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from isotherm.aws.calls import invoke
from isotherm.aws.calls.invoke import Caller
from isotherm.measurement.orders import warm_orders
from isotherm.measurement.shot import Shot
from unit.made_up_step import STEP, task

Answered = Callable[..., Shot]
NESTED = b"[" * 100_000


class Lambda:
    """Answers every call with one body."""

    def __init__(self, body: bytes, function_error: str | None) -> None:
        self.body, self.function_error = body, function_error

    def invoke(self, **_asked: Any) -> dict[str, Any]:
        answer = {
            "Payload": io.BytesIO(self.body),
            "ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 200},
            "LogResult": base64.b64encode(b"a line").decode(),
        }
        return answer if self.function_error is None else {**answer, "FunctionError": self.function_error}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Answered:
    """The shot that comes of an answer; of the target `customers` where `operation` says so."""

    def made(body: bytes, function_error: str | None = None, *, web: bool = False) -> Shot:
        monkeypatch.setattr(invoke, "make_client", lambda *_: Lambda(body, function_error))
        step = replace(STEP, warm_shots=1, prime_shots=1, operation="post" if web else None)
        lane = task(step).lane
        with Caller(lane, step, 1, 3) as caller:
            (shot,) = caller.in_a_row(warm_orders(lane, step, "warm", 0, 1, "1", 128), 1, lambda: True)
        return shot

    return made


@pytest.mark.parametrize("body", [b'"text"', b"null", b"[1]", b"5", b"", b"no JSON", NESTED, b'{"errorMessage": [1]}'])
def test_an_error_that_is_not_said_as_aws_says_it_is_a_failed_call(answered: Answered, body: bytes) -> None:
    shot = answered(body, "Unhandled")
    assert (shot.outcome, shot.error_type, shot.log_tail) == ("function_error", "Unhandled", "a line")
    assert shot.error_message == body[:500].decode()


def test_an_error_is_said_in_its_own_words(answered: Answered) -> None:
    body = json.dumps({"errorType": "KeyError", "errorMessage": "\ud800" + "x" * 900}).encode()
    shot = answered(body, "Unhandled")
    assert (shot.error_type, shot.error_message) == ("KeyError", "?" + "x" * 499)
    assert answered(b'{"errorType": "Sandbox.Timedout", "errorMessage": ""}', "Unhandled").outcome == "timeout"


@pytest.mark.parametrize(
    "body", [b"null", b"{}", b"", b"no JSON", b"[]", NESTED, b'{"statusCode": "200"}', b'{"statusCode": true}']
)
def test_an_answer_that_names_no_status_is_a_failed_call(answered: Answered, body: bytes) -> None:
    shot = answered(body, web=True)
    assert (shot.outcome, shot.http_status, shot.error_type) == ("function_error", None, "NoStatusCode")


@pytest.mark.parametrize("body", ["", ', "body": null', ', "body": ["no"]', ', "body": "no"'])
def test_a_status_counts_whatever_comes_with_it(answered: Answered, body: str) -> None:
    shot = answered(f'{{"statusCode": 500{body}}}'.encode(), web=True)
    assert (shot.outcome, shot.http_status, shot.error_type) == ("function_error", 500, "HTTP 500")
    assert answered(f'{{"statusCode": 201{body}}}'.encode(), web=True).outcome == "answered"
