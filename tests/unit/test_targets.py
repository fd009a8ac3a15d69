"""The targets that call on: `outer` times its one call and says how it ended, `inner_db` puts and gets its own item."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

TARGETS = Path(__file__).parents[2] / "functions" / "targets"
CONTEXT = SimpleNamespace(aws_request_id="8f5c2a9e-0000-4000-8000-000000000001")


@dataclass
class Service:
    """Stands in for AWS on loopback: answers as told and keeps what it was asked."""

    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    answer: Callable[[str, Any], tuple[int, dict[str, str], bytes]] = lambda _path, _body: (200, {}, b"{}")


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            what = self.headers.get("x-amz-target", self.path).rpartition(".")[2]
            told.asked.append((what, body))
            status, headers, answer = told.answer(what, body)
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(answer))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def load(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Gives a target as a new environment has it."""
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "ISOTHERM_ENDPOINT_URL": service.url,
        "ISOTHERM_INNER_TABLE": "isotherm-inner",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "isotherm_probe", raising=False)

    def make(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(f"target_{name}", TARGETS / name / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return make


def call(handler: Callable[[Any, Any], Any], event: object) -> tuple[Any, dict[str, Any]]:
    """What a target answers, or the exception it ends with, and the notes of its line."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            answer = handler(event, CONTEXT)
        except Exception as problem:  # noqa: BLE001 - what it is, is looked at
            answer = problem
    return answer, json.loads(output.getvalue()).get("notes", {})


EVENT = {"isotherm": {"shot_id": "s-1"}, "inner": {"region": "ap-south-1", "function_name": "isotherm-target-inner"}}


def test_outer_hands_on_the_shot_and_the_answer(service: Service, load: Callable[[str], Any]) -> None:
    service.answer = lambda _path, _body: (200, {"x-amzn-requestid": "header"}, b'{"ok": true, "request_id": "own"}')
    outer = load("outer")
    answers = [call(outer.handler, EVENT) for _ in range(2)]

    assert [answer for answer, _ in answers] == [{"inner": {"ok": True, "request_id": "own"}}] * 2
    path = "/2015-03-31/functions/isotherm-target-inner/invocations"
    assert service.asked == [(path, {"isotherm": {"shot_id": "s-1"}})] * 2
    notes = answers[0][1]
    assert (notes["inner_region"], notes["inner_request_id"]) == ("ap-south-1", "own")
    assert notes["inner_round_trip_ms"] > 0
    assert notes["inner_sent_at_ms"] > 1.7e12
    assert [notes["inner_client_new"] for _, notes in answers] == [True, False]


def test_outer_takes_the_requests_id_from_the_answer_where_inner_does_not_tell(
    service: Service, load: Callable[[str], Any]
) -> None:
    service.answer = lambda _path, _body: (200, {"x-amzn-requestid": "header"}, b"[1]")
    answer, notes = call(load("outer").handler, EVENT)
    assert (answer, notes["inner_request_id"]) == ({"inner": [1]}, "header")


@pytest.mark.parametrize(
    ("answer", "said", "noted"),
    [
        (
            (200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType": "Boom", "errorMessage": "no luck"}'),
            "isotherm-target-inner in ap-south-1: Boom: no luck",
            {"inner_sent_at_ms", "inner_round_trip_ms", "inner_request_id", "inner_error"},
        ),
        (
            (200, {"X-Amz-Function-Error": "Unhandled"}, b"a crash"),
            "isotherm-target-inner in ap-south-1: a crash",
            {"inner_sent_at_ms", "inner_round_trip_ms", "inner_request_id", "inner_error"},
        ),
        (
            (404, {"x-amzn-errortype": "ResourceNotFoundException"}, b'{"Message": "Function not found"}'),
            "isotherm-target-inner in ap-south-1: An error occurred (ResourceNotFoundException)",
            {"inner_sent_at_ms"},
        ),
        (
            (429, {"x-amzn-errortype": "TooManyRequestsException"}, b'{"message": "Rate Exceeded."}'),
            "isotherm-target-inner in ap-south-1: An error occurred (TooManyRequestsException)",
            {"inner_sent_at_ms"},
        ),
    ],
    ids=["raised", "crashed", "not there", "throttled"],
)
def test_outer_fails_once_and_says_how_inner_did(
    service: Service, load: Callable[[str], Any], answer: Any, said: str, noted: set[str]
) -> None:
    service.answer = lambda _path, _body: answer
    outer = load("outer")
    problem, notes = call(outer.handler, EVENT)
    assert isinstance(problem, outer.InnerFailed)
    assert str(problem).startswith(said)
    assert set(notes) == noted | {"inner_region", "inner_client_new"}
    assert len(service.asked) == 1


def test_outer_waits_for_a_silent_inner_less_long_than_it_may_run_itself(
    service: Service, load: Callable[[str], Any]
) -> None:
    silence = threading.Event()
    service.answer = lambda _path, _body: (silence.wait(30), (200, {}, b"{}"))[1]
    outer = load("outer")
    assert outer._CONFIG.connect_timeout + outer._CONFIG.read_timeout < 30
    outer._CONFIG.read_timeout = 0.2
    try:
        problem, notes = call(outer.handler, EVENT)
    finally:
        silence.set()
    assert isinstance(problem, outer.InnerFailed)
    assert str(problem).startswith("isotherm-target-inner in ap-south-1: Read timeout on endpoint URL")
    assert "inner_round_trip_ms" not in notes
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (None, "inner.region: None is no region"),
        ({"region": 7, "function_name": "f"}, "inner.region: 7 is no region"),
        ({"region": "ap-south-1"}, "inner.function_name: None is no function name"),
    ],
)
def test_outer_says_what_its_event_lacks(
    service: Service, load: Callable[[str], Any], inner: object, said: str
) -> None:
    outer = load("outer")
    problem, _ = call(outer.handler, {"inner": inner})
    assert isinstance(problem, outer.BadEvent)
    assert str(problem).startswith(said)
    assert service.asked == []


def test_a_region_that_is_none_is_a_failure_that_names_it(load: Callable[[str], Any]) -> None:
    outer = load("outer")
    problem, _ = call(outer.handler, {"inner": {"region": "not a region", "function_name": "f"}})
    assert isinstance(problem, outer.InnerFailed)
    assert "f in not a region" in str(problem)


def test_inner_answers_at_once_and_says_which_request_it_was(load: Callable[[str], Any]) -> None:
    answer, notes = call(load("inner").handler, {})
    assert answer == {"ok": True, "target": "inner", "request_id": CONTEXT.aws_request_id}
    assert notes == {}


class _Table:
    """One table: keeps what was put last, and gives it back."""

    def __init__(self) -> None:
        self.item: Any = None

    def __call__(self, what: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        if what == "PutItem":
            self.item = body["Item"]
            return 200, {}, b"{}"
        return 200, {}, json.dumps({"Item": self.item}).encode()


def test_inner_db_puts_an_item_of_its_own_and_gets_it_back(service: Service, load: Callable[[str], Any]) -> None:
    service.answer = _Table()
    inner_db = load("inner_db")
    answer, notes = call(inner_db.handler, {})

    assert answer == {"ok": True, "target": "inner_db", "request_id": CONTEXT.aws_request_id}
    assert notes["database_ms"] == notes["put_ms"] + notes["get_ms"]
    assert min(notes["put_ms"], notes["get_ms"]) > 0
    (put, put_body), (get, get_body) = service.asked
    assert (put, get) == ("PutItem", "GetItem")
    assert put_body["TableName"] == get_body["TableName"] == "isotherm-inner"
    own = {"S": sys.modules["isotherm_probe"].environment_id}
    assert put_body["Item"]["id"] == get_body["Key"]["id"] == own
    assert get_body["ConsistentRead"] is True
    assert int(put_body["Item"]["expires_at"]["N"]) > 1.7e9


def test_inner_db_does_not_pass_over_an_item_that_was_lost(load: Callable[[str], Any]) -> None:
    inner_db = load("inner_db")
    problem, notes = call(inner_db.handler, {})
    assert isinstance(problem, inner_db.DatabaseFailed)
    assert str(problem) == "table isotherm-inner: another item came back than was put"
    assert notes["database_ms"] > 0


def test_inner_db_says_which_call_dynamodb_refused_and_asks_once(service: Service, load: Callable[[str], Any]) -> None:
    refusal = {"__type": "ProvisionedThroughputExceededException", "message": "slow down"}
    service.answer = lambda _path, _body: (400, {}, json.dumps(refusal).encode())
    inner_db = load("inner_db")
    problem, notes = call(inner_db.handler, {})
    assert isinstance(problem, inner_db.DatabaseFailed)
    assert str(problem).startswith("table isotherm-inner: put: An error occurred (ProvisionedThroughputExceeded")
    assert notes == {}
    assert len(service.asked) == 1
