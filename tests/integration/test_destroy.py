"""`isotherm destroy` on an embedded stack of its own: satellites, then the home, and nothing is left of either."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from .embedded import HOME, SATELLITE, STACK, START_S, Embedded, await_lane, deployed_stack

#: A stack whose name begins as ours does: it must not notice.
NEIGHBOUR = f"{STACK}-2"
UNOWNED = f"/aws/lambda/{STACK}-fire"
THEIRS = f"/aws/lambda/{NEIGHBOUR}-fire"

CAMPAIGN = {
    "targets": ["default"],
    "regions": [HOME, SATELLITE],
    "cold": {"samples": 2, "concurrency": 2},
    "warm": {"samples": 2},
    "rounds": 1,
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Embedded]:
    """Ours in two regions, a neighbour in one of them, and a log group that CloudFormation knows nothing of."""
    with deployed_stack("tests-destroy", "--regions", "mumbai") as embedded:
        neighbour = embedded.isotherm("deploy", "--stack", NEIGHBOUR, "--json", timeout=START_S)
        assert neighbour.code == 0, neighbour.err
        for group in (UNOWNED, THEIRS):
            embedded.client("logs", SATELLITE).create_log_group(logGroupName=group)
        yield embedded


def belongings(embedded: Embedded, region: str) -> set[str]:
    """Everything in a region that has a stack's name in its own, save what was uploaded to deploy it."""
    functions = embedded.client("lambda", region)
    names = [function["FunctionName"] for function in functions.list_functions(MaxItems=1000)["Functions"]]
    names += [layer["LayerName"] for layer in functions.list_layers()["Layers"]]
    names += [group["logGroupName"] for group in embedded.client("logs", region).describe_log_groups()["logGroups"]]
    names += embedded.client("dynamodb", region).list_tables()["TableNames"]
    machines = embedded.client("stepfunctions", region).list_state_machines()["stateMachines"]
    names += [machine["name"] for machine in machines]
    names += [rule["Name"] for rule in embedded.client("events", region).list_rules()["Rules"]]
    names += [schedule["Name"] for schedule in embedded.client("scheduler", region).list_schedules()["Schedules"]]
    names += [api["Name"] for api in embedded.client("apigatewayv2", region).get_apis()["Items"]]
    # These two are of no region.
    names += [role["RoleName"] for role in embedded.client("iam").list_roles()["Roles"] if region == HOME]
    names += [bucket["Name"] for bucket in embedded.client("s3").list_buckets()["Buckets"] if region == HOME]
    return {name for name in names if "-artifacts-" not in name}


def test_the_home_stays_while_it_has_a_satellite(stack: Embedded) -> None:
    ran = stack.isotherm("destroy", HOME, "--yes")

    assert ran.code == 2
    assert f"{HOME} is the home region of {SATELLITE}" in ran.err
    assert f"{STACK}-samples" in belongings(stack, HOME)


@pytest.mark.parametrize(
    ("typed", "told"), [("", "it was not confirmed"), (NEIGHBOUR, f"'{NEIGHBOUR}' is not '{STACK}'")]
)
def test_nothing_is_removed_unless_the_name_is_typed(stack: Embedded, typed: str, told: str) -> None:
    before = belongings(stack, SATELLITE)
    ran = stack.isotherm("destroy", "mumbai", text=typed)

    assert ran.code == 1
    assert f"nothing was removed: {told}" in ran.err
    assert belongings(stack, SATELLITE) == before


def test_a_stack_of_another_home_is_left_alone(stack: Embedded) -> None:
    ran = stack.isotherm("destroy", "mumbai", "--home", "tokyo", "--yes")

    assert ran.code == 2
    assert f"belongs to home region {HOME}: add --home {HOME}" in ran.err


def test_a_satellite_then_the_home_are_removed_with_no_trace(stack: Embedded, event: Callable[[object], str]) -> None:
    ran = stack.isotherm("run", event(CAMPAIGN), "--json")
    assert ran.code == 0, ran.err
    neighbour = {name for name in belongings(stack, HOME) if NEIGHBOUR in name}
    assert neighbour

    satellite = stack.isotherm("destroy", "--regions", "mumbai,london", "--json", text=f"{STACK}\n")
    assert satellite.code == 0, satellite.err
    done = satellite.document
    assert (done["removed"], done["absent"], done["failed"]) == ([SATELLITE], ["eu-west-2"], {})
    assert done["besides"] == {SATELLITE: [f"log group {UNOWNED}"]}
    assert belongings(stack, SATELLITE) == {THEIRS}

    home = stack.isotherm("destroy", "--all", "--yes", "--json")
    assert home.code == 0, home.err
    assert "all results go with the home region us-east-1: 1 campaign (" in home.err
    assert home.document["removed"] == [HOME]
    assert belongings(stack, HOME) == neighbour

    again = stack.isotherm("destroy", "--all", "--yes", "--json")
    assert (again.code, again.document["removed"]) == (0, [])


def test_what_was_removed_can_be_deployed_again(stack: Embedded) -> None:
    deployed = stack.isotherm("deploy", "--regions", "mumbai", "--json", timeout=START_S)

    assert deployed.code == 0, deployed.err
    assert deployed.document["changed"] == [HOME, SATELLITE]


def test_a_campaign_whose_region_is_destroyed_names_its_lanes_and_completes_the_others(stack: Embedded) -> None:
    campaign = {
        **CAMPAIGN,
        "targets": ["default", "pkg20"],
        "cold": {"samples": 12, "concurrency": 1},
        "warm": {"samples": 4},
        "rounds": 2,
        "report_deadline_s": 3,
    }
    stack.shorten_waits()
    name = stack.start("region-destroyed", campaign)
    await_lane(stack, name, "firing", f"lane#r00-pkg20-{SATELLITE}")

    destroyed = stack.isotherm("destroy", "mumbai", "--yes", "--json")
    facts = stack.wait(name)

    assert destroyed.code == 0, destroyed.err
    assert f"campaign {name} is running and will lose its lanes there" in destroyed.err
    assert facts["status"] == "SUCCEEDED", facts.get("cause")
    summary = stack.summary(name)
    lanes = {(lane["target"], lane["region"], lane["round"]): lane for lane in summary["lanes"]}
    failed = {place: lane["reason"] for place, lane in lanes.items() if lane["status"] == "failed"}
    assert len(lanes) == 2 * 2 * 2
    assert {lane["status"] for (_, region, _), lane in lanes.items() if region == HOME} == {"succeeded"}
    assert {place for place in lanes if place[1:] == (SATELLITE, 1)} <= failed.keys()
    assert all(failed.values())
    assert summary["imbalances"] == []
    account = summary["accounting"]
    assert account["planned"] == account["issued"] + account["uncollected"] + account["not_issued"]
    assert account["issued"] >= 2 * (12 + 4 + 2)
    assert stack.leases() == []

    again = stack.isotherm("plan", "-", text=json.dumps(campaign))
    assert again.code == 2
    assert f'"{SATELLITE}" has no stack "{STACK}"' in again.err
