"""Rescue restores the functions of a tour that could not, and says which end its lanes came to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws import collect
from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction, PutBack
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import samples_of
from isotherm.aws.store.table import Table
from isotherm.campaign.publishing import AsFound, Publishing
from unit.made_up_step import probe_line, report_line, shot

from .conftest import ALONE, AS_BEFORE, FUNCTION, HOME, WHOLE, Function, lane_of, publish_in_lane

KEY = "r00-default-us-east-1"
TOUR = {"campaign_id": "id", "tour": ALONE}

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def rescue(
    load: Callable[[str], ModuleType],
    bucket: Bucket,  # noqa: ARG001 - is looked into
    monkeypatch: pytest.MonkeyPatch,
    context: Any,
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
    """The function as the tour left it, in the middle of its measuring."""
    publish_in_lane(table, KEY)
    return function


def ended(status: str, **facts: str) -> dict[str, Any]:
    """What EventBridge sends where a tour's execution ended by itself."""
    tour = json.dumps({**TOUR, "task_token": "token", "stages": [0]})
    return {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"status": status, "input": tour, **facts},
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
    reason = f"the execution {said}"
    assert rescue(event) == {"tour": ALONE, "failed": 1, "undone": 0, "collected": 0}
    assert answered == [{"taskToken": "token", "error": "TourAborted", "cause": reason}]
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase, lane.reason) == ("failed", "done", reason)


@pytest.mark.parametrize(
    ("given", "reason"), [({"error": "TourLost", "cause": "it was silent"}, "it was silent"), ({}, "TourLost")]
)
def test_a_campaign_that_gave_a_tour_up_is_not_told_of_it(
    rescue: Callable[..., Any], table: Table, answered: list[dict[str, str]], given: dict[str, str], reason: str
) -> None:
    rescue({**TOUR, **given})
    assert answered == []
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("failed", reason)


def test_the_function_is_put_back(rescue: Callable[..., Any], table: Table, measured: Function) -> None:
    assert rescue({**TOUR, "cause": "it was silent"})["undone"] == 2  # the configuration and a version
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None


def test_what_the_first_look_could_not_see_yet_is_undone_by_the_second(
    load: Callable[[str], ModuleType],
    table: Table,
    bucket: Bucket,  # noqa: ARG001 - is looked into
    context: Any,
    measured: Function,
    monkeypatch: pytest.MonkeyPatch,
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
    assert rescue.handler({**TOUR, "cause": "it was silent"}, context)["undone"] == 4
    assert waited == [rescue.SETTLE_S]
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])


def test_the_tour_is_given_up_before_its_functions_are_touched(
    rescue: Callable[..., Any], table: Table, measured: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a tour that is still alive could change a function again behind the rescue's back."""
    put_back, seen = MeasuredFunction.put_back, []

    def looked(self: MeasuredFunction, before: AsFound, publishing: Publishing | None) -> PutBack:
        seen.append((table.tour_ended("id", ALONE), table.lane_ended("id", KEY)))
        return put_back(self, before, publishing)

    monkeypatch.setattr(MeasuredFunction, "put_back", looked)
    rescue({**TOUR, "cause": "it was silent"})
    assert seen == [(True, True)]
    assert measured.versions() == []


def test_a_lane_that_has_ended_keeps_its_own_end(rescue: Callable[..., Any], table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(status="succeeded", phase="done"))
    rescue({**TOUR, "cause": "it was silent"})
    lane = lane_of(table, KEY)
    assert (lane.status, lane.reason) == ("succeeded", None)


def answered_shot(name: str) -> Any:
    """A call that was answered, with all that can be said of it in its log tail."""
    request_id = f"1f2e3d4c-0000-4000-8000-{int(name, 36):012}"
    tail = f"{probe_line(name, request_id)}\n{report_line(request_id)}"
    return shot(name, request_id=request_id, log_tail=tail)


def test_what_the_lane_had_sent_is_collected_once(rescue: Callable[..., Any], table: Table, bucket: Bucket) -> None:
    table.announce("id", KEY, 0, {"warm": 3})
    table.update_lane("id", KEY, LaneFacts(status="running", phase="collecting", step=0))
    bucket.write_shots("id", KEY, 0, 0, [answered_shot("a"), answered_shot("b")])
    bucket.write_shots("id", KEY, 0, 0, [answered_shot("c")], part=1)
    assert [rescue(ended("ABORTED"))["collected"] for _ in range(2)] == [3, 0]
    assert {one.shot_id: one.verdict for one in samples_of(table, "id", KEY)} == dict.fromkeys("abc", "used")
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase, lane.reason) == ("failed", "done", "the execution was stopped")


