"""Executions started as from the Step Functions console: plain StartExecution with a file of `events/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .embedded import HOME, REGIONS, ROOT, Embedded

EVENTS = sorted((ROOT / "events").glob("campaign-*.json"))
AS_WRITTEN = ("campaign-record", "campaign-dry-run")


def _small(document: dict[str, Any]) -> dict[str, Any]:
    """The same campaign in the regions that are there, with so few samples that a test can wait for it."""
    small = {**document, "rounds": 1}
    small |= {field: list(REGIONS) for field in ("regions", "clients") if document.get(field)}
    if "inner" in document:
        small["inner"] = {**document["inner"], "regions": list(REGIONS)}
    if "memory_mb" in document:
        small["memory_mb"] = document["memory_mb"][:2]
    if "load" in document:
        return {**small, "load": {**document["load"], "threads": 2, "iterations": 3}}
    if "cold" in document:
        small["cold"] = {**document["cold"], "samples": 2, "concurrency": 2}
    return {**small, "warm": {**document.get("warm", {}), "samples": 1, "concurrency": 1}}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_kind_of_campaign_runs(embedded: Embedded, path: Path) -> None:
    document = json.loads(path.read_text())
    if path.stem not in AS_WRITTEN:
        document = _small(document)
    facts = embedded.wait(embedded.start(f"{path.stem}-{time.time_ns()}", document))

    assert facts["status"] == "SUCCEEDED", (facts.get("error"), facts.get("cause"))
    if document.get("dry_run"):
        assert json.loads(facts["output"])["price_usd"] > 0
        return
    summary = embedded.summary(facts["name"])
    account = summary["accounting"]
    requests = sum(load["rows"][-1]["succeeded"] for load in summary["loads"])
    assert account["planned"] == account["issued"] == account["answered"] + account["failed"]
    assert account["planned"] + requests > 0
    assert account["report_missing"] == 0
    assert summary["imbalances"] == []
    assert {lane["status"] for lane in summary["lanes"]} == {"succeeded"}


def test_the_aws_command_line_starts_one_too(embedded: Embedded) -> None:
    aws = shutil.which("aws")
    if aws is None or subprocess.run([aws, "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the AWS command line is not installed")
    name = f"by-aws-{time.time_ns()}"
    started = subprocess.run(
        [
            aws, "stepfunctions", "start-execution",
            "--state-machine-arn", embedded.campaign_machine_arn,
            "--name", name,
            "--input", f"file://{ROOT / 'events' / 'campaign-dry-run.json'}",
            "--region", HOME,
        ],
        env={**os.environ, **embedded.environment},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert started.returncode == 0, started.stderr
    assert embedded.wait(name)["status"] == "SUCCEEDED"


GOOD: dict[str, Any] = {"targets": ["default"], "cold": {"samples": 2, "concurrency": 2}, "warm": {"samples": 1}}
REFUSED = [
    pytest.param({**GOOD, "targets": ["defualt"]}, "InvalidCampaign", 'targets: "defualt"', id="target"),
    pytest.param({**GOOD, "regions": ["eu-west-7"]}, "InvalidCampaign", 'regions: "eu-west-7"', id="region"),
    pytest.param({**GOOD, "regions": ["eu-west-1"]}, "InvalidCampaign", 'regions: "eu-west-1"', id="not deployed"),
    pytest.param({**GOOD, "memory_mb": [127]}, "InvalidCampaign", "memory_mb: 127", id="memory below"),
    pytest.param({**GOOD, "memory_mb": [10241]}, "InvalidCampaign", "128 to 10240", id="memory above"),
    pytest.param({**GOOD, "cold": {"samples": -1}}, "InvalidCampaign", "cold.samples: -1", id="negative"),
    pytest.param({**GOOD, "rounds": 0}, "InvalidCampaign", "rounds: 0", id="zero"),
    pytest.param(
        {**GOOD, "warm": {"samples": 1000, "concurrency": 1000}, "rounds": 1, "budget_usd": 100},
        "InvalidCampaign",
        "warm.concurrency: 1000",
        id="concurrency",
    ),
    pytest.param({**GOOD, "budget_usd": 0}, "OverBudget", "budget_usd:", id="budget"),
    pytest.param(["default"], "InvalidCampaign", "is not a campaign", id="no object"),
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("document", "error", "said"), REFUSED)
def test_bad_input_is_refused_before_anything_is_changed(
    embedded: Embedded, event: Callable[[object], str], document: object, error: str, said: str
) -> None:
    facts = embedded.wait(embedded.start(f"refused-{time.time_ns()}", document), timeout_s=60)

    assert facts["status"] == "FAILED"
    assert facts["error"] == error
    assert said in facts["cause"]
    assert embedded.lanes(facts["name"]) == []

    planned = embedded.isotherm("plan", event(document))
    assert planned.code == 2
    assert planned.err == f"isotherm: {facts['cause']}\n"


@pytest.mark.usefixtures("unchanged")
def test_a_plan_shows_what_would_happen_and_changes_nothing(embedded: Embedded, event: Callable[[object], str]) -> None:
    document = {**GOOD, "regions": [HOME], "rounds": 1}
    before = embedded.objects()
    shown = embedded.isotherm("plan", event(document))
    assert shown.code == 0, shown.err
    for word in ("default", HOME, "USD", "state transitions", "warning:"):
        assert word in shown.out

    plan = embedded.isotherm("plan", event(document), "--json").document
    assert plan["waves"] == [[f"from-{HOME}"]]
    assert plan["price"]["usd"] > 0
    assert sum(burst["shots"] for burst in plan["lanes"][f"r00-default-{HOME}"]["steps"][0]["bursts"]) == 2
    assert embedded.lanes(plan["campaign_id"]) == []
    assert embedded.objects() == before


@pytest.mark.usefixtures("unchanged")
def test_a_dry_run_from_the_console_is_told_as_such_by_every_command(embedded: Embedded) -> None:
    before = embedded.objects()
    name = embedded.start(f"dry-{time.time_ns()}", {**GOOD, "regions": [HOME], "dry_run": True})
    facts = embedded.wait(name, timeout_s=60)
    assert facts["status"] == "SUCCEEDED"
    assert embedded.objects() - before == {f"dry-plans/{name}.json"}

    followed = embedded.isotherm("follow", name)
    assert (followed.code, followed.out) == (0, "")
    assert "a dry run: planned only" in followed.err
    reported = embedded.isotherm("report", name)
    assert reported.code == 1
    assert f"campaign {name} was a dry run" in reported.err
    listed = embedded.isotherm("list", "--json").document
    assert name not in [campaign["campaign_id"] for campaign in listed]
