"""Tells the campaign how a lane ended, by its task token, and records it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.analysis.words.lanes import failure_in_words
from isotherm.aws.clients import Home
from isotherm.aws.lane_executions import fail, succeed
from isotherm.aws.request import LaneRequest, parse
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import fails_lane, left_in_words, of_items

logger = Logger()


@dataclass(frozen=True, slots=True)
class NotifyRequest(LaneRequest):
    """`outcome` and `restore` are what the lane's states left: a result, or {"Error", "Cause"} where they failed."""

    task_token: str
    outcome: dict[str, Any]
    restore: dict[str, Any] = field(default_factory=dict)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Record the lane's outcome, then answer the token: success, or error LaneFailed with a readable cause."""
    request = parse(NotifyRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    reasons = [_reason(request.outcome)] if "Error" in request.outcome else []
    unrestored = _reason(request.restore) if "Error" in request.restore else None
    table = Table(home)
    record = table.lane(*request.where)
    left = of_items(record.left or []) if record else []
    reasons += [left_in_words(fact) for fact in left if fails_lane(fact)]
    if not reasons and not unrestored:
        said = LaneFacts(status="succeeded", phase="done")
        table.update_lane(*request.where, said, unless_ended=True)
        succeed(home.region, request.task_token, {"lane_key": request.lane_key, "status": "succeeded"})
        return {"status": "succeeded"}
    # What is said of the function is said at the campaign's end: it may be put back until then.
    why = "; ".join(reasons) or None
    said = LaneFacts(status="failed", phase="done", reason=why, unrestored=unrestored)
    table.update_lane(*request.where, said, unless_ended=True)
    reason = failure_in_words(why, unrestored, put_back=False) or "no reason was given"
    fail(home.region, request.task_token, "LaneFailed", reason)
    return {"status": "failed", "reason": reason}


def _reason(fault: dict[str, Any]) -> str:
    """The text for a person in a state's {"Error", "Cause"}; the cause of a Lambda error is a JSON document."""
    cause = fault.get("Cause") or ""
    try:
        document = json.loads(cause)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("errorMessage"):
        return f"{document.get('errorType') or fault['Error']}: {document['errorMessage']}"
    return f"{fault['Error']}: {cause}" if cause else str(fault["Error"])
