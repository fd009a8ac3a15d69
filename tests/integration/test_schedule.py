"""A schedule that really fires: switched on by the command, kept by a later deployment, taken away again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isotherm.local import build, deploy
from isotherm.local.checkout import Checkout
from isotherm.local.stack import status

from .embedded import HOME, ROOT, STACK, Embedded

CAMPAIGN: dict[str, Any] = {
    "name": f"scheduled-{time.time_ns() % 10**9}",
    "targets": ["default"],
    "cold": {"samples": 2, "concurrency": 2},
    "warm": {"samples": 2},
    "rounds": 1,
}
FIRES_S = 180  # the embedded stack's scheduler looks every ten seconds


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("schedule") / "event.json"
    path.write_text(json.dumps(CAMPAIGN))
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def afterwards(embedded: Embedded) -> Iterator[None]:
    """Nothing goes on being started for the tests that follow."""
    yield
    assert embedded.isotherm("schedule", "--off").code == 0


def _started(embedded: Embedded, since: datetime) -> list[str]:
    """Executions of the campaign machine that began since, by StartExecution's own list."""
    machine = embedded.campaign_machine_arn
    listed = embedded.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [execution["name"] for execution in listed if execution["startDate"] >= since]


@pytest.mark.usefixtures("unchanged")
def test_a_schedule_starts_a_campaign_at_its_time(embedded: Embedded, event: str) -> None:
    begun = datetime.now(UTC)
    moment = begun + timedelta(seconds=15)
    ran = embedded.isotherm("schedule", f"at({moment:%Y-%m-%dT%H:%M:%S})", event)
    assert ran.code == 0, ran.err
    assert f"starts campaign {CAMPAIGN['name']}" in ran.out
    deadline = time.monotonic() + FIRES_S
    while not _started(embedded, begun):
        assert time.monotonic() < deadline, f"nothing was started {FIRES_S} s after {moment}"
        time.sleep(1)
    (name,) = _started(embedded, begun)
    facts = embedded.wait(name)
    assert facts["status"] == "SUCCEEDED", facts.get("cause")
    assert json.loads(facts["input"]) == CAMPAIGN
    # The campaign has the name that Scheduler gave its execution, and is one like any other: list, report, trend.
    (listed,) = [c for c in embedded.isotherm("list", "--json").document if c["campaign_id"] == name]
    assert (listed["name"], listed["status"]) == (CAMPAIGN["name"], "SUCCEEDED")
    assert embedded.isotherm("report", name, "--json").document["campaign_id"] == name
    assert embedded.summary(name)["campaign"]["name"] == CAMPAIGN["name"]
    trend = embedded.isotherm("trend", CAMPAIGN["name"], "--json")
    assert trend.code == 0, trend.err
    assert [held["campaign_id"] for held in trend.document["sessions"]] == [name]


def test_a_schedule_is_shown_changed_kept_by_a_deployment_and_taken_away(embedded: Embedded, event: str) -> None:
    def shown() -> dict[str, Any]:
        document: dict[str, Any] = embedded.isotherm("schedule", "--json").document
        return document

    ran = embedded.isotherm("schedule", "rate(6 hours)", event, "--json")
    assert ran.code == 0, ran.err
    assert shown() == {
        "on": True,
        "expression": "rate(6 hours)",
        "timezone": "UTC",
        "campaign": CAMPAIGN,
        "enabled": True,
    }

    # The times alone are changed; the campaign stays.
    assert embedded.isotherm("schedule", "cron(0 */3 * * ?)").code == 0
    assert shown()["expression"] == "cron(0 */3 * * ? *)"
    assert shown()["campaign"] == CAMPAIGN

    # A deployment that says nothing of the schedule leaves it on.
    checkout = Checkout(ROOT, embedded.isotherm.environment["ISOTHERM_LOCAL"])
    stack = status(checkout)
    assert stack is not None
    made = build.build(checkout)
    done = deploy.deploy(checkout, made, [], embedded=stack, parameters={"LogRetentionDays": "60"})
    assert done.changed == [HOME]
    done.check()
    assert shown()["expression"] == "cron(0 */3 * * ? *)"
    (found,) = embedded.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert {p["ParameterKey"]: p["ParameterValue"] for p in found["Parameters"]}["LogRetentionDays"] == "60"

    assert embedded.isotherm("schedule", "--off").code == 0
    assert shown() == {"on": False}
    assert embedded.client("scheduler").list_schedules()["Schedules"] == []
    again = embedded.isotherm("schedule", "--off")
    assert again.code == 0
    assert "there was no schedule" in again.err


def test_a_campaign_that_would_be_refused_is_not_scheduled(embedded: Embedded, tmp_path: Path) -> None:
    for change, said in (
        ({"targets": ["defualt"]}, 'targets: "defualt"'),
        ({"budget_usd": 0}, "budget_usd:"),
    ):
        path = tmp_path / "event.json"
        path.write_text(json.dumps({**CAMPAIGN, **change}))
        ran = embedded.isotherm("schedule", "rate(6 hours)", str(path))
        assert ran.code == 2
        assert said in ran.err
    assert embedded.isotherm("schedule", "--json").document == {"on": False}
