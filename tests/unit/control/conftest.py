"""What the tests of control functions share: a table on moto, a planned campaign, and a way to load a handler."""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import secrets
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws import measured_function
from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import CampaignRecord, LaneFacts, LaneRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.campaign.publishing import Publishing
from isotherm.campaign.tour import StepOf, Tour
from unit.account_in_memory import account_in_memory, make_table
from unit.aws.strict_lambda import StrictLambda
from unit.made_up_stack import made_up_function, made_up_region, planned

FUNCTIONS = Path(__file__).parents[3] / "functions" / "control"
FUNCTION = "isotherm-target_default"
DESCRIPTION = "Nothing but the handler"

#: The tour of the first lane of `plan` alone, and that of all its lanes.
ALONE, WHOLE = "alone", "from-us-east-1"

#: The measured function before anybody changes it.
AS_BEFORE = {"memory_mb": 128, "description": DESCRIPTION, "variables": {"ISOTHERM_TARGET": "default"}}

HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")


class Context:
    """What is read of Lambda's context, of a call that has all its time left."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Loads the module of a control function, by its verb."""

    def loaded(verb: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{verb}_app", FUNCTIONS / verb / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look up their types
        spec.loader.exec_module(module)
        return module

    yield loaded
    gc.unfreeze()  # Plan freezes what is there when it is loaded, which is here more than its own


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name, value in {
        "ISOTHERM_STACK": HOME.stack,
        "ISOTHERM_HOME_REGION": HOME.region,
        "ISOTHERM_TABLE": HOME.table,
        "ISOTHERM_BUCKET": HOME.bucket,
        "ISOTHERM_LANE_MACHINE": "arn:aws:states:us-east-1:1:stateMachine:isotherm-lane",
        "ISOTHERM_CAMPAIGN_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:isotherm-campaign",
    }.items():
        monkeypatch.setenv(name, value)
    with account_in_memory(monkeypatch):
        make_table(HOME.table, HOME.region)
        yield Table(HOME)


@pytest.fixture
def bucket(table: Table) -> Bucket:  # noqa: ARG001 - starts moto
    client("s3", HOME.region).create_bucket(Bucket=HOME.bucket)
    return Bucket(HOME)


@pytest.fixture
def deployed(table: Table) -> Callable[[str], None]:  # noqa: ARG001 - starts moto
    """Has a function of this name in the home region, of 128 MB and with one variable of its own."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam", HOME.region).create_role(RoleName="function", AssumeRolePolicyDocument=policy)["Role"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", "")

    def deploy(name: str) -> None:
        client("lambda", HOME.region).create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Arn"],
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            MemorySize=128,
            Environment={"Variables": {"ISOTHERM_TARGET": name.rpartition("_")[2]}},
        )

    return deploy


@pytest.fixture
def function(table: Table, monkeypatch: pytest.MonkeyPatch) -> Function:  # noqa: ARG001 - starts moto
    """The target of `plan`, in a Lambda that is as strict as AWS's; nobody waits for its changes."""
    monkeypatch.setattr(measured_function, "PAUSE_S", 0.001)
    there = StrictLambda(client("lambda", HOME.region))
    variables = {"ISOTHERM_TARGET": "default"}
    there.create(FUNCTION, memory_mb=128, description=DESCRIPTION, variables=variables, code_sha256="sha")
    return Function(there)


@dataclass(frozen=True)
class Function:
    """The measured function: what Lambda says of it, and what somebody else does to it."""

    there: StrictLambda

    def configuration(self) -> dict[str, Any]:
        """All that a lane, or somebody else, may change of it."""
        found = client("lambda", HOME.region).get_function_configuration(FunctionName=FUNCTION)
        return {
            "memory_mb": found["MemorySize"],
            "description": found["Description"],
            "variables": found["Environment"]["Variables"],
        }

    def versions(self) -> list[dict[str, Any]]:
        """Its published versions."""
        found = client("lambda", HOME.region).list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        return [version for version in found if version["Version"] != "$LATEST"]

    def numbers(self) -> list[str]:
        """The numbers of its published versions."""
        return [version["Version"] for version in self.versions()]

    def publish(self, **asked: str) -> str:
        """Somebody else publishes a version."""
        return str(self.insist("publish_version", **asked)["Version"])

    def change(self, **changes: Any) -> None:
        """Somebody else changes the configuration."""
        self.insist("update_function_configuration", **changes)

    def insist(self, operation: str, **asked: Any) -> Any:
        """Somebody else calls Lambda, again while a change is under way."""
        functions = client("lambda", HOME.region)
        while True:
            try:
                return getattr(functions, operation)(FunctionName=FUNCTION, **asked)
            except functions.exceptions.ResourceConflictException:
                continue


def publish_in_lane(
    table: Table,
    lane_key: str,
    *,
    campaign_id: str = "id",
    tour: str = ALONE,
    memory_mb: int = 512,
    versions: int = 1,
) -> list[str]:
    """A tour takes the function for a lane and publishes versions of it, and comes no further."""
    there = measured_function.MeasuredFunction(HOME.region, FUNCTION)
    found = there.configuration().as_found
    lease = table.acquire(
        Lease(HOME.region, FUNCTION, campaign_id, tour, found.memory_mb, int(time.time()), found.description)
    )
    publishing = Publishing(f"{campaign_id}/{lane_key}/s0/{secrets.token_hex(8)}", memory_mb)
    table.update_lane(campaign_id, lane_key, LaneFacts(status="running", mark=publishing.mark, holds=True))
    lease = table.note(replace(lease, publishing=publishing))
    for _ in range(versions):
        publishing = publishing.published(there.publish(publishing, lease.before, "sha"))
        lease = table.note(replace(lease, publishing=publishing))
    return list(publishing.versions)


@pytest.fixture
def answered(table: Table, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:  # noqa: ARG001 - starts moto
    """What Step Functions is told in the home region, by task token."""
    answers: list[dict[str, str]] = []
    states = client("stepfunctions", HOME.region)
    for name in ("send_task_success", "send_task_failure"):
        monkeypatch.setattr(states, name, lambda **answer: answers.append(answer))
    return answers


def delete_row(key: str) -> None:
    """Delete a row of campaign `id`, as somebody who tidies up."""
    row = {"pk": {"S": "campaign#id"}, "sk": {"S": key}}
    client("dynamodb", HOME.region).delete_item(TableName=HOME.table, Key=row)


def lane_of(table: Table, lane_key: str) -> LaneRecord:
    """The progress of a lane of `plan`."""
    (lane,) = [lane for lane in table.lanes("id") if lane.lane_key == lane_key]
    return lane


@pytest.fixture
def plan(table: Table) -> Plan:
    """A campaign of five rounds in any case and one more where needed; and a tour of its first lane alone."""
    made = planned(
        {
            "targets": ["default"],
            "cold": {"samples": 50, "concurrency": 10},
            "warm": {"samples": 0},
            "rounds": 5,
            "max_rounds": 6,
            "precision": 0.1,
        },
        made_up_region(targets=[made_up_function(description=DESCRIPTION)]),
    )
    table.put_tasks(made.tasks())
    table.put_tours("id", made.tours.values())
    first = next(iter(made.lanes))
    alone = Tour(key=ALONE, client_region="us-east-1", lanes=[first], stages=[[StepOf(first, 0)]])
    table.put_tours("id", [alone])
    table.put_campaign(CampaignRecord(campaign_id="id", started_at=made.created_at, name="test"))
    return made
