"""Makes the plan of a campaign, or says in one message why it may not start. Changes nothing but its own records."""

from __future__ import annotations

import gc

gc.disable()  # importing leaves little garbage, and looking for it takes a tenth of the time

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.admission import plan_campaign
from isotherm.aws.clients import Home
from isotherm.aws.request import CampaignRequest, parse
from isotherm.campaign.refusals import CampaignRefused

gc.freeze()  # what was imported stays: it need not be looked at again
gc.enable()

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
    home = Home.from_environment()
    try:
        plan = plan_campaign(request.campaign, home, campaign_id=request.campaign_id, started_at=request.started_at)
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
