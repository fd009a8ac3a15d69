"""The targets that call on: `outer` times its one call and says how it ended, `inner_db` puts and gets its own item."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from .stand_in import CONTEXT, Service, Table, call, refusal

EVENT = {"isotherm": {"shot_id": "s-1"}, "inner": {"region": "ap-south-1", "function_name": "isotherm-target_inner"}}


def test_outer_hands_on_the_shot_and_the_answer(service: Service, load: Callable[[str], Any]) -> None:
    service.answer = lambda _path, _body: (200, {"x-amzn-requestid": "header"}, b'{"ok": true, "request_id": "own"}')
    outer = load("outer")
    answers = [call(outer.handler, EVENT) for _ in range(2)]

    assert [answer for answer, _ in answers] == [{"inner": {"ok": True, "request_id": "own"}}] * 2
    path = "/2015-03-31/functions/isotherm-target_inner/invocations"
    assert service.asked == [(path, {"isotherm": {"shot_id": "s-1"}})] * 2
    notes = answers[0][1]["notes"]
    assert (notes["inner_region"], notes["inner_request_id"]) == ("ap-south-1", "own")
    assert notes["inner_round_trip_ms"] > 0
    assert notes["inner_sent_at_ms"] > 1.7e12
    assert [line["notes"]["inner_client_new"] for _, line in answers] == [True, False]


def test_outer_takes_the_requests_id_from_the_answer_where_inner_does_not_tell(
    service: Service, load: Callable[[str], Any]
) -> None:
    service.answer = lambda _path, _body: (200, {"x-amzn-requestid": "header"}, b"[1]")
    answer, line = call(load("outer").handler, EVENT)
    assert (answer, line["notes"]["inner_request_id"]) == ({"inner": [1]}, "header")


@pytest.mark.parametrize(
    ("answer", "said", "noted"),
    [
        (
            (200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType": "Boom", "errorMessage": "no luck"}'),
            "isotherm-target_inner in ap-south-1: Boom: no luck",
            {"inner_sent_at_ms", "inner_round_trip_ms", "inner_request_id", "inner_error"},
        ),
        (
            (200, {"X-Amz-Function-Error": "Unhandled"}, b"a crash"),
            "isotherm-target_inner in ap-south-1: a crash",
            {"inner_sent_at_ms", "inner_round_trip_ms", "inner_request_id", "inner_error"},
        ),
        (
            (404, {"x-amzn-errortype": "ResourceNotFoundException"}, b'{"Message": "Function not found"}'),
            "isotherm-target_inner in ap-south-1: An error occurred (ResourceNotFoundException)",
            {"inner_sent_at_ms"},
        ),
        (
            (429, {"x-amzn-errortype": "TooManyRequestsException"}, b'{"message": "Rate Exceeded."}'),
            "isotherm-target_inner in ap-south-1: An error occurred (TooManyRequestsException)",
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
    problem, line = call(outer.handler, EVENT)
    assert isinstance(problem, outer.InnerFailed)
    assert str(problem).startswith(said)
    assert set(line["notes"]) == noted | {"inner_region", "inner_client_new"}
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
        problem, line = call(outer.handler, EVENT)
    finally:
        silence.set()
    assert isinstance(problem, outer.InnerFailed)
    assert str(problem).startswith("isotherm-target_inner in ap-south-1: Read timeout on endpoint URL")
    assert "inner_round_trip_ms" not in line["notes"]
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (None, "inner.region: None is not a region"),
        ({"region": 7, "function_name": "f"}, "inner.region: 7 is not a region"),
        ({"region": "ap-south-1"}, "inner.function_name: None is not a function name"),
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
    answer, line = call(load("inner").handler, {})
    assert answer == {"ok": True, "target": "inner", "request_id": CONTEXT.aws_request_id}
    assert "notes" not in line


def test_inner_db_puts_an_item_of_its_own_and_gets_it_back(service: Service, load: Callable[[str], Any]) -> None:
    service.answer = Table("id")
    inner_db = load("inner_db")
    answer, line = call(inner_db.handler, {})

    assert answer == {"ok": True, "target": "inner_db", "request_id": CONTEXT.aws_request_id}
    notes = line["notes"]
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
    problem, line = call(inner_db.handler, {})
    assert isinstance(problem, inner_db.DatabaseFailed)
    assert str(problem) == "table isotherm-inner: another item came back than was put"
    assert line["notes"]["database_ms"] > 0


def test_inner_db_says_which_call_dynamodb_refused_and_asks_once(service: Service, load: Callable[[str], Any]) -> None:
    service.answer = lambda _path, _body: refusal("ProvisionedThroughputExceededException")
    inner_db = load("inner_db")
    problem, line = call(inner_db.handler, {})
    assert isinstance(problem, inner_db.DatabaseFailed)
    assert str(problem).startswith("table isotherm-inner: put: An error occurred (ProvisionedThroughputExceeded")
    assert "notes" not in line
    assert len(service.asked) == 1
