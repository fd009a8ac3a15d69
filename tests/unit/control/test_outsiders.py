"""What others do to a function while it is measured stays as they did it; only what the lane made is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import (
    CodeReplaced,
    DescriptionChanged,
    LeaseLost,
    LeftAlone,
    MemoryChanged,
    TimeoutChanged,
    VersionAliased,
    left_in_words,
    of_items,
)
from isotherm.campaign.plan import Plan
from isotherm.campaign.publishing import Publishing
from isotherm.campaign.tour import StepOf, Tour

from .conftest import ALONE, AS_BEFORE, FUNCTION, Function, delete_row, lane_of

KEY = "r00-default-us-east-1"
ASKED = {"campaign_id": "id", "tour": ALONE}

pytestmark = pytest.mark.usefixtures("plan", "bucket")


@pytest.fixture
def prepare(load: Callable[[str], ModuleType], context: Any) -> Callable[[], Any]:
    module = load("prepare")
    return lambda: module.handler({**ASKED, "stage": 0}, context)


@pytest.fixture
def restore(load: Callable[[str], ModuleType], context: Any) -> Callable[[], Any]:
    module = load("restore")
    return lambda: module.handler(ASKED, context)


def why_failed(table: Table) -> str:
    lane = lane_of(table, KEY)
    assert lane.status == "failed"
    return str(lane.reason)


def aliased(function: Function, name: str, version: str, **facts: Any) -> str:
    function.insist("create_alias", Name=name, FunctionVersion=version, **facts)
    return version


def test_a_release_that_a_pipeline_publishes_before_during_and_after_a_lane_stays(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function
) -> None:
    functions = client("lambda", "us-east-1")
    theirs = [function.publish(Description="release 41")]
    # Between two versions of ours, so that it is made of what the lane has set.
    function.there.before["PublishVersion"] = [
        lambda: None,
        lambda: theirs.append(function.publish()),
    ]
    prepare()
    theirs.append(function.publish())
    function.change(Timeout=31)
    theirs.append(aliased(function, "live", function.publish(Description="release 42, by the team's pipeline")))
    ours = set(function.numbers()) - set(theirs)
    assert ours
    restore()
    theirs.append(function.publish(Description="release 43"))
    assert function.numbers() == sorted(set(theirs), key=int)
    assert function.configuration() == AS_BEFORE
    assert functions.get_function_configuration(FunctionName=FUNCTION)["Timeout"] == 31


def test_a_version_that_lambda_answers_with_but_somebody_else_published_is_neither_called_nor_deleted(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, bucket: Bucket
) -> None:
    """They publish what we have just set, so that nothing has changed when we do: Lambda answers with theirs."""
    theirs: list[str] = []
    function.there.before["PublishVersion"] = [
        lambda: None,  # refused: our change is under way
        lambda: theirs.append(function.publish()),
    ]
    prepare()
    assert theirs
    called = bucket.read_versions("id", KEY, 0)
    assert called
    assert not set(called) & set(theirs)
    restore()
    assert function.numbers() == theirs


def test_a_version_that_a_crash_left_unnoted_is_known_by_its_exact_mark(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publishing, "published", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare()
    assert function.numbers() == ["1"]
    assert function.configuration() != AS_BEFORE
    theirs = function.publish(Description="release 42")
    restore()
    # Nothing had changed: what they got is ours, and has no alias.
    assert theirs == "1"
    assert function.numbers() == []
    assert function.configuration() == AS_BEFORE


@pytest.mark.parametrize("weighted", [False, True])
def test_a_version_of_ours_with_an_alias_stays_and_is_told_of(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table, *, weighted: bool
) -> None:
    theirs = function.publish()
    prepare()
    (ours,) = set(function.numbers()) - {theirs}
    if weighted:
        aliased(function, "live", theirs, RoutingConfig={"AdditionalVersionWeights": {ours: 0.1}})
    else:
        aliased(function, "live", ours)
    began = len(function.there.called)
    assert restore() == {"undone": 0}
    assert "DeleteFunction" not in function.there.called[began:]
    assert function.numbers() == [theirs, ours]
    assert told(table) == [VersionAliased(version=ours, aliases=["live"])]
    assert table.lease("us-east-1", FUNCTION) is None


def test_an_alias_that_is_made_just_before_the_version_is_deleted_is_seen_too(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table
) -> None:
    prepare()
    (ours,) = function.numbers()
    function.there.before["DeleteFunction"] = [lambda: aliased(function, "live", ours)]
    restore()
    assert function.there.called.count("DeleteFunction") == 1  # not asked again: this does not pass
    assert told(table) == [VersionAliased(version=ours, aliases=["live"])]


def test_memory_and_description_that_somebody_sets_meanwhile_stay_and_are_told_of(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table
) -> None:
    prepare()
    function.change(MemorySize=1024, Description="Theirs")
    restore()
    assert (function.configuration()["memory_mb"], function.configuration()["description"]) == (1024, "Theirs")
    assert told(table) == [MemoryChanged(found_mb=1024, before_mb=128), DescriptionChanged(found="Theirs")]
    assert function.numbers() == []


def test_a_timeout_that_somebody_sets_meanwhile_stays_and_is_told_of(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table
) -> None:
    prepare()
    function.change(Timeout=31)
    restore()
    assert told(table) == [TimeoutChanged(found_s=31, before_s=30)]
    assert "timeout to 31 s since the campaign was planned" in left_in_words(told(table)[0])
    assert function.configuration() == AS_BEFORE


def test_memory_that_somebody_sets_between_reading_and_writing_is_not_written_over(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table
) -> None:
    function.there.before["UpdateFunctionConfiguration"] = [lambda: function.change(MemorySize=1024)]
    prepare()
    assert "FunctionChanged: somebody set the function's memory to 1024 MB meanwhile" in why_failed(table)
    restore()
    assert function.configuration() == {**AS_BEFORE, "memory_mb": 1024}


def test_variables_that_somebody_sets_between_reading_and_writing_stay(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function
) -> None:
    variables = {"ISOTHERM_TARGET": "default", "THEIRS": "1"}
    function.there.before["UpdateFunctionConfiguration"] = [
        lambda: function.change(Environment={"Variables": variables})
    ]
    prepare()
    restore()
    assert function.configuration() == {**AS_BEFORE, "variables": variables}
    assert function.numbers() == []


@pytest.mark.parametrize("when", ["UpdateFunctionConfiguration", "PublishVersion"])
def test_code_that_is_replaced_ends_the_lane_before_anything_of_it_is_called(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table, when: str
) -> None:
    function.there.before[when] = [lambda: function.insist("update_function_code", ZipFile=b"another")]
    prepare()
    assert "somebody replaced the function's code since the campaign was planned" in why_failed(table)
    restore()
    assert function.numbers() == []
    assert function.configuration() == AS_BEFORE
    assert told(table) == [CodeReplaced(measured=False)]


def test_a_lane_whose_lease_is_gone_restores_by_the_plan_and_says_so(
    prepare: Callable[[], Any], restore: Callable[[], Any], function: Function, table: Table
) -> None:
    theirs = function.publish()
    prepare()
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    table.release(lease)
    restore()
    assert function.configuration() == AS_BEFORE
    assert function.numbers() == [theirs]
    assert told(table) == [LeaseLost()]
    restore()  # and again
    assert told(table) == [LeaseLost()]


def test_what_others_changed_is_told_of_where_the_lane_s_row_was_deleted_meanwhile(
    prepare: Callable[[], Any],
    restore: Callable[[], Any],
    function: Function,
    table: Table,
    plan: Plan,
    bucket: Bucket,
) -> None:
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    prepare()
    delete_row(f"lane#{KEY}")
    table.update_lane("id", KEY, LaneFacts(phase="collecting", step=0))
    function.change(MemorySize=1024)
    restore()
    assert told(table) == [MemoryChanged(found_mb=1024, before_mb=128)]
    assert (function.configuration()["memory_mb"], function.numbers()) == (1024, [])
    assert table.lease("us-east-1", FUNCTION) is None


def test_a_lane_that_lost_its_lease_while_it_published_leaves_nothing(
    prepare: Callable[[], Any], function: Function, table: Table
) -> None:
    def lose() -> None:
        lease = table.lease("us-east-1", FUNCTION)
        assert lease is not None
        table.release(lease)

    function.there.before["PublishVersion"] = [lose]
    prepare()
    assert why_failed(table).startswith("LeaseGone: ")
    assert (function.configuration(), function.numbers()) == (AS_BEFORE, [])


def test_a_tour_that_lost_its_lease_between_two_stages_goes_no_further_and_leaves_nothing(
    load: Callable[[str], ModuleType],
    context: Any,
    restore: Callable[[], Any],
    function: Function,
    table: Table,
    plan: Plan,
) -> None:
    (task,) = [task for task in plan.tasks() if task.lane.key == KEY]
    (step,) = task.lane.steps
    two = [replace(step, memory_mb=256), replace(step, step=1, memory_mb=512)]
    table.put_tasks([replace(task, lane=replace(task.lane, steps=two))])
    stages = [[StepOf(KEY, number)] for number in range(2)]
    table.put_tours("id", [Tour(key=ALONE, client_region="us-east-1", lanes=[KEY], stages=stages)])
    prepare = load("prepare").handler
    assert prepare({**ASKED, "stage": 0}, context)["steps"] == 1
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    table.release(lease)
    assert prepare({**ASKED, "stage": 1}, context) == {"shards": [], "steps": 0}
    assert why_failed(table) == f"LeaseGone: the lease on {FUNCTION} in us-east-1 vanished between two stages"
    restore()
    assert (function.configuration(), function.numbers()) == (AS_BEFORE, [])
    assert told(table) == [LeaseLost()]


def test_a_conflict_that_does_not_pass_is_not_waited_for(
    prepare: Callable[[], Any], function: Function, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = client("lambda", "us-east-1")
    asked = []

    def refuse(**_: Any) -> None:
        asked.append(1)
        said = {"Error": {"Code": "ResourceConflictException", "Message": "something that is so"}}
        raise functions.exceptions.ResourceConflictException(said, "PublishVersion")

    monkeypatch.setattr(functions, "publish_version", refuse)
    prepare()
    assert why_failed(table).startswith("ResourceConflictException: ")
    assert asked == [1]
    assert function.numbers() == []


def told(table: Table) -> list[LeftAlone]:
    """What the lane's row says was left as others made it."""
    return of_items(lane_of(table, KEY).left or [])
