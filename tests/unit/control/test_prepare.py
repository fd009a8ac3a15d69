"""Prepare publishes a version for each burst, after taking the function for its lane alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from isotherm.aws.clients import client
from isotherm.aws.preparation import TourEnded
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import Burst, LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.spec import LoadSpec, Phase
from isotherm.measurement.sample import Sample

from .conftest import ALONE, AS_BEFORE, FUNCTION, WHOLE, Function, lane_of, publish_in_lane

KEY, SECOND, *_, FIFTH, LAST = ROUNDS = [f"r{number:02d}-default-us-east-1" for number in range(6)]
TWO_BURSTS = {"memory_mb": 512, "bursts": [Burst(burst=number, shots=10) for number in range(2)]}

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def prepare(load: Callable[[str], ModuleType], table: Table, plan: Plan, context: Any) -> Callable[[], dict[str, Any]]:
    """Prepares the lane's step: two bursts, at other memory than the function has."""
    module = load("prepare")
    step_is(table, plan, **TWO_BURSTS)

    def run() -> dict[str, Any]:
        answer: dict[str, Any] = module.handler({"campaign_id": "id", "tour": ALONE, "stage": 0}, context)
        return answer

    return run


def step_is(table: Table, plan: Plan, **facts: Any) -> None:
    """Write the lane's task anew, its one step changed."""
    (task,) = [task for task in plan.tasks() if task.lane.key == KEY]
    step = replace(task.lane.steps[0], **facts)
    table.put_tasks([replace(task, lane=replace(task.lane, steps=[step]))])


def lease_of(campaign_id: str, tour: str = ALONE, **facts: Any) -> Lease:
    return replace(Lease("us-east-1", FUNCTION, campaign_id, tour, 128, int(time.time())), **facts)


def test_each_burst_has_a_version_of_its_own_in_order(
    prepare: Callable[[], Any], table: Table, bucket: Bucket, function: Function
) -> None:
    assert prepare() == {"shards": [0], "steps": 1}
    published = function.versions()
    assert bucket.read_versions("id", KEY, 0) == [version["Version"] for version in published]
    assert [version["MemorySize"] for version in published] == [512, 512]
    lane = lane_of(table, KEY)
    assert (lane.phase, lane.step, lane.holds) == ("publishing", 0, True)
    assert lane.mark is not None
    assert re.fullmatch(rf"id/{ALONE}/s0/[0-9a-f]{{16}}", lane.mark)
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
    assert (lease.campaign_id, lease.tour, lease.memory_mb) == ("id", ALONE, 128)
    assert lease.description == AS_BEFORE["description"]


@pytest.mark.parametrize("left_by", [ALONE, "a-tour-that-died"])
def test_what_was_left_behind_is_cleaned_up_and_the_memory_of_before_is_remembered(
    prepare: Callable[[], Any], table: Table, function: Function, left_by: str
) -> None:
    """By the stage before, or by a tour of this campaign that died."""
    publish_in_lane(table, KEY, tour=left_by, memory_mb=1024)
    assert function.configuration()["memory_mb"] == 1024
    prepare()
    assert [version["MemorySize"] for version in function.versions()] == [512, 512]
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert (lease.tour, lease.memory_mb) == (ALONE, 128)


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
    assert prepare() == {"shards": [], "steps": 0}
    lane = lane_of(table, KEY)
    assert lane.status == "failed"
    assert "FunctionBusy: isotherm-target_default in us-east-1 is being measured by campaign another" in str(
        lane.reason
    )
    assert (function.configuration(), function.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) == theirs


