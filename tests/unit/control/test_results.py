"""What a campaign left behind is gathered from table and bucket, whichever of its lanes got how far."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from isotherm.aws.clients import Home, client
from isotherm.aws.store import plans
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.results import PlanLost, read_results
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of
from isotherm.campaign.lane import LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.result import PhaseResult
from isotherm.load.spec import LoadSpec, Phase
from isotherm.measurement.witnesses import StepWitnesses, Witnesses
from unit.made_up_step import shot

from .conftest import delete_row

HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")


def test_a_lane_whose_row_was_deleted_meanwhile_goes_by_the_plan(table: Table, bucket: Bucket, plan: Plan) -> None:
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    for task in plan.tasks():
        key = task.lane.key
        delete_row(f"lane#{key}")
        assert tasks_of(HOME, "id", [key]) == {key: task}
        table.update_lane("id", key, LaneFacts(phase="firing"))  # its progress makes the row anew
        assert tasks_of(HOME, "id", [key]) == {key: task}
    with pytest.raises(LookupError, match="campaign id has no lane r99"):
        tasks_of(HOME, "id", ["r99"])


def test_lanes_some_of_whose_rows_were_deleted_are_told_in_the_order_asked_for(bucket: Bucket, plan: Plan) -> None:
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    first, second, third, *_ = plan.lanes
    delete_row(f"lane#{first}")
    delete_row(f"lane#{third}")
    assert list(tasks_of(HOME, "id", [third, second, first, third])) == [third, second, first]
    planned = {task.lane.key: task for task in plan.tasks()}
    assert tasks_of(HOME, "id", plan.lanes) == planned


def test_a_tour_whose_row_was_deleted_meanwhile_goes_by_the_plan(table: Table, bucket: Bucket, plan: Plan) -> None:
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    ((key, tour),) = plan.tours.items()
    delete_row(f"tour#{key}")
    assert tour_of(HOME, "id", key) == tour
    table.note_execution("id", key, "arn")  # its progress makes the row anew
    assert tour_of(HOME, "id", key) == tour
    with pytest.raises(LookupError, match="campaign id has no tour from-nowhere"):
        tour_of(HOME, "id", "from-nowhere")
    bucket.delete_if_allowed(plan_key("id"))
    with pytest.raises(LookupError, match=f"what tour {key} of campaign id has to do is gone, and the plan too"):
        tour_of(HOME, "id", key)


@pytest.mark.parametrize("said", ["NoSuchKey", "AccessDenied"])
def test_a_lane_without_a_row_and_without_a_plan_is_named(
    plan: Plan, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    key = next(iter(plan.lanes))
    delete_row(f"lane#{key}")
    if said == "AccessDenied":  # as S3 says it where one may not list the bucket

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": said, "Message": "Access Denied"}}, "GetObject")

        monkeypatch.setattr(client("s3", HOME.region), "get_object", refuse)
    with pytest.raises(LookupError, match=f"what lane {key} of campaign id has to do is gone, and the plan too"):
        tasks_of(HOME, "id", [key])
    assert bucket.keys("plans/") == []


@pytest.mark.parametrize("copied", [True, False])
def test_a_plan_that_is_damaged_or_gone_is_read_from_its_copy_where_that_is_not_too_long(
    table: Table, bucket: Bucket, plan: Plan, monkeypatch: pytest.MonkeyPatch, *, copied: bool
) -> None:
    if not copied:
        monkeypatch.setattr(plans, "MAX_COPY_BYTES", 100)
    plans.write_plan(table, bucket, "id", plan.model_dump_json().encode())
    assert read_results("id", table, bucket).plan == plan
    for damage, found in (
        (lambda: bucket.write(plan_key("id"), bucket.read(plan_key("id"))[:1000]), "cannot be read"),
        (lambda: bucket.delete_if_allowed(plan_key("id")), "is neither in the bucket nor in the table"),
    ):
        damage()
        if copied:
            assert read_results("id", table, bucket).plan == plan
        else:
            with pytest.raises(PlanLost, match=f"the plan of campaign id {found}"):
                read_results("id", table, bucket)


def test_all_that_lanes_wrote_is_found(table: Table, plan: Plan) -> None:
    first, second, third, *_ = plan.lanes
    spec = LoadSpec(loop="closed", threads=1, iterations=5, phases=(Phase("peak", 1.0),))
    loaded = replace(plan.lanes[second].steps[0], load=LoadStep(spec=spec, phase="peak", fires=3))
    lanes = {**plan.lanes, second: replace(plan.lanes[second], steps=[loaded])}
    plan = plan.model_copy(update={"lanes": lanes})
    client("s3", HOME.region).create_bucket(Bucket=HOME.bucket)
    bucket = Bucket(HOME)
    bucket.write(plan_key("id"), plan.model_dump_json().encode())
    (task,) = [one for one in plan.tasks() if one.lane.key == first]
    shots = [shot(f"{first}/{number}") for number in range(3)]
    put_samples(table, StepWitnesses(shots, Witnesses(), Witnesses(), 0).samples(task, task.lane.steps[0]))
    bucket.write_load("id", second, 0, 1, PhaseResult(phase="peak", loop="closed", planned=7))
    table.update_lane("id", first, LaneFacts(status="succeeded", package={"zip_bytes": 9}))
    table.update_lane("id", second, LaneFacts(status="failed", reason="broken"))
    table.update_lane("id", third, LaneFacts(status="running", phase="firing"))

    found = read_results("id", table, bucket)

    assert found.plan == plan
    assert sorted(sample.shot_id for sample in found.samples) == [one.shot_id for one in shots]
    assert [(one.lane_key, one.status, one.reason, one.round) for one in found.outcomes] == [
        (first, "succeeded", None, 0),
        (second, "failed", "broken", 1),
    ]
    assert {place: [one.planned for one in results] for place, results in found.loads.items()} == {(second, 0): [7]}
    assert found.packages == {"default": {"zip_bytes": 9}}
