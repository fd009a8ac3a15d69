"""What CloudFormation says of a stack in one region: its status, and the outputs by which it tells what it has."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from isotherm.aws.clients import BRISK, make_client

#: How AWS says, of a region that an account has not enabled, that it does not know the caller there.
_NOT_ENABLED = ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "OptInRequired")

#: How the names of servers' stacks end, and of no other stack of ours: `isotherm deploy` refuses them.
SERVER_ENDING = "-server"


class StackFound(NamedTuple):
    """A stack that is there; `outputs` and `parameters` by their keys in its template."""

    stack_id: str
    status: str
    outputs: dict[str, str]
    parameters: dict[str, str]

    def home(self, region: str) -> str | None:
        """The home region of this stack, which is in `region`; None where it is none of ours.

        By its parameters, which a stack has that never came as far as outputs.
        """
        named = self.parameters.get("HomeRegion")
        return None if named is None else named or region

    @property
    def server_of(self) -> str | None:
        """Name of the stack whose optional server this is (server/template.yaml); None where it is not a server."""
        return self.parameters.get("IsothermStack")


def server_stack(stack: str) -> str:
    """Name of the stack that holds the optional server of a stack, in the same region."""
    return f"{stack}{SERVER_ENDING}"


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
        parameters={entry["ParameterKey"]: entry["ParameterValue"] for entry in found.get("Parameters", [])},
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
    )


def find_server(cloudformation: Any, stack: str) -> StackFound | None:
    """The stack of a stack's optional server; None where there is none, or only a stack of that name that is not it."""
    found = find_stack(cloudformation, server_stack(stack))
    return found if found is not None and found.server_of == stack else None


def find_stacks(regions: Sequence[str], name: str) -> dict[str, StackFound]:
    """The stack of a name in each region that has one; all are asked at once, and one not enabled has none."""
    # botocore promises that clients may be used from several threads, not that they may be made there.
    clients = [make_client("cloudformation", region, BRISK) for region in regions]
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        found = dict(zip(regions, pool.map(lambda there: _find_where_enabled(there, name), clients), strict=True))
    return {region: stack for region, stack in found.items() if stack is not None}


def _find_where_enabled(cloudformation: Any, name: str) -> StackFound | None:
    try:
        return find_stack(cloudformation, name)
    except ClientError as fault:
        if fault.response["Error"]["Code"] in _NOT_ENABLED:
            return None
        raise
