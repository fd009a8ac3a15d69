"""The watch tells the campaign of lanes that cannot do so themselves any more, and of no others."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.table import Table
from isotherm.campaign import Plan

TOKEN = {"task_token": "token"}
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:isotherm-lane"


@pytest.fixture
def told(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any) -> Callable[[], Any]:
    """Runs the watch once; gives its answer and the tokens that were answered."""
    watch = load("watch")
    answered: list[tuple[str, str, str]] = []
    monkeypatch.setattr(watch, "fail", lambda _region, token, error, cause: answered.append((token, error, cause)))

    def run() -> Any:
        answered.clear()
        return watch.handler({}, context), list(answered)

    return run


@pytest.fixture
def execution_arn(table: Table) -> str:  # noqa: ARG001 - starts moto
    """A lane's execution that runs, as moto has it."""
    states = client("stepfunctions", "us-east-1")
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    role = "arn:aws:iam::123456789012:role/lane"
    arn = states.create_state_machine(name="isotherm-lane", definition=json.dumps(definition), roleArn=role)
    started: str = states.start_execution(stateMachineArn=arn["stateMachineArn"], name="lane", input="{}")[
        "executionArn"
    ]
    return started


def running(table: Table, plan: Plan, execution_arn: str) -> str:
    key = next(iter(plan.lanes))
    table.update_lane("id", key, status="running", phase="firing", execution_arn=execution_arn, **TOKEN)
    return key


def test_a_lane_under_way_is_left_alone(told: Any, table: Table, plan: Plan, execution_arn: str) -> None:
    running(table, plan, execution_arn)
    assert told() == ({"lost": []}, [])


def test_a_lane_that_ended_without_a_word_is_given_up_once(
    told: Any, table: Table, plan: Plan, execution_arn: str
) -> None:
    key = running(table, plan, execution_arn)
    client("stepfunctions", "us-east-1").stop_execution(executionArn=execution_arn)
    answer, answered = told()
    reason = "region us-east-1 fell silent: the lane's execution ended as ABORTED and could not say so"
    assert answer == {"lost": [key]}
    assert answered == [("token", "LaneLost", reason)]
    (lane,) = [item for item in table.lanes("id") if item["lane_key"] == key]
    assert (lane["status"], lane["reason"]) == ("failed", reason)
    assert told() == ({"lost": []}, [])


def test_a_lane_whose_machine_is_gone_is_given_up(told: Any, table: Table, plan: Plan) -> None:
    running(table, plan, f"{MACHINE.replace(':stateMachine:', ':execution:')}:gone")
    _, answered = told()
    assert answered == [("token", "LaneLost", "region us-east-1 fell silent: the lane's execution is gone")]


def test_a_campaign_that_is_finished_is_not_looked_at(told: Any, table: Table, plan: Plan) -> None:
    running(table, plan, f"{MACHINE.replace(':stateMachine:', ':execution:')}:gone")
    table.finish_campaign("id", "done")
    assert told() == ({"lost": []}, [])
