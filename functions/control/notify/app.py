"""Tells the campaign how a tour ended, by its task token, and gives each of its lanes its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.analysis.words.lanes import fault_in_words
from isotherm.aws.clients import Home
from isotherm.aws.request import TourRequest, parse
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tour_of
from isotherm.aws.tour_ends import conclude, fail_unfinished
from isotherm.aws.tour_executions import fail, succeed

logger = Logger()

#: Of a lane that was left unfinished by stages whose failures could not be written down either.
LEFT_UNFINISHED = "its stage failed, and so did the collecting of what it had sent"


@dataclass(frozen=True, slots=True)
class NotifyRequest(TourRequest):
    """`outcome` and `restore` are what the tour's states left: a result, or {"Error", "Cause"} where they failed."""

    task_token: str
    outcome: dict[str, Any]
    restore: dict[str, Any] = field(default_factory=dict)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Conclude the lanes, then answer the token: success, or error LanesFailed with a readable cause."""
    request = parse(NotifyRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    lanes = tour_of(home, *request.where).lanes
    reason = fault_in_words(request.outcome) if "Error" in request.outcome else LEFT_UNFINISHED
    fail_unfinished(table, request.campaign_id, lanes, reason, also_planned=True)
    # What is said of a function is said at the campaign's end: it may be put back until then.
    unrestored = fault_in_words(request.restore) if "Error" in request.restore else None
    failed = conclude(table, request.campaign_id, lanes, unrestored)
    table.end_tour(*request.where)
    if not failed:
        succeed(home.region, request.task_token, {"tour": request.tour, "status": "succeeded"})
        return {"status": "succeeded"}
    cause = "; ".join(f"{key}: {why}" for key, why in failed.items())
    fail(home.region, request.task_token, "LanesFailed", cause)
    return {"status": "failed", "reason": cause}
