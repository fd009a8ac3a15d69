"""Starts MiniStack with two things a test needs and it lacks; run by MiniStack's own Python, never imported by a test.

MiniStack writes no history for what happens inside a Map, and takes a mocked result once per state, before it has made
the payload, so that a retry meets the same mock again. Here the history of Maps is written as AWS writes it, and mocks
are answered where AWS answers them: in place of the service call, one per invocation. The interpreter itself (order,
paths, payloads, Retry, Catch) is untouched: that is what is under test.
"""

from __future__ import annotations

import contextvars
import functools
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.app import main
from ministack.services import stepfunctions as engine

_running: contextvars.ContextVar[tuple[dict[str, Any], str, str]] = contextvars.ContextVar("running")
_mock_of = engine._get_mock_response
_lock = threading.Lock()


def _entering(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Note the entry of a state inside a Map; MiniStack itself notes those outside."""

    @functools.wraps(function)
    def run(state_def: dict[str, Any], raw_input: Any, *rest: Any) -> Any:
        ctx = rest[-1]
        execution = engine._executions[ctx["Execution"]["Id"]]
        if "Map" in ctx:
            engine._add_event(
                execution,
                f"{kind}StateEntered",
                {"stateEnteredEventDetails": {"name": ctx["State"]["Name"], "input": json.dumps(raw_input)}},
            )
        _running.set((execution, ctx["State"]["Name"], ctx["StateMachine"]["Name"]))
        return function(state_def, raw_input, *rest)

    return run


def _answer(_resource: str, payload: Any) -> Any:
    """The mocked answer to one call of a service, after writing what it was called with into the history."""
    execution, state, machine = _running.get()
    with _lock:
        scheduled = [event for event in execution["events"] if event["type"] == "TaskScheduled"]
        bare = next(event for event in scheduled if "parameters" not in event["taskScheduledEventDetails"])
        bare["taskScheduledEventDetails"]["parameters"] = json.dumps(payload)
        attempt = execution["mockAttempts"].get(state, 0)
        execution["mockAttempts"][state] = attempt + 1
    mock = _mock_of(machine, execution["testCase"], state, attempt)
    if mock is None:
        raise engine._ExecutionError("States.Runtime", f"no mocked response for {state}, invocation {attempt}")
    if "Throw" in mock:
        raise engine._ExecutionError(mock["Throw"]["Error"], mock["Throw"]["Cause"])
    return mock["Return"]


engine._get_mock_response = lambda *_: None
engine._invoke_resource = _answer
engine._invoke_with_callback = lambda resource, payload, _token, _state: _answer(resource, payload)
for _kind, _name in (
    ("Task", "_execute_task"),
    ("Map", "_execute_map"),
    ("Choice", "_execute_choice"),
    ("Pass", "_execute_pass"),
    ("Fail", "_fail_state_error"),
):
    setattr(engine, _name, _entering(_kind, getattr(engine, _name)))

main()
