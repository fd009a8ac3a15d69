"""Ends a lane that could not do so itself (stopped, timed out, silent): restores its function, collects what it sent.

Called by EventBridge where a lane's execution was stopped or failed, and by the campaign where a lane did not answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home
from isotherm.aws.collect import await_landing, collect_the_rest
from isotherm.aws.lane_executions import fail
from isotherm.aws.request import LaneRequest, parse
from isotherm.aws.restore import restore_lane
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.left_alone import to_items

logger = Logger()

#: A change that was under way when the lane was given up lands within this time; then the function is looked at again.
SETTLE_S = 3.0

#: What is kept of the function's own time for joining and writing.
MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class RescueRequest(LaneRequest):
    """The lane, and why it needs rescue; `task_token` where the campaign is still waiting for it."""

    error: str = "LaneLost"
    cause: str | None = None
    task_token: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """What EventBridge says of an execution that ended; `input` is what the execution was given, as JSON text."""

    status: str
    input: str
    error: str | None = None
    cause: str | None = None

    def request(self) -> RescueRequest:
        """The lane whose execution it was, and how that ended."""
        lane = parse(RescueRequest, json.loads(self.input), "detail.input.")
        status = {"ABORTED": "was stopped", "TIMED_OUT": "timed out"}.get(self.status, "failed")
        said = ": ".join(part for part in (self.error, self.cause) if part)
        cause = f"the lane's execution {status}" + (f": {said}" if said else "")
        return replace(lane, error="LaneAborted", cause=cause)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give the lane up first, so that nothing more is done in its name; restore, collect, then tell the campaign."""
    if "detail" in event:  # from EventBridge, not from the campaign
        request = parse(ExecutionEnded, event["detail"], "detail.").request()
    else:
        request = parse(RescueRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    task = table.task(*request.where)
    reason = request.cause or request.error
    # Its phase stays until all is done: whoever rescues it besides is to wait for its last calls as well.
    table.update_lane(*request.where, LaneFacts(status="failed", reason=reason), unless_ended=True)
    lane = table.lane(*request.where)
    if lane is not None and lane.phase in ("firing", "loading"):
        landed = await_landing(home, task, lane.step or 0)
        logger.info("last calls written" if landed else "last calls lost")
    back = restore_lane(table, task, settle_s=SETTLE_S)
    collected = _collect(home, task, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)
    table.update_lane(*request.where, LaneFacts(phase="done"))
    said = {"reason": reason, "undone": back.undone, "left": to_items(back.left), "collected": collected}
    logger.warning("rescued", extra=said)
    if request.task_token:
        fail(home.region, request.task_token, request.error, reason)
    return {"lane_key": request.lane_key, "status": "failed", "undone": len(back.undone), "collected": collected}


def _collect(home: Home, task: LaneTask, within_s: float) -> int:
    """How many samples were written; what cannot be read or written is left, and shows as uncollected."""
    try:
        return collect_the_rest(home, task, within_s)
    except (ClientError, BotoCoreError):
        logger.exception("not collected")
        return 0
