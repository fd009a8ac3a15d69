"""The customers API of each region, called by curl as anybody would; then the same by the signer that Fire uses."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from isotherm.aws import clients
from isotherm.aws.calls.signature import Signer, caller_role_arn
from isotherm.load.customers import create_request, customer, read_request

from .curl import Curl, curl_that_signs
from .embedded import HOME, REGIONS, SATELLITE, STACK, Embedded, probes_of


@pytest.fixture(params=REGIONS)
def region(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def api(embedded: Embedded, region: str) -> str:
    return embedded.output("CustomersApiUrl", region)


@pytest.fixture
def curl(embedded: Embedded, region: str) -> Curl:
    environment = embedded.environment
    return curl_that_signs(region, environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])


def test_a_customer_is_created_and_read(embedded: Embedded, region: str, api: str, curl: Curl) -> None:
    made = customer(11, 0)
    document = {"email_id": made.email_id, "first_name": made.first_name, "last_name": made.last_name}

    created = curl.post(f"{api}/customers", create_request(made).body)
    assert (created.status, created.document) == (201, document)
    assert created.headers["location"] == read_request(made.email_id).path
    read = curl.get(api + created.headers["location"])
    assert (read.status, read.document) == (200, document)
    assert curl.get(f"{api}/customers/{made.email_id}").document == document

    item = embedded.client("dynamodb", region).get_item(
        TableName=f"{STACK}-customers", Key={"EmailID": {"S": made.email_id}}
    )["Item"]
    assert item["FirstName"] == {"S": made.first_name}
    assert time.time() < int(item["expires_at"]["N"]) < time.time() + 2 * 86_400


@pytest.mark.parametrize(
    ("sent", "reasons"),
    [
        ("{}", {"email_id": "missing", "first_name": "missing", "last_name": "missing"}),
        (
            '{"email_id": "ann", "first_name": 7, "last_name": ""}',
            {
                "email_id": "'ann' is not an email address such as ann@example.com",
                "first_name": "a JSON number, not text",
                "last_name": "empty",
            },
        ),
        ("email_id=ann@example.com", {"body": "not JSON: Expecting value: line 1 column 1 (char 0)"}),
        ("[1, 2]", {"body": "a JSON array and no object with email_id, first_name, last_name"}),
    ],
    ids=["nothing", "all wrong", "no JSON", "no object"],
)
def test_bad_input_is_400_with_reasons(api: str, curl: Curl, sent: str, reasons: dict[str, str]) -> None:
    answer = curl.post(f"{api}/customers", sent.encode())
    assert (answer.status, answer.document["reasons"]) == (400, reasons)


def test_a_body_that_is_too_large_is_413(api: str, curl: Curl) -> None:
    answer = curl.post(f"{api}/customers", b" " * 5000)
    assert (answer.status, answer.document["message"]) == (413, "the body has 5000 bytes; at most 4096 are accepted")


def test_an_unknown_customer_is_404(api: str, curl: Curl) -> None:
    answer = curl.get(f"{api}/customers/nobody@example.com")
    assert (answer.status, answer.document) == (404, {"message": "there is no customer nobody@example.com"})


def test_a_route_that_is_not_there_is_404_of_the_gateway(api: str, curl: Curl) -> None:
    for answer in (curl.get(f"{api}/customers"), curl("--request", "DELETE", f"{api}/customers/ann@example.com")):
        assert (answer.status, answer.document) == (404, {"message": "Not Found"})
        assert "x-isotherm-call" not in answer.headers


def test_an_unsigned_request_is_refused_before_the_function(api: str, curl: Curl) -> None:
    for answer in (
        curl.unsigned().get(f"{api}/customers/ann@example.com"),
        curl.unsigned().post(f"{api}/customers", create_request(customer(11, 1)).body),
    ):
        assert (answer.status, answer.document) == (403, {"message": "Forbidden"})
        assert "x-isotherm-call" not in answer.headers


def test_regions_keep_their_customers_apart(embedded: Embedded, curl: Curl, region: str) -> None:
    other = next(name for name in REGIONS if name != region)
    made = customer(12, REGIONS.index(region))
    assert curl.post(f"{embedded.output('CustomersApiUrl', region)}/customers", create_request(made).body).status == 201
    path = read_request(made.email_id).path
    assert curl.in_region(other).get(embedded.output("CustomersApiUrl", other) + path).status == 404


def test_every_answer_names_its_call_as_the_log_does(embedded: Embedded, region: str, api: str, curl: Curl) -> None:
    shot_id = f"curl-{region}-{time.time_ns()}"
    request = create_request(customer(11, 2))
    answer = curl(
        "--header", f"x-isotherm-shot: {shot_id}", "--data-binary", "@-", f"{api}{request.path}", sent=request.body
    )
    assert answer.status == 201
    (line,) = probes_of(embedded, region, "customers", shot_id)
    assert answer.headers["x-isotherm-call"] == f"{line['environment_id']}/{line['invocation_index']}"
    assert line["notes"]["status"] == 201
    assert 0 < line["notes"]["database_ms"] < line["work_ms"]


@pytest.mark.parametrize("as_caller", [False, True], ids=["as oneself", "as the caller's role"])
def test_fires_signer_calls_the_api_of_another_region(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, as_caller: bool
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, embedded.environment[name])
    monkeypatch.setenv("AWS_REGION", HOME)
    clients._session.cache_clear()
    clients.client.cache_clear()
    try:
        role_arn = caller_role_arn(STACK, SATELLITE) if as_caller else None
        signer = Signer(SATELLITE, role_arn)
        made = customer(13, int(as_caller))
        documents: list[Any] = []
        for request in (create_request(made), read_request(made.email_id)):
            url = embedded.output("CustomersApiUrl", SATELLITE) + request.path
            headers = signer.headers(request.method, url, request.body, {"content-type": "application/json"})
            assert ("x-amz-security-token" in headers) == as_caller
            sent = urllib.request.Request(url, request.body, headers, method=request.method)  # noqa: S310 - loopback
            with urllib.request.urlopen(sent, timeout=60) as answer:  # noqa: S310 - loopback
                documents.append(json.load(answer))
        assert documents[0] == documents[1]
        assert documents[0]["email_id"] == made.email_id
    finally:
        clients._session.cache_clear()
        clients.client.cache_clear()
