"""Calls by Lambda's own API become shots, on connections that are open before; Lambda is a stub behind TLS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

from bench.client_clock import Answer, Stub, running_stub
from isotherm.aws import clients
from isotherm.aws.calls import invoke, signature
from isotherm.aws.calls.invoke import Caller
from isotherm.campaign.lane import Burst, Operation
from isotherm.measurement.orders import burst_orders, warm_orders
from isotherm.measurement.shot import Order, Shot
from unit.made_up_step import STEP, task

Answered = Callable[..., Shot]
NESTED = b"[" * 100_000


@dataclass
class Request:
    """What the stub was asked, and how many connections it had accepted by then."""

    line: str
    headers: dict[str, str]
    body: bytes
    accepted: int


class Lambda:
    """Answers calls in the order of `answers`, the last for ever after; `asked` is without dry runs."""

    def __init__(self) -> None:
        self.answers = [Answer()]
        self.asked: list[Request] = []
        self.stub: Stub

    def __call__(self, head: bytes, body: bytes) -> Answer:
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if headers.get("x-amz-invocation-type") == "DryRun":
            return replace(self.answers[0], status=204, body=b"", after_s=0)
        self.asked.append(Request(line, headers, body, self.stub.accepted))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Stub], None]]:
    """Has all clients go to a stub."""
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    for name in ("ISOTHERM_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def forget() -> None:
        clients._session.cache_clear()
        clients.client.cache_clear()

    def goes(stub: Stub) -> None:
        forget()
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", stub.cafile)

    forget()
    yield goes
    forget()


@pytest.fixture
def there(at: Callable[[Stub], None]) -> Iterator[Lambda]:
    answering = Lambda()
    with running_stub(answering, apart=False) as stub:
        answering.stub = stub
        at(stub)
        yield answering


@pytest.fixture
def make_caller() -> Iterator[Callable[..., Caller]]:
    with ExitStack() as stack:

        def made(width: int = 1, operation: Operation | None = None, function_name: str | None = None) -> Caller:
            step = replace(STEP, prime_shots=1, operation=operation)
            lane = task(step).lane
            lane = replace(lane, function_name=function_name or lane.function_name)
            return stack.enter_context(Caller(lane, step, width, 3))

        yield made


def cold(width: int, burst: int = 0) -> list[Order]:
    return burst_orders(task(STEP).lane, STEP, Burst(burst=burst, shots=width), "1", 128)


def warm(calls: int, version: str = "1") -> list[Order]:
    return warm_orders(task(STEP).lane, STEP, "warm", 0, calls, version, 128)


def outcomes(shots: Sequence[Shot]) -> list[str]:
    return [shot.outcome for shot in shots]


@pytest.fixture
def answered(there: Lambda, make_caller: Callable[..., Caller]) -> Answered:
    """The shot that comes of an answer; of the target `customers` where `web` says so."""

    def made(body: bytes, function_error: str | None = None, *, web: bool = False) -> Shot:
        headers = {} if function_error is None else {"X-Amz-Function-Error": function_error}
        there.answers = [Answer(body=body, headers=headers, log_tail="a line")]
        (shot,) = make_caller(operation="post" if web else None).in_a_row(warm(1), 1, lambda: True)
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


def test_an_answer_has_its_time_its_request_and_its_log(answered: Answered) -> None:
    shot = answered(b'{"ok": true}')
    assert (shot.outcome, shot.request_id, shot.log_tail) == ("answered", "8f507cfc-example", "a line")
    assert shot.client_ms is not None
    assert shot.client_ms > 0


@pytest.mark.parametrize("width", [1, 2, 8, 50, 200])
def test_no_connection_is_opened_inside_a_burst(there: Lambda, make_caller: Callable[..., Caller], width: int) -> None:
    caller = make_caller(width)
    caller.open_connections()
    assert there.stub.accepted == width
    for burst in range(3):
        assert outcomes(caller.burst(cold(width, burst), hold=True)) == ["answered"] * width
    assert outcomes(caller.in_a_row(warm(2 * width), width, lambda: True)) == ["answered"] * 2 * width
    assert there.stub.accepted == width


def test_connections_that_were_closed_meanwhile_are_opened_before_the_next_burst(
    there: Lambda, make_caller: Callable[..., Caller]
) -> None:
    there.answers = [Answer(closes=True)]
    caller = make_caller(4)
    caller.open_connections()  # the dry runs' are closed, too
    for burst in range(2):
        assert outcomes(caller.burst(cold(4, burst), hold=True)) == ["answered"] * 4
    assert [request.accepted for request in there.asked] == [8] * 4 + [12] * 4


REFUSALS = {
    "throttled": Answer(
        429, b'{"message": "Rate Exceeded.", "Type": "User"}', {"x-amzn-ErrorType": "TooManyRequestsException:http://x"}
    ),
    "throttled by the front": Answer(429, b"", {}),
    "not found": Answer(404, b'{"Message": "Function not found"}', {"x-amzn-ErrorType": "ResourceNotFoundException"}),
    "forbidden": Answer(403, b'{"__type": "com.amazon#AccessDeniedException", "Message": "not you"}'),
    "throttled in the body": Answer(400, b'{"__type": "ThrottlingException", "message": "slow"}'),
    "code in the body": Answer(400, b'{"code": "InvalidParameterValueException", "message": "no"}'),
    "too long": Answer(
        413, json.dumps({"message": "x" * 900}).encode(), {"x-amzn-errortype": "RequestTooLargeException"}
    ),
    "broken": Answer(500, b'{"Message": "sorry"}', {"x-amzn-ErrorType": "ServiceException"}),
    "function is broken": Answer(502, b'{"Message": "zip"}', {"x-amzn-ErrorType": "InvalidZipFileException"}),
    "away": Answer(503, b"<html><body>away</body></html>"),
    "no JSON": Answer(400, b"no JSON"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_read_as_botocore_reads_it(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    there.answers = [REFUSALS[refusal]]
    beside = clients.make_client("lambda", "us-east-1", Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError) as refused:
        beside.invoke(FunctionName="f")
    error = refused.value.response["Error"]
    throttled = "throttled" in refusal
    monkeypatch.setattr(invoke, "THROTTLE_PAUSES_S", (0.0, 0.0))
    (shot,) = make_caller().in_a_row(warm(1), 1, lambda: True)
    assert (shot.outcome, shot.attempts) == (("throttled", 3) if throttled else ("client_error", 1))
    assert (shot.error_type, shot.error_message) == (error["Code"], error["Message"][:500])
    assert shot.request_id == refused.value.response["ResponseMetadata"].get("RequestId")
    assert shot.client_ms is None


def test_a_throttled_call_is_made_again(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "THROTTLE_PAUSES_S", (0.0,) * 3)
    there.answers = [REFUSALS["throttled"], REFUSALS["throttled"], Answer()]
    (shot,) = make_caller().burst(cold(1), hold=False)
    assert (shot.outcome, shot.attempts) == ("answered", 3)


@pytest.mark.parametrize(("pause_s", "seen"), [(0.0, ("answered", 2)), (60.0, ("throttled", 1))])
def test_a_call_of_a_held_burst_is_made_again_while_the_others_are_held(
    there: Lambda,
    make_caller: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
    pause_s: float,
    seen: tuple[str, int],
) -> None:
    monkeypatch.setattr(invoke, "THROTTLE_PAUSES_S", (pause_s,))
    monkeypatch.setattr(invoke, "hold_ms", lambda _: 30_000.0)
    there.answers = [REFUSALS["throttled"], Answer()]
    shots = make_caller(2).burst(cold(2), hold=True)
    assert sorted((shot.outcome, shot.attempts) for shot in shots) == sorted([seen, ("answered", 1)])


@pytest.mark.parametrize(
    ("name", "version"),
    [("isotherm-target_default", "$LATEST"), ("arn:aws:lambda:us-east-1:123456789012:function:f", "7")],
)
def test_a_call_asks_for_what_botocore_asks_for(
    there: Lambda, make_caller: Callable[..., Caller], name: str, version: str
) -> None:
    beside = clients.client("lambda", "us-east-1")
    make_caller(function_name=name).in_a_row(warm(1, version), 1, lambda: True)
    ours = there.asked[-1]
    beside.invoke(FunctionName=name, Qualifier=version, Payload=ours.body, LogType="Tail")
    theirs = there.asked[-1]
    assert ours.line == theirs.line
    assert json.loads(ours.body)["isotherm"]["shot_id"] == warm(1)[0].shot_id
    assert ours.headers["x-amz-log-type"] == theirs.headers["x-amz-log-type"] == "Tail"
    assert ours.headers["host"] == theirs.headers["host"]
    scopes = {
        request.headers["authorization"].partition("Credential=")[2].partition(",")[0] for request in (ours, theirs)
    }
    assert len(scopes) == 1


def test_a_burst_says_until_when_its_calls_are_held(there: Lambda, make_caller: Callable[..., Caller]) -> None:
    caller = make_caller(3)
    shots = caller.burst(cold(3), hold=True)
    held_until = {json.loads(request.body)["isotherm"]["hold_until_ms"] for request in there.asked}
    assert len(held_until) == 1
    assert held_until.pop() > max(shot.sent_at_ms for shot in shots)
    caller.burst(cold(1), hold=False)
    assert "hold_until_ms" not in json.loads(there.asked[-1].body)["isotherm"]


def test_the_path_of_an_endpoint_is_kept(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{there.stub.url}/behind/")
    assert outcomes(make_caller().in_a_row(warm(1), 1, lambda: True)) == ["answered"]
    assert there.asked[0].line.startswith("POST /behind/2015-03-31/functions/")


@pytest.mark.usefixtures("at")
def test_calls_go_where_botocore_says(make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_caller().origin == "https://lambda.us-east-1.amazonaws.com"
    clients.client.cache_clear()
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    clients._session.cache_clear()
    assert make_caller().origin == "https://lambda-fips.us-east-1.amazonaws.com"


@pytest.mark.usefixtures("there")
def test_whoever_cannot_be_reached_is_said_by_each_call(
    make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
    caller = make_caller(2)
    caller.open_connections()
    shots = caller.burst(cold(2), hold=True)
    assert [(shot.outcome, shot.error_type, shot.client_ms) for shot in shots] == [
        ("client_error", "refused", None)
    ] * 2


def test_an_answer_that_never_comes_is_given_up(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "PATIENCE_S", -2.9)  # beyond the function's 3 s
    there.answers = [Answer(after_s=30)]
    (shot,) = make_caller().in_a_row(warm(1), 1, lambda: True)
    assert (shot.outcome, shot.error_type) == ("client_error", "timeout")


class Ending:
    """Credentials that are about to end whenever they are asked for; `made` counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.credentials = RefreshableCredentials.create_from_metadata(self(), self, "made-up")

    def __call__(self) -> dict[str, str]:
        self.made += 1
        ends = datetime.now(UTC) + timedelta(minutes=5)
        told = {"access_key": f"KEY{self.made}", "secret_key": "none", "token": "none"}
        return {**told, "expiry_time": ends.isoformat()}


