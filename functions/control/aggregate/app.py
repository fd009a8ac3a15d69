"""Computes a campaign's statistics from all its samples, and the trend of those of its name, and writes them down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from isotherm import __version__
from isotherm.analysis.accounting import distinct
from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.bill import actual
from isotherm.analysis.loads import load_runs, sent_requests
from isotherm.analysis.trend import trend_at_the_end_of
from isotherm.analysis.trend_model import read_session
from isotherm.aws.clients import Home
from isotherm.aws.request import CampaignRequest, parse
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.aws.store.results import read_results
from isotherm.aws.store.sessions import gather
from isotherm.aws.store.table import Table
from isotherm.report.file_names import SAMPLES, SUMMARY, TREND
from isotherm.report.files.samples_csv import write_csv

logger = Logger()


class NoSamples(Exception):
    """Every lane failed before its first sample: there is nothing to show."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write `summary.json`, `samples.csv.gz` and `trend.json`; answer what there was."""
    request = parse(CampaignRequest, event)
    logger.append_keys(**request.log_keys)
    home, campaign_id = Home.from_environment(), request.campaign_id
    bucket, table = Bucket(home), Table(home)
    found = read_results(campaign_id, table, bucket)
    requests = sent_requests(found.loads)
    summary = build_summary(
        found.plan,
        found.samples,
        found.outcomes,
        loads=load_runs(found.plan, found.loads),
        actual_price=actual(found.plan, distinct(found.samples)[0], found.outcomes, requests),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        packages=found.packages,
        sent=found.sent,
    )
    document = _json(summary)
    bucket.write(report_key(campaign_id, SAMPLES), write_csv(found.samples), "application/gzip")
    bucket.write(report_key(campaign_id, SUMMARY), document, "application/json")
    if not found.samples and not found.loads:
        reasons = "; ".join(f"{outcome.lane_key}: {outcome.reason}" for outcome in summary.lanes if outcome.reason)
        raise NoSamples(f"no lane gave a sample ({reasons})")
    others = gather(table, bucket, summary.name, but={campaign_id})
    trend = trend_at_the_end_of(
        read_session(document), others.sessions, others.left_out, others.unfinished, version=__version__
    )
    bucket.write(report_key(campaign_id, TREND), _json(trend), "application/json")
    answer = {"campaign_id": campaign_id, "samples": len(found.samples), "used": summary.accounting.used}
    return {**answer, "requests": sum(requests.values())} if found.loads else answer


def _json(document: BaseModel) -> bytes:
    return document.model_dump_json(indent=2).encode() + b"\n"
