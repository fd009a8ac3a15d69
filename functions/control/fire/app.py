"""Makes the calls of one step, or its share of a load, as planned, and writes down what it saw. Decides nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.calls.invoke import Caller
from isotherm.aws.clients import Home
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.raw_shots import write_load, write_shots
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LATEST, LaneTask, LoadStep, Step
from isotherm.measurement.orders import burst_orders, warm_orders
from isotherm.measurement.shot import Shot

if TYPE_CHECKING:
    from isotherm.aws.calls.http import WebCaller

logger = Logger()

#: What is not begun this long before the function's own end is left out, so that what was measured can be written.
MARGIN_MS = 90_000

#: Progress is written at most this often: each write stands between two bursts.
PROGRESS_EVERY_S = 2.0

#: How often a load asks whether its lane has ended meanwhile.
LOOK_EVERY_S = 5.0


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
    bucket, table = Bucket(home), Table(home)
    where = (*request.where, request.step)
    task = table.task(*request.where)
    lane, deployed = task.lane, task.function
    step = lane.steps[request.step]
    if step.load is not None:
        return _load(request, home, task, step, step.load, context)
    versions = bucket.read_versions(*where)
    memory_mb = step.memory_mb or deployed.memory_mb
    function = MeasuredFunction(lane.region, lane.function_name)
    last = versions[-1] if versions else LATEST
    warm = warm_orders(lane, step, "warm", 0, step.warm_shots, last, memory_mb)
    prime = warm_orders(lane, step, "prime", 0, step.prime_shots, last, memory_mb)

    shots: list[Shot] = []
    go_on = _until_the_end(context, table, request)
    report = _progress(table, request)
    width = max([1, *(burst.shots for burst in step.bursts), len(prime), step.warm_concurrency if warm else 0])
    try:
        with _caller(home, task, step, width) as caller:
            caller.open_connections()
            for burst in step.bursts:
                if not go_on():
                    break
                version = versions[burst.burst]
                orders = burst_orders(lane, step, burst, version, memory_mb)
                shots += caller.burst(orders, hold=len(orders) > 1)
                report(len(shots))
                # The last version serves the warm calls; every other one is measured now and only takes up storage.
                if version != last or not step.warm_shots:
                    _retire(function, version)
            if prime and go_on():
                shots += caller.burst(prime, hold=len(prime) > 1)
            if warm and go_on():
                shots += caller.in_a_row(warm, step.warm_concurrency, _while_time_is_left(context))
    finally:  # whatever stopped us, what was measured is kept
        write_shots(bucket, *where, request.shard, shots)
        report(len(shots), at_once=True)
    return {"issued": len(shots), "planned": sum(burst.shots for burst in step.bursts) + len(prime) + len(warm)}


def _load(
    request: FireRequest, home: Home, task: LaneTask, step: Step, load: LoadStep, context: LambdaContext
) -> dict[str, Any]:
    """Make this Fire's share of a phase of a load, and write down what it came to."""
    from isotherm.aws.calls.load import make_load  # few lanes need it, and its import takes time

    table, where = Table(home), request.where
    if table.lane_ended(*where):
        return {"issued": 0, "planned": round(load.requests / load.fires)}
    said = LaneFacts(phase="loading", load_phase=load.phase, step=request.step)
    table.update_lane(*where, said, unless_ended=True)
    end_by = time.time() + (context.get_remaining_time_in_millis() - MARGIN_MS) / 1000
    lane = table.lane(*where) if load.fires > 1 else None
    begin_at = lane.load_begins_at if lane else None
    with _lane_ends(table, request) as ended:
        result = make_load(home, task, step, load, request.shard, begin_at, end_by, ended)
    write_load(Bucket(home), *where, request.step, result, request.shard)
    return {"issued": result.sent, "planned": result.planned}


@contextmanager
def _lane_ends(table: Table, request: FireRequest) -> Iterator[Callable[[], bool]]:
    """Tells, at no cost to who asks, whether the lane has ended: a thread of its own looks at the table."""
    ended, done = threading.Event(), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            try:
                if table.lane_ended(*request.where):
                    ended.set()
                    return
            except (ClientError, BotoCoreError):
                logger.exception("not known whether the lane has ended")

    threading.Thread(target=look, daemon=True).start()
    try:
        yield ended.is_set
    finally:
        done.set()


def _caller(home: Home, task: LaneTask, step: Step, width: int) -> AbstractContextManager[Caller | WebCaller]:
    """Who makes a step's calls, `width` at a time: by Lambda's own API, or over HTTP."""
    if step.protocol == "invoke":
        return Caller(task.lane, step, width, task.function.timeout_s)
    from isotherm.aws.calls.http import WebCaller  # few lanes need it, and its import takes time

    return WebCaller(home, task, step)


def _retire(function: MeasuredFunction, version: str) -> None:
    """Delete a version that is measured; where that fails the lane's end does it."""
    try:
        function.delete(version)
    except (ClientError, BotoCoreError):
        logger.exception("version left to Restore", extra={"version": version})


def _while_time_is_left(context: LambdaContext) -> Callable[[], bool]:
    return lambda: context.get_remaining_time_in_millis() > MARGIN_MS


def _until_the_end(context: LambdaContext, table: Table, request: FireRequest) -> Callable[[], bool]:
    time_is_left = _while_time_is_left(context)
    return lambda: time_is_left() and not table.lane_ended(*request.where)


def _progress(table: Table, request: FireRequest) -> Callable[..., None]:
    written_at = 0.0

    def report(issued: int, *, at_once: bool = False) -> None:
        nonlocal written_at
        if at_once or time.monotonic() - written_at > PROGRESS_EVERY_S:
            written_at = time.monotonic()
            said = LaneFacts(phase="firing", step=request.step, issued=issued)
            table.update_lane(*request.where, said, unless_ended=True)

    return report
