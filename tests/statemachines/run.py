"""What a test looks at after an execution, read from its description and history; the same on every interpreter."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from .definitions import FUNCTIONS, function_arn

DEADLINE_S = 60.0
_FUNCTION_OF = {function_arn(name): name for names in FUNCTIONS.values() for name in names}


@dataclass(frozen=True)
class Run:
    """One execution that has ended.

    `path` has the states in the order in which they were entered (a retry enters no state again); `calls` has every
    call of a function, retries too, as (function, payload).
    """

    status: str
    output: Any
    error: str | None
    cause: str | None
    path: tuple[str, ...]
    calls: tuple[tuple[str, dict[str, Any]], ...]

    def payloads(self, function: str) -> list[dict[str, Any]]:
        """What one function was called with, in order."""
        return [payload for name, payload in self.calls if name == function]


def execute(client: Any, state_machine_arn: str, name: str, input_: object) -> Run:
    """Start an execution, wait until it has ended, and read it."""
    arn = client.start_execution(stateMachineArn=state_machine_arn, name=name, input=json.dumps(input_))["executionArn"]
    deadline = time.monotonic() + DEADLINE_S
    while (described := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} still runs after {DEADLINE_S:.0f} s; entered {_path(_events(client, arn))}")
        time.sleep(0.05)
    events = _events(client, arn)
    succeeded = described["status"] == "SUCCEEDED"
    return Run(
        status=described["status"],
        output=json.loads(described["output"]) if succeeded else None,
        error=described.get("error"),
        cause=described.get("cause"),
        path=_path(events),
        calls=tuple(_calls(events)),
    )


def _events(client: Any, arn: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    return [event for page in pages for event in page["events"]]


def _path(events: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")
    )


def _calls(events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    parameters = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])
        for event in events
        if event["type"] == "TaskScheduled"
    ]
    return [(_FUNCTION_OF[call["FunctionName"]], call["Payload"]) for call in parameters]
