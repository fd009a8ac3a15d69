"""Ends a tour that could not do so itself (stopped, timed out, silent): restores its functions, collects what it sent.

Called by EventBridge where a tour's execution was stopped or failed, and by the campaign where a tour did not answer
or lanes of it failed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home
from isotherm.aws.collect import await_landing, collect_the_rest
from isotherm.aws.request import TourRequest, parse
from isotherm.aws.restore import functions_of, restore_function
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of
from isotherm.aws.tour_ends import conclude, fail_unfinished
from isotherm.aws.tour_executions import fail
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.left_alone import to_items

logger = Logger()

#: A change that was under way when the tour was given up lands within this time; then the function is looked at again.
SETTLE_S = 3.0

#: What is kept of the function's own time for joining and writing.
MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class RescueRequest(TourRequest):
    """The tour, and why it needs rescue; `task_token` where the campaign is still waiting for it."""

    error: str = "TourLost"
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
        """The tour whose execution it was, and how that ended."""
        tour = parse(RescueRequest, json.loads(self.input), "detail.input.")
        status = {"ABORTED": "was stopped", "TIMED_OUT": "timed out"}.get(self.status, "failed")
        said = ": ".join(part for part in (self.error, self.cause) if part)
        cause = f"the execution {status}" + (f": {said}" if said else "")
        return replace(tour, error="TourAborted", cause=cause)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give the tour up first, so that nothing more is done in its name; restore, collect, then tell the campaign."""
    if "detail" in event:  # from EventBridge, not from the campaign
        request = parse(ExecutionEnded, event["detail"], "detail.").request()
    else:
        request = parse(RescueRequest, event)
    logger.append_keys(**request.log_keys)
    home, campaign_id = Home.from_environment(), request.campaign_id
    table = Table(home)
    tour = tour_of(home, *request.where)
    tasks = tasks_of(home, campaign_id, tour.lanes)
    reason = request.cause or request.error
    table.end_tour(*request.where)
    # Lanes of a stopped campaign that were not begun have not failed; in any other, somebody waits for them.
    is_stopped = table.campaign_stopped(campaign_id)
    # Their phase stays until all is done: whoever rescues them besides is to wait for their last calls as well.
    fail_unfinished(table, campaign_id, tour.lanes, reason, also_planned=not is_stopped)
    _await_landing(home, table, tasks)
    undone, left = [], []
    for lanes in functions_of(tasks.values()):
        back = restore_function(table, tour, lanes, settle_s=SETTLE_S)
        undone += back.undone
        left += back.left
    collected = _collect(home, table, tasks, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)
    # One that was begun just when the tour was given up.
    fail_unfinished(table, campaign_id, tour.lanes, reason)
    failed = conclude(table, campaign_id, tour.lanes)
    said = {"reason": reason, "undone": undone, "left": to_items(left), "collected": collected, "failed": [*failed]}
    logger.warning("rescued", extra=said)
    if request.task_token:
        fail(home.region, request.task_token, request.error, reason)
    return {"tour": request.tour, "failed": len(failed), "undone": len(undone), "collected": collected}


def _await_landing(home: Home, table: Table, tasks: Mapping[str, LaneTask]) -> None:
    """Wait for the last calls of lanes that were at theirs, before their versions are deleted."""
    firing = []
    for key, task in tasks.items():
        lane = table.lane(task.campaign_id, key)
        if lane is not None and lane.end == "failed" and lane.phase in ("firing", "loading"):
            firing.append((task, lane.step or 0))
    if firing:
        logger.info("last calls written" if await_landing(home, firing) else "last calls lost")


def _collect(home: Home, table: Table, tasks: Mapping[str, LaneTask], within_s: float) -> int:
    """How many samples were written; what cannot be read or written is left, and shows as uncollected."""
    ended = {key: task for key, task in tasks.items() if _has_failed(table, task)}
    try:
        return collect_the_rest(home, ended, within_s)
    except (ClientError, BotoCoreError):
        logger.exception("not collected")
        return 0


def _has_failed(table: Table, task: LaneTask) -> bool:
    lane = table.lane(task.campaign_id, task.lane.key)
    return lane is not None and lane.end == "failed"
