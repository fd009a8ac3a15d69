"""Makes the plan of a campaign, or says in one message why it may not start. Changes nothing but its own records."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm import __version__
from isotherm.aws.clients import Home, lambda_regions, platform
from isotherm.aws.inventory import ask_for
from isotherm.aws.request import CampaignRequest, parse
from isotherm.aws.store.bucket import Bucket, dry_plan_key, plan_key
from isotherm.aws.store.table import Table
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.plan import Plan
from isotherm.campaign.planner import make_plan
from isotherm.campaign.refusals import CampaignRefused

logger = Logger()


@dataclass(frozen=True, slots=True)
class PlanRequest(CampaignRequest):
    """`campaign` is the execution's input, as the person wrote it; `campaign_id` is the execution's name."""

    campaign: Any
    started_at: str


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer `admitted` with the waves of lanes, `dry_run` with the price, or `refused` with error and cause.

    A refusal is an answer and no exception, so that the execution fails with exactly this error and this text.
    """
    request = parse(PlanRequest, event)
    logger.append_keys(**request.log_keys)
    try:
        plan = _plan(request, Home.from_environment())
    except CampaignRefused as refusal:
        logger.info("refused", extra={"error": refusal.error, "cause": str(refusal)})
        return {"status": "refused", "error": refusal.error, "cause": str(refusal)}
    answer = {
        "status": "dry_run" if plan.campaign.dry_run else "admitted",
        "campaign_id": plan.campaign_id,
        "lanes": len(plan.lanes),
        "price_usd": plan.price.usd,
        "warnings": plan.warnings,
    }
    # A dry run's waves would only be in the way of a person who reads the execution's output.
    return answer if plan.campaign.dry_run else {**answer, "waves": plan.waves}


def _plan(request: PlanRequest, home: Home) -> Plan:
    campaign = parse_campaign(request.campaign, lambda_regions())
    inventory = ask_for(campaign, home.region, home.stack)
    emulated = platform() == "emulated"
    plan = make_plan(
        campaign,
        inventory,
        campaign_id=request.campaign_id,
        platform=platform(),
        home_region=home.region,
        stack=home.stack,
        version=__version__,
        created_at=request.started_at,
        # The embedded stack runs functions beside this one, on the same cores.
        cores=os.cpu_count() if emulated else None,
    )
    key = dry_plan_key if campaign.dry_run else plan_key
    Bucket(home).write(key(plan.campaign_id), plan.model_dump_json().encode(), "application/json")
    if not campaign.dry_run:
        Table(home).admit(plan)
    return plan
