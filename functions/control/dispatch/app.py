"""Starts one lane in its client's region (no state machine calls a function elsewhere); the lane answers the token.

A lane whose cells are precise enough already is spared: the token is answered at once and no function is touched.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home, from_template
from isotherm.aws.lane_executions import fail, lane_execution_name, lane_machine_arn, start_lane, succeed
from isotherm.aws.precision import is_precise_enough
from isotherm.aws.request import LaneRequest, parse
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import task_of

logger = Logger()


@dataclass(frozen=True, slots=True)
class DispatchRequest(LaneRequest):
    """Which lane, and the token by which its outcome reaches the campaign."""

    task_token: str


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Start the lane's execution; where it is not needed or cannot start, answer the token rather than let it wait."""
    request = parse(DispatchRequest, event)
    logger.append_keys(**request.log_keys)
    home, machine_at_home = Home.from_environment(), from_template("ISOTHERM_LANE_MACHINE")
    table = Table(home)
    task = task_of(home, *request.where)
    lane = task.lane
    machine = lane_machine_arn(machine_at_home, home.stack, lane.client_region)
    name = lane_execution_name(*request.where)
    if table.campaign_stopped(request.campaign_id):
        return _not_started(table, home, request, "the campaign was stopped")
    if is_precise_enough(table, task):
        reason = f"precise enough after {lane.round} rounds"
        table.update_lane(*request.where, LaneFacts(status="spared", phase="done", reason=reason))
        succeed(home.region, request.task_token, {"lane_key": request.lane_key, "status": "spared"})
        return {"status": "spared", "reason": reason}
    # The token is kept for the watch, which answers it where a region can no longer do so.
    said = LaneFacts(status="running", phase="starting", task_token=request.task_token)
    table.update_lane(*request.where, said)
    try:
        steps = [step.step for step in lane.steps]
        execution_arn = start_lane(lane.client_region, machine, name, {**asdict(request), "steps": steps})
    except (ClientError, BotoCoreError) as fault:
        logger.exception("not started")
        return _not_started(table, home, request, f"could not be started in {lane.client_region}: {fault}")
    table.update_lane(*request.where, LaneFacts(execution_arn=execution_arn), unless_ended=True)
    return {"status": "started", "execution_arn": execution_arn}


def _not_started(table: Table, home: Home, request: DispatchRequest, reason: str) -> dict[str, Any]:
    said = LaneFacts(status="failed", reason=reason)
    table.update_lane(*request.where, said, unless_ended=True)
    fail(home.region, request.task_token, "LaneNotStarted", f"lane {request.lane_key}: {reason}")
    return {"status": "failed", "reason": reason}
