"""A request that came over HTTP and one that was never sent give a handler the same event."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.load.customers import WebRequest, create_request, customer, read_request
from isotherm.load.customers import as_event as as_event_unsent
from server.events import BadAnswer, Request, as_event, as_response
from server.handlers import ROUTES, pattern_of

requests = st.builds(customer, st.integers(0, 10**6), st.integers(0, 10**6)).flatmap(
    lambda made: st.sampled_from([create_request(made), read_request(made.email_id)])
)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def event_of(sent: WebRequest, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """The event that the server makes of a request."""
    for key in ROUTES:
        method, _, path = key.partition(" ")
        found = pattern_of(path).fullmatch(sent.path)
        if found and method == sent.method:
            parameters = {name: unquote(value) for name, value in found.groupdict().items()}
            request = Request(sent.method, unquote(sent.path), "", headers, sent.body or b"", "127.0.0.1", 0.0)
            return as_event(request, key, parameters, "id")
    raise AssertionError(sent)


def within(small: Any, large: Any) -> bool:
    """Whether all of one document is in another one, which may have more."""
    if isinstance(small, dict):
        return all(name in large and within(value, large[name]) for name, value in small.items())
    return bool(small == large)


@given(sent=requests, shot=st.none() | texts)
def test_the_event_of_a_request_is_the_one_that_invoke_is_given(sent: WebRequest, shot: str | None) -> None:
    unsent = as_event_unsent(sent, shot)
    agent = unsent["requestContext"]["http"]["userAgent"]
    over_http = event_of(sent, [*unsent["headers"].items(), ("user-agent", agent), ("host", "localhost:8443")])

    assert within(unsent, over_http), (unsent, over_http)


@given(document=st.dictionaries(texts, st.integers() | texts | st.none()))
def test_what_is_no_answer_by_its_form_is_the_body(document: dict[str, Any]) -> None:
    document.pop("statusCode", None)
    response = as_response(document)

    assert (response.status, response.headers) == (200, [("content-type", "application/json")])
    assert within(document, json.loads(response.body))


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 101},
        {"statusCode": 600},
        {"statusCode": "200"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"": "x"}},
        {"statusCode": 200, "cookies": ["a=1\r\nb: c"]},
        pytest.param({"anything": object()}, id="{'anything': object()}"),
    ],
    ids=repr,
)
def test_an_answer_that_http_cannot_carry_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        as_response(answer)


def test_an_answers_parts_become_the_responses() -> None:
    response = as_response(
        {
            "statusCode": 201,
            "headers": {"X-Count": 1, "X-Yes": True},
            "cookies": ["a=1", "b=2"],
            "body": "AP8=",
            "isBase64Encoded": True,
        }
    )

    assert (response.status, response.body) == (201, b"\x00\xff")
    assert response.headers == [
        ("x-count", "1"),
        ("x-yes", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("content-type", "application/json"),
    ]
