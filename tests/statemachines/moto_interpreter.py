"""moto's interpreter, with the cases of the mock file put in at its own seam for them.

moto carries the classes of a mocked test case but no way to load a file, and would count a state's retries only. Step
Functions Local counts every invocation of a state, across the items of a Map; so that is what is put in here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from . import mocks
from .definitions import MACHINES, deployed
from .run import Run, execute

ROLE = "arn:aws:iam::123456789012:role/isotherm"


class _Invocations:
    """Stands for the list of a state's responses; gives the next one, whatever retry the interpreter asks for."""

    def __init__(self, responses: list[Any]) -> None:
        self._left = iter(responses)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return 1_000_000  # the interpreter compares it with a retry's number

    def __getitem__(self, retry: int) -> Any:
        with self._lock:
            return next(self._left)


class MotoInterpreter:
    """Creates the machines once, runs cases on them; `waits` has the seconds that retries would have slept."""

    def __init__(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._client = client
        self._monkeypatch = monkeypatch
        self._arns = {
            machine: client.create_state_machine(
                name=mocks.machine_name(machine), definition=deployed(machine), roleArn=ROLE
            )["stateMachineArn"]
            for machine in MACHINES
        }
        self.waits: list[float] = []
        from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
        from moto.stepfunctions.parser.asl.component.state.exec.state_task import mock_eval_utils

        monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=self.waits.append))
        # Its mocks can throw only names of one's own; AWS's, such as States.Timeout, are what a silent task throws.
        monkeypatch.setattr(mock_eval_utils, "CustomErrorName", _error_name)

    def run(self, machine: str, case: str, input_: object, *, name: str) -> Run:
        """Run a case of the mock file."""
        from moto.stepfunctions.parser.backend import execution
        from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

        with self._monkeypatch.context() as patch:
            patch.setattr(
                execution, "ExecutionWorker", partial(ExecutionWorker, mock_test_case=_test_case(machine, case))
            )
            return execute(self._client, self._arns[machine], name, input_)


@contextmanager
def moto_interpreter(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoInterpreter]:
    """moto, running state machines for real."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield MotoInterpreter(boto3.client("stepfunctions", region_name="us-east-1"), monkeypatch)


def _test_case(machine: str, case: str) -> Any:
    from moto.stepfunctions.parser.mocking.mock_config import MockTestCase, StateMockedResponses

    states = []
    for state, name in mocks.test_cases(machine)[case].items():
        mocked: Any = StateMockedResponses(state, name, [])
        mocked.mocked_responses = _Invocations([_response(one) for one in mocks.responses(name)])
        states.append(mocked)
    return MockTestCase(mocks.machine_name(machine), case, states)


def _error_name(name: str) -> Any:
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType

    for known in StatesErrorNameType:
        if known.to_name() == name:
            return StatesErrorName(typ=known)
    return CustomErrorName(name)


def _response(response: dict[str, Any]) -> Any:
    from moto.stepfunctions.parser.mocking.mock_config import MockedResponseReturn, MockedResponseThrow

    if "Return" in response:
        return MockedResponseReturn(0, 0, response["Return"])
    return MockedResponseThrow(0, 0, response["Throw"]["Error"], response["Throw"]["Cause"])