def test_the_burst_that_fire_was_at_is_waited_for_before_its_version_is_deleted(
    rescue: Callable[..., Any], table: Table, bucket: Bucket, measured: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.announce("id", KEY, 0, {"cold": 2})
    table.update_lane("id", KEY, LaneFacts(status="running", phase="firing", step=0))
    seen = []

    def land(_: float) -> None:
        seen.append((table.lane_ended("id", KEY), measured.numbers()))
        bucket.write_shots("id", KEY, 0, 0, [answered_shot(name) for name in "ab"])

    monkeypatch.setattr(time, "sleep", land)
    assert rescue(ended("ABORTED"))["collected"] == 2
    assert seen == [(True, ["1"])]
    assert measured.versions() == []


def test_a_fire_that_is_gone_is_not_waited_for_for_ever(
    rescue: Callable[..., Any], table: Table, monkeypatch: pytest.MonkeyPatch, measured: Function
) -> None:
    table.announce("id", KEY, 0, {"cold": 2})
    table.update_lane("id", KEY, LaneFacts(status="running", phase="firing", step=0))
    monkeypatch.setattr(collect, "LANDING_S", 0.01)
    assert rescue(ended("ABORTED"))["collected"] == 0
    assert measured.versions() == []


def test_what_cannot_be_collected_does_not_keep_the_campaign_waiting(
    rescue: Callable[..., Any], answered: list[dict[str, str]], measured: Function
) -> None:
    client("s3", HOME.region).delete_bucket(Bucket=HOME.bucket)
    assert rescue(ended("ABORTED"))["collected"] == 0
    assert [answer["taskToken"] for answer in answered] == ["token"]
    assert measured.versions() == []


def test_complete_lanes_of_a_stopped_tour_stay_succeeded_and_what_those_under_way_sent_is_collected(
    rescue: Callable[..., Any], table: Table, bucket: Bucket, answered: list[dict[str, str]]
) -> None:
    complete, under_way, not_begun = (f"r{number:02d}-default-us-east-1" for number in range(3))
    table.stop_campaign("id")
    table.update_lane("id", complete, LaneFacts(status="succeeded", phase="collecting"))
    table.update_lane("id", under_way, LaneFacts(status="running", phase="firing", step=0))
    table.announce("id", under_way, 0, {"warm": 1})
    bucket.write_shots("id", under_way, 0, 0, [answered_shot("a")])
    assert rescue({**TOUR, "tour": WHOLE, "cause": "stopped", "task_token": "token"}) == {
        "tour": WHOLE,
        "failed": 1,
        "undone": 0,
        "collected": 1,
    }
    assert [(lane_of(table, key).status, lane_of(table, key).reason) for key in (complete, under_way, not_begun)] == [
        ("succeeded", None),
        ("failed", "stopped"),
        ("planned", None),
    ]
    assert table.tour_ended("id", WHOLE)
    assert [answer["taskToken"] for answer in answered] == ["token"]


def test_lanes_that_were_not_begun_have_failed_where_the_campaign_goes_on(
    rescue: Callable[..., Any], table: Table
) -> None:
    rescue({**TOUR, "tour": WHOLE, "cause": "it was silent"})
    assert {(lane.status, lane.reason) for lane in table.lanes("id")} == {("failed", "it was silent")}
