"""Finds tours of which the campaign will never hear again, and tells it. `isotherm.campaign.watching` has the rules."""

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

from isotherm.aws.clients import Home, make_client
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tour_of
from isotherm.aws.tour_ends import fail_unfinished
from isotherm.aws.tour_executions import execution_arn, execution_state, fail, region_of_arn
from isotherm.campaign.watching import has_ended, is_quiet, may_have_tours, why_lost

logger = logging.getLogger(__name__)

#: Campaigns that are looked at: more than these are hardly under way at once.
LATEST_CAMPAIGNS = 20

#: One attempt: a region that does not answer now is asked again by the next watch, and must not cost this one's time.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10)


@dataclass(frozen=True, slots=True)
class RunningTour:
    """A tour that runs as far as the table knows, by its execution, and the token that answers its campaign."""

    campaign_id: str
    tour_key: str
    execution_arn: str
    task_token: str

    @property
    def log_keys(self) -> dict[str, str]:
        """What a line of the log about it carries."""
        return {"campaign_id": self.campaign_id, "tour": self.tour_key}


@dataclass(frozen=True, slots=True)
class LostTour:
    """A tour that will never report its end to the campaign, and why."""

    tour: RunningTour
    reason: str


def find_lost_tours(table: Table, now: datetime) -> list[LostTour]:
    """Ask every region what has become of the tours that run as far as the table knows; all regions at once.

    A campaign that will have no tours any more is marked, so that it is not looked at again.
    """
    regions: dict[str, list[RunningTour]] = defaultdict(list)
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        for tour in _running_tours(table, campaign, now):
            regions[region_of_arn(tour.execution_arn)].append(tour)
    # botocore promises that clients may be used from several threads, not that they may be made there.
    clients = [make_client("stepfunctions", region, ONCE) for region in regions]
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        found = pool.map(lambda *asked: list(_lost(now, *asked)), regions, clients, regions.values())
        return [lost for of_region in found for lost in of_region]


def free_functions_of_ended(table: Table, machine_arn: str, now: datetime) -> list[str]:
    """Mark campaigns whose execution ended without a report as stopped; their ids.

    They then keep no function for a later tour, and no tour of them is started any more. One that is under way ends as
    any other and restores its functions. A campaign that was planned by hand (docs/sam-local.md) has no execution, and
    is left alone.
    """
    states = make_client("stepfunctions", region_of_arn(machine_arn), ONCE)
    ended = []
    for campaign in table.campaigns(LATEST_CAMPAIGNS):
        if campaign.finished_at is not None or campaign.stopped_at is not None or campaign.unwatched_at is not None:
            continue
        state = execution_state(states, execution_arn(machine_arn, campaign.campaign_id))
        if state is None:
            continue
        ended_s = (now - state.ended_at).total_seconds() if state.ended_at else None
        if has_ended(state.status, ended_s):
            logger.warning("campaign ended without a report", extra={"campaign_id": campaign.campaign_id})
            table.stop_campaign(campaign.campaign_id)
            ended.append(campaign.campaign_id)
    return ended


def give_up(home: Home, lost: LostTour) -> bool:
    """Record that a tour's unfinished lanes failed, and tell its campaign; False where it has ended meanwhile."""
    table, tour = Table(home), lost.tour
    if table.tour_ended(tour.campaign_id, tour.tour_key):
        return False
    logger.warning("tour lost", extra={**tour.log_keys, "reason": lost.reason})
    table.end_tour(tour.campaign_id, tour.tour_key)
    fail_unfinished(table, tour.campaign_id, tour_of(home, tour.campaign_id, tour.tour_key).lanes, lost.reason)
    fail(home.region, tour.task_token, "TourLost", lost.reason)
    return True


def _running_tours(table: Table, campaign: CampaignRecord, now: datetime) -> list[RunningTour]:
    over = campaign.finished_at is not None or campaign.unwatched_at is not None
    age_s = 0.0 if over else (now - datetime.fromisoformat(campaign.started_at)).total_seconds()
    if not may_have_tours(age_s, over=over):
        return []
    tours = table.tours(campaign.campaign_id)
    running = [
        RunningTour(campaign.campaign_id, tour.tour_key, tour.execution_arn, tour.task_token)
        for tour in tours
        if tour.ended_at is None and tour.execution_arn and tour.task_token
    ]
    silences_s = (now.timestamp() - tour.updated_at for tour in tours if tour.updated_at is not None)
    if not running and is_quiet(age_s, silences_s):
        table.leave_unwatched(campaign.campaign_id)
    return running


def _lost(now: datetime, region: str, states: Any, tours: list[RunningTour]) -> Iterator[LostTour]:
    """The lost tours of one region; none more once it does not answer."""
    for tour in tours:
        try:
            state = execution_state(states, tour.execution_arn)
        except (ClientError, BotoCoreError):
            extra = {**tour.log_keys, "execution_arn": tour.execution_arn}
            logger.exception("not known whether the tour runs", extra=extra)
            return
        status, ended_at = (state.status, state.ended_at) if state else (None, None)
        ended_s = (now - ended_at).total_seconds() if ended_at else None
        if reason := why_lost(region, status, ended_s):
            yield LostTour(tour, reason)
