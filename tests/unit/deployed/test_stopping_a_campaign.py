"""Stopping a campaign, and waiting until its functions are as before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from isotherm.aws.clients import Home, client, make_client
from isotherm.aws.store.table import Table
from isotherm.campaign.tour import Tour
from isotherm.deployed.campaigns import Campaigns
from isotherm.deployed.deployment import Deployment
from isotherm.local.deploy import _Memory, running_campaigns
from isotherm.local.stack import Stack
from unit.deployed.stack_on_moto import deployed_on_moto


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with deployed_on_moto(monkeypatch, execute=False) as home:
        yield home


def test_tours_are_stopped_where_they_run_whatever_another_region_says(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients of a function: one region does not answer, one row has no ARN yet, one was deleted, one is not begun."""
    from botocore.exceptions import EndpointConnectionError

    tours, table = {}, Table(home)
    machine = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})
    arns = {}
    for region in ("ap-northeast-1", "eu-west-1", "eu-west-2", "sa-east-1"):
        key = f"r00-from-{region}"
        tours[key] = Tour(key=key, client_region=region, lanes=[], stages=[])
        states: Any = client("stepfunctions", region)
        role = "arn:aws:iam::123456789012:role/lane"
        made = states.create_state_machine(name="isotherm-lane", definition=machine, roleArn=role)["stateMachineArn"]
        arns[region] = states.start_execution(stateMachineArn=made, name=f"id-{key}", input="{}")["executionArn"]
        if region == "eu-west-2":
            continue
        table.begin_tour("id", key, task_token="token")  # noqa: S106 - what a campaign would give
        if region != "sa-east-1":
            table.note_execution("id", key, arns[region])
    tours["not-begun"] = replace(tours[key], key="not-begun", client_region="us-west-1")
    table.put_tours("id", [tours["not-begun"]])
    asked = []

    def made_client(service: str, region: str, config: Any) -> Any:
        asked.append(region)
        if region != "ap-northeast-1":
            return make_client(service, region, config)

        def silent(**_: str) -> None:
            raise EndpointConnectionError(endpoint_url=region)

        return SimpleNamespace(describe_execution=silent, exceptions=client(service, region).exceptions)

    monkeypatch.setattr("isotherm.aws.clients.make_client", made_client)
    campaigns = Campaigns(
        Deployment("isotherm", "us-east-1", made.replace("sa-east-1", "us-east-1"), home.bucket, home.table)
    )
    plan: Any = SimpleNamespace(campaign_id="id", tours=tours)

    assert campaigns._stop_tours(plan) == ["ap-northeast-1"]
    status = {
        region: client("stepfunctions", region).describe_execution(executionArn=arn)["status"]
        for region, arn in arns.items()
    }
    assert status == {"ap-northeast-1": "RUNNING", **dict.fromkeys(("eu-west-1", "eu-west-2", "sa-east-1"), "ABORTED")}
    assert asked == [*arns]


def test_the_campaigns_that_run_are_known_by_what_was_deployed_to_the_embedded_stack(
    home: Home, campaigns: Campaigns, tmp_path: Path
) -> None:
    embedded = Stack(1, "token", 4566, False, 0.0, str(tmp_path), "log")
    assert running_campaigns(embedded) == []

    campaign_id = campaigns.start({"name": "mine", "targets": ["default"]})
    assert running_campaigns(embedded) == []  # not by whatever else answers here
    for stack, region in (("absent", home.region), (home.stack, "eu-west-1"), (home.stack, home.region)):
        _Memory(embedded, stack).keep(region, "deployed")
    assert running_campaigns(embedded) == [campaign_id]

    campaigns.stop(campaign_id)
    assert running_campaigns(embedded) == []
