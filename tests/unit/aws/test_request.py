"""What a control function cannot read is refused with the field's name; what it need not read is passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.aws.request import InvalidRequest, parse


@dataclass(frozen=True)
class Detail:
    status: str
    cause: str | None = None


@dataclass(frozen=True)
class Wanted:
    campaign_id: str
    step: int
    campaign: Any = None
    token: str | None = None
    outcome: dict[str, Any] = field(default_factory=dict)
    detail: Detail | None = None


LEAST = {"campaign_id": "id", "step": 3}


def refusal(event: object) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse(Wanted, event)
    return str(refused.value)


def test_what_is_given_is_read() -> None:
    event = {**LEAST, "campaign": [1], "outcome": {"a": 1}, "detail": {"status": "ABORTED", "cause": None}}
    assert parse(Wanted, event) == Wanted("id", 3, [1], None, {"a": 1}, Detail("ABORTED"))


def test_what_is_left_out_has_its_default() -> None:
    assert parse(Wanted, LEAST) == Wanted("id", 3)


def test_what_is_not_asked_for_is_passed_over() -> None:
    """A machine that an earlier version started, and EventBridge, say more."""
    event = {**LEAST, "execution_arn": "arn", "detail": {"status": "x", "name": "y"}}
    assert parse(Wanted, event) == Wanted("id", 3, detail=Detail("x"))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"step": 3}, "campaign_id: missing; text is needed"),
        ({"campain_id": "id", "step": 3}, "campaign_id: missing; text is needed (there is campain_id)"),
        ({"campaign_id": "id"}, "step: missing; a whole number is needed"),
        ({**LEAST, "campaign_id": 7}, "campaign_id: a number is given; text is needed"),
        ({**LEAST, "campaign_id": None}, "campaign_id: null is given; text is needed"),
        ({**LEAST, "step": True}, "step: true or false is given; a whole number is needed"),
        ({**LEAST, "step": 3.5}, "step: a number with a fraction is given; a whole number is needed"),
        ({**LEAST, "step": "3"}, "step: text is given; a whole number is needed"),
        ({**LEAST, "token": 1}, "token: a number is given; text is needed"),
        ({**LEAST, "outcome": []}, "outcome: a list is given; an object is needed"),
        ({**LEAST, "detail": "x"}, "detail: text is given; an object is needed"),
        ({**LEAST, "detail": {"status": 1}}, "detail.status: a number is given; text is needed"),
        ({**LEAST, "detail": {}}, "detail.status: missing; text is needed"),
        ([LEAST], "event: a list is given; an object is needed"),
    ],
)
def test_a_refusal_names_the_field_and_what_is_needed(event: object, told: str) -> None:
    assert refusal(event) == told


def test_a_refusal_keeps_a_secret_of_the_wrong_kind_to_itself() -> None:
    assert "s3cret" not in refusal({**LEAST, "token": {"s3cret": "s3cret"}})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_only_whole_numbers_are_whole_numbers(value: object) -> None:
    event = {**LEAST, "step": value}
    if isinstance(value, int) and not isinstance(value, bool):
        assert parse(Wanted, event).step == value
    else:
        assert refusal(event).startswith("step: ")
