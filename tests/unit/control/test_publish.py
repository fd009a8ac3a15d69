"""Publish makes the page and its Markdown from what was aggregated, and records what the campaign found."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend import build_trend
from isotherm.aws.clients import client
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import Table
from isotherm.report.files.samples_csv import write_csv
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_sessions import made_up_sessions

from .conftest import HOME

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=20, warm=20, rounds=2)
SAMPLES = made_up_samples(PLAN)
ID = PLAN.campaign_id
TREND = build_trend(made_up_sessions(4), version="0.1.0")


@pytest.fixture
def publish(load: Callable[[str], ModuleType], table: Table, context: Any) -> Callable[[], dict[str, Any]]:
    module = load("publish")
    table.put_campaign(CampaignRecord(campaign_id=ID, started_at=PLAN.created_at, name=PLAN.campaign.name))

    def run() -> dict[str, Any]:
        answer: dict[str, Any] = module.handler({"campaign_id": ID}, context)
        return answer

    return run


@pytest.fixture
def aggregated(bucket: Bucket) -> CampaignSummary:
    """What Aggregate wrote of a campaign one of whose lanes failed."""
    summary = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN, {next(iter(PLAN.lanes)): "FunctionBusy: <b>busy</b>"}))
    for name, body in (
        ("summary.json", summary.model_dump_json().encode()),
        ("samples.csv.gz", write_csv(SAMPLES)),
        ("trend.json", TREND.model_dump_json().encode()),
    ):
        bucket.write(report_key(ID, name), body)
    return summary


def test_page_and_markdown_say_what_was_found(
    publish: Callable[[], Any], aggregated: CampaignSummary, bucket: Bucket
) -> None:
    answer = publish()
    assert answer == {
        "campaign_id": ID,
        "headline": aggregated.headline,
        "page": f"s3://{HOME.bucket}/reports/{ID}/index.html",
        "lanes_failed": 1,
    }
    page = bucket.read(report_key(ID, "index.html")).decode()
    assert page == render_page(aggregated, SAMPLES, TREND)
    assert "FunctionBusy: &lt;b&gt;busy&lt;/b&gt;" in page
    assert bucket.read(report_key(ID, "report.md")).decode() == render_markdown(aggregated)


@pytest.mark.usefixtures("aggregated")
def test_a_browser_is_told_what_it_gets(publish: Callable[[], Any]) -> None:
    publish()
    for name, kind in (("index.html", "text/html; charset=utf-8"), ("report.md", "text/markdown; charset=utf-8")):
        found = client("s3", HOME.region).head_object(Bucket=HOME.bucket, Key=report_key(ID, name))
        assert found["ContentType"] == kind


def test_the_campaign_is_finished_with_its_headline(
    publish: Callable[[], Any], aggregated: CampaignSummary, table: Table
) -> None:
    publish()
    for recorded in (table.campaign(ID), *table.campaigns_named(PLAN.campaign.name, "", 10)):
        assert recorded is not None
        assert recorded.headline == aggregated.headline
        assert recorded.finished_at is not None


@pytest.mark.usefixtures("bucket")
def test_without_what_it_needs_nothing_is_finished(publish: Callable[[], Any], table: Table) -> None:
    with pytest.raises(client("s3", HOME.region).exceptions.NoSuchKey):
        publish()
    kept = table.campaign(ID)
    assert kept is not None
    assert kept.finished_at is None


def test_a_campaign_of_which_nothing_could_be_used_has_a_page_and_fails_with_every_reason(
    publish: Callable[[], Any], bucket: Bucket, table: Table
) -> None:
    one, other, *more = PLAN.lanes
    reasons = {one: "it was throttled", other: "FunctionBusy", **dict.fromkeys(more, "it was throttled")}
    summary = build_summary(PLAN, [], made_up_lanes(PLAN, reasons))
    for name, body in (
        ("summary.json", summary.model_dump_json().encode()),
        ("samples.csv.gz", write_csv([])),
        ("trend.json", TREND.model_dump_json().encode()),
    ):
        bucket.write(report_key(ID, name), body)
    with pytest.raises(Exception, match="nothing could be used: no call was made; 4 of 4 lanes failed") as told:
        publish()
    assert type(told.value).__name__ == "NothingUsed"
    assert f"{other}: FunctionBusy" in str(told.value)
    assert str(told.value).count("it was throttled") == 1
    page = bucket.read(report_key(ID, "index.html")).decode()
    assert "Nothing could be used: no call was made; 4 of 4 lanes failed." in page
    kept = table.campaign(ID)
    assert kept is not None
    assert kept.finished_at is not None
