"""Rescue restores the function of a lane that could not, and says which end the lane came to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.measured_function import MeasuredFunction, PutBack
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.publishing import AsFound, Publishing

from .conftest import AS_BEFORE, FUNCTION, Function, lane_of, publish_in_lane

KEY = "r00-default-us-east-1"
LANE = {"campaign_id": "id", "lane_key": KEY}

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def rescue(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Rescues without waiting for a change to settle."""
    module = load("rescue")
    monkeypatch.setattr(module, "SETTLE_S", 0.0)

    def run(event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = module.handler(event, context)
        return answer

    return run


@pytest.fixture
def measured(table: Table, function: Function) -> Function:
    """The function as the lane left it, in the middle of its measuring."""
    publish_in_lane(table, KEY)
    return function


def ended(status: str, **facts: str) -> dict[str, Any]:
    """What EventBridge sends where a lane's execution ended by itself."""
    lane = json.dumps({**LANE, "task_token": "token", "steps": [0]})
    return {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"status": status, "input": lane, **facts},
    }


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(ended("ABORTED"), "was stopped", id="stopped"),
        pytest.param(ended("ABORTED", error="Stopped", cause="by isotherm stop"),
                     "was stopped: Stopped: by isotherm stop", id="stopped by somebody who says so"),
        pytest.param(ended("TIMED_OUT"), "timed out", id="timed out"),
        pytest.param(ended("FAILED", error="States.Runtime", cause="no such path"),
                     "failed: States.Runtime: no such path", id="failed"),
        pytest.param(ended("FAILED", error="States.Runtime"), "failed: States.Runtime", id="failed without a cause"),
    ],
)  # fmt: skip
def test_each_end_is_said_as_itself(
    rescue: Callable[..., Any], table: Table, answered: list[dict[str, str]], event: dict[str, Any], said: str
) -> None:
    reason = f"the lane's execution {said}"
    assert rescue(event) == {"lane_key": KEY, "status": "failed", "undone": 0}
    assert answered == [{"taskToken": "token", "error": "LaneAborted", "cause": reason}]
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase, lane.reason) == ("failed", "done", reason)


@pytest.mark.parametrize(
    ("given", "reason"), [({"error": "LaneLost", "cause": "it was silent"}, "it was silent"), ({}, "LaneLost")]
)
def test_a_campaign_that_gave_a_lane_up_is_not_told_of_it(
    rescue: Callable[..., Any], table: Table, answered: list[dict[str, str]], given: dict[str, str], reason: str
) -> None:
    rescue({**LANE, **given})
    assert answered == []
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("failed", reason)


def test_the_function_is_put_back(rescue: Callable[..., Any], table: Table, measured: Function) -> None:
    assert rescue({**LANE, "cause": "it was silent"})["undone"] == 2  # the configuration and a version
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert lease.at_rest


def test_what_the_first_look_could_not_see_yet_is_undone_by_the_second(
    load: Callable[[str], ModuleType], table: Table, context: Any, measured: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that was being published when the lane was given up is there a moment later."""
    waited = []

    def land(seconds: float) -> None:
        waited.append(seconds)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        lease = table.lease("us-east-1", FUNCTION)
        assert lease is not None
        assert lease.publishing is not None
        MeasuredFunction("us-east-1", FUNCTION).publish(lease.publishing, lease.before, "sha")

    rescue = load("rescue")
    monkeypatch.setattr(time, "sleep", land)
    assert rescue.handler({**LANE, "cause": "it was silent"}, context)["undone"] == 4
    assert waited == [rescue.SETTLE_S]
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])


def test_the_lane_is_given_up_before_its_function_is_touched(
    rescue: Callable[..., Any], table: Table, measured: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a lane that is still alive could change the function again behind the rescue's back."""
    put_back, seen = MeasuredFunction.put_back, []

    def looked(self: MeasuredFunction, before: AsFound, publishing: Publishing | None) -> PutBack:
        seen.append(table.lane_ended("id", KEY))
        return put_back(self, before, publishing)

    monkeypatch.setattr(MeasuredFunction, "put_back", looked)
    rescue({**LANE, "cause": "it was silent"})
    assert seen == [True]
    assert measured.versions() == []


def test_a_lane_that_has_ended_keeps_its_own_end(rescue: Callable[..., Any], table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(status="succeeded", phase="done"))
    rescue({**LANE, "cause": "it was silent"})
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("succeeded", None)
