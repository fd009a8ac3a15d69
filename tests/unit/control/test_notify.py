"""Notify gives each lane of a tour its end, in words for a person, and tells the campaign."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.results import outcomes
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import CodeReplaced, LeaseLost, LeftAlone, MemoryChanged, to_items
from isotherm.campaign.plan import Plan

from .conftest import ALONE, WHOLE, delete_row, lane_of

KEY = "r00-default-us-east-1"
SUCCEEDED, NOTHING_WRONG = {"status": "succeeded"}, {"undone": 0}
OF_LAMBDA = {"Error": "FunctionBusy", "Cause": json.dumps({"errorType": "FunctionBusy", "errorMessage": "is measured"})}
TIMEOUT = {"Error": "States.Timeout", "Cause": ""}

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def notify(
    load: Callable[[str], ModuleType], answered: list[dict[str, str]], context: Any
) -> Callable[..., dict[str, Any]]:
    """Tells how the stages and the restoring of functions ended; gives the answer, when the campaign has heard it."""
    module = load("notify")

    def run(outcome: dict[str, Any], restore: dict[str, Any], tour: str = ALONE) -> dict[str, Any]:
        event = {"campaign_id": "id", "tour": tour, "task_token": "token", "outcome": outcome, "restore": restore}
        answer: dict[str, Any] = module.handler(event, context)
        assert [told["taskToken"] for told in answered] == ["token"]
        return answer

    return run


def says(table: Table, **facts: Any) -> None:
    """What the lane said of itself before."""
    table.update_lane("id", KEY, LaneFacts(**{"phase": "collecting", **facts}))


def test_a_tour_whose_lanes_went_well_succeeds(
    notify: Callable[..., Any], table: Table, answered: list[dict[str, str]]
) -> None:
    table.begin_tour("id", ALONE, task_token="token")  # noqa: S106 - what a campaign would give
    says(table, status="succeeded")
    assert notify(SUCCEEDED, NOTHING_WRONG) == {"status": "succeeded"}
    assert json.loads(answered[0]["output"]) == {"tour": ALONE, "status": "succeeded"}
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase, lane.reason) == ("succeeded", "done", None)
    assert table.tour_ended("id", ALONE)
    assert not any(tour.task_token for tour in table.tours("id"))


@pytest.mark.parametrize(
    ("outcome", "restore", "reason"),
    [
        pytest.param(OF_LAMBDA, NOTHING_WRONG, "FunctionBusy: is measured", id="of a function"),
        pytest.param(
            TIMEOUT, NOTHING_WRONG, "States.Timeout: a function of the tour did not answer in its time", id="silent"
        ),
        pytest.param(
            {"Error": "Lambda.Unknown", "Cause": "it ended"}, NOTHING_WRONG, "Lambda.Unknown: it ended", id="no JSON"
        ),
        pytest.param({"Error": "Lambda.Unknown"}, NOTHING_WRONG, "Lambda.Unknown", id="without a cause"),
        pytest.param(
            OF_LAMBDA,
            {"Error": "Lambda.Unknown", "Cause": "it ended"},
            "FunctionBusy: is measured; the function was not put back: Lambda.Unknown: it ended",
            id="both",
        ),
        pytest.param(
            SUCCEEDED, NOTHING_WRONG, "its stage failed, and so did the collecting of what it had sent", id="lost"
        ),
    ],
)
def test_all_that_went_wrong_with_an_unfinished_lane_is_said_to_the_campaign_and_kept(
    notify: Callable[..., Any],
    table: Table,
    answered: list[dict[str, str]],
    outcome: dict[str, Any],
    restore: dict[str, Any],
    reason: str,
) -> None:
    says(table, status="running", phase="firing", holds=True)
    assert notify(outcome, restore) == {"status": "failed", "reason": f"{KEY}: {reason}"}
    assert (answered[0]["error"], answered[0]["cause"]) == ("LanesFailed", f"{KEY}: {reason}")
    assert [(one.status, one.reason) for one in outcomes([lane_of(table, KEY)])] == [("failed", reason)]
    assert lane_of(table, KEY).phase == "done"


def test_a_lane_that_succeeded_has_failed_where_its_function_was_not_put_back(
    notify: Callable[..., Any], table: Table
) -> None:
    says(table, status="succeeded", holds=True)
    assert notify(SUCCEEDED, TIMEOUT)["status"] == "failed"
    (found,) = outcomes([lane_of(table, KEY)])
    assert (found.status, str(found.reason).partition(":")[0]) == ("failed", "the function was not put back")


def test_a_function_that_was_put_back_afterwards_is_said_to_be_so(notify: Callable[..., Any], table: Table) -> None:
    says(table, status="running", holds=True)
    notify(OF_LAMBDA, {"Error": "Lambda.Unknown"})
    table.update_lane("id", KEY, LaneFacts(holds=False))  # as Rescue does
    (found,) = outcomes([lane_of(table, KEY)])
    assert found.reason == (
        "FunctionBusy: is measured; the function was put back only by its rescue, not by the lane: Lambda.Unknown"
    )


def test_a_lane_that_was_given_up_before_keeps_its_reason(notify: Callable[..., Any], table: Table) -> None:
    says(table, status="failed", reason="it was silent")
    assert notify(SUCCEEDED, NOTHING_WRONG)["reason"] == f"{KEY}: it was silent"
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("failed", "it was silent")


@pytest.mark.parametrize("made_anew", [True, False])
def test_a_lane_whose_row_was_deleted_and_that_did_not_end_has_failed(
    notify: Callable[..., Any], table: Table, *, made_anew: bool
) -> None:
    delete_row(f"lane#{KEY}")
    if made_anew:
        says(table, phase="firing")
    assert notify(OF_LAMBDA, NOTHING_WRONG)["reason"] == f"{KEY}: FunctionBusy: is measured"
    assert lane_of(table, KEY).status == "failed"


def test_a_tour_whose_row_was_deleted_ends_as_any_other(
    notify: Callable[..., Any], table: Table, bucket: Bucket, plan: Plan
) -> None:
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    for key in plan.lanes:
        table.update_lane("id", key, LaneFacts(status="succeeded"))
    delete_row(f"tour#{WHOLE}")
    assert notify(SUCCEEDED, NOTHING_WRONG, WHOLE) == {"status": "succeeded"}
    assert {lane.phase for lane in table.lanes("id")} == {"done"}
    assert table.tour_ended("id", WHOLE)


def test_of_several_lanes_only_those_fail_that_did(notify: Callable[..., Any], table: Table, plan: Plan) -> None:
    ends = ("succeeded", "failed", *["succeeded"] * 3, "spared")
    for key, status in zip(plan.lanes, ends, strict=True):
        facts = {"reason": "broken"} if status == "failed" else {}
        table.update_lane("id", key, LaneFacts(status=status, phase="collecting", **facts))  # type: ignore[arg-type]
    assert notify(SUCCEEDED, NOTHING_WRONG, WHOLE)["reason"] == "r01-default-us-east-1: broken"
    assert [lane.status for lane in table.lanes("id")] == [*ends]


def test_what_others_changed_and_left_the_samples_good_fails_no_lane(notify: Callable[..., Any], table: Table) -> None:
    harmless: list[LeftAlone] = [MemoryChanged(found_mb=1024, before_mb=128), CodeReplaced(measured=False)]
    says(table, status="succeeded", left=to_items(harmless))
    assert notify(SUCCEEDED, NOTHING_WRONG) == {"status": "succeeded"}


@pytest.mark.parametrize(
    ("fact", "said"),
    [(LeaseLost(), "had vanished from the table"), (CodeReplaced(measured=True), "may have run either")],
)
def test_a_lane_that_lost_its_lease_or_called_another_code_has_failed(
    notify: Callable[..., Any], table: Table, fact: LeftAlone, said: str
) -> None:
    says(table, status="succeeded", left=to_items([fact]))
    answer = notify(SUCCEEDED, NOTHING_WRONG)
    assert answer["status"] == "failed"
    assert said in answer["reason"]
    assert lane_of(table, KEY).status == "failed"
