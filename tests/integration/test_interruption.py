"""Tours and campaigns that are stopped in the middle: the rest goes on, and no function stays changed."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from isotherm.local.stack import processes_of

from .embedded import CAMPAIGN_S, REGIONS, ROOT, SATELLITE, Embedded, await_lane, command_line

LONG: dict[str, Any] = {
    "name": "long",
    "targets": ["default", "inner"],  # both small: many cold starts in little time
    "regions": list(REGIONS),
    "memory_mb": [256],
    "cold": {"samples": 20, "method": "burst", "concurrency": 1},
    "warm": {"samples": 10},
    "rounds": 1,
    "budget_usd": 1,
}


def _await_as_before(embedded: Embedded, before: dict[tuple[str, str], Any], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while (embedded.configurations() != before or embedded.leases()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert embedded.configurations() == before
    assert embedded.leases() == []


@pytest.mark.parametrize("region", REGIONS)
def test_a_tour_that_is_killed_is_reported_and_its_functions_restored_while_the_others_go_on(
    embedded: Embedded, region: str
) -> None:
    before = embedded.configurations()
    name = embedded.start(f"killed-tour-{time.time_ns()}", LONG)
    await_lane(embedded, name, "firing", f"lane#r00-default-{region}")
    assert embedded.leases()  # it is in the middle of its measuring
    embedded.client("stepfunctions", region).stop_execution(
        executionArn=embedded.tour_arn(name, f"from-{region}"), error="Killed", cause="by a test"
    )
    facts = embedded.wait(name)
    assert facts["status"] == "SUCCEEDED", facts.get("cause")

    lanes = embedded.summary(name)["lanes"]
    killed = [lane for lane in lanes if lane["region"] == region]
    assert [lane["status"] for lane in killed] == ["failed"] * 2
    assert all("stopped" in lane["reason"] for lane in killed)
    assert [lane["status"] for lane in lanes if lane not in killed] == ["succeeded"] * 2
    account = embedded.summary(name)["accounting"]
    assert account["planned"] == account["issued"] + account["uncollected"] + account["not_issued"]
    assert account["issued"] >= 2 * (20 + 10 + 1)
    _await_as_before(embedded, before)


def test_ctrl_c_leaves_the_campaign_running_and_says_how_to_stop_it(embedded: Embedded) -> None:
    before = embedded.configurations()
    process = embedded.isotherm.begin("run", "-", text=json.dumps({**LONG, "rounds": 4}))
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        campaign_id = first.split()[1]
        await_lane(embedded, campaign_id, "firing")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=CAMPAIGN_S)
    finally:
        process.kill()

    assert process.returncode == 130
    assert f"isotherm follow {campaign_id}" in err
    assert f"isotherm stop {campaign_id}" in err
    assert "Traceback" not in err
    states = embedded.client("stepfunctions")
    assert states.describe_execution(executionArn=embedded.execution_arn(campaign_id))["status"] == "RUNNING"

    stopped = embedded.isotherm("stop", campaign_id, "--json")
    assert stopped.code == 0, stopped.err
    assert stopped.document["was"] == "RUNNING"
    measured = json.loads(Path(stopped.document["summary"]).read_text())
    assert measured["partial"]["ended_as"] == "ABORTED"
    assert measured["accounting"]["used"] > 0
    _check_account(measured)
    assert states.describe_execution(executionArn=embedded.execution_arn(campaign_id))["status"] == "ABORTED"
    assert embedded.configurations() == before
    assert embedded.leases() == []
    for region in REGIONS:
        machines = embedded.client("stepfunctions", region)
        lane = embedded.campaign_machine_arn.replace("us-east-1", region).replace("-campaign", "-lane")
        assert machines.list_executions(stateMachineArn=lane, statusFilter="RUNNING")["executions"] == []


def _check_account(summary: dict[str, Any]) -> None:
    account = summary["accounting"]
    assert summary["imbalances"] == []
    assert account["sent"] == account["issued"] + account["uncollected"]
    assert account["planned"] == account["sent"] + account["not_issued"]


def test_a_campaign_that_was_aborted_shows_what_it_had_measured(embedded: Embedded) -> None:
    before = embedded.configurations()
    name = embedded.start(f"aborted-{time.time_ns()}", {**LONG, "targets": ["default"], "rounds": 2})
    # What a round sent is collected when all of its stage were called: in the second the first one's calls are there.
    await_lane(embedded, name, "firing", f"lane#r01-default-{REGIONS[0]}")
    running = embedded.isotherm("report", name)
    assert running.code == 1
    assert f"isotherm follow {name}" in running.err
    assert f"isotherm stop {name}" in running.err
    embedded.client("stepfunctions").stop_execution(
        executionArn=embedded.execution_arn(name), error="Typo", cause="in the event"
    )

    shown = embedded.isotherm("report", name)
    assert shown.code == 1, shown.err
    assert shown.out.startswith("Partial: the campaign was stopped before its end (Typo: in the event)")
    assert "Traceback" not in shown.err
    summary = embedded.summary(name)
    assert summary["partial"] == {"ended_as": "ABORTED", "error": "Typo", "cause": "in the event"}
    assert summary["accounting"]["used"] > 0
    _check_account(summary)
    # The embedded stack goes on with the tours of a campaign that was stopped: how many have their turn is not certain.
    assert {lane["status"] for lane in summary["lanes"]} & {"failed", "not_begun"}
    again = embedded.isotherm("report", name)
    assert (again.code, again.out) == (1, shown.out)
    assert embedded.summary(name) == summary
    _await_as_before(embedded, before)


@pytest.mark.usefixtures("embedded")  # what it builds need not be built again
def test_a_demo_that_is_interrupted_leaves_nothing_running() -> None:
    isotherm = command_line("tests-demo")
    process = isotherm.begin("demo")
    assert process.stderr is not None
    said = ""
    try:
        while re.search(r"of \d+ lanes", said) is None:
            said += process.stderr.readline()
            assert process.poll() is None, said
        token = json.loads((ROOT / ".isotherm" / "tests-demo" / "stack.json").read_text())["token"]
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=CAMPAIGN_S)
    finally:
        process.kill()
        isotherm("local", "down", "--yes")

    assert process.returncode == 130
    assert rest.splitlines()[-1] == "isotherm: interrupted; nothing is left running"
    assert processes_of(token) == []


def test_a_function_that_another_campaign_holds_is_left_alone(embedded: Embedded) -> None:
    before = embedded.configurations()
    one_lane = {**LONG, "targets": ["default"], "regions": [SATELLITE], "cold": {"samples": 60, "concurrency": 1}}
    first = embedded.start(f"first-{time.time_ns()}", one_lane)
    await_lane(embedded, first, "firing")
    refused = embedded.wait(embedded.start(f"second-{time.time_ns()}", {**one_lane, "cold": {"samples": 1}}))
    assert refused["status"] == "FAILED"  # it has no other lane that could have gone on
    assert f"is being measured by campaign {first}" in refused["cause"]

    assert embedded.wait(first)["status"] == "SUCCEEDED"
    (lane,) = embedded.summary(first)["lanes"]
    assert lane["status"] == "succeeded", lane["reason"]
    _await_as_before(embedded, before)
