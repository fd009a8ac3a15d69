"""Finds lanes whose execution ended, or is gone, without telling the campaign: a region went away with all it had.

A lane that ends tells the campaign itself, and one that is killed is rescued in its own region. Where that region has
no functions left, neither happens, and the campaign would wait until its own time-out, for hours.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home
from isotherm.aws.executions import fail, lane_execution_status
from isotherm.aws.table import Table

logger = Logger()

#: Campaigns that are looked at: more than these are hardly under way at once.
LATEST_CAMPAIGNS = 20


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give lost lanes up and tell their campaign, which then has their functions restored as far as that can be."""
    home = Home.from_environment()
    table = Table(home)
    lost = []
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        if "finished_at" in campaign:
            continue
        for lane in table.lanes(campaign["campaign_id"]):
            if lane["status"] == "running" and lane.get("execution_arn") and lane.get("task_token"):
                reason = _lost(lane)
                if reason and not table.lane_ended(campaign["campaign_id"], lane["lane_key"]):
                    _give_up(table, home, campaign["campaign_id"], lane, reason)
                    lost.append(lane["lane_key"])
    return {"lost": lost}


def _lost(lane: dict[str, Any]) -> str | None:
    """Why nobody will ever hear of a lane again; None while it is under way, or where that cannot be told."""
    arn = lane["execution_arn"]
    region = arn.split(":")[3]
    try:
        status = lane_execution_status(region, arn)
    except (ClientError, BotoCoreError):
        logger.exception("not known", extra={"execution_arn": arn})
        return None
    if status == "RUNNING":
        return None
    how = "is gone" if status is None else f"ended as {status} and could not say so"
    return f"region {region} fell silent: the lane's execution {how}"


def _give_up(table: Table, home: Home, campaign_id: str, lane: dict[str, Any], reason: str) -> None:
    logger.warning("lane lost", extra={"lane": lane["lane_key"], "reason": reason})
    table.update_lane(campaign_id, lane["lane_key"], unless_ended=True, status="failed", phase="done", reason=reason)
    fail(home.region, lane["task_token"], "LaneLost", reason)
