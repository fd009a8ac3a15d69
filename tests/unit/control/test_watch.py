"""The watch tells the campaign of tours that cannot do so themselves any more, and of no others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client, make_client
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import CampaignRecord, LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.campaign.tour import Tour

from .conftest import ALONE

TOKEN = "token"  # noqa: S105 - what a campaign would give
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:isotherm-lane"


@pytest.fixture
def told(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any) -> Callable[[], Any]:
    """Runs the watch once; gives its answer and the tokens that were answered."""
    watch = load("watch")
    answered: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        "isotherm.aws.lost_tours.fail", lambda _region, token, error, cause: answered.append((token, error, cause))
    )

    def run() -> Any:
        answered.clear()
        answer = watch.handler({}, context)
        del answer["ended"]
        return answer, list(answered)

    return run


@pytest.fixture
def execution_arn(table: Table) -> str:  # noqa: ARG001 - starts moto
    """A tour's execution that runs, as moto has it."""
    states = client("stepfunctions", "us-east-1")
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    role = "arn:aws:iam::123456789012:role/lane"
    arn = states.create_state_machine(name="isotherm-lane", definition=json.dumps(definition), roleArn=role)
    started: str = states.start_execution(stateMachineArn=arn["stateMachineArn"], name="lane", input="{}")[
        "executionArn"
    ]
    return started


def started(table: Table, hours_ago: float) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours_ago * 3600))
    table.put_campaign(CampaignRecord(campaign_id="id", started_at=stamp, name="test"))


def running(table: Table, plan: Plan, execution_arn: str) -> str:
    started(table, 0.1)
    table.update_lane("id", next(iter(plan.lanes)), LaneFacts(status="running", phase="firing"))
    dispatched(table, ALONE, execution_arn)
    return next(iter(plan.lanes))


def dispatched(table: Table, tour: str, execution_arn: str) -> None:
    table.begin_tour("id", tour, task_token=TOKEN)
    table.note_execution("id", tour, execution_arn)


def test_a_tour_under_way_is_left_alone(told: Any, table: Table, plan: Plan, execution_arn: str) -> None:
    running(table, plan, execution_arn)
    assert told() == ({"lost": []}, [])


