"""Prepare publishes a version for each burst, after taking the function for its lane alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import FunctionBusy, Lease
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import Burst, LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.spec import LoadSpec, Phase

from .conftest import AS_BEFORE, FUNCTION, Function, lane_of, publish_in_lane

KEY = "r00-default-us-east-1"
TWO_BURSTS = {"memory_mb": 512, "bursts": [Burst(burst=number, shots=10) for number in range(2)]}

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def prepare(load: Callable[[str], ModuleType], table: Table, plan: Plan, context: Any) -> Callable[[], dict[str, Any]]:
    """Prepares the lane's step: two bursts, at other memory than the function has."""
    module = load("prepare")
    step_is(table, plan, **TWO_BURSTS)

    def run() -> dict[str, Any]:
        answer: dict[str, Any] = module.handler({"campaign_id": "id", "lane_key": KEY, "step": 0}, context)
        return answer

    return run


def step_is(table: Table, plan: Plan, **facts: Any) -> None:
    """Write the lane's task anew, its one step changed."""
    (task,) = [task for task in plan.tasks() if task.lane.key == KEY]
    step = replace(task.lane.steps[0], **facts)
    table.put_tasks([replace(task, lane=replace(task.lane, steps=[step]))])


def lease_of(campaign_id: str, lane_key: str = KEY, **facts: Any) -> Lease:
    return replace(Lease("us-east-1", FUNCTION, campaign_id, lane_key, 128, int(time.time())), **facts)


def test_each_burst_has_a_version_of_its_own_in_order(
    prepare: Callable[[], Any], table: Table, bucket: Bucket, function: Function
) -> None:
    assert prepare() == {"shards": [0], "versions": 2}
    published = function.versions()
    assert bucket.read_versions("id", KEY, 0) == [version["Version"] for version in published]
    assert [version["MemorySize"] for version in published] == [512, 512]
    lane = lane_of(table, KEY)
    assert (lane.phase, lane.step, lane.holds) == ("publishing", 0, True)
    assert lane.mark is not None
    assert re.fullmatch(rf"id/{KEY}/s0/[0-9a-f]{{16}}", lane.mark)
    described = [version["Description"] for version in published]
    assert described == [f"Isotherm {lane.mark}/v{number}; deleted when measured" for number in range(2)]


def test_the_function_itself_is_as_before_once_its_versions_are_published(
    prepare: Callable[[], Any], function: Function
) -> None:
    """Whoever releases it while they are measured gets what is deployed."""
    prepare()
    assert function.configuration() == AS_BEFORE
    assert "UpdateFunctionConfiguration" in function.there.called


def test_how_the_function_was_is_noted_before_it_is_changed(
    prepare: Callable[[], Any], table: Table, function: Function
) -> None:
    assert function.configuration() == AS_BEFORE
    noted = []

    def look() -> None:
        noted.append(table.lease("us-east-1", FUNCTION))

    function.there.before["UpdateFunctionConfiguration"] = [look]
    prepare()
    (lease,) = noted
    assert lease is not None
    assert lease.publishing is not None
    assert lease.publishing.versions == ()
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert (lease.campaign_id, lease.lane_key, lease.memory_mb) == ("id", KEY, 128)
    assert lease.description == AS_BEFORE["description"]


@pytest.mark.parametrize("left_by", [KEY, "r00-default-us-east-1-that-died"])
def test_what_was_left_behind_is_cleaned_up_and_the_memory_of_before_is_remembered(
    prepare: Callable[[], Any], table: Table, function: Function, left_by: str
) -> None:
    """By the step before, or by a lane of this campaign that died."""
    publish_in_lane(table, left_by, memory_mb=1024)
    assert function.configuration()["memory_mb"] == 1024
    prepare()
    assert [version["MemorySize"] for version in function.versions()] == [512, 512]
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert (lease.lane_key, lease.memory_mb) == (KEY, 128)


def test_a_step_at_the_memory_deployed_publishes_at_that(
    prepare: Callable[[], Any], table: Table, plan: Plan, function: Function
) -> None:
    step_is(table, plan, bursts=TWO_BURSTS["bursts"])
    prepare()
    assert [version["MemorySize"] for version in function.versions()] == [128, 128]


def test_a_function_that_another_campaign_measures_is_left_alone(
    prepare: Callable[[], Any], table: Table, function: Function
) -> None:
    theirs = table.acquire(lease_of("another"))
    with pytest.raises(FunctionBusy, match="is being measured by campaign another; wait for it to end, or stop it"):
        prepare()
    assert (function.configuration(), function.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) == theirs


def test_nothing_is_changed_in_the_name_of_a_lane_that_was_given_up(
    prepare: Callable[[], Any], table: Table, function: Function
) -> None:
    table.update_lane("id", KEY, LaneFacts(status="failed", phase="done"))
    with pytest.raises(Exception, match=f"lane {KEY} was given up") as refusal:
        prepare()
    assert type(refusal.value).__name__ == "LaneEnded"
    assert (function.configuration(), function.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None
    assert lane_of(table, KEY).phase == "done"


def test_a_lane_that_is_given_up_meanwhile_publishes_no_more(
    prepare: Callable[[], Any], table: Table, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version = client("lambda", "us-east-1").publish_version

    def then_give_up(**request: Any) -> Any:
        table.update_lane("id", KEY, LaneFacts(status="failed", phase="done"))
        return publish_version(**request)

    monkeypatch.setattr(client("lambda", "us-east-1"), "publish_version", then_give_up)
    with pytest.raises(Exception, match="was given up"):
        prepare()
    assert len(function.versions()) == 1


@pytest.mark.usefixtures("function")
def test_fires_that_share_a_load_are_told_to_begin_together(
    prepare: Callable[[], Any], table: Table, plan: Plan
) -> None:
    spec = LoadSpec(loop="closed", threads=3, iterations=5, phases=(Phase("peak", 1.0),))
    nothing_cold = {"bursts": [], "warm_shots": 0, "prime_shots": 0}
    for fires, begin_together in ((1, False), (3, True)):
        step_is(table, plan, load=LoadStep(spec=spec, phase="peak", fires=fires), **nothing_cold)
        before = time.time()
        assert prepare() == {"shards": list(range(fires)), "versions": 0}
        begin_at = lane_of(table, KEY).load_begins_at
        assert (begin_at is not None) is begin_together
        assert begin_at is None or begin_at > before
    assert lane_of(table, KEY).phase == "preparing"
