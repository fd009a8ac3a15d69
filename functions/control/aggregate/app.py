"""Computes a campaign's statistics from all its samples, and the trend of those of its name, and writes them down.

Called by the campaign at its end; and by a person's command for a campaign whose execution ended without a report.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from isotherm.analysis.summary import CutShort
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

#: Campaigns that are looked at for those that ran at the same time.
LATEST_CAMPAIGNS = 50


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """How the campaign's execution ended, in Step Functions' words, and when (ISO 8601)."""

    status: str
    at: str
    error: str | None = None
    cause: str | None = None

    def cut_short(self) -> CutShort:
        """The same as a summary has it."""
        return CutShort.model_validate({"ended_as": self.status, "error": self.error, "cause": self.cause})


@dataclass(frozen=True, slots=True)
class AggregateRequest(CampaignRequest):
    """Which campaign; `ended` where its execution did so before it came to this."""

    ended: ExecutionEnded | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write `summary.json`, `samples.csv.gz` and `trend.json`; answer what there was."""
    request = parse(AggregateRequest, event)
    ended = request.ended
    logger.append_keys(**request.log_keys)
    home, campaign_id = Home.from_environment(), request.campaign_id
    bucket, table = Bucket(home), Table(home)
    found = read_results(campaign_id, table, bucket, cut_short=ended is not None)
    requests = sent_requests(found.loads)
    finished_at = ended.at if ended else datetime.now(UTC).isoformat(timespec="seconds")
    began_s, ended_s = (datetime.fromisoformat(at).timestamp() for at in (found.plan.created_at, finished_at))
    summary = build_summary(
        found.plan,
        found.samples,
        found.outcomes,
        loads=load_runs(found.plan, found.loads),
        actual_price=actual(found.plan, distinct(found.samples)[0], found.outcomes, requests),
        finished_at=finished_at,
        packages=found.packages,
        sent=found.sent,
        partial=ended.cut_short() if ended else None,
        others=table.campaigns_beside(campaign_id, began_s, ended_s, LATEST_CAMPAIGNS),
        odd_lines=found.odd_lines,
    )
    document = _json(summary)
    bucket.write(report_key(campaign_id, SAMPLES), write_csv(found.samples), "application/gzip")
    bucket.write(report_key(campaign_id, SUMMARY), document, "application/json")
    answer = {"campaign_id": campaign_id, "samples": len(found.samples), "used": summary.accounting.used}
    others = gather(table, bucket, summary.campaign.name, but={campaign_id})
    trend = trend_at_the_end_of(
        read_session(document), others.sessions, others.left_out, others.unfinished, version=__version__
    )
    bucket.write(report_key(campaign_id, TREND), _json(trend), "application/json")
    return {**answer, "requests": sum(requests.values())} if found.loads else answer


def _json(document: BaseModel) -> bytes:
    return document.model_dump_json(indent=2).encode() + b"\n"
