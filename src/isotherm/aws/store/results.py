"""Gathers a campaign's results from table and bucket, for its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from pydantic import ValidationError

from isotherm.analysis.accounting import Sent
from isotherm.analysis.summary import LaneOutcome
from isotherm.analysis.words.lanes import failure_in_words
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneRecord
from isotherm.aws.store.samples import samples_of
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import of_items
from isotherm.campaign.plan import Plan
from isotherm.load.result import PhaseResult
from isotherm.measurement.sample import Sample

#: Lanes are read side by side; more than this gains nothing on one connection pool.
_READERS = 8


class PlanLost(Exception):
    """A campaign's plan is not there, or cannot be read; the text says which, and what is left."""


@dataclass(frozen=True, slots=True)
class CampaignResults:
    """A campaign's plan and all that came of it.

    `outcomes` are of the lanes that ended, or of all where the campaign had ended before them; `loads` are what the
    Fires of each step that made load wrote, by lane and step; `packages` is what each target's probe said of its
    package, by target; `sent` is what the Fires of samples said to be about to send; `odd_lines` counts the lines that
    said to be a probe's and could not be read, by lane.
    """

    plan: Plan
    samples: list[Sample]
    outcomes: list[LaneOutcome]
    loads: dict[tuple[str, int], list[PhaseResult]]
    packages: dict[str, dict[str, object]]
    sent: Sent
    odd_lines: dict[str, int]


def read_results(campaign_id: str, table: Table, bucket: Bucket, *, cut_short: bool = False) -> CampaignResults:
    """Everything that a campaign's lanes wrote down; `cut_short`: no lane of it will go on."""
    plan = _plan(campaign_id, bucket)
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        of_lanes = list(pool.map(partial(samples_of, table, campaign_id), plan.lanes))
        steps = list(pool.map(partial(table.announced_steps, campaign_id), plan.lanes))
        odd_lines = list(pool.map(partial(table.odd_lines, campaign_id), plan.lanes))
    announced = {
        (key, step): sent for key, found in zip(plan.lanes, steps, strict=True) for step, sent in found.items()
    }
    records = [_as_planned(record, plan) for record in table.lanes(campaign_id)]
    return CampaignResults(
        plan=plan,
        samples=[sample for of_lane in of_lanes for sample in of_lane],
        outcomes=outcomes(records, cut_short=cut_short),
        loads={
            (lane.key, step.step): found
            for lane in plan.lanes.values()
            for step in lane.steps
            if step.load and (found := bucket.read_loads(campaign_id, lane.key, step.step, step.load.fires))
        },
        sent=Sent(announced, bucket.steps_with_shots(campaign_id) - announced.keys()),
        odd_lines={key: lines for key, lines in zip(plan.lanes, odd_lines, strict=True) if lines},
        packages={lane.target: lane.package for lane in records if lane.package},
    )


def _plan(campaign_id: str, bucket: Bucket) -> Plan:
    key = plan_key(campaign_id)
    written = bucket.read_if_there(key)
    try:
        return Plan.model_validate_json(written or b"")
    except ValidationError:
        state = "is not in the bucket" if written is None else "cannot be read"
        raise PlanLost(
            f"the plan of campaign {campaign_id} {state} ({key}), and without it nothing can be accounted for; "
            f"its samples are in the table, and what its clients wrote is under raw/{campaign_id}/"
        ) from None


def _as_planned(record: LaneRecord, plan: Plan) -> LaneRecord:
    """With what the plan says of the lane, which a row that was lost and written again lacks."""
    lane = plan.lanes.get(record.lane_key)
    return replace(record, target=lane.target, region=lane.region, round=lane.round) if lane else record


def outcomes(records: Iterable[LaneRecord], *, cut_short: bool = False) -> list[LaneOutcome]:
    """How the lanes ended that have ended, or of a campaign that was cut short, how all lanes stand."""
    return [_outcome(lane) for lane in records if cut_short or lane.end is not None]


def _outcome(lane: LaneRecord) -> LaneOutcome:
    begun = lane.status not in (None, "planned")
    reason = lane.reason or ("it had not ended when the campaign did" if begun and lane.end is None else None)
    return LaneOutcome(
        lane_key=lane.lane_key,
        target=lane.target,
        region=lane.region,
        round=lane.round,
        status=lane.end or ("failed" if begun else "not_begun"),
        reason=failure_in_words(reason, lane.unrestored, put_back=lane.holds is False),
        left=of_items(lane.left or []),
    )
