"""Finds what `sam deploy` made, by the stack's own outputs."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.deployed.errors import NotDeployed


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed stack, as seen from its home region."""

    stack: str
    home_region: str
    campaign_machine_arn: str
    bucket: str
    table: str


def find_deployment(stack: str, home_region: str) -> Deployment:
    """Ask CloudFormation where a stack keeps things.

    Raises
    ------
    NotDeployed
        There is no such stack, or it has no campaign machine.
    """
    from isotherm.aws.clients import client
    from isotherm.aws.stacks import find_stack

    found = find_stack(client("cloudformation", home_region), stack)
    if found is None:
        raise NotDeployed(f"there is no stack {stack} in {home_region}")
    outputs = found.outputs
    try:
        return Deployment(
            stack=stack,
            home_region=home_region,
            campaign_machine_arn=outputs["CampaignStateMachineArn"],
            bucket=outputs["ResultsBucketName"],
            table=outputs["SamplesTableName"],
        )
    except KeyError as missing:
        raise NotDeployed(
            f"stack {stack} in {home_region} is not an Isotherm home: it has no output {missing}"
        ) from missing
