"""Restores a tour's functions to what they were before it: memory, description, versions. Harmless when run twice."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home
from isotherm.aws.measured_function import FunctionChanged
from isotherm.aws.request import TourRequest, parse
from isotherm.aws.restore import functions_of, restore_function
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of
from isotherm.campaign.left_alone import to_items

logger = Logger()


class NotRestored(Exception):
    """Functions of the tour are not as they were before it; the others are."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Restore each of the tour's functions, also where another cannot be; answer how much had to be undone."""
    request = parse(TourRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    tour = tour_of(home, *request.where)
    tasks = tasks_of(home, request.campaign_id, tour.lanes)
    undone, faults = 0, []
    for lanes in functions_of(tasks.values()):
        name, region = lanes[0].lane.function_name, lanes[0].lane.region
        try:
            back = restore_function(table, tour, lanes)
        except (FunctionChanged, ClientError, BotoCoreError) as fault:
            logger.exception("not restored", extra={"function_name": name, "region": region})
            faults.append(f"{name} in {region}: {type(fault).__name__}: {fault}")
            continue
        said = {"function_name": name, "undone": back.undone, "left": to_items(back.left)}
        logger.info("restored", extra=said)
        undone += len(back.undone)
    if faults:
        raise NotRestored("; ".join(faults))
    return {"undone": undone}
