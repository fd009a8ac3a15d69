"""The customers API: what is created can be read, what is wrong is told by field, a silent table is not a timeout."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import string
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotherm.load.customers import Customer, WebRequest, as_event, create_request, customer, read_request

from .stand_in import Answer, Service, Table, call, refusal

ANN = Customer("ann@example.com", "Ann", "O'Neill")
FIELDS = ("email_id", "first_name", "last_name")
FUNCTION_TIMEOUT_S = 3.0


@pytest.fixture
def table(service: Service) -> Table:
    service.answer = Table("EmailID")
    return service.answer


@pytest.fixture
def handler(load: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    made: Callable[[Any, Any], Any] = load("customers").handler
    return made


def ask(handler: Callable[[Any, Any], Any], request: WebRequest) -> tuple[int, Any, dict[str, str]]:
    """Status, document and headers of an answer."""
    answer, _ = call(handler, as_event(request, None))
    assert set(answer) == {"statusCode", "headers", "body"}
    assert answer["headers"]["content-type"] == "application/json"
    answer["body"].encode()  # fails where it holds what no HTTP can carry
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def post(body: bytes | object) -> WebRequest:
    """A request that creates."""
    return WebRequest("POST", "/customers", body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_customer_that_is_created_can_be_read(handler: Any, table: Table, service: Service) -> None:
    made = customer(7, 0)
    document = {"email_id": made.email_id, "first_name": made.first_name, "last_name": made.last_name}

    status, created, headers = ask(handler, create_request(made))
    assert (status, created, headers["location"]) == (201, document, read_request(made.email_id).path)
    assert ask(handler, read_request(made.email_id))[:2] == (200, document)

    ((address, item),) = table.items.items()
    assert address == made.email_id
    assert 86_300 < int(item.pop("expires_at")["N"]) - time.time() <= 86_400
    assert item == {
        "EmailID": {"S": made.email_id},
        "FirstName": {"S": made.first_name},
        "LastName": {"S": made.last_name},
    }
    assert [(what, body["TableName"]) for what, body in service.asked] == [
        ("PutItem", "isotherm-customers"),
        ("GetItem", "isotherm-customers"),
    ]
    assert service.asked[1][1]["ConsistentRead"] is True


@pytest.mark.usefixtures("table")
def test_creating_twice_is_creating_once_and_the_later_one_stays(handler: Any, service: Service) -> None:
    for made in (ANN, ANN, Customer(ANN.email_id, "Anna", ANN.last_name)):
        assert ask(handler, create_request(made))[0] == 201
    assert ask(handler, read_request(ANN.email_id))[1]["first_name"] == "Anna"
    assert len(service.asked) == 4


@pytest.mark.usefixtures("table")
def test_an_unknown_customer_is_404_and_named(handler: Any) -> None:
    assert ask(handler, read_request("nobody@example.com"))[:2] == (
        404,
        {"message": "there is no customer nobody@example.com"},
    )


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"email_id": None}, {"email_id": "missing"}),
        ({"first_name": None, "last_name": None}, {"first_name": "missing", "last_name": "missing"}),
        ({"first_name": 7}, {"first_name": "a JSON number, not text"}),
        ({"first_name": True, "last_name": []}, {
            "first_name": "a JSON boolean, not text", "last_name": "a JSON array, not text"}),
        ({"last_name": ""}, {"last_name": "empty"}),
        ({"last_name": " \t"}, {"last_name": "empty"}),
        ({"first_name": "x" * 101}, {"first_name": "has 101 characters; at most 100 are accepted"}),
        ({"first_name": "Ann\n"}, {"first_name": "has characters that cannot be printed"}),
        ({"first_name": "\ud800"}, {"first_name": "has characters that cannot be printed"}),
        ({"email_id": "ann"}, {"email_id": "'ann' is not an email address such as ann@example.com"}),
        ({"email_id": f"{'a' * 60}@{'b.' * 100}example"}, {
            "email_id": "has 268 characters; at most 254 are accepted"}),
        ({"email": "a@example.com"}, {"email": "unknown; accepted are email_id, first_name, last_name"}),
        ({"email_id": "x", "first_name": {}, "last_name": ""}, {
            "email_id": "'x' is not an email address such as ann@example.com",
            "first_name": "a JSON object, not text",
            "last_name": "empty",
        }),
    ],
)  # fmt: skip
def test_every_wrong_field_has_its_reason(
    handler: Any, service: Service, changed: dict[str, Any], reasons: dict[str, str]
) -> None:
    document = {"email_id": "ann@example.com", "first_name": "Ann", "last_name": "O'Neill"} | changed
    sent = {name: value for name, value in document.items() if value is not None}
    assert ask(handler, post(sent))[:2] == (400, {"message": "this is not a customer", "reasons": reasons})
    assert service.asked == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"email_id=ann@example.com", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "a JSON array and no object with email_id, first_name, last_name"),
        (b'"ann@example.com"', "a JSON string and no object with email_id, first_name, last_name"),
        (b"null", "a JSON null and no object with email_id, first_name, last_name"),
        (b"[" * 4096, "cannot be read as JSON: nested too deeply"),
        (b'{"email_id": "\xff"}', "not UTF-8 at byte 14"),
    ],
)
def test_a_body_that_is_no_object_is_said_to_be_none(handler: Any, service: Service, body: bytes, reason: str) -> None:
    event = as_event(post(b"{}"), None)
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer, _ = call(handler, event)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["reasons"] == {"body": reason}
    assert service.asked == []


def test_a_request_without_a_body_has_none(handler: Any) -> None:
    event = as_event(post(b"{}"), None)
    del event["body"]
    answer, _ = call(handler, event)
    assert answer["statusCode"] == 400


@pytest.mark.usefixtures("table")
def test_a_body_may_be_as_long_as_is_stated_and_no_longer(handler: Any) -> None:
    document = json.dumps({"email_id": "ann@example.com", "first_name": "Ann", "last_name": "Lee"})
    assert ask(handler, post(document.ljust(4096).encode()))[0] == 201
    status, said, _ = ask(handler, post(document.ljust(4097).encode()))
    assert (status, said) == (413, {"message": "the body has 4097 bytes; at most 4096 are accepted"})


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/customer", 404, None),
        ("POST", "/v2/customers", 404, None),
        ("GET", "/customers", 405, "POST"),
        ("PUT", "/customers", 405, "POST"),
        ("DELETE", "/customers/ann@example.com", 405, "GET"),
        ("POST", "/customers/ann@example.com", 405, "GET"),
    ],
)
def test_what_the_interface_does_not_have_is_said(
    handler: Any, service: Service, method: str, path: str, status: int, allow: str | None
) -> None:
    got, said, headers = ask(handler, WebRequest(method, path, None))
    assert (got, headers.get("allow")) == (status, allow)
    assert said["message"]
    assert service.asked == []


@pytest.mark.parametrize("asked_for", ["ann", "a b@example.com", "a/b@example.com", "@", "x" * 300 + "@example.com"])
def test_who_asks_for_no_address_is_told_so(handler: Any, service: Service, asked_for: str) -> None:
    status, said, _ = ask(handler, read_request(asked_for))
    assert status == 400
    assert set(said["reasons"]) == {"email_id"}
    assert service.asked == []


local_parts = st.text(string.ascii_letters + string.digits + ".!#$&'*+=?^_`{|}~-", min_size=1, max_size=64)
labels = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
addresses = st.builds("{}@{}".format, local_parts, st.lists(labels, min_size=1, max_size=4).map(".".join))
names = st.text(st.characters(categories=["L", "Nd", "P"]), min_size=1, max_size=100)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(made=st.builds(Customer, addresses, names, names))
def test_whatever_is_accepted_comes_back_as_it_was_sent(handler: Any, table: Table, made: Customer) -> None:
    assert ask(handler, create_request(made))[0] == 201
    status, document, _ = ask(handler, read_request(made.email_id))
    assert status == 200
    assert Customer(**document) == made
    assert made.email_id in table.items


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(sent=json_values | st.fixed_dictionaries(dict.fromkeys(FIELDS, json_values)))
def test_whatever_json_is_sent_is_stored_or_refused_with_reasons(handler: Any, service: Service, sent: object) -> None:
    service.asked.clear()
    status, said, _ = ask(handler, post(sent))
    assert status in (201, 400)
    assert (status == 201) == bool(service.asked)
    assert (status == 400) == bool(said.get("reasons"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(body=st.binary(max_size=50))
def test_whatever_bytes_are_sent_are_answered(handler: Any, body: bytes) -> None:
    event = as_event(post(b"{}"), None) | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer, _ = call(handler, event)
    assert answer["statusCode"] == 400


# What is wrong with the table, and what the client is told of it.


@pytest.mark.parametrize("request_made", [create_request(ANN), read_request(ANN.email_id)], ids=["create", "read"])
def test_a_table_that_does_not_answer_is_504(handler: Any, service: Service, request_made: WebRequest) -> None:
    silence = threading.Event()

    def never(_what: str, _body: object) -> Answer:
        silence.wait(30)
        return 200, {}, b"{}"

    service.answer = never
    try:
        status, said, _ = ask(handler, request_made)
    finally:
        silence.set()
    assert (status, said) == (504, {"message": "the table did not answer within 1.0 s; please ask again"})
    assert len(service.asked) == 1, "a second attempt would cost the client a second wait"


def test_a_table_that_accepts_no_connection_is_504_too(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.ExitStack() as open_sockets:
        full = open_sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts, so the queue is full and the next one waits in vain
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        monkeypatch.setenv("ISOTHERM_ENDPOINT_URL", f"http://127.0.0.1:{full.getsockname()[1]}")
        status, said, _ = ask(load("customers").handler, create_request(ANN))
    assert (status, said) == (504, {"message": "the table did not answer within 0.8 s; please ask again"})


def test_the_waits_for_the_table_end_before_the_functions_own(handler: Any) -> None:
    assert handler is not None
    store = sys.modules["customers.store"]
    assert store.CONNECT_S + store.ANSWER_S <= FUNCTION_TIMEOUT_S * 2 / 3
    waits = sys.modules["customers.app"]._store()._client.meta.config
    assert (waits.connect_timeout, waits.read_timeout) == (store.CONNECT_S, store.ANSWER_S)
    assert waits.retries["total_max_attempts"] == 1  # each would wait as long again


def test_a_table_that_is_not_there_to_be_called_is_503(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOTHERM_ENDPOINT_URL", "http://127.0.0.1:9")  # the port for discarding: nobody listens
    status, said, headers = ask(load("customers").handler, read_request(ANN.email_id))
    assert (status, headers["retry-after"]) == (503, "1")
    assert said == {"message": "the table cannot be reached; please ask again"}


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError"],
)
def test_a_table_that_is_busy_is_503(handler: Any, service: Service, code: str) -> None:
    service.answer = lambda _what, _body: refusal(code)
    status, said, headers = ask(handler, create_request(ANN))
    assert (status, headers["retry-after"]) == (503, "1")
    assert said == {"message": "the table takes no more requests for the moment; please ask again"}
    assert len(service.asked) == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_fault_of_the_deployment_is_none_of_the_clients(handler: Any, service: Service, code: str) -> None:
    service.answer = lambda _what, _body: refusal(code)
    problem, line = call(handler, as_event(create_request(ANN), "s-1"))
    assert isinstance(problem, Exception)
    assert code in str(problem)
    assert line["shot_id"] == "s-1"


# What the answer and the probe say of the call.


@pytest.mark.usefixtures("table")
def test_answer_and_probe_name_the_same_call(handler: Any) -> None:
    for index in range(3):
        answer, line = call(handler, as_event(create_request(customer(1, index)), f"s-{index}"))
        assert answer["headers"]["x-isotherm-call"] == f"{line['environment_id']}/{index}"
        assert (line["invocation_index"], line["shot_id"]) == (index, f"s-{index}")
        assert line["notes"]["status"] == 201
        assert 0 < line["notes"]["database_ms"] < line["work_ms"]


def test_what_needs_no_table_notes_no_time_of_it(handler: Any) -> None:
    _, line = call(handler, as_event(post({}), None))
    assert line["notes"] == {"status": 400}


def test_a_failed_table_notes_its_time_too(handler: Any, service: Service) -> None:
    service.answer = lambda _what, _body: refusal("ThrottlingException")
    _, line = call(handler, as_event(create_request(ANN), None))
    assert line["notes"]["status"] == 503
    assert line["notes"]["database_ms"] > 0


@pytest.mark.usefixtures("table")
def test_a_path_is_understood_without_the_gateways_parameters(handler: Any) -> None:
    ask(handler, create_request(ANN))
    event = as_event(read_request(ANN.email_id), None)
    del event["pathParameters"]
    answer, _ = call(handler, event)
    assert answer["statusCode"] == 200


# The same handler in a server of its own.


def test_without_lambda_nothing_is_opened_before_it_is_needed(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "ISOTHERM_CUSTOMERS_TABLE", "ISOTHERM_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    app = load("customers")
    problem, _ = call(app.handler, as_event(read_request(ANN.email_id), None))
    assert isinstance(problem, Exception)


def test_on_lambda_the_table_is_opened_before_the_first_call(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "isotherm-target_customers")
    assert load("customers")._opened.cache_info().currsize == 1


def test_a_server_can_keep_customers_in_memory_and_serve_from_many_threads(
    load: Callable[[str], Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOTHERM_CUSTOMERS", "memory")
    app = load("customers")
    together = threading.Barrier(8, timeout=30)
    statuses: list[int] = []

    def work(number: int) -> None:
        together.wait()
        made = customer(5, number)
        requests = (create_request(made), read_request(made.email_id))
        statuses.extend(app.handler(as_event(request, None), None)["statusCode"] for request in requests)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 8 + [201] * 8
    assert service.asked == []


def test_paths_of_hostile_addresses_lead_nowhere_else(handler: Any, service: Service) -> None:
    for address in ("../../etc/passwd", "%2e%2e", "a@b/../c", "a@example.com?x=1"):
        status, _, _ = ask(handler, WebRequest("GET", f"/customers/{quote(address, safe='')}", None))
        assert status == 400
    assert service.asked == []
