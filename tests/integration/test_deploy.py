"""What `isotherm deploy` leaves in each region."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from isotherm.local.checkout import Checkout
from isotherm.local.tools import SAM, program_of

from .embedded import HOME, REGIONS, ROOT, SATELLITE, STACK, TARGETS, Embedded


def test_both_regions_have_their_part(embedded: Embedded) -> None:
    for region in REGIONS:
        stacks = embedded.client("cloudformation", region).describe_stacks(StackName=STACK)["Stacks"]
        assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]
        functions = embedded.client("lambda", region).list_functions()["Functions"]
        names = {function["FunctionName"] for function in functions}
        assert {f"{STACK}-target_{target}" for target in TARGETS} <= names


def test_only_the_home_region_keeps_results_and_starts_campaigns(embedded: Embedded) -> None:
    tables = {region: embedded.client("dynamodb", region).list_tables()["TableNames"] for region in REGIONS}
    machines = {
        region: {
            machine["name"]
            for machine in embedded.client("stepfunctions", region).list_state_machines()["stateMachines"]
        }
        for region in REGIONS
    }

    assert [region for region, names in tables.items() if f"{STACK}-samples" in names] == [HOME]
    assert machines == {HOME: {f"{STACK}-campaign", f"{STACK}-lane"}, SATELLITE: {f"{STACK}-lane"}}


def test_sizes_are_those_on_record(embedded: Embedded) -> None:
    functions = embedded.client("lambda", SATELLITE)
    megabytes = {
        target: functions.get_function_configuration(FunctionName=f"{STACK}-target_{target}")["CodeSize"] / 1e6
        for target in TARGETS
    }

    assert megabytes["default"] < 0.01
    for target in ("pkg20", "size20"):
        assert abs(megabytes[target] - 22.7) < 0.05
    for target in ("pkg50", "size50"):
        assert abs(megabytes[target] - 44.1) < 0.05


def test_deploying_what_is_deployed_does_nothing_and_starts_no_tool(embedded: Embedded) -> None:
    assert embedded.isotherm("deploy", SATELLITE).code == 0  # whatever was edited while the tests ran
    logs = Checkout(ROOT, embedded.isotherm.environment["ISOTHERM_LOCAL"]).logs
    before = {log.name: log.stat().st_mtime_ns for log in logs.iterdir()}
    ran = embedded.isotherm("deploy", SATELLITE, "--json")

    assert ran.document == {
        "stack": STACK,
        "home": HOME,
        "changed": [],
        "unchanged": [HOME, SATELLITE],
        "failed": {},
        "seconds": {},
        "servers": {},
    }
    # Each tool that takes time, of building, packaging and deploying, writes a log.
    assert {f"sam-deploy-{region}.log" for region in REGIONS} <= before.keys()
    assert {log.name: log.stat().st_mtime_ns for log in logs.iterdir()} == before


@pytest.mark.usefixtures("embedded")  # its deployment has installed SAM CLI
@pytest.mark.parametrize("template", [Checkout(ROOT).template, Checkout(ROOT).server_template], ids=["main", "server"])
def test_the_templates_have_no_complaint(template: Path) -> None:
    checkout = Checkout(ROOT)
    ran = subprocess.run(
        [str(program_of(checkout, SAM)), "validate", "--lint", "--region", HOME, "--template", str(template)],
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
