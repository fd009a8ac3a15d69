"""Restores a lane's function to what it was before the lane, whatever became of the lane."""

from __future__ import annotations

import time

from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction, PutBack
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import LaneFacts, LaneRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.left_alone import CodeReplaced, LeaseLost, LeftAlone, TimeoutChanged, to_items
from isotherm.campaign.publishing import AsFound, Publishing


def restore_lane(table: Table, task: LaneTask, settle_s: float = 0.0) -> PutBack:
    """Put memory, description and versions back and give up the lease; harmless when run again.

    What others changed is left as it is, and written down in the lane's row. Where the lease has vanished the plan says
    how the function was.

    Parameters
    ----------
    settle_s : float
        Seconds after which to look again, for a change that was still under way when the lane was given up.
    """
    campaign_id, lane = task.campaign_id, task.lane
    lease = table.lease(lane.region, lane.function_name)
    # A second event about an earlier round must not undo what a later one is in the middle of.
    held = lease is not None and (lease.campaign_id, lease.lane_key) == (campaign_id, lane.key)
    record = table.lane(campaign_id, lane.key)
    holds = record is not None and bool(record.holds)
    if not held and not (lease is None and holds):
        return PutBack([], [])
    left: list[LeftAlone] = [] if held else [LeaseLost()]
    function = MeasuredFunction(lane.region, lane.function_name)
    undone: list[str] = []
    try:
        for wait_s in (0.0, settle_s) if settle_s else (0.0,):
            if wait_s:
                time.sleep(wait_s)
                lease = table.lease(lane.region, lane.function_name) if held else lease
            back = function.put_back(*_noted(task, lease, record))
            undone += back.undone
            left += [fact for fact in back.left if fact not in left]
        found = function.configuration()
        if found.timeout_s != task.function.timeout_s:
            left.append(TimeoutChanged(found_s=found.timeout_s, before_s=task.function.timeout_s))
        if found.code_sha256 != task.function.code_sha256:
            left.append(CodeReplaced(measured=any(step.versions == 0 for step in lane.steps)))
    except client("lambda", lane.region).exceptions.ResourceNotFoundException:
        undone = ["the function is gone, and with it all that was to be put back"]
    table.update_lane(campaign_id, lane.key, LaneFacts(holds=False, left=to_items(left)))
    if lease is not None:
        table.release(lease, goes_on=task.goes_on)
    return PutBack(undone, left)


def _noted(task: LaneTask, lease: Lease | None, record: LaneRecord | None) -> tuple[AsFound, Publishing | None]:
    """How the function was, and what was published of it: by the lease, or by plan and lane where that has vanished."""
    if lease is not None:
        return lease.before, lease.publishing
    before = AsFound(task.function.memory_mb, task.function.description or "")
    if record is None or record.mark is None:
        return before, None
    step = task.lane.steps[record.step or 0]
    return before, Publishing(record.mark, step.memory_mb or before.memory_mb, unnoted=step.versions)
