"""The stack's schedule: what it is now, and changing it by the template's parameters alone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

#: AWS, CloudFormation quotas: a parameter's value has at most this many bytes.
MOST_BYTES = 4096

#: The template's parameters; an empty expression is not a schedule.
EXPRESSION, TIMEZONE, CAMPAIGN = "ScheduleExpression", "ScheduleTimezone", "ScheduledCampaign"

_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_S = 2
_POLLS = 300


class NoSuchParameters(Exception):
    """The stack was deployed by a version of Isotherm that knew no schedules."""


class UpdateFailed(Exception):
    """CloudFormation did not carry out the change; the text has its reason."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule that is there; `campaign` is the input it gives to each execution. A person may have paused it."""

    expression: str
    timezone: str
    campaign: dict[str, Any]
    enabled: bool


def read_schedule(scheduler: Any, stack: str) -> Scheduled | None:
    """The stack's schedule as EventBridge Scheduler has it; None where there is none."""
    try:
        found = scheduler.get_schedule(Name=f"{stack}-campaign")
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return Scheduled(
        expression=found["ScheduleExpression"],
        timezone=found.get("ScheduleExpressionTimezone", "UTC"),
        campaign=json.loads(found["Target"]["Input"]),
        enabled=found.get("State", "ENABLED") == "ENABLED",
    )


def set_parameters(cloudformation: Any, stack: str, changes: dict[str, str]) -> bool:
    """Change parameters of a deployed stack and nothing else: neither its template nor its code.

    Parameters
    ----------
    cloudformation : client
        Of the stack's region.
    stack : str
        Name of the stack.
    changes : dict
        New values by parameter; all others stay as they are.

    Returns
    -------
    bool
        False where the values were those already.

    Raises
    ------
    NoSuchParameters
        The deployed template does not know one of them.
    UpdateFailed
        The stack was rolled back; the text says why.
    """
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    known = {parameter["ParameterKey"] for parameter in found.get("Parameters", [])}
    if not changes.keys() <= known:
        raise NoSuchParameters(f"stack {stack} knows no {', '.join(sorted(changes.keys() - known))}")
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(known - changes.keys())]
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in changes.items()]
    token = uuid.uuid4().hex
    try:
        cloudformation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=[*kept, *given],
            Capabilities=_CAPABILITIES,
            ClientRequestToken=token,
        )
    except ClientError as fault:
        if "No updates are to be performed" in str(fault):
            return False
        raise
    try:
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=stack, WaiterConfig={"Delay": _POLL_S, "MaxAttempts": _POLLS}
        )
    except WaiterError:
        raise UpdateFailed(_why(cloudformation, stack, token)) from None
    return True


def _why(cloudformation: Any, stack: str, token: str) -> str:
    """The first failure among the events of the update that was asked for with `token`: later ones follow from it."""
    failed = [event for event in _events(cloudformation, stack, token) if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return f"stack {stack} did not become UPDATE_COMPLETE; its events say more"
    first = failed[-1]
    return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', first['ResourceStatus'])}"


def _events(cloudformation: Any, stack: str, token: str) -> Iterator[dict[str, Any]]:
    """The events of one update, the newest first."""
    begun = False
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            if event.get("ClientRequestToken") == token:
                begun = True
                yield event
            elif begun:  # an earlier update's
                return
