"""How requests are written for each kind of target, and what answers mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from isotherm.load.customers import customer
from isotherm.load.generator import run
from isotherm.load.result import PhaseResult
from isotherm.load.spec import LoadSpec, Phase
from isotherm.load.target import AnswerFailure, HttpTarget, LambdaTarget, Verdict

from .loopback import Customers, answer_of, read_request, serving

SPEC = LoadSpec(loop="closed", threads=2, iterations=5, phases=(Phase("peak", 1.0),))
ENDPOINT = "https://lambda.eu-west-1.amazonaws.com"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")


def sign(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, str]:
    """As botocore signs, for credentials that are none."""
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    SigV4Auth(CREDENTIALS, "lambda", "eu-west-1").add_auth(request)
    return dict(request.headers.items())


def said(status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"") -> Any:
    return SimpleNamespace(status=status, headers=list(headers), body=body)


def parted(message: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, dict(header.split(": ", 1) for header in lines), body


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, None), (201, None), (304, "http_3xx"), (404, "http_4xx"), (429, "throttled"), (500, "http_5xx")],
)
def test_a_status_means_success_or_a_kind_of_failure(status: int, kind: AnswerFailure | None) -> None:
    target = HttpTarget("http://127.0.0.1", seed=1)
    assert target.judge(said(status)) == Verdict(status, kind, cold=False)


@pytest.mark.parametrize(("call", "cold"), [(b"e-1/0", True), (b"e-1/10", False), (b"e-1/1", False)])
def test_the_first_call_of_an_environment_was_a_cold_start(call: bytes, cold: bool) -> None:
    target = HttpTarget("http://127.0.0.1", seed=1)
    assert target.judge(said(201, [(b"X-Isotherm-Call", call)])).cold is cold


def test_requests_go_below_the_path_of_the_url() -> None:
    target = HttpTarget("https://api.example.com/stage/", seed=3)
    line, headers, body = parted(target.message("post", 5))
    made = customer(3, 5)
    assert line == "POST /stage/customers HTTP/1.1"
    assert headers["Host"] == "api.example.com"
    assert json.loads(body)["email_id"] == made.email_id
    line, _, body = parted(target.message("get", 5))
    assert (line, body) == (f"GET /stage/customers/{made.email_id.replace('@', '%40')} HTTP/1.1", b"")


def test_an_api_may_ask_for_signatures() -> None:
    target = HttpTarget("https://api.example.com", seed=3, signer=sign)
    _, headers, _ = parted(target.message("get", 5))
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert headers["X-Amz-Security-Token"] == "token"


def test_a_function_is_invoked_as_its_api_would() -> None:
    target = LambdaTarget(ENDPOINT, "stack-target_customers:live", seed=3, signer=sign)
    line, headers, body = parted(target.message("post", 5))
    assert line == "POST /2015-03-31/functions/stack-target_customers/invocations?Qualifier=live HTTP/1.1"
    assert headers["Host"] == "lambda.eu-west-1.amazonaws.com"
    assert headers["X-Amz-Invocation-Type"] == "RequestResponse"
    event = json.loads(body)
    assert event["routeKey"] == "POST /customers"
    assert json.loads(event["body"])["email_id"] == customer(3, 5).email_id


def test_a_functions_name_cannot_become_another_path() -> None:
    target = LambdaTarget(ENDPOINT, "a/../b", seed=3, signer=sign)
    assert parted(target.message("get", 0))[0].split()[1] == "/2015-03-31/functions/a%2F..%2Fb/invocations"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(200, body=b'{"statusCode": 201, "headers": {"x-isotherm-call": "e/0"}}'), Verdict(201, None, True)),
        (said(200, body=b'{"statusCode": 200, "headers": {"x-isotherm-call": "e/7"}}'), Verdict(200, None, False)),
        (said(200, body=b'{"statusCode": 404}'), Verdict(404, "http_4xx", False)),
        (said(200, body=b'{"statusCode": "503"}'), Verdict(503, "http_5xx", False)),
        (said(200, [(b"X-Amz-Function-Error", b"Unhandled")], b"{}"), Verdict(200, "function_error", False)),
        (said(200, body=b"null"), Verdict(200, "protocol", False)),
        (said(200, body=b"no json"), Verdict(200, "protocol", False)),
        (said(200, body=b'{"statusCode": []}'), Verdict(200, "protocol", False)),
        (said(200, body=b'{"statusCode": 200, "headers": null}'), Verdict(200, "protocol", False)),
        (said(429, body=b'{"Type": "User"}'), Verdict(429, "throttled", False)),
        (said(403, body=b"{}"), Verdict(403, "http_4xx", False)),
        (said(500, body=b"{}"), Verdict(500, "http_5xx", False)),
    ],
)
def test_what_lambda_answers_is_read_to_the_functions_own_status(answer: Any, expected: Verdict) -> None:
    assert LambdaTarget(ENDPOINT, "f", seed=1, signer=sign).judge(answer) == expected


@pytest.mark.parametrize("url", ["https://api.example.com/?a=1", "https://api.example.com/#here", "ws://x"])
def test_a_url_behind_which_no_path_fits_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL: "):
        HttpTarget(url, seed=1)


def test_load_is_made_on_a_function_through_lambdas_own_api() -> None:
    """A stand-in for Lambda that checks the signature's presence and runs the customers API on the event."""
    server, calls = Customers(), []

    async def invoke(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, body = await read_request(reader)
            event = json.loads(body)
            http = event["requestContext"]["http"]
            calls.append((line, http["method"]))
            inner = server.answer(f"{http['method'].lower()} {http['path']} http/1.1", event.get("body", "").encode())
            status, content = int(inner.split()[1]), inner.partition(b"\r\n\r\n")[2].decode()
            call = f"environment/{len(calls) - 1}"
            answer = {"statusCode": status, "headers": {"x-isotherm-call": call}, "body": content}
            writer.write(answer_of(200, json.dumps(answer).encode()))

    async def main() -> PhaseResult:
        async with serving(invoke) as endpoint:
            return await run(SPEC, LambdaTarget(endpoint, "f", seed=7, signer=sign), "peak")

    result = asyncio.run(main())
    assert (result.planned, result.succeeded, result.cold_starts) == (20, 20, 1)
    assert len(server.known) == 10
    assert {line for line, _ in calls} == {"post /2015-03-31/functions/f/invocations http/1.1"}
