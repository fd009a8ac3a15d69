"""What a lane has to do: as its row of the table says, or where that row is gone, as the plan says."""

from __future__ import annotations

from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.plans import read_plan
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask


def task_of(home: Home, campaign_id: str, lane_key: str) -> LaneTask:
    """What a lane has to do.

    Raises
    ------
    LookupError
        The campaign has no such lane, or neither its row nor the plan is there any more.
    """
    table = Table(home)
    return table.task(campaign_id, lane_key) or _as_planned(home, table, campaign_id, lane_key)


def _as_planned(home: Home, table: Table, campaign_id: str, lane_key: str) -> LaneTask:
    from isotherm.campaign.plan import Plan  # pydantic: most calls do without its import

    written = read_plan(table, Bucket(home), campaign_id)
    if written is None:
        raise LookupError(f"what lane {lane_key} of campaign {campaign_id} has to do is gone, and the plan too")
    for task in Plan.model_validate_json(written).tasks():
        if task.lane.key == lane_key:
            return task
    raise LookupError(f"campaign {campaign_id} has no lane {lane_key}")
