"""Publishes the fresh versions that one step of a lane is going to call, after noting how the function was before."""

from __future__ import annotations

import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Lease, Table

logger = Logger()


#: Fires that share a load begin this long after they were told to: by then all of them have started up.
TOGETHER_S = 10.0


class LaneEnded(Exception):
    """The lane was given up (stopped, silent for too long): nothing may be changed in its name any more."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish one version for each burst, in order; answer the numbers of the shards that Fires carry out."""
    request = parse(StepRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    bucket, table = Bucket(home), Table(home)
    campaign_id, lane_key = request.campaign_id, request.lane_key
    lane = table.task(campaign_id, lane_key).lane
    step = lane.steps[request.step]
    function = MeasuredFunction(lane.region, lane.function_name)

    _refuse_if_ended(table, campaign_id, lane_key)
    said = LaneFacts(phase="publishing" if step.versions else "preparing", step=request.step)
    table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    lease = table.acquire(
        Lease(lane.region, lane.function_name, campaign_id, lane_key, function.memory_mb(), int(time.time()))
    )
    # What the step before left (or a lane that died) is measured and takes up code storage.
    function.put_back(campaign_id, lease.memory_mb)
    versions = []
    for number in range(step.versions):
        _refuse_if_ended(table, campaign_id, lane_key)
        mark = f"{campaign_id}/{lane_key}/s{request.step}/v{number}"
        versions.append(function.publish(step.memory_mb or lease.memory_mb, mark))
    function.wait_until_callable(versions)
    bucket.write_versions(campaign_id, lane_key, request.step, versions)
    fires = step.load.fires if step.load else 1
    if fires > 1:
        said = LaneFacts(load_begins_at=time.time() + TOGETHER_S)
        table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    return {"shards": list(range(fires)), "versions": len(versions)}


def _refuse_if_ended(table: Table, campaign_id: str, lane_key: str) -> None:
    if table.lane_ended(campaign_id, lane_key):
        raise LaneEnded(f"lane {lane_key} was given up")
