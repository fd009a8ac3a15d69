"""Finds lanes of which the campaign will never hear again, and tells it. `isotherm.campaign.watching` has the rules."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import make_client
from isotherm.aws.lane_executions import execution_arn, fail, lane_execution_state, region_of_arn
from isotherm.aws.store.records import CampaignRecord, LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.watching import has_ended, is_quiet, may_have_lanes, why_lost

logger = logging.getLogger(__name__)

#: Campaigns that are looked at: more than these are hardly under way at once.
LATEST_CAMPAIGNS = 20

#: One attempt: a region that does not answer now is asked again by the next watch, and must not cost this one's time.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10)


@dataclass(frozen=True, slots=True)
class RunningLane:
    """A lane that runs as far as the table knows, by its execution, and the token that answers its campaign."""

    campaign_id: str
    lane_key: str
    execution_arn: str
    task_token: str

    @property
    def log_keys(self) -> dict[str, str]:
        """What a line of the log about it carries."""
        return {"campaign_id": self.campaign_id, "lane": self.lane_key}


@dataclass(frozen=True, slots=True)
class LostLane:
    """A lane that will never report its end to the campaign, and why."""

    lane: RunningLane
    reason: str


def find_lost_lanes(table: Table, now: datetime) -> list[LostLane]:
    """Ask every region what has become of the lanes that run as far as the table knows; all regions at once.

    A campaign that will have no lanes any more is marked, so that it is not looked at again.
    """
    regions: dict[str, list[RunningLane]] = defaultdict(list)
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        for lane in _running_lanes(table, campaign, now):
            regions[region_of_arn(lane.execution_arn)].append(lane)
    # botocore promises that clients may be used from several threads, not that they may be made there.
    clients = [make_client("stepfunctions", region, ONCE) for region in regions]
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        found = pool.map(lambda *asked: list(_lost(now, *asked)), regions, clients, regions.values())
        return [lost for of_region in found for lost in of_region]


def free_functions_of_ended(table: Table, machine_arn: str, now: datetime) -> list[str]:
    """Mark campaigns whose execution ended without a report as stopped; their ids.

    They then keep no function for a later lane, and no lane of them is started any more. One that is under way ends as
    any other and restores its function.
    """
    states = make_client("stepfunctions", region_of_arn(machine_arn), ONCE)
    ended = []
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        if campaign.finished_at is not None or campaign.stopped_at is not None or campaign.unwatched_at is not None:
            continue
        state = lane_execution_state(states, execution_arn(machine_arn, campaign.campaign_id))
        ended_at = state.ended_at if state else None
        ended_s = (now - ended_at).total_seconds() if ended_at else None
        if has_ended(state.status if state else None, ended_s):
            logger.warning("campaign ended without a report", extra={"campaign_id": campaign.campaign_id})
            table.stop_campaign(campaign.campaign_id)
            ended.append(campaign.campaign_id)
    return ended


def give_up(table: Table, home_region: str, lost: LostLane) -> bool:
    """Record that a lane failed, and tell its campaign; False where it has ended meanwhile."""
    lane = lost.lane
    if table.lane_ended(lane.campaign_id, lane.lane_key):
        return False
    logger.warning("lane lost", extra={**lane.log_keys, "reason": lost.reason})
    said = LaneFacts(status="failed", phase="done", reason=lost.reason)
    table.update_lane(lane.campaign_id, lane.lane_key, said, unless_ended=True)
    fail(home_region, lane.task_token, "LaneLost", lost.reason)
    return True


def _running_lanes(table: Table, campaign: CampaignRecord, now: datetime) -> list[RunningLane]:
    over = campaign.finished_at is not None or campaign.unwatched_at is not None
    age_s = 0.0 if over else (now - datetime.fromisoformat(campaign.started_at)).total_seconds()
    if not may_have_lanes(age_s, over=over):
        return []
    lanes = table.watched_lanes(campaign.campaign_id)
    running = [lane for lane in lanes if lane.status == "running"]
    silences_s = (now.timestamp() - lane.updated_at for lane in lanes if lane.updated_at is not None)
    if not running and is_quiet(age_s, silences_s):
        table.leave_unwatched(campaign.campaign_id)
    return [
        RunningLane(campaign.campaign_id, lane.lane_key, lane.execution_arn, lane.task_token)
        for lane in running
        if lane.execution_arn and lane.task_token
    ]


def _lost(now: datetime, region: str, states: Any, lanes: list[RunningLane]) -> Iterator[LostLane]:
    """The lost lanes of one region; none more once it does not answer."""
    for lane in lanes:
        try:
            state = lane_execution_state(states, lane.execution_arn)
        except (ClientError, BotoCoreError):
            extra = {**lane.log_keys, "execution_arn": lane.execution_arn}
            logger.exception("not known whether the lane runs", extra=extra)
            return
        status, ended_at = (state.status, state.ended_at) if state else (None, None)
        ended_s = (now - ended_at).total_seconds() if ended_at else None
        if reason := why_lost(region, status, ended_s):
            yield LostLane(lane, reason)
