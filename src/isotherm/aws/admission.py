"""Plans a campaign by what its regions have, keeps the plan, and admits the campaign unless it is a dry run."""

from __future__ import annotations

import os
import time
from typing import Any

from isotherm import __version__
from isotherm.aws.clients import Home, lambda_regions, platform
from isotherm.aws.inventory import ask_for
from isotherm.aws.store.bucket import Bucket, dry_plan_key
from isotherm.aws.store.lease import FunctionBusy, Lease
from isotherm.aws.store.plans import write_plan
from isotherm.aws.store.table import Table
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.plan import Plan
from isotherm.campaign.planner import make_plan
from isotherm.campaign.refusals import FunctionsBusy


def plan_campaign(document: Any, home: Home, *, campaign_id: str, started_at: str) -> Plan:
    """Make a campaign's plan and record it.

    Parameters
    ----------
    document : Any
        The campaign, as a person wrote it.
    home : Home
        Where to record the plan.
    campaign_id : str
        What the campaign is called from now on.
    started_at : str
        When it was started, ISO 8601 in UTC.

    Raises
    ------
    CampaignRefused
        It may not start; nothing is recorded.
    """
    campaign = parse_campaign(document, lambda_regions())
    on = platform()
    plan = make_plan(
        campaign,
        ask_for(campaign, home.region, home.stack),
        campaign_id=campaign_id,
        platform=on,
        home_region=home.region,
        stack=home.stack,
        version=__version__,
        created_at=started_at,
        # The embedded stack runs functions beside this one, on the same cores.
        cores=os.cpu_count() if on == "emulated" else None,
    )
    table = Table(home)
    # Before anything is spent, so that no lane finds its function taken by a campaign that was planned meanwhile.
    if not campaign.dry_run:
        try:
            table.reserve(campaign_id, _at_rest(plan))
        except FunctionBusy as busy:
            raise FunctionsBusy(str(busy)) from None
    bucket, text = Bucket(home), plan.model_dump_json().encode()
    if campaign.dry_run:
        bucket.write(dry_plan_key(campaign_id), text, "application/json")
        return plan
    write_plan(table, bucket, campaign_id, text)
    table.admit(plan)
    return plan


def _at_rest(plan: Plan) -> list[Lease]:
    """The leases by which a campaign keeps its functions until its lanes come to them."""
    found = {(one.region, one.function_name): one for region in plan.inventory for one in region.targets}
    return [
        Lease(
            region=region,
            function_name=name,
            campaign_id=plan.campaign_id,
            tour="",
            memory_mb=found[region, name].memory_mb,
            acquired_at=int(time.time()),
            description=found[region, name].description or "",
        )
        for region, name in plan.functions
    ]
