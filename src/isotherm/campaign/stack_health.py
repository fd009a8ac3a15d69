"""The regions on record by name, what a stack is made of in each, and what is wrong with one. Knows nothing of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isotherm.campaign.lane import Platform
    from isotherm.campaign.plan import RegionInventory

#: The environments of samconfig.toml, by the names that the record gives to these regions.
ON_RECORD = {
    "tokyo": "ap-northeast-1",
    "mumbai": "ap-south-1",
    "california": "us-west-1",
    "saopaulo": "sa-east-1",
    "sydney": "ap-southeast-2",
    "london": "eu-west-2",
}

#: What samconfig.toml deploys, unless told otherwise.
DEFAULT_STACK = "isotherm"
DEFAULT_HOME_REGION = "us-east-1"

_EVERYWHERE = ("prepare", "fire", "collect", "restore", "notify", "rescue")
_AT_HOME = ("plan", "dispatch", "watch", "aggregate", "publish")

#: CloudFormation: the stack is as its template says.
WHOLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def code_of(word: str) -> str:
    """The code of a region that is named as on record; any other word as it is."""
    return ON_RECORD.get(word.lower(), word)


def functions_of(stack: str, is_home: bool) -> list[str]:
    """Names of the control functions that a stack has in a region."""
    return [f"{stack}-{verb}" for verb in (*(_AT_HOME if is_home else ()), *_EVERYWHERE)]


def function_logs_of(stack: str, log_group: str) -> bool:
    """Whether a log group is, by its name, that of a function of this stack and of no other's."""
    function = log_group.removeprefix("/aws/lambda/")
    return log_group == f"/isotherm/{stack}/control" or (
        function != log_group
        and (function in functions_of(stack, is_home=True) or function.startswith(f"{stack}-target_"))
    )


def stack_faults(
    inventory: Iterable[RegionInventory], *, stack: str, home_region: str, version: str, platform: Platform
) -> dict[str, str]:
    """Why no campaign can use a region, by region, with what to do about it; empty where all is well.

    Parameters
    ----------
    inventory : iterable of RegionInventory
        What each region said of its stack.
    stack : str
        The stack's name, the same in each region.
    home_region, version : str
        Where the campaign is started, and the version that starts it.
    platform : "aws" or "emulated"
        Where the commands lead that are advised.
    """
    faults = {}
    for found in inventory:
        again = _deploy_command(found.region, stack, home_region, platform)
        anew = f"{_command('destroy', found.region, stack, home_region, platform)}, then {again}"
        where = f'stack "{stack}" in "{found.region}"'
        if found.unasked is not None:
            told = f'"{found.region}" could not be asked ({found.unasked}); is it enabled for this account?'
        elif found.stack_status is None:
            told = f'"{found.region}" has no stack "{stack}"; deploy it there, or leave the region out: {again}'
        elif found.stack_status not in WHOLE:
            told = f"{where} {_broken(found.stack_status, again, anew)}"
        elif found.home_region != home_region:
            told = f"{where} belongs to home region {found.home_region}, not {home_region}; give it this home: {again}"
        elif found.stack_version != version:
            told = (
                f"{where} is of version {found.stack_version or 'unknown'}, this campaign of {version}; "
                f"deploy it again: {again}"
            )
        elif found.missing:
            told = f"{where} lacks {', '.join(found.missing)}; remove it and deploy it again: {anew}"
        else:
            continue
        faults[found.region] = f"regions: {told}"
    return faults


def _broken(status: str, again: str, anew: str) -> str:
    if status.startswith("DELETE_") and status != "DELETE_FAILED":
        return f"is being removed ({status}); deploy it when that is done: {again}"
    if status.endswith("_IN_PROGRESS"):
        return f"is being changed ({status}); wait until that is done"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return f"could not be updated and is what it was before ({status}); deploy it again: {again}"
    return f"is half deployed ({status}); remove it and deploy it again: {anew}"


def _deploy_command(region: str, stack: str, home_region: str, platform: Platform) -> str:
    ours = _command("deploy", region, stack, home_region, platform)
    environments = {code: f" --config-env {name}" for name, code in ON_RECORD.items()} | {DEFAULT_HOME_REGION: ""}
    as_configured = (stack, home_region) == (DEFAULT_STACK, DEFAULT_HOME_REGION) and region in environments
    if platform == "aws" and as_configured:
        return f"{ours} (or sam deploy{environments[region]})"
    return ours


def _command(verb: str, region: str, stack: str, home_region: str, platform: Platform) -> str:
    options = [f"--regions {region}"]
    options += ["--on aws"] if platform == "aws" else []
    options += [f"--stack {stack}"] if stack != DEFAULT_STACK else []
    options += [f"--home {home_region}"] if home_region != DEFAULT_HOME_REGION else []
    return f"isotherm {verb} {' '.join(options)}"
