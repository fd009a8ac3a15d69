"""Gathers a campaign's results from table and bucket, for its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from isotherm.analysis.summary import LaneOutcome
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneRecord
from isotherm.aws.store.samples import samples_of
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.load.result import PhaseResult
from isotherm.measurement.sample import Sample

#: Lanes are read side by side; more than this gains nothing on one connection pool.
_READERS = 8


@dataclass(frozen=True, slots=True)
class CampaignResults:
    """A campaign's plan and all that came of it.

    `outcomes` are of the lanes that ended, `loads` are what the Fires of each step that made load wrote, by lane and
    step; `packages` is what each target's probe said of its package, by target.
    """

    plan: Plan
    samples: list[Sample]
    outcomes: list[LaneOutcome]
    loads: dict[tuple[str, int], list[PhaseResult]]
    packages: dict[str, dict[str, object]]


def read_results(campaign_id: str, table: Table, bucket: Bucket) -> CampaignResults:
    """Everything that a campaign's lanes wrote down."""
    plan = Plan.model_validate_json(bucket.read(plan_key(campaign_id)))
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        of_lanes = list(pool.map(partial(samples_of, table, campaign_id), plan.lanes))
    records = table.lanes(campaign_id)
    return CampaignResults(
        plan=plan,
        samples=[sample for of_lane in of_lanes for sample in of_lane],
        outcomes=outcomes(records),
        loads={
            (lane.key, step.step): found
            for lane in plan.lanes.values()
            for step in lane.steps
            if step.load and (found := bucket.read_loads(campaign_id, lane.key, step.step, step.load.fires))
        },
        packages={lane.target: lane.package for lane in records if lane.package},
    )


def outcomes(records: Iterable[LaneRecord]) -> list[LaneOutcome]:
    """How the lanes ended that have ended."""
    return [
        LaneOutcome(
            lane_key=lane.lane_key,
            target=lane.target,
            region=lane.region,
            round=lane.round,
            status=lane.end,
            reason=lane.reason,
        )
        for lane in records
        if lane.end is not None
    ]
