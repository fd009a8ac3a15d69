"""Made-up customers are the same everywhere and nobody twice; their requests are what an HTTP API would hand on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.load.customers import (
    FIRST_NAMES,
    LAST_NAMES,
    Customer,
    WebRequest,
    as_event,
    create_request,
    customer,
    read_request,
)

seeds = st.integers()
numbers = st.integers(min_value=0)


def test_a_seed_gives_the_same_customer_in_every_python_and_every_release() -> None:
    """Written down once: results of two releases are of the same customers."""
    assert customer(7, 0) == Customer("jose.kowalski.7.0@example.com", "José", "Kowalski")


@given(seed=seeds, number=numbers)
def test_a_customer_depends_on_seed_and_number_alone(seed: int, number: int) -> None:
    assert customer(seed, number) == customer(seed, number)


def test_a_customer_does_not_depend_on_the_process() -> None:
    code = "from isotherm.load.customers import customer; print(customer(3, 5).email_id)"
    ran = [
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": hashes}, capture_output=True, text=True)
        for hashes in ("1", "2")
    ]
    assert [process.stdout.strip() for process in ran] == [customer(3, 5).email_id] * 2


@given(one=st.tuples(seeds, numbers), other=st.tuples(seeds, numbers))
def test_no_two_customers_share_an_address(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (customer(*one).email_id == customer(*other).email_id) == (one == other)


@given(seed=st.integers(-(2**63), 2**63), number=st.integers(0, 2**63))
def test_an_address_is_one_that_nobody_has_and_that_mail_programs_accept(seed: int, number: int) -> None:
    address = customer(seed, number).email_id
    assert re.fullmatch(r"[a-z]+\.[a-z]+\.-?\d+\.\d+@example\.com", address)
    assert len(address.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1


def test_names_are_drawn_evenly() -> None:
    drawn = [customer(1, number) for number in range(5000)]
    for names, column in ((FIRST_NAMES, "first_name"), (LAST_NAMES, "last_name")):
        counts = [sum(getattr(made, column) == name for made in drawn) for name in names]
        assert len(set(names)) == len(names)
        # 100 are expected of each; five standard deviations are 50.
        assert 50 < min(counts) <= max(counts) < 150, column


def test_a_number_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="number: -1 is below the least accepted, 0"):
        customer(1, -1)


@given(seed=seeds, number=numbers, shot_id=st.text(min_size=1))
def test_what_is_created_is_what_was_made_up(seed: int, number: int, shot_id: str) -> None:
    made = customer(seed, number)
    event = as_event(create_request(made), shot_id)
    assert Customer(**json.loads(event["body"])) == made
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "POST /customers", "/customers")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["headers"]["x-isotherm-shot"] == shot_id
    assert event["headers"]["content-type"] == "application/json"
    assert "pathParameters" not in event
    assert json.loads(json.dumps(event)) == event


@given(email_id=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_read_is_who_was_asked_for(email_id: str) -> None:
    request = read_request(email_id)
    assert request.path.isascii()
    assert not set(" ?#%@") & set(re.sub("%[0-9A-F]{2}", "", request.path))
    assert request.path.count("/") == 2
    assert unquote(request.path) == f"/customers/{email_id}"
    event = as_event(request, None)
    assert event["routeKey"] == "GET /customers/{email}"
    assert event["pathParameters"] == {"email": email_id}
    assert event["rawPath"] == f"/customers/{email_id}"
    assert "body" not in event
    assert "x-isotherm-shot" not in event["headers"]


def test_requests_are_those_of_the_interface() -> None:
    made = customer(7, 0)
    assert read_request(made.email_id) == WebRequest("GET", "/customers/jose.kowalski.7.0%40example.com", None)
    body = '{"email_id": "jose.kowalski.7.0@example.com", "first_name": "José", "last_name": "Kowalski"}'
    assert create_request(made).body == body.encode()
