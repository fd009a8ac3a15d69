"""Starts one tour in its client's region (no state machine calls a function elsewhere); the tour answers the token."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home, from_template
from isotherm.aws.request import TourRequest, parse
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tour_of
from isotherm.aws.tour_ends import fail_unfinished
from isotherm.aws.tour_executions import fail, lane_machine_arn, start_tour, tour_execution_name
from isotherm.campaign.tour import Tour

logger = Logger()


@dataclass(frozen=True, slots=True)
class DispatchRequest(TourRequest):
    """Which tour, and the token by which its outcome reaches the campaign."""

    task_token: str


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Start the tour's execution; where it cannot start, answer the token rather than let it wait."""
    request = parse(DispatchRequest, event)
    logger.append_keys(**request.log_keys)
    home, machine_at_home = Home.from_environment(), from_template("ISOTHERM_LANE_MACHINE")
    table = Table(home)
    tour = tour_of(home, *request.where)
    machine = lane_machine_arn(machine_at_home, home.stack, tour.client_region)
    if table.campaign_stopped(request.campaign_id):
        return _not_started(table, home, request, tour, "the campaign was stopped")
    # The token is kept for the watch, which answers it where a region can no longer do so.
    table.begin_tour(*request.where, task_token=request.task_token)
    try:
        execution_arn = start_tour(
            tour.client_region,
            machine,
            tour_execution_name(*request.where),
            {**asdict(request), "stages": list(range(len(tour.stages)))},
        )
    except (ClientError, BotoCoreError) as fault:
        logger.exception("not started")
        reason = f"could not be started in {tour.client_region}: {fault}"
        return _not_started(table, home, request, tour, reason)
    table.note_execution(*request.where, execution_arn)
    return {"status": "started", "execution_arn": execution_arn}


def _not_started(table: Table, home: Home, request: DispatchRequest, tour: Tour, reason: str) -> dict[str, Any]:
    table.end_tour(*request.where)
    fail_unfinished(table, request.campaign_id, tour.lanes, reason, also_planned=True)
    fail(home.region, request.task_token, "TourNotStarted", f"tour {request.tour}: {reason}")
    return {"status": "failed", "reason": reason}