def test_a_tour_that_ended_without_a_word_is_given_up_once(
    told: Any, table: Table, plan: Plan, execution_arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = running(table, plan, execution_arn)
    client("stepfunctions", "us-east-1").stop_execution(executionArn=execution_arn)
    assert told() == ({"lost": []}, [])  # it has just ended: its own end or Rescue may be about to tell
    monkeypatch.setattr("isotherm.campaign.watching.TELLING_S", 0.0)
    answer, answered = told()
    reason = "region us-east-1 fell silent: the execution ended as ABORTED and could not report it"
    assert answer == {"lost": [ALONE]}
    assert answered == [("token", "TourLost", reason)]
    (lane,) = [item for item in table.lanes("id") if item.lane_key == key]
    assert (lane.status, lane.reason) == ("failed", reason)
    assert told() == ({"lost": []}, [])


def test_a_tour_whose_machine_is_gone_is_given_up(told: Any, table: Table, plan: Plan) -> None:
    running(table, plan, f"{MACHINE.replace(':stateMachine:', ':execution:')}:gone")
    _, answered = told()
    assert answered == [("token", "TourLost", "region us-east-1 fell silent: the execution is gone")]


def test_a_campaign_that_is_finished_is_not_looked_at(told: Any, table: Table, plan: Plan) -> None:
    running(table, plan, f"{MACHINE.replace(':stateMachine:', ':execution:')}:gone")
    table.finish_campaign("id", "done")
    assert told() == ({"lost": []}, [])


def test_the_token_is_gone_when_the_tour_has_ended(table: Table, plan: Plan) -> None:
    running(table, plan, "arn")

    def tokens() -> list[str | None]:
        return [tour.task_token for tour in table.tours("id") if tour.tour_key == ALONE]

    assert tokens() == ["token"]
    table.end_tour("id", ALONE)
    assert tokens() == [None]


def test_a_region_that_does_not_answer_is_asked_once_and_keeps_nobody_waiting(
    told: Any, table: Table, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tours of a region without an answer, one of a region that has forgotten it."""
    from botocore.exceptions import ConnectTimeoutError

    started(table, 0.1)
    regions = ("eu-west-1", "eu-west-1", "us-east-1")
    for number, region in enumerate(regions):
        arn = f"{MACHINE.replace('us-east-1', region).replace(':stateMachine:', ':execution:')}:gone"
        lanes = list(plan.lanes)
        table.put_tours("id", [Tour(key=f"t{number}", client_region=region, lanes=lanes, stages=[])])
        dispatched(table, f"t{number}", arn)
    asked = []

    class Unreachable:
        exceptions = client("stepfunctions", "us-east-1").exceptions

        def describe_execution(self, **_: str) -> None:
            asked.append(1)
            raise ConnectTimeoutError(endpoint_url="https://states.eu-west-1.amazonaws.com")

    def made(service: str, region: str, config: Any) -> Any:
        assert config.retries["total_max_attempts"] == 1
        return Unreachable() if region == "eu-west-1" else make_client(service, region, config)

    monkeypatch.setattr("isotherm.aws.lost_tours.make_client", made)
    answer, answered = told()
    assert answer == {"lost": ["t2"]}
    assert len(answered) == len(asked) == 1


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(("hours_ago", "left"), [(1, False), (4, True), (8 * 24, False)])
def test_a_campaign_in_which_nothing_runs_for_hours_is_looked_at_no_more(
    told: Any, table: Table, monkeypatch: pytest.MonkeyPatch, hours_ago: float, left: bool
) -> None:
    started(table, hours_ago)
    told()
    campaign = table.campaign("id")
    assert campaign is not None
    assert (campaign.unwatched_at is not None) is left
    monkeypatch.setattr(Table, "tours", lambda *_: pytest.fail("its tours were read"))
    if left or hours_ago > 24:
        assert told() == ({"lost": []}, [])


@pytest.fixture
def campaign_arn(execution_arn: str) -> str:
    """The execution of the campaign `id`, which runs."""
    states = client("stepfunctions", "us-east-1")
    machine = states.describe_state_machine(stateMachineArn=MACHINE)
    arn = states.create_state_machine(
        name="isotherm-campaign", definition=machine["definition"], roleArn=machine["roleArn"]
    )["stateMachineArn"]
    started: str = states.start_execution(stateMachineArn=arn, name="id", input="{}")["executionArn"]
    assert started != execution_arn
    return started


@pytest.mark.usefixtures("plan", "campaign_arn")
def test_a_campaign_that_was_planned_by_hand_is_not_stopped(
    load: Callable[[str], ModuleType], table: Table, context: Any
) -> None:
    """As with sam local: its functions are run one after the other, and no execution of that name was ever started."""
    table.put_campaign(CampaignRecord(campaign_id="by-hand", started_at=datetime.now(UTC).isoformat(), name="by-hand"))
    assert load("watch").handler({}, context) == {"lost": [], "ended": []}
    assert not table.campaign_stopped("by-hand")


def test_a_campaign_that_was_aborted_keeps_no_function_for_its_later_tours(
    load: Callable[[str], ModuleType],
    table: Table,
    plan: Plan,
    campaign_arn: str,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started(table, 0.1)
    functions = plan.functions
    region, name = functions[0]
    table.reserve("id", [Lease(region, name, "id", "", 128, int(time.time()))])

    def look() -> Any:
        return load("watch").handler({}, context)["ended"]

    assert look() == []
    assert table.kept_by_others("another", functions)
    client("stepfunctions", "us-east-1").stop_execution(executionArn=campaign_arn)
    assert look() == []  # it has just ended, and may be about to write its report
    monkeypatch.setattr("isotherm.campaign.watching.TELLING_S", 0.0)
    assert set(look()) == {"id"}
    assert table.kept_by_others("another", functions) == []
    assert table.campaign_stopped("id")
    assert look() == []
