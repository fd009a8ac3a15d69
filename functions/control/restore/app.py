"""Restores a lane's function to what it was before: memory, description, versions. Harmless when run twice."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.request import LaneRequest, parse
from isotherm.aws.restore import restore_lane
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import task_of
from isotherm.campaign.left_alone import to_items

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Restore the lane's function; answer what had to be undone."""
    request = parse(LaneRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    task = task_of(home, *request.where)
    table.update_lane(*request.where, LaneFacts(phase="restoring"), unless_ended=True)
    back = restore_lane(table, task)
    logger.info("restored", extra={"undone": back.undone, "left": to_items(back.left)})
    return {"undone": len(back.undone)}