def test_nothing_is_changed_in_the_name_of_a_lane_that_was_given_up(
    prepare: Callable[[], Any], table: Table, function: Function
) -> None:
    table.update_lane("id", KEY, LaneFacts(status="failed", phase="done"))
    assert prepare() == {"shards": [], "steps": 0}
    assert (function.configuration(), function.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None
    assert lane_of(table, KEY).phase == "done"


def test_nothing_is_changed_in_the_name_of_a_tour_that_was_given_up(
    prepare: Callable[[], Any], table: Table, function: Function
) -> None:
    table.end_tour("id", ALONE)
    with pytest.raises(TourEnded, match="tour alone was given up"):
        prepare()
    assert (function.configuration(), function.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None


def test_a_tour_that_is_given_up_meanwhile_publishes_no_more(
    prepare: Callable[[], Any], table: Table, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version = client("lambda", "us-east-1").publish_version

    def then_give_up(**request: Any) -> Any:
        table.end_tour("id", ALONE)
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
        assert prepare() == {"shards": list(range(fires)), "steps": 1}
        begin_at = lane_of(table, KEY).load_begins_at
        assert (begin_at is not None) is begin_together
        assert begin_at is None or begin_at > before
    assert lane_of(table, KEY).phase == "preparing"


def measured(plan: Plan, spread: float) -> list[Sample]:
    """Samples of the rounds that are run in any case."""
    return [
        Sample(
            campaign_id="id",
            shot_id=f"{lane.key}/s0/cold/0/{index}",
            lane=lane.key,
            target="default",
            region="us-east-1",
            round=lane.round,
            step=0,
            kind="cold",
            burst=0,
            index=index,
            version="1",
            memory_mb=128,
            concurrency=10,
            sent_at_ms=1.0,
            outcome="answered",
            verdict="used",
            temperature="cold",
            emulated=False,
            init_duration_ms=100 + spread * (lane.round - 2) / 2,
            client_ms=150.5,
        )
        for lane in plan.lanes.values()
        if lane.round < 5
        for index in range(10)
    ]


@pytest.fixture
def prepare_last(load: Callable[[str], ModuleType], context: Any, function: Function) -> Callable[[], Any]:  # noqa: ARG001
    """Prepares the stage of the round that is run only where it is needed."""
    module = load("prepare")
    return lambda: module.handler({"campaign_id": "id", "tour": WHOLE, "stage": 1}, context)


def test_a_lane_that_is_precise_enough_is_spared_and_its_function_left_alone(
    prepare_last: Callable[[], Any], table: Table, plan: Plan, function: Function
) -> None:
    put_samples(table, measured(plan, spread=4))
    assert prepare_last() == {"shards": [], "steps": 0}
    lane = lane_of(table, LAST)
    assert (lane.status, lane.phase, lane.reason) == ("spared", "done", "precise enough after 5 rounds")
    assert function.there.called == []
    table.update_lane("id", LAST, LaneFacts(status="failed"), unless_ended=True)
    assert lane_of(table, LAST).status == "spared"


def test_a_lane_that_is_not_precise_enough_is_made_ready(
    prepare_last: Callable[[], Any], table: Table, plan: Plan
) -> None:
    put_samples(table, measured(plan, spread=60))
    assert prepare_last() == {"shards": [0], "steps": 1}
    assert lane_of(table, LAST).status == "running"


def test_where_precision_cannot_be_told_the_lane_is_made_ready(
    prepare_last: Callable[[], Any], table: Table, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_samples(table, measured(plan, spread=0))

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no Query"}}, "Query")

    monkeypatch.setattr(Table, "query", refuse)
    assert prepare_last() == {"shards": [0], "steps": 1}


@pytest.fixture
def prepare_first(load: Callable[[str], ModuleType], plan: Plan, context: Any) -> Callable[[], Any]:  # noqa: ARG001 - is read
    """Prepares the stage of the five rounds that are run in any case."""
    module = load("prepare")
    return lambda: module.handler({"campaign_id": "id", "tour": WHOLE, "stage": 0}, context)


def test_rounds_of_one_stage_have_versions_of_their_own_and_one_lane_answers_for_the_function(
    prepare_first: Callable[[], Any], table: Table, bucket: Bucket, function: Function
) -> None:
    assert prepare_first() == {"shards": [0], "steps": 5}
    versions = [str(number) for number in range(1, 6)]
    assert [bucket.read_versions("id", key, 0) for key in ROUNDS[:5]] == [[version] for version in versions]
    assert function.numbers() == versions
    assert function.configuration() == AS_BEFORE
    assert [key for key in ROUNDS if lane_of(table, key).holds] == [FIFTH]
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert lease.publishing is not None
    assert lease.publishing.versions == tuple(versions)


def test_where_a_function_changes_between_two_rounds_the_first_of_them_is_measured_all_the_same(
    prepare_first: Callable[[], Any], table: Table, bucket: Bucket, function: Function
) -> None:
    def replace_code() -> None:
        if function.numbers() == ["1"]:
            function.there.before.clear()
            function.insist("update_function_code", ZipFile=b"another")

    function.there.before["UpdateFunctionConfiguration"] = [replace_code] * 100
    assert prepare_first() == {"shards": [0], "steps": 1}
    assert lane_of(table, KEY).status == "running"
    assert bucket.read_versions("id", KEY, 0) == ["1"]
    lane = lane_of(table, SECOND)
    assert lane.status == "failed"
    assert str(lane.reason).startswith("FunctionChanged: ")
    assert function.configuration() == AS_BEFORE


def test_steps_of_two_memory_sizes_have_versions_of_theirs(
    prepare_first: Callable[[], Any], table: Table, plan: Plan, bucket: Bucket, function: Function
) -> None:
    for task in plan.tasks():
        size = 512 if task.lane.key == KEY else 1024
        table.put_tasks([replace(task, lane=replace(task.lane, steps=[replace(task.lane.steps[0], memory_mb=size)]))])
    prepare_first()
    sizes = {version["Version"]: version["MemorySize"] for version in function.versions()}
    assert [sizes[bucket.read_versions("id", key, 0)[0]] for key in (KEY, SECOND)] == [512, 1024]
    assert function.configuration() == AS_BEFORE
