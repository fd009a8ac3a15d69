"""Asks regions what a stack has there, each by its own names: nothing of another stack is listed or read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import BRISK, client, make_client
from isotherm.aws.stacks import find_server, find_stack
from isotherm.aws.targets import target_in, target_name
from isotherm.campaign.model import SPEAKS_HTTP, Campaign
from isotherm.campaign.plan import RegionInventory
from isotherm.campaign.stack_health import WHOLE, functions_of


def ask_for(campaign: Campaign, home_region: str, stack: str) -> list[RegionInventory]:
    """What each region has that a campaign names anywhere; the home region too where it leaves `regions` out."""
    regions = campaign.regions_named if campaign.regions else [home_region, *campaign.regions_named]
    inner = campaign.inner.targets if campaign.inner else []
    return ask_regions(list(dict.fromkeys(regions)), stack, [*campaign.targets, *inner])


def ask_regions(regions: Sequence[str], stack: str, targets: Sequence[str] = ()) -> list[RegionInventory]:
    """What each region has, in the order given; all of them are asked at once.

    A region that cannot be asked, or where the stack is not there, is not an exception but an inventory that says so:
    `isotherm.campaign.stack_health.stack_faults` puts it into words.

    Parameters
    ----------
    regions : sequence of str
        Which regions.
    stack : str
        Name of the stack, the same in each region.
    targets : sequence of str
        Targets to look for besides those that the stack says it has: somebody's own.
    """
    # botocore promises that clients may be used from several threads, not that they may be made there.
    cloudformation = [make_client("cloudformation", region, BRISK) for region in regions]
    for region in regions:
        client("lambda", region)
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        return list(pool.map(partial(_ask, stack=stack, targets=targets), regions, cloudformation))


def _ask(region: str, cloudformation: Any, stack: str, targets: Sequence[str]) -> RegionInventory:
    nothing = RegionInventory(region=region, targets=[], concurrency_limit=0, unreserved_concurrency=0)
    try:
        found = find_stack(cloudformation, stack)
        if found is None:
            return nothing
        server = find_server(cloudformation, stack)
        limit, unreserved = concurrency(region)
        own = found.outputs.get("Targets", "").split(",")
        asked = dict.fromkeys([*filter(None, own), *targets])
        there = {name: target for name in asked if (target := target_in(region, stack, name))}
        if url := found.outputs.get("CustomersApiUrl"):
            there |= {name: replace(target, url=url) for name, target in there.items() if name == SPEAKS_HTTP}
        is_home = found.outputs.get("HomeRegion") == region
        missing = [name for name in functions_of(stack, is_home) if not _exists(region, name)]
    except (ClientError, BotoCoreError) as fault:
        return RegionInventory(**{**vars(nothing), "unasked": str(fault)})
    of_server = server.outputs if server is not None and server.status in WHOLE else {}
    return RegionInventory(
        region=region,
        targets=sorted(there.values(), key=lambda function: function.target),
        concurrency_limit=limit,
        unreserved_concurrency=unreserved,
        stack_status=found.status,
        stack_version=found.outputs.get("Version"),
        home_region=found.outputs.get("HomeRegion"),
        missing=[*missing, *(target_name(stack, name) for name in own if name and name not in there)],
        server_url=of_server.get("ServerUrl"),
        instance_server_url=of_server.get("InstanceServerUrl"),
        server_token=of_server.get("ServerTokenArn"),
    )


def concurrency(region: str) -> tuple[int, int]:
    """How many executions an account allows at once in a region, and how many of them no function has reserved."""
    limit = client("lambda", region).get_account_settings()["AccountLimit"]
    return limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]


def _exists(region: str, function_name: str) -> bool:
    functions: Any = client("lambda", region)
    try:
        functions.get_function_configuration(FunctionName=function_name)
    except functions.exceptions.ResourceNotFoundException:
        return False
    return True
