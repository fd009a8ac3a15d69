"""Restores the function of a lane that ended without doing so itself: stopped, timed out, or silent.

Called by EventBridge where a lane's execution was stopped or failed, and by the campaign where a lane did not answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.lane_executions import fail
from isotherm.aws.request import LaneRequest, parse
from isotherm.aws.restore import restore_lane
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import to_items

logger = Logger()

#: A change that was under way when the lane was given up lands within this time; then the function is looked at again.
SETTLE_S = 3.0


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
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give the lane up first, so that nothing more is done in its name; then restore, twice, and tell the campaign."""
    if "detail" in event:  # from EventBridge, not from the campaign
        request = parse(ExecutionEnded, event["detail"], "detail.").request()
    else:
        request = parse(RescueRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    task = table.task(*request.where)
    reason = request.cause or request.error
    said = LaneFacts(status="failed", phase="done", reason=reason)
    table.update_lane(*request.where, said, unless_ended=True)
    back = restore_lane(table, task, settle_s=SETTLE_S)
    logger.warning("rescued", extra={"reason": reason, "undone": back.undone, "left": to_items(back.left)})
    if request.task_token:
        fail(home.region, request.task_token, request.error, reason)
    return {"lane_key": request.lane_key, "status": "failed", "undone": len(back.undone)}
