"""Finds what `sam deploy` made, by the stack's own outputs."""

from __future__ import annotations

from dataclasses import dataclass


class NotDeployed(Exception):
    """There is no such stack in the home region, or it is no Isotherm home."""


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
    from botocore.exceptions import ClientError

    from isotherm.aws.clients import client

    try:
        found = client("cloudformation", home_region).describe_stacks(StackName=stack)["Stacks"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "ValidationError":  # what CloudFormation says of an unknown stack
            raise
        raise NotDeployed(f"there is no stack {stack} in {home_region}") from problem
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", [])}
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
            f"stack {stack} in {home_region} is no Isotherm home: it has no output {missing}"
        ) from missing
