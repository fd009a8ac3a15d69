"""Dispatch spares a lane whose cells are precise enough, and starts it where they are not or nobody can tell.

The table is moto's; the state machines are not there, so what would be sent to them is recorded.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws

from isotherm.aws import clients
from isotherm.aws.clients import Home, client
from isotherm.aws.samples import put_samples
from isotherm.aws.table import Table
from isotherm.campaign import Plan, RegionInventory, parse_campaign
from isotherm.lane import TargetFunction
from isotherm.planning import make_plan
from isotherm.sample import Sample

APP = Path(__file__).parents[3] / "functions" / "control" / "dispatch" / "app.py"
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")


class Context:
    """What the logger reads of Lambda's context."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name, value in {
        "ISOTHERM_STACK": HOME.stack,
        "ISOTHERM_HOME_REGION": HOME.region,
        "ISOTHERM_TABLE": HOME.table,
        "ISOTHERM_BUCKET": HOME.bucket,
        "ISOTHERM_LANE_MACHINE": "arn:aws:states:us-east-1:1:stateMachine:isotherm-lane",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("ISOTHERM_ENDPOINT_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    # moto answers only the sessions that are made after it was imported.
    for made in (client, clients._session):
        made.cache_clear()
    with mock_aws():
        keys = ("pk", "HASH"), ("sk", "RANGE")
        client("dynamodb", HOME.region).create_table(
            TableName=HOME.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
        yield Table(HOME)
    client.cache_clear()


@pytest.fixture
def dispatch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dispatch_app", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look up their types
    spec.loader.exec_module(module)
    sent: list[tuple[str, Any]] = []

    def start(_region: str, _machine: str, name: str, _lane: dict[str, Any]) -> str:
        sent.append(("started", name))
        return "arn"

    monkeypatch.setattr(module, "start_lane", start)
    monkeypatch.setattr(module, "succeed", lambda _region, token, output: sent.append((token, output)))
    module.__dict__["sent"] = sent
    return module


@pytest.fixture
def plan(table: Table) -> Plan:
    """A campaign of two rounds in any case and one more where needed, its first two measured."""
    function = TargetFunction(
        target="default",
        region="us-east-1",
        function_name="isotherm-target_default",
        runtime="python3.14",
        architecture="x86_64",
        memory_mb=128,
        timeout_s=30,
        code_size_bytes=169,
        code_sha256="sha",
        log_group="/aws/lambda/isotherm-target_default",
    )
    made = make_plan(
        parse_campaign(
            {
                "targets": ["default"],
                "cold": {"samples": 20, "concurrency": 10},
                "warm": {"samples": 0},
                "rounds": 2,
                "max_rounds": 3,
                "precision": 0.1,
            }
        ),
        [
            RegionInventory(
                region="us-east-1",
                targets=[function],
                concurrency_limit=99,
                unreserved_concurrency=99,
                stack_status="CREATE_COMPLETE",
                stack_version="1",
                home_region="us-east-1",
            )
        ],
        campaign_id="id",
        platform="aws",
        home_region="us-east-1",
        stack="isotherm",
        version="1",
        created_at="2026-01-01T00:00:00Z",
    )
    table.put_tasks(made.tasks())
    table.put_campaign("id", made.created_at, {"name": "test"})
    return made


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
            init_duration_ms=100 + spread * (index - 5) / 5,
            client_ms=150.5,
        )
        for lane in plan.lanes.values()
        if lane.round < 2
        for index in range(10)
    ]


def run(dispatch: ModuleType, lane_key: str) -> Any:
    event = {"campaign_id": "id", "lane_key": lane_key, "task_token": "token"}
    return dispatch.handler(event, Context())


def status(table: Table, lane_key: str) -> tuple[str, str | None]:
    item = next(item for item in table.lanes("id") if item["lane_key"] == lane_key)
    return item["status"], item.get("reason")


def test_a_lane_that_is_precise_enough_is_ended_at_once(table: Table, dispatch: ModuleType, plan: Plan) -> None:
    put_samples(table, measured(plan, spread=4))

    assert run(dispatch, "r02-default-us-east-1")["status"] == "spared"
    assert dispatch.sent == [("token", {"lane_key": "r02-default-us-east-1", "status": "spared"})]
    assert status(table, "r02-default-us-east-1") == ("spared", "precise enough after 2 rounds")
    assert table.lane_ended("id", "r02-default-us-east-1")

    table.update_lane("id", "r02-default-us-east-1", unless_ended=True, status="failed")
    assert status(table, "r02-default-us-east-1")[0] == "spared"


def test_a_lane_that_is_not_is_started(table: Table, dispatch: ModuleType, plan: Plan) -> None:
    put_samples(table, measured(plan, spread=60))

    assert run(dispatch, "r02-default-us-east-1")["status"] == "started"
    assert dispatch.sent == [("started", "id-r02-default-us-east-1")]
    assert status(table, "r02-default-us-east-1") == ("running", None)


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
    assert run(dispatch, "r02-default-us-east-1")["status"] == "started"


def test_a_stopped_campaign_starts_and_spares_nothing(
    table: Table, dispatch: ModuleType, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_samples(table, measured(plan, spread=0))
    table.stop_campaign("id")
    monkeypatch.setattr(dispatch, "fail", lambda *answer: dispatch.sent.append(answer[2]))

    assert run(dispatch, "r02-default-us-east-1")["status"] == "failed"
    assert dispatch.sent == ["LaneNotStarted"]


def test_its_policy_lets_it_look_and_answer() -> None:
    """Without these a lane that could be spared is run, or is ended and nobody told."""
    template = (APP.parents[3] / "template.yaml").read_text()
    section = template[template.index("  DispatchFunction:") : template.index("  AggregateFunction:")]
    for action in ("dynamodb:Query", "states:SendTaskSuccess", "states:SendTaskFailure"):
        assert action in section
