"""What the tests of control functions share: a table on moto, a planned campaign, and a way to load a handler."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from moto import mock_aws

from isotherm.aws import clients
from isotherm.aws.clients import Home, client
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from unit.made_up_stack import planned

FUNCTIONS = Path(__file__).parents[3] / "functions" / "control"
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")


class Context:
    """What the logger reads of Lambda's context."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Loads the module of a control function, by its verb."""

    def loaded(verb: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{verb}_app", FUNCTIONS / verb / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look up their types
        spec.loader.exec_module(module)
        return module

    return loaded


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
def plan(table: Table) -> Plan:
    """A campaign of two rounds in any case and one more where needed, its first two measured."""
    made = planned(
        {
            "targets": ["default"],
            "cold": {"samples": 20, "concurrency": 10},
            "warm": {"samples": 0},
            "rounds": 2,
            "max_rounds": 3,
            "precision": 0.1,
        }
    )
    table.put_tasks(made.tasks())
    table.put_campaign(CampaignRecord(campaign_id="id", started_at=made.created_at, name="test"))
    return made
