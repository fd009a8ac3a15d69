"""Regions of which no campaign could make anything are named before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from isotherm import __version__

from .embedded import HOME, SATELLITE, STACK, Embedded

OLDER, ASTRAY, ABSENT = "sa-east-1", "us-west-1", "eu-west-2"


def _bare_stack(outputs: dict[str, str]) -> str:
    """A stack that says of itself what it is told to, and has nothing."""
    return json.dumps(
        {
            "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
    )


@pytest.fixture
def others(embedded: Embedded) -> Iterator[None]:
    """Regions with a stack of this name that is of another version, or belongs to another home."""
    stacks = {
        OLDER: {"Version": "0.0.1", "HomeRegion": HOME, "Targets": ""},
        ASTRAY: {"Version": __version__, "HomeRegion": "eu-west-1", "Targets": ""},
    }
    for region, outputs in stacks.items():
        there = embedded.client("cloudformation", region)
        there.create_stack(StackName=STACK, TemplateBody=_bare_stack(outputs))
        there.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    yield
    for region in stacks:
        embedded.client("cloudformation", region).delete_stack(StackName=STACK)


@pytest.mark.usefixtures("others")
def test_all_that_is_wrong_with_all_regions_is_said_at_once(embedded: Embedded, event: Callable[[object], str]) -> None:
    campaign = {"targets": ["default"], "regions": [HOME, SATELLITE, ABSENT, OLDER, ASTRAY]}

    planned = embedded.isotherm("plan", event(campaign))
    facts = embedded.wait(embedded.start("ill-regions", campaign))

    told = [
        f'regions: "{ABSENT}" has no stack "{STACK}"; deploy it there, or leave the region out: '
        f"isotherm deploy --regions {ABSENT}",
        f'regions: stack "{STACK}" in "{OLDER}" is of version 0.0.1, this campaign of {__version__}; '
        f"deploy it again: isotherm deploy --regions {OLDER}",
        f'regions: stack "{STACK}" in "{ASTRAY}" belongs to home region eu-west-1, not {HOME}; '
        f"give it this home: isotherm deploy --regions {ASTRAY}",
    ]
    assert planned.code == 2
    assert planned.err.removeprefix("isotherm: ").splitlines() == told
    assert (facts["status"], facts["error"]) == ("FAILED", "InvalidCampaign")
    assert facts["cause"].splitlines() == told
