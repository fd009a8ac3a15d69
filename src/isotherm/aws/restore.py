"""Restores a lane's function to what it was before the lane, whatever became of the lane."""

from __future__ import annotations

import time

from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import Lane


def restore_lane(table: Table, campaign_id: str, lane: Lane, settle_s: float = 0.0) -> list[str]:
    """Put memory, variable and versions back and give up the lease; harmless when run again, or where none was taken.

    Parameters
    ----------
    settle_s : float
        Seconds after which to look again, for a change that was still under way when the lane was given up.

    Returns
    -------
    list of str
        What had to be undone, in words.
    """
    lease = table.lease(lane.region, lane.function_name)
    # A second event about an earlier round must not undo what a later one is in the middle of.
    if lease is None or (lease.campaign_id, lease.lane_key) != (campaign_id, lane.key):
        return []
    function = MeasuredFunction(lane.region, lane.function_name)
    try:
        undone = function.put_back(campaign_id, lease.memory_mb)
        if settle_s:
            time.sleep(settle_s)
            undone += function.put_back(campaign_id, lease.memory_mb)
    except client("lambda", lane.region).exceptions.ResourceNotFoundException:
        undone = ["the function is gone, and with it all that was to be put back"]
    table.release(lease)
    return undone
