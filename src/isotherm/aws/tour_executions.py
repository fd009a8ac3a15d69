"""Starting tours in their own region, their ARNs, and answering the campaign's task token from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isotherm.aws.clients import client

#: AWS, StartExecution: a name has at most 80 characters.
_MAX_NAME = 80

#: AWS, SendTaskFailure: `cause` has at most 32,768 characters.
_MAX_CAUSE = 32_000


def execution_arn(machine_arn: str, name: str) -> str:
    """ARN of the execution of that name of a state machine."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def region_of_arn(arn: str) -> str:
    """The region that an ARN names."""
    return arn.split(":")[3]


def lane_machine_arn(machine_arn: str, stack: str, region: str) -> str:
    """ARN of a stack's lane machine in a region, from that of any of the stack's state machines in any region."""
    before, partition, service, _, account, kind, _ = machine_arn.split(":")
    return ":".join((before, partition, service, region, account, kind, f"{stack}-lane"))


def tour_execution_name(campaign_id: str, tour_key: str) -> str:
    """The name of a tour's execution: the same for the same tour, so that a repeat starts nothing twice."""
    name = f"{campaign_id}-{tour_key}"
    if len(name) <= _MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _MAX_NAME - 13]}-{digest}"


def start_tour(region: str, machine_arn: str, name: str, tour: dict[str, Any]) -> str:
    """Start a tour's execution and return its ARN; one that runs already under this name is left as it is."""
    states = client("stepfunctions", region)
    try:
        arn: str = states.start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(tour))[
            "executionArn"
        ]
    except states.exceptions.ExecutionAlreadyExists:
        arn = execution_arn(machine_arn, name)
    return arn


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """How an execution stands: in Step Functions' words such as RUNNING, and when it ended, if it has."""

    status: str
    ended_at: datetime | None


def execution_state(states: Any, arn: str) -> ExecutionState | None:
    """What has become of an execution; None where it is gone.

    `states` is a client of the execution's region, with the patience that the caller has.
    """
    try:
        facts = states.describe_execution(executionArn=arn)
    except (states.exceptions.ExecutionDoesNotExist, states.exceptions.StateMachineDoesNotExist):
        return None
    return ExecutionState(facts["status"], facts.get("stopDate"))


def succeed(home_region: str, task_token: str, output: dict[str, Any]) -> None:
    """Answer a task token with a result; harmless where it was answered already."""
    with _answered_already(home_region):
        client("stepfunctions", home_region).send_task_success(taskToken=task_token, output=json.dumps(output))


def fail(home_region: str, task_token: str, error: str, cause: str) -> None:
    """Answer a task token with an error; harmless where it was answered already."""
    with _answered_already(home_region):
        client("stepfunctions", home_region).send_task_failure(
            taskToken=task_token, error=error, cause=cause[:_MAX_CAUSE]
        )


def _answered_already(home_region: str) -> contextlib.AbstractContextManager[None]:
    errors = client("stepfunctions", home_region).exceptions
    return contextlib.suppress(errors.TaskTimedOut, errors.InvalidToken, errors.TaskDoesNotExist)
