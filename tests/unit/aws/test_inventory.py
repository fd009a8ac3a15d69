"""What a region is found to have, and that one which cannot be asked hides no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from isotherm.aws import inventory
from isotherm.aws.inventory import ask_for, ask_regions
from isotherm.campaign.lane import TargetFunction
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.stack_health import functions_of
from unit.made_up_stack import made_up_function

OUTPUTS = {
    "Version": "1",
    "HomeRegion": "us-east-1",
    "Targets": "default,customers,pkg20",
    "CustomersApiUrl": "https://api",
}

SERVER_OUTPUTS = {
    "ServerUrl": "https://server",
    "InstanceServerUrl": "https://server:8443",
    "ServerTokenArn": "arn:of:the:token",
}


class CloudFormation:
    """Answers as CloudFormation does in one region, of the stacks that are there by name; or raises."""

    def __init__(self, stacks: dict[str, dict[str, Any]] | Exception) -> None:
        self.stacks = stacks

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if isinstance(self.stacks, Exception):
            raise self.stacks
        if StackName not in self.stacks:
            said = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": said}, "DescribeStacks")
        return {"Stacks": [self.stacks[StackName]]}


def described(outputs: dict[str, str], parameters: dict[str, str], status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {
        "StackId": "id",
        "StackStatus": status,
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }


def target(region: str, name: str) -> TargetFunction:
    function_name = f"s-target_{name}"
    return made_up_function(name, region, function_name=function_name, log_group=f"/aws/lambda/{function_name}")


@pytest.fixture
def servers() -> dict[str, dict[str, dict[str, Any]]]:
    """Stacks by region that are there besides."""
    return {}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, servers: dict[str, dict[str, dict[str, Any]]]) -> Callable[[str, Any], None]:
    """Regions as they are told to be: with a stack and functions, with nothing, or raising what they are given."""
    regions: dict[str, Any] = {}

    def cloudformation(_service: str, region: str, _config: object) -> CloudFormation:
        facts = regions.get(region)
        if isinstance(facts, Exception):
            return CloudFormation(facts)
        stacks = {} if facts is None else {"s": described(OUTPUTS, {"HomeRegion": "us-east-1"})}
        return CloudFormation(stacks | servers.get(region, {}))

    monkeypatch.setattr(inventory, "make_client", cloudformation)
    monkeypatch.setattr(inventory, "client", lambda *_: None)
    monkeypatch.setattr(inventory, "concurrency", lambda _: (1000, 900))
    monkeypatch.setattr(inventory, "_exists", lambda region, function: function in regions[region])
    monkeypatch.setattr(
        inventory,
        "target_in",
        lambda region, stack, name: target(region, name) if f"{stack}-target_{name}" in regions[region] else None,
    )
    return regions.__setitem__


def test_a_whole_region_says_all_of_itself(there: Callable[[str, Any], None]) -> None:
    own = [f"s-target_{name}" for name in ("default", "customers", "pkg20", "mine")]
    there("eu-west-2", {*functions_of("s", is_home=False), *own})

    (found,) = ask_regions(["eu-west-2"], "s", ["mine", "absent"])

    assert (found.stack_status, found.stack_version, found.home_region) == ("CREATE_COMPLETE", "1", "us-east-1")
    assert (found.concurrency_limit, found.unreserved_concurrency) == (1000, 900)
    assert found.missing == []
    assert {function.target: function.url for function in found.targets} == {
        "customers": "https://api",
        "default": None,
        "mine": None,
        "pkg20": None,
    }


@pytest.mark.parametrize(
    ("stack", "found"),
    [
        ({}, (None, None, None)),
        (
            {"s-server": described(SERVER_OUTPUTS, {"IsothermStack": "s"})},
            ("https://server", "https://server:8443", "arn:of:the:token"),
        ),
        ({"s-server": described(SERVER_OUTPUTS, {"IsothermStack": "other"})}, (None, None, None)),
        ({"s-server": described({**OUTPUTS, **SERVER_OUTPUTS}, {"HomeRegion": ""})}, (None, None, None)),
        ({"s-server": described(SERVER_OUTPUTS, {"IsothermStack": "s"}, "DELETE_IN_PROGRESS")}, (None, None, None)),
        ({"other-server": described(SERVER_OUTPUTS, {"IsothermStack": "other"})}, (None, None, None)),
    ],
    ids=["none", "its own", "of another stack", "no server", "going away", "beside another"],
)
def test_a_server_is_found_by_the_outputs_of_its_own_stack(
    there: Callable[[str, Any], None],
    servers: dict[str, dict[str, dict[str, Any]]],
    stack: dict[str, dict[str, Any]],
    found: tuple[str | None, ...],
) -> None:
    there("us-east-1", set(functions_of("s", is_home=True)))
    servers["us-east-1"] = stack

    (region,) = ask_regions(["us-east-1"], "s")

    assert (region.server_url, region.instance_server_url, region.server_token) == found
    assert (region.unasked, region.stack_status) == (None, "CREATE_COMPLETE")


def test_functions_that_ought_to_be_there_are_named(there: Callable[[str, Any], None]) -> None:
    there("us-east-1", {*functions_of("s", is_home=True), "s-target_default", "s-target_customers"} - {"s-dispatch"})

    (found,) = ask_regions(["us-east-1"], "s")

    assert found.missing == ["s-dispatch", "s-target_pkg20"]


def test_a_region_that_cannot_be_asked_hides_no_other(there: Callable[[str, Any], None]) -> None:
    refused = {"Error": {"Code": "AccessDenied", "Message": "no"}}
    there("eu-west-1", EndpointConnectionError(endpoint_url="https://eu-west-1"))
    there("eu-west-2", ClientError(refused, "DescribeStacks"))
    there("eu-west-3", set(functions_of("s", is_home=False)))

    first, second, third, fourth = ask_regions(["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"], "s")

    assert "https://eu-west-1" in str(first.unasked)
    assert "AccessDenied" in str(second.unasked)
    assert (third.unasked, third.stack_status) == (None, "CREATE_COMPLETE")
    assert (fourth.unasked, fourth.stack_status) == (None, None)


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ({"targets": ["default"]}, ["us-east-1"]),
        ({"targets": ["default"], "regions": ["eu-west-2"]}, ["eu-west-2"]),
        ({"targets": ["default"], "clients": ["eu-west-1"]}, ["us-east-1", "eu-west-1"]),
        (
            {"targets": ["outer"], "regions": ["eu-west-2"], "inner": {"regions": ["eu-west-3", "eu-west-2"]}},
            ["eu-west-2", "eu-west-3"],
        ),
    ],
)
@pytest.mark.usefixtures("there")
def test_every_region_that_a_campaign_names_is_asked_once(document: dict[str, Any], asked: list[str]) -> None:
    assert [found.region for found in ask_for(parse_campaign(document), "us-east-1", "s")] == asked
