"""Notify says how a lane ended, in words for a person, to the campaign and in its record."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.results import outcomes
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import CodeReplaced, LeaseLost, LeftAlone, MemoryChanged, to_items

from .conftest import lane_of

KEY = "r00-default-us-east-1"
NOTHING_WRONG = {"undone": 0}
OF_LAMBDA = {"Error": "FunctionBusy", "Cause": json.dumps({"errorType": "FunctionBusy", "errorMessage": "is measured"})}
TIMEOUT = {"Error": "States.Timeout", "Cause": ""}

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def notify(
    load: Callable[[str], ModuleType], answered: list[dict[str, str]], context: Any
) -> Callable[..., dict[str, Any]]:
    """Tells how the lane and the restoring of its function ended; gives the answer, when the campaign has heard it."""
    module = load("notify")

    def run(outcome: dict[str, Any], restore: dict[str, Any]) -> dict[str, Any]:
        event = {"campaign_id": "id", "lane_key": KEY, "task_token": "token", "outcome": outcome, "restore": restore}
        answer: dict[str, Any] = module.handler(event, context)
        assert [told["taskToken"] for told in answered] == ["token"]
        return answer

    return run


def test_a_lane_that_went_well_succeeds(
    notify: Callable[..., Any], table: Table, answered: list[dict[str, str]]
) -> None:
    assert notify({"samples": 10}, NOTHING_WRONG) == {"status": "succeeded"}
    assert json.loads(answered[0]["output"]) == {"lane_key": KEY, "status": "succeeded"}
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase, lane.reason) == ("succeeded", "done", None)


@pytest.mark.parametrize(
    ("outcome", "restore", "reason"),
    [
        pytest.param(OF_LAMBDA, NOTHING_WRONG, "FunctionBusy: is measured", id="of a function"),
        pytest.param(TIMEOUT, NOTHING_WRONG, "States.Timeout", id="without a cause"),
        pytest.param(
            {"Error": "Lambda.Unknown", "Cause": "it ended"}, NOTHING_WRONG, "Lambda.Unknown: it ended", id="no JSON"
        ),
        pytest.param({"samples": 10}, TIMEOUT, "the function was not put back: States.Timeout", id="not put back"),
        pytest.param(
            OF_LAMBDA,
            {"Error": "Lambda.Unknown", "Cause": "it ended"},
            "FunctionBusy: is measured; the function was not put back: Lambda.Unknown: it ended",
            id="both",
        ),
    ],
)
def test_all_that_went_wrong_is_said_to_the_campaign_and_kept(
    notify: Callable[..., Any],
    table: Table,
    answered: list[dict[str, str]],
    outcome: dict[str, Any],
    restore: dict[str, Any],
    reason: str,
) -> None:
    assert notify(outcome, restore) == {"status": "failed", "reason": reason}
    assert (answered[0]["error"], answered[0]["cause"]) == ("LaneFailed", reason)
    lane = lane_of(table, KEY)
    table.update_lane("id", KEY, LaneFacts(holds=True))
    assert [(one.status, one.reason) for one in outcomes([lane_of(table, KEY)])] == [("failed", reason)]
    assert lane.phase == "done"


def test_a_function_that_was_put_back_afterwards_is_said_to_be_so(notify: Callable[..., Any], table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(holds=True))
    notify(OF_LAMBDA, TIMEOUT)
    table.update_lane("id", KEY, LaneFacts(holds=False))  # as Rescue does
    (found,) = outcomes([lane_of(table, KEY)])
    assert found.reason == (
        "FunctionBusy: is measured; the function was put back only by its rescue, not by the lane: States.Timeout"
    )


def test_a_lane_that_was_given_up_before_stays_so(notify: Callable[..., Any], table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(status="failed", phase="done", reason="it was silent"))
    notify({"samples": 10}, NOTHING_WRONG)
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("failed", "it was silent")


def test_what_others_changed_and_left_the_samples_good_fails_no_lane(notify: Callable[..., Any], table: Table) -> None:
    harmless: list[LeftAlone] = [MemoryChanged(found_mb=1024, before_mb=128), CodeReplaced(measured=False)]
    table.update_lane("id", KEY, LaneFacts(left=to_items(harmless)))
    assert notify({"samples": 10}, NOTHING_WRONG) == {"status": "succeeded"}


@pytest.mark.parametrize(
    ("fact", "said"),
    [(LeaseLost(), "had vanished from the table"), (CodeReplaced(measured=True), "may have run either")],
)
def test_a_lane_that_lost_its_lease_or_called_another_code_has_failed(
    notify: Callable[..., Any], table: Table, fact: LeftAlone, said: str
) -> None:
    table.update_lane("id", KEY, LaneFacts(left=to_items([fact])))
    answer = notify({"samples": 10}, NOTHING_WRONG)
    assert answer["status"] == "failed"
    assert said in answer["reason"]
