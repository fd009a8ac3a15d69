"""What CloudFormation says of a stack in one region: its status, and the outputs by which it tells what it has."""

from __future__ import annotations

from typing import Any, NamedTuple

from botocore.exceptions import ClientError


class StackFound(NamedTuple):
    """A stack that is there; `outputs` by their keys in template.yaml."""

    stack_id: str
    status: str
    outputs: dict[str, str]


def find_stack(cloudformation: Any, name: str) -> StackFound | None:
    """Ask for one stack by its own name; None where there is none.

    Parameters
    ----------
    cloudformation : client
        Of the stack's region.
    name : str
        The stack's name, or its id (which also finds a stack that was deleted).
    """
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as fault:
        # What CloudFormation says of a stack that is not there. It has no error of its own for it.
        if fault.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(fault):
            return None
        raise
    return StackFound(
        stack_id=found["StackId"],
        status=found["StackStatus"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
    )
