"""Computes a campaign's statistics from all its samples, and the trend of those of its name, and writes them down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm import __version__
from isotherm.analysis.accounting import distinct
from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.bill import actual
from isotherm.analysis.loads import load_runs, sent_requests
from isotherm.analysis.summary import CampaignSummary, LaneOutcome
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import LeftOut, Trend, read_session
from isotherm.aws.clients import Home
from isotherm.aws.request import CampaignRequest, parse
from isotherm.aws.store.bucket import Bucket, plan_key, report_key
from isotherm.aws.store.raw_shots import read_loads
from isotherm.aws.store.samples import samples_of
from isotherm.aws.store.sessions import gather
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.report.file_names import SAMPLES, SUMMARY, TREND
from isotherm.report.files.samples_csv import write_csv

logger = Logger()

#: Lanes are read side by side; more than this gains nothing on one connection pool.
READERS = 8


class NoSamples(Exception):
    """Every lane failed before its first sample: there is nothing to show."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write `summary.json`, `samples.csv.gz` and `trend.json`; answer what there was."""
    request = parse(CampaignRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    bucket, table = Bucket(home), Table(home)
    plan = Plan.model_validate_json(bucket.read(plan_key(request.campaign_id)))
    with ThreadPoolExecutor(max_workers=READERS) as pool:
        samples = [
            sample
            for of_lane in pool.map(partial(samples_of, table, request.campaign_id), plan.lanes)
            for sample in of_lane
        ]
    progress = table.lanes(request.campaign_id)
    outcomes = [
        LaneOutcome(
            lane_key=lane.lane_key,
            target=lane.target,
            region=lane.region,
            round=lane.round,
            status=lane.end,
            reason=lane.reason,
        )
        for lane in progress
        if lane.end is not None
    ]
    loads = {
        (lane.key, step.step): found
        for lane in plan.lanes.values()
        for step in lane.steps
        if step.load and (found := read_loads(bucket, request.campaign_id, lane.key, step.step, step.load.fires))
    }
    summary = build_summary(
        plan,
        samples,
        outcomes,
        loads=load_runs(plan, loads),
        actual_price=actual(plan, distinct(samples)[0], outcomes, sent_requests(loads)),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        packages={lane.target: lane.package for lane in progress if lane.package},
    )
    bucket.write(report_key(request.campaign_id, SAMPLES), write_csv(samples), "application/gzip")
    document = summary.model_dump_json(indent=2).encode() + b"\n"
    bucket.write(report_key(request.campaign_id, SUMMARY), document, "application/json")
    if not samples and not loads:
        reasons = "; ".join(f"{outcome.lane_key}: {outcome.reason}" for outcome in summary.lanes if outcome.reason)
        raise NoSamples(f"no lane gave a sample ({reasons})")
    trend = _trend(summary, table, bucket).model_dump_json(indent=2).encode() + b"\n"
    bucket.write(report_key(request.campaign_id, TREND), trend, "application/json")
    answer = {"campaign_id": request.campaign_id, "samples": len(samples), "used": summary.accounting.used}
    return {**answer, "requests": sum(sent_requests(loads).values())} if loads else answer


def _trend(summary: CampaignSummary, table: Table, bucket: Bucket) -> Trend:
    """The campaigns of this name that began before this one, and this one."""
    found = gather(table, bucket, summary.campaign.name, but={summary.campaign_id})
    ours = read_session(summary.model_dump_json().encode())
    unfinished = [
        LeftOut(campaign_id=campaign_id, reason="it had no report when this one was made")
        for campaign_id in found.unfinished
    ]
    return build_trend(
        [*(session for session in found.sessions if session.created_at <= ours.created_at), ours],
        left_out=[*found.left_out, *unfinished],
        version=__version__,
    )
