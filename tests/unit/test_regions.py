"""What is wrong with a region's stack is named before a campaign starts, with what to do about it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from isotherm.campaign.plan import RegionInventory
from isotherm.campaign.stack_health import DEFAULT_HOME_REGION, DEFAULT_STACK, ON_RECORD, stack_faults

ROOT = Path(__file__).parents[2]
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())

WELL = RegionInventory(
    region="eu-west-2",
    targets=[],
    concurrency_limit=1000,
    unreserved_concurrency=1000,
    stack_status="UPDATE_COMPLETE",
    stack_version="1",
    home_region="us-east-1",
)


def fault(found: RegionInventory, platform: str = "emulated", stack: str = "isotherm", home: str = "us-east-1") -> str:
    said = stack_faults(
        [found],
        stack=stack,
        home_region=home,
        version="1",
        platform="emulated" if platform == "emulated" else "aws",
    )
    return said.get(found.region, "")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"])
def test_a_region_whose_stack_is_whole_and_of_this_version_and_home_is_well(status: str) -> None:
    assert fault(replace(WELL, stack_status=status)) == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"stack_status": None},
            '"eu-west-2" has no stack "isotherm"; deploy it there, or leave the region out: '
            "isotherm deploy --regions eu-west-2",
        ),
        (
            {"unasked": "Could not connect"},
            '"eu-west-2" could not be asked (Could not connect); is it enabled for this account?',
        ),
        (
            {"stack_status": "UPDATE_IN_PROGRESS"},
            'stack "isotherm" in "eu-west-2" is being changed (UPDATE_IN_PROGRESS); wait until that is done',
        ),
        (
            {"stack_status": "DELETE_IN_PROGRESS"},
            'stack "isotherm" in "eu-west-2" is being removed (DELETE_IN_PROGRESS); deploy it when that is done: '
            "isotherm deploy --regions eu-west-2",
        ),
        (
            {"stack_status": "UPDATE_ROLLBACK_COMPLETE"},
            'stack "isotherm" in "eu-west-2" could not be updated and is what it was before '
            "(UPDATE_ROLLBACK_COMPLETE); deploy it again: isotherm deploy --regions eu-west-2",
        ),
        *(
            (
                {"stack_status": status},
                f'stack "isotherm" in "eu-west-2" is half deployed ({status}); remove it and deploy it again: '
                "isotherm destroy --regions eu-west-2, then isotherm deploy --regions eu-west-2",
            )
            for status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
        ),
        (
            {"missing": ["isotherm-fire", "isotherm-notify"]},
            'stack "isotherm" in "eu-west-2" lacks isotherm-fire, isotherm-notify; remove it and deploy it again: '
            "isotherm destroy --regions eu-west-2, then isotherm deploy --regions eu-west-2",
        ),
        (
            {"stack_version": "0.9"},
            'stack "isotherm" in "eu-west-2" is of version 0.9, this campaign of 1; deploy it again: '
            "isotherm deploy --regions eu-west-2",
        ),
        (
            {"stack_version": None},
            'stack "isotherm" in "eu-west-2" is of version unknown, this campaign of 1; deploy it again: '
            "isotherm deploy --regions eu-west-2",
        ),
        (
            {"home_region": "eu-west-1"},
            'stack "isotherm" in "eu-west-2" belongs to home region eu-west-1, not us-east-1; give it this home: '
            "isotherm deploy --regions eu-west-2",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(changes: dict[str, object], told: str) -> None:
    assert fault(replace(WELL, **changes)) == f"regions: {told}"  # type: ignore[arg-type]


def test_on_aws_the_environment_of_samconfig_is_named_where_it_does_the_same() -> None:
    absent = replace(WELL, stack_status=None)

    assert fault(absent, "aws").endswith(
        ": isotherm deploy --regions eu-west-2 --on aws (or sam deploy --config-env london)"
    )
    assert fault(replace(absent, region="us-east-1"), "aws").endswith("--on aws (or sam deploy)")
    assert fault(replace(absent, region="eu-west-1"), "aws").endswith("isotherm deploy --regions eu-west-1 --on aws")
    assert fault(absent, "aws", stack="other", home="eu-west-1").endswith(
        ": isotherm deploy --regions eu-west-2 --on aws --stack other --home eu-west-1"
    )


def test_every_region_is_named_at_once() -> None:
    ill = [replace(WELL, region=region, stack_status=None) for region in ("eu-west-1", "eu-west-2")]
    said = stack_faults(
        [*ill, replace(WELL, region="eu-west-3")], stack="s", home_region="us-east-1", version="1", platform="aws"
    )
    assert list(said) == ["eu-west-1", "eu-west-2"]


def test_the_environments_of_samconfig_are_the_regions_on_record() -> None:
    environments = {name: facts["deploy"]["parameters"] for name, facts in SAMCONFIG.items() if name != "version"}
    home = environments.pop("default")

    assert (home["stack_name"], home["region"]) == (DEFAULT_STACK, DEFAULT_HOME_REGION)
    assert {name: facts["region"] for name, facts in environments.items()} == ON_RECORD
    for facts in environments.values():
        assert facts["stack_name"] == DEFAULT_STACK
        assert facts["parameter_overrides"] == f"HomeRegion={DEFAULT_HOME_REGION}"
