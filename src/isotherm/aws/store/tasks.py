"""What a lane has to do: as its row of the table says, or where that row is gone, as the plan says."""

from __future__ import annotations

from botocore.exceptions import ClientError

from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask


def task_of(home: Home, campaign_id: str, lane_key: str) -> LaneTask:
    """What a lane has to do.

    Raises
    ------
    LookupError
        The campaign has no such lane, or neither its row nor the plan is there any more.
    """
    return Table(home).task(campaign_id, lane_key) or _as_planned(Bucket(home), campaign_id, lane_key)


def _as_planned(bucket: Bucket, campaign_id: str, lane_key: str) -> LaneTask:
    from isotherm.campaign.plan import Plan  # pydantic: most calls do without its import

    key = plan_key(campaign_id)
    try:
        written = bucket.read_if_there(key)
    except ClientError as fault:
        # Of what is not there S3 says this to whoever may not list the bucket (AWS, GetObject).
        if fault.response["Error"]["Code"] != "AccessDenied":
            raise
        written = None
    if written is None:
        raise LookupError(
            f"what lane {lane_key} of campaign {campaign_id} has to do is neither in the table nor in {key}"
        )
    for task in Plan.model_validate_json(written).tasks():
        if task.lane.key == lane_key:
            return task
    raise LookupError(f"campaign {campaign_id} has no lane {lane_key}")
