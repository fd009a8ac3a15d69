"""Dispatch starts a tour in its client's region, and answers the token where it cannot.

The table is moto's; the state machines are not there, so what would be sent to them is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from isotherm.aws.store.table import Table

from .conftest import WHOLE

APP = Path(__file__).parents[3] / "functions" / "control" / "dispatch" / "app.py"
EVENT = {"campaign_id": "id", "tour": WHOLE, "task_token": "token"}

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def dispatch(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any) -> Any:
    """Dispatches the tour; what was sent to Step Functions is in `sent`."""
    module: Any = load("dispatch")
    sent: list[Any] = []

    def start(region: str, machine: str, name: str, tour: dict[str, Any]) -> str:
        sent.append((region, machine.rpartition(":")[2], name, tour))
        return "arn"

    monkeypatch.setattr(module, "start_tour", start)
    monkeypatch.setattr(module, "fail", lambda _region, token, error, _cause: sent.append((token, error)))
    module.sent, module.run = sent, lambda: module.handler(EVENT, context)
    return module


def test_a_tour_is_started_in_its_client_s_region_with_the_numbers_of_its_stages(dispatch: Any, table: Table) -> None:
    assert dispatch.run() == {"status": "started", "execution_arn": "arn"}
    assert dispatch.sent == [("us-east-1", "isotherm-lane", f"id-{WHOLE}", {**EVENT, "stages": [0, 1]})]
    (tour,) = [tour for tour in table.tours("id") if tour.tour_key == WHOLE]
    assert (tour.task_token, tour.execution_arn, tour.ended_at) == ("token", "arn", None)
    assert {lane.status for lane in table.lanes("id")} == {"planned"}


def test_where_it_cannot_be_started_the_campaign_is_told_and_its_lanes_have_failed(
    dispatch: Any, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function error under a task token would leave the campaign waiting on the embedded stack."""

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "StateMachineDoesNotExist", "Message": "gone"}}, "StartExecution")

    monkeypatch.setattr(dispatch, "start_tour", refuse)
    assert dispatch.run()["status"] == "failed"
    assert dispatch.sent == [("token", "TourNotStarted")]
    for lane in table.lanes("id"):
        assert lane.status == "failed"
        assert str(lane.reason).startswith("could not be started in us-east-1: ")
    assert table.tour_ended("id", WHOLE)


def test_of_a_stopped_campaign_nothing_is_started(dispatch: Any, table: Table) -> None:
    table.stop_campaign("id")
    assert dispatch.run() == {"status": "failed", "reason": "the campaign was stopped"}
    assert dispatch.sent == [("token", "TourNotStarted")]


def test_its_policy_lets_it_look_and_answer() -> None:
    """Without these a tour that cannot be started is ended and nobody told."""
    template = (APP.parents[3] / "template.yaml").read_text()
    section = template[template.index("  DispatchFunction:") : template.index("  AggregateFunction:")]
    for action in ("dynamodb:UpdateItem", "states:StartExecution", "states:SendTaskFailure"):
        assert action in section
