"""Makes the calls of one stage, or its share of a load, as planned, and writes down what it saw. Decides nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.calls.step import caller_of, make_calls
from isotherm.aws.calls.step_log import StepLog
from isotherm.aws.calls.under_way import UnderWay
from isotherm.aws.clients import Home
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.request import StageRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of
from isotherm.aws.tour_ends import fail_lane
from isotherm.campaign.lane import LaneTask, LoadStep
from isotherm.measurement.orders import step_orders

logger = Logger()

#: What is not begun this long before the function's own end is left out, so that what was measured can be written.
MARGIN_MS = 90_000


@dataclass(frozen=True, slots=True)
class FireRequest(StageRequest):
    """One stage of one tour; `shard` counts the Fires that share a load, of which a stage of samples has one."""

    shard: int


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make the calls of each step in order; a lane whose calls cannot be made fails, and the others go on."""
    request = parse(FireRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    issued = planned = 0
    steps = tour_of(home, *request.where).steps_of(request.stage)
    tasks = tasks_of(home, request.campaign_id, [one.lane_key for one in steps])
    for one in steps:
        task = tasks[one.lane_key]
        load = task.lane.step(one.step).load
        if load is not None:  # alone in its stage
            return _load(home, task, one.step, load, request.shard, context)
        if table.lane_ended(request.campaign_id, one.lane_key):
            continue
        try:
            counted = _shoot(home, task, one.step, context)
        except (ClientError, BotoCoreError, OSError) as fault:
            logger.exception("calls not made", extra={"lane": one.lane_key, "step": one.step})
            fail_lane(table, request.campaign_id, one.lane_key, f"{type(fault).__name__}: {fault}")
            continue
        if counted[1] and not counted[0]:
            reason = f"no call of step {one.step} was made before Fire's time was up"
            fail_lane(table, request.campaign_id, one.lane_key, reason)
        issued, planned = issued + counted[0], planned + counted[1]
    return {"issued": issued, "planned": planned}


def _shoot(home: Home, task: LaneTask, number: int, context: LambdaContext) -> tuple[int, int]:
    """Call each burst's own version, then delete it; prime the last version and make the warm calls on it.

    How many calls were made, and how many were planned.
    """
    bucket, lane, step = Bucket(home), task.lane, task.lane.step(number)
    where = (task.campaign_id, lane.key)
    versions = bucket.read_versions(*where, number)
    orders = step_orders(lane, step, versions, step.memory_mb or task.function.memory_mb)
    function = MeasuredFunction(lane.region, lane.function_name)
    under_way = UnderWay(Table(home), where, number, lambda: context.get_remaining_time_in_millis() > MARGIN_MS)
    log = StepLog(Table(home), bucket, where, number)
    try:
        with caller_of(home, task, step, orders.width) as caller:
            make_calls(caller, orders, log, under_way, function)
    finally:
        under_way.report(len(log.made), at_once=True)
        logger.info("calls made", extra={"calls": len(log.made), "processor_ms_per_call": log.processor_ms_per_call})
    return len(log.made), orders.planned


def _load(
    home: Home, task: LaneTask, number: int, load: LoadStep, shard: int, context: LambdaContext
) -> dict[str, Any]:
    from isotherm.aws.calls.load import make_share  # few lanes need it, and its import takes time

    end_by = time.time() + (context.get_remaining_time_in_millis() - MARGIN_MS) / 1000
    result = make_share(home, task, number, shard, end_by)
    if result is None:
        return {"issued": 0, "planned": round(load.requests / load.fires)}
    Bucket(home).write_load(task.campaign_id, task.lane.key, number, shard, result)
    return {"issued": result.sent, "planned": result.planned}
