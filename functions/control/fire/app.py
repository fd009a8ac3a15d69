"""Makes the calls of one step, or its share of a load, as planned, and writes down what it saw. Decides nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.calls.step import caller_of, make_calls
from isotherm.aws.calls.step_log import StepLog
from isotherm.aws.calls.under_way import UnderWay
from isotherm.aws.clients import Home
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import task_of
from isotherm.campaign.lane import LaneTask, LoadStep
from isotherm.measurement.orders import step_orders

logger = Logger()

#: What is not begun this long before the function's own end is left out, so that what was measured can be written.
MARGIN_MS = 90_000


@dataclass(frozen=True, slots=True)
class FireRequest(StepRequest):
    """One step of one lane; `shard` counts the Fires that share a step, of which a step of samples has one."""

    shard: int


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call each burst's own version, then delete that version; prime the last version and make the warm calls on it."""
    request = parse(FireRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    task = task_of(home, *request.where)
    load = task.lane.step(request.step).load
    return _shoot(request, home, task, context) if load is None else _load(request, home, task, load, context)


def _shoot(request: FireRequest, home: Home, task: LaneTask, context: LambdaContext) -> dict[str, Any]:
    bucket, lane, step = Bucket(home), task.lane, task.lane.step(request.step)
    versions = bucket.read_versions(*request.where, request.step)
    orders = step_orders(lane, step, versions, step.memory_mb or task.function.memory_mb)
    function = MeasuredFunction(lane.region, lane.function_name)
    under_way = UnderWay(
        Table(home), request.where, request.step, lambda: context.get_remaining_time_in_millis() > MARGIN_MS
    )
    log = StepLog(Table(home), bucket, request.where, request.step)
    try:
        with caller_of(home, task, step, orders.width) as caller:
            make_calls(caller, orders, log, under_way, function)
    finally:
        under_way.report(len(log.made), at_once=True)
        logger.info("calls made", extra={"calls": len(log.made), "processor_ms_per_call": log.processor_ms_per_call})
    return {"issued": len(log.made), "planned": orders.planned}


def _load(request: FireRequest, home: Home, task: LaneTask, load: LoadStep, context: LambdaContext) -> dict[str, Any]:
    from isotherm.aws.calls.load import make_share  # few lanes need it, and its import takes time

    end_by = time.time() + (context.get_remaining_time_in_millis() - MARGIN_MS) / 1000
    result = make_share(home, task, request.step, request.shard, end_by)
    if result is None:
        return {"issued": 0, "planned": round(load.requests / load.fires)}
    Bucket(home).write_load(*request.where, request.step, request.shard, result)
    return {"issued": result.sent, "planned": result.planned}
