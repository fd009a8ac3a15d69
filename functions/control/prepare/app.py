"""Publishes the fresh versions that one step of a lane is going to call, after noting how the function was before."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.measured_function import FunctionChanged, MeasuredFunction
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import Lease, LeaseGone
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask, Step
from isotherm.campaign.left_alone import CodeReplaced, LeftAlone, MemoryChanged
from isotherm.campaign.publishing import Publishing

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
    task = table.task(campaign_id, lane_key)
    lane = task.lane
    step = lane.steps[request.step]
    function = MeasuredFunction(lane.region, lane.function_name)

    _refuse_if_ended(table, campaign_id, lane_key)
    said = LaneFacts(phase="publishing" if step.versions else "preparing", step=request.step)
    table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    found = function.configuration().as_found
    lease = table.acquire(
        Lease(
            region=lane.region,
            function_name=lane.function_name,
            campaign_id=campaign_id,
            lane_key=lane_key,
            memory_mb=found.memory_mb,
            acquired_at=int(time.time()),
            description=found.description,
        )
    )
    # What the step before left (or a lane that died) is measured and takes up code storage.
    function.put_back(lease.before, lease.publishing)
    publishing = Publishing(_mark(request), step.memory_mb or task.function.memory_mb)
    # Noted before anything is done: whoever puts the function back has to know the versions from anybody else's.
    said = LaneFacts(mark=publishing.mark, holds=True)
    table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    lease = table.note(replace(lease, publishing=publishing))
    _refuse_if_changed(function, task, step)
    for _ in range(step.versions):
        _refuse_if_ended(table, campaign_id, lane_key)
        version = function.publish(publishing, lease.before, task.function.code_sha256)
        publishing = publishing.published(version)
        try:
            lease = table.note(replace(lease, publishing=publishing))
        except LeaseGone:  # whoever gave the lane up has looked already, and will not look again
            function.put_back(lease.before, publishing)
            raise
    # What is called are the versions: whoever publishes meanwhile is to find the function as it is deployed.
    function.put_settings_back(lease.before, publishing)
    table.note(replace(lease, publishing=replace(publishing, back=True)))
    function.wait_until_callable(publishing.versions)
    bucket.write_versions(campaign_id, lane_key, request.step, list(publishing.versions))
    fires = step.load.fires if step.load else 1
    if fires > 1:
        said = LaneFacts(load_begins_at=time.time() + TOGETHER_S)
        table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    return {"shards": list(range(fires)), "versions": len(publishing.versions)}


def _mark(request: StepRequest) -> str:
    """What nobody else can have in a description, not even an earlier attempt at this step."""
    return f"{request.campaign_id}/{request.lane_key}/s{request.step}/{secrets.token_hex(8)}"


def _refuse_if_changed(function: MeasuredFunction, task: LaneTask, step: Step) -> None:
    """Refuse a function that is not the one that was planned with: its samples would be mixed with others'."""
    found, planned = function.configuration(), task.function
    facts: list[LeftAlone] = []
    if found.code_sha256 != planned.code_sha256:
        facts.append(CodeReplaced(measured=False))
    if step.memory_mb is None and found.memory_mb != planned.memory_mb:
        facts.append(MemoryChanged(found_mb=found.memory_mb, before_mb=planned.memory_mb))
    if facts:
        raise FunctionChanged(*facts)


def _refuse_if_ended(table: Table, campaign_id: str, lane_key: str) -> None:
    if table.lane_ended(campaign_id, lane_key):
        raise LaneEnded(f"lane {lane_key} was given up")
