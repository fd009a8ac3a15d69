"""Dispatch spares a lane whose cells are precise enough, and starts it where they are not or nobody can tell.

The table is moto's; the state machines are not there, so what would be sent to them is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import Home
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample

APP = Path(__file__).parents[3] / "functions" / "control" / "dispatch" / "app.py"
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")


@pytest.fixture
def dispatch(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any) -> ModuleType:
    module = load("dispatch")
    sent: list[tuple[str, Any]] = []

    def start(_region: str, _machine: str, name: str, _lane: dict[str, Any]) -> str:
        sent.append(("started", name))
        return "arn"

    monkeypatch.setattr(module, "start_lane", start)
    monkeypatch.setattr(module, "succeed", lambda _region, token, output: sent.append((token, output)))
    module.__dict__.update(sent=sent, context=context)
    return module


def measured(plan: Plan, spread: float) -> list[Sample]:
    return [
        Sample(
            campaign_id="id",
            shot_id=f"{lane.key}/s0/cold/0/{index}",
            lane=lane.key,
            target="default",
            region="us-east-1",
            round=lane.round,
            step=0,
            kind="cold",
            burst=0,
            index=index,
            version="1",
            memory_mb=128,
            concurrency=10,
            sent_at_ms=1.0,
            outcome="answered",
            verdict="used",
            temperature="cold",
            emulated=False,
            init_duration_ms=100 + spread * (lane.round - 2) / 2,
            client_ms=150.5,
        )
        for lane in plan.lanes.values()
        if lane.round < 5
        for index in range(10)
    ]


def run(dispatch: ModuleType, lane_key: str) -> Any:
    event = {"campaign_id": "id", "lane_key": lane_key, "task_token": "token"}
    return dispatch.handler(event, dispatch.__dict__["context"])


def status(table: Table, lane_key: str) -> tuple[str | None, str | None]:
    item = next(item for item in table.lanes("id") if item.lane_key == lane_key)
    return item.status, item.reason


def test_a_lane_that_is_precise_enough_is_ended_at_once(table: Table, dispatch: ModuleType, plan: Plan) -> None:
    put_samples(table, measured(plan, spread=4))

    assert run(dispatch, "r05-default-us-east-1")["status"] == "spared"
    assert dispatch.sent == [("token", {"lane_key": "r05-default-us-east-1", "status": "spared"})]
    assert status(table, "r05-default-us-east-1") == ("spared", "precise enough after 5 rounds")
    assert table.lane_ended("id", "r05-default-us-east-1")

    table.update_lane("id", "r05-default-us-east-1", LaneFacts(status="failed"), unless_ended=True)
    assert status(table, "r05-default-us-east-1")[0] == "spared"


def test_a_lane_that_is_not_is_started(table: Table, dispatch: ModuleType, plan: Plan) -> None:
    put_samples(table, measured(plan, spread=60))

    assert run(dispatch, "r05-default-us-east-1")["status"] == "started"
    assert dispatch.sent == [("started", "id-r05-default-us-east-1")]
    assert status(table, "r05-default-us-east-1") == ("running", None)


def test_the_rounds_that_are_run_in_any_case_are_started(table: Table, dispatch: ModuleType, plan: Plan) -> None:
    put_samples(table, measured(plan, spread=0))

    assert run(dispatch, "r01-default-us-east-1")["status"] == "started"


def test_where_it_cannot_be_told_the_lane_is_started(
    table: Table, dispatch: ModuleType, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function error under a task token would leave the campaign waiting on the embedded stack."""
    from botocore.exceptions import ClientError

    put_samples(table, measured(plan, spread=0))

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no Query"}}, "Query")

    monkeypatch.setattr(Table, "query", refuse)
    assert run(dispatch, "r05-default-us-east-1")["status"] == "started"


def test_a_stopped_campaign_starts_and_spares_nothing(
    table: Table, dispatch: ModuleType, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_samples(table, measured(plan, spread=0))
    table.stop_campaign("id")
    monkeypatch.setattr(dispatch, "fail", lambda *answer: dispatch.sent.append(answer[2]))

    assert run(dispatch, "r05-default-us-east-1")["status"] == "failed"
    assert dispatch.sent == ["LaneNotStarted"]


def test_its_policy_lets_it_look_and_answer() -> None:
    """Without these a lane that could be spared is run, or is ended and nobody told."""
    template = (APP.parents[3] / "template.yaml").read_text()
    section = template[template.index("  DispatchFunction:") : template.index("  AggregateFunction:")]
    for action in ("dynamodb:Query", "states:SendTaskSuccess", "states:SendTaskFailure"):
        assert action in section
