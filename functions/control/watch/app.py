"""Finds lanes whose execution ended, or is gone, without telling the campaign: a region went away with all it had.

A lane that ends tells the campaign itself, and one that is killed is rescued in its own region. Where that region has
no functions left, neither happens, and the campaign would wait until its own time-out, for hours.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home, make_client
from isotherm.aws.lane_executions import fail, lane_execution_status, region_of_arn
from isotherm.aws.store.records import LaneFacts, LaneRecord
from isotherm.aws.store.table import LEASE_S, Table

logger = Logger()

#: Campaigns that are looked at: more than these are hardly under way at once.
LATEST_CAMPAIGNS = 20

#: No campaign lives longer (TimeoutSeconds in campaign.asl.json).
CAMPAIGN_S = 7 * 86_400

#: One attempt: a region that does not answer now is asked again by the next watch, and must not cost this one's time.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10)

Lanes = list[tuple[str, LaneRecord]]


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give lost lanes up and tell their campaign, which then has their functions restored as far as that can be."""
    home = Home.from_environment()
    table = Table(home)
    regions: dict[str, Lanes] = defaultdict(list)
    for campaign_id, lane in _running(table):
        if lane.execution_arn and lane.task_token:
            regions[region_of_arn(lane.execution_arn)].append((campaign_id, lane))
    # botocore promises that clients may be used from several threads, not that they may be made there.
    clients = [make_client("stepfunctions", region, ONCE) for region in regions]
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        found = list(pool.map(_lost, regions, clients, regions.values()))
    lost = []
    for campaign_id, lane, reason in (of_region for of_regions in found for of_region in of_regions):
        if not table.lane_ended(campaign_id, lane.lane_key):
            _give_up(table, home, campaign_id, lane, reason)
            lost.append(lane.lane_key)
    return {"lost": lost}


def _running(table: Table) -> Lanes:
    """Lanes that run as far as the table knows; a campaign that will have none any more is left unwatched."""
    running: Lanes = []
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        age_s = (datetime.now(UTC) - datetime.fromisoformat(campaign.started_at)).total_seconds()
        if campaign.finished_at or campaign.unwatched_at or age_s > CAMPAIGN_S:
            continue
        lanes = table.watched_lanes(campaign.campaign_id)
        found = [(campaign.campaign_id, lane) for lane in lanes if lane.status == "running"]
        # Between two lanes of a campaign that goes on nothing takes as long as a lane may.
        quiet_s = min([age_s, *(time.time() - lane.updated_at for lane in lanes if lane.updated_at)])
        if not found and quiet_s > LEASE_S:
            table.leave_unwatched(campaign.campaign_id)
        running += found
    return running


def _lost(region: str, states: Any, lanes: Lanes) -> list[tuple[str, LaneRecord, str]]:
    """Lanes of a region of which nobody will ever hear again, and why; none more once the region does not answer."""
    lost = []
    for campaign_id, lane in lanes:
        arn = lane.execution_arn or ""
        try:
            status = lane_execution_status(states, arn)
        except (ClientError, BotoCoreError):
            where = {"campaign_id": campaign_id, "lane": lane.lane_key}
            logger.exception("not known whether the lane runs", extra={**where, "execution_arn": arn})
            break
        if status != "RUNNING":
            how = "is gone" if status is None else f"ended as {status} and could not say so"
            lost.append((campaign_id, lane, f"region {region} fell silent: the lane's execution {how}"))
    return lost


def _give_up(table: Table, home: Home, campaign_id: str, lane: LaneRecord, reason: str) -> None:
    logger.warning("lane lost", extra={"campaign_id": campaign_id, "lane": lane.lane_key, "reason": reason})
    said = LaneFacts(status="failed", phase="done", reason=reason)
    table.update_lane(campaign_id, lane.lane_key, said, unless_ended=True)
    fail(home.region, lane.task_token or "", "LaneLost", reason)