def test_credentials_are_renewed_before_they_end(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "own_credentials", lambda: Ending().credentials)
    caller = make_caller()
    for burst in range(2):
        assert outcomes(caller.burst(cold(1, burst), hold=False)) == ["answered"]
    used = [request.headers["authorization"].partition("Credential=")[2].partition("/")[0] for request in there.asked]
    assert used == ["KEY2", "KEY3"]


def test_a_signature_that_got_old_is_made_anew(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "own_credentials", lambda: Ending().credentials)
    monkeypatch.setattr(invoke, "SIGNATURE_S", -1.0)
    make_caller().burst(cold(1), hold=False)
    assert "Credential=KEY3/" in there.asked[0].headers["authorization"]


def test_credentials_that_cannot_be_renewed_fail_each_call(
    there: Lambda, make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> dict[str, Any]:
        raise ClientError(
            {"Error": {"Code": "ExpiredToken", "Message": "over"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
            "AssumeRole",
        )

    ended = RefreshableCredentials("KEY", "none", "none", datetime.now(UTC) - timedelta(minutes=1), refuse, "made-up")
    monkeypatch.setattr(signature, "own_credentials", lambda: ended)
    caller = make_caller(2)
    caller.open_connections()
    shots = caller.burst(cold(2), hold=True)
    assert [(shot.outcome, shot.error_type) for shot in shots] == [("client_error", "ExpiredToken")] * 2
    assert there.asked == []


def test_a_row_stops_where_it_is_told_to(there: Lambda, make_caller: Callable[..., Caller]) -> None:
    left = iter([True, True, False])
    shots = make_caller().in_a_row(warm(5), 1, lambda: next(left))
    assert [shot.index for shot in shots] == [0, 1]
    assert len(there.asked) == 2


def test_the_systems_limit_of_files_is_raised_as_far_as_it_goes() -> None:
    script = (
        "import resource as r; from isotherm.http.open_files import allow_connections as allow;"
        "r.setrlimit(r.RLIMIT_NOFILE, (64, 200));"
        "allow(10); print(r.getrlimit(r.RLIMIT_NOFILE)[0]);"
        "allow(100); print(r.getrlimit(r.RLIMIT_NOFILE)[0]);"
        "allow(500); print(r.getrlimit(r.RLIMIT_NOFILE)[0])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["64", "124", "200"]
