"""Makes the page of a campaign, and the same as Markdown, from its summary and samples."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend_model import Trend
from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.aws.store.table import Table
from isotherm.report.files.samples_csv import read_csv
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page

logger = Logger()

REPORT_FILES = ("summary.json", "samples.csv.gz", "trend.json", "index.html", "report.md")


class PublishRequest(BaseModel):
    """One campaign that was aggregated."""

    campaign_id: str


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write `index.html` and `report.md`; answer where they lie, which is what the campaign's execution answers."""
    request = PublishRequest.model_validate(event)
    home = Home.from_environment()
    bucket = Bucket(home)
    keys = {name: report_key(request.campaign_id, name) for name in REPORT_FILES}
    summary = CampaignSummary.model_validate_json(bucket.read(keys["summary.json"]))
    samples = read_csv(bucket.read(keys["samples.csv.gz"]))
    trend = Trend.model_validate_json(bucket.read(keys["trend.json"]))
    bucket.write(keys["index.html"], render_page(summary, samples, trend).encode(), "text/html; charset=utf-8")
    bucket.write(keys["report.md"], render_markdown(summary).encode(), "text/markdown; charset=utf-8")
    Table(home).finish_campaign(request.campaign_id, summary.headline)
    return {
        "campaign_id": request.campaign_id,
        "headline": summary.headline,
        "page": f"s3://{home.bucket}/{keys['index.html']}",
        "lanes_failed": sum(lane.status == "failed" for lane in summary.lanes),
    }
