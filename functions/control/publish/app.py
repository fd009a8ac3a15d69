"""Makes the page of a campaign, and the same as Markdown, from its summary and samples.

A campaign of which nothing could be used has a page that says so, and then fails, unless it was cut short before.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.analysis.shortfall import is_useless, shortfalls
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend_model import Trend
from isotherm.analysis.words.shortfall import shortfalls_in_words
from isotherm.aws.clients import Home
from isotherm.aws.request import CampaignRequest, parse
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.aws.store.table import Table
from isotherm.aws.targets import target_name
from isotherm.report.file_names import MARKDOWN, PAGE, SAMPLES, SUMMARY, TREND
from isotherm.report.files.samples_csv import read_csv
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page

logger = Logger()


class NothingUsed(Exception):
    """The report is there, and has nothing in it that says anything of the targets."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write `index.html` and `report.md`; answer where they lie, which is what the campaign's execution answers."""
    request = parse(CampaignRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    bucket = Bucket(home)
    key = partial(report_key, request.campaign_id)
    summary = CampaignSummary.model_validate_json(bucket.read(key(SUMMARY)))
    samples = read_csv(bucket.read(key(SAMPLES)))
    trend = Trend.model_validate_json(bucket.read(key(TREND)))
    bucket.write(key(PAGE), render_page(summary, samples, trend).encode(), "text/html; charset=utf-8")
    bucket.write(key(MARKDOWN), render_markdown(summary).encode(), "text/markdown; charset=utf-8")
    table = Table(home)
    table.finish_campaign(request.campaign_id, summary.headline)
    # Lanes that were spared, or failed before they began, leave what was kept for them.
    functions = {(lane.region, target_name(home.stack, lane.target)) for lane in summary.lanes}
    table.give_up_functions(request.campaign_id, sorted(functions))
    if is_useless(summary) and summary.partial is None:  # a campaign that was cut short has failed already
        raise NothingUsed(shortfalls_in_words(shortfalls(summary)))
    return {
        "campaign_id": request.campaign_id,
        "headline": summary.headline,
        "page": f"s3://{home.bucket}/{key(PAGE)}",
        "lanes_failed": sum(lane.status == "failed" for lane in summary.lanes),
    }
