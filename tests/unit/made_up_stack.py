"""Makes up what a region says of a stack it has, and what the planner makes of a campaign there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from isotherm.campaign.lane import TargetFunction
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.plan import Plan, RegionInventory
from isotherm.campaign.planner import make_plan


def made_up_function(target: str = "default", region: str = "us-east-1", **facts: Any) -> TargetFunction:
    """A deployed target, but for the `facts` that are given."""
    name = f"isotherm-target_{target}"
    plain = TargetFunction(
        target=target,
        region=region,
        function_name=name,
        runtime="python3.14",
        architecture="x86_64",
        memory_mb=128,
        timeout_s=30,
        code_size_bytes=169,
        code_sha256="sha",
        log_group=f"/aws/lambda/{name}",
    )
    return replace(plain, **facts)


def made_up_region(
    name: str = "us-east-1", targets: Iterable[str | TargetFunction] = ("default",), **facts: Any
) -> RegionInventory:
    """A region with a whole stack of version 1 that has these targets, but for the `facts` that are given."""
    plain = RegionInventory(
        region=name,
        targets=[made_up_function(target, name) if isinstance(target, str) else target for target in targets],
        concurrency_limit=1000,
        unreserved_concurrency=1000,
        stack_status="CREATE_COMPLETE",
        stack_version="1",
        home_region="us-east-1",
    )
    return replace(plain, **facts)


def planned(document: Mapping[str, Any], *regions: RegionInventory, **facts: Any) -> Plan:
    """The plan of a campaign, by the planner; of one that nobody finds too dear, unless the document says otherwise."""
    inventory = regions or (made_up_region(),)
    start = {
        "campaign_id": "id",
        "platform": "aws",
        "home_region": inventory[0].home_region,
        "stack": "isotherm",
        "version": "1",
        "created_at": "2026-01-01T00:00:00Z",
    }
    return make_plan(parse_campaign({"budget_usd": 1e6, **document}), inventory, **{**start, **facts})
