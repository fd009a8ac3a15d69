"""Restores the function of a lane that ended without doing so itself: stopped, timed out, or silent.

Called by EventBridge where a lane's execution was stopped or failed, and by the campaign where a lane did not answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.lane_executions import fail
from isotherm.aws.restore import restore_lane
from isotherm.aws.store.table import Table

logger = Logger()

#: A change that was under way when the lane was given up lands within this time; then the function is looked at again.
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class RescueRequest:
    """The lane, and why it needs rescue; `task_token` where the campaign is still waiting for it."""

    campaign_id: str
    lane_key: str
    error: str = "LaneLost"
    cause: str = ""
    task_token: str | None = None

    @classmethod
    def of(cls, event: dict[str, Any]) -> RescueRequest:
        """From the campaign's own payload, or from EventBridge's "Step Functions Execution Status Change"."""
        if "detail" not in event:
            return cls(**event)
        detail = event["detail"]
        lane = json.loads(detail["input"])
        status = {"ABORTED": "was stopped", "TIMED_OUT": "timed out"}.get(detail["status"], "failed")
        said = ": ".join(part for part in (detail.get("error"), detail.get("cause")) if part)
        cause = f"the lane's execution {status}" + (f": {said}" if said else "")
        return cls(
            error="LaneAborted", cause=cause, **{key: lane[key] for key in ("campaign_id", "lane_key", "task_token")}
        )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give the lane up first, so that nothing more is done in its name; then restore, twice, and tell the campaign."""
    request = RescueRequest.of(event)
    home = Home.from_environment()
    table = Table(home)
    lane = table.task(request.campaign_id, request.lane_key).lane
    facts = {"status": "failed", "phase": "done", "reason": request.cause or request.error}
    table.update_lane(request.campaign_id, request.lane_key, unless_ended=True, **facts)
    undone = restore_lane(table, request.campaign_id, lane, settle_s=SETTLE_S)
    logger.warning("rescued", extra={"lane": request.lane_key, "reason": facts["reason"], "undone": undone})
    if request.task_token:
        fail(home.region, request.task_token, request.error, facts["reason"])
    return {"lane_key": request.lane_key, "status": "failed", "undone": len(undone)}
