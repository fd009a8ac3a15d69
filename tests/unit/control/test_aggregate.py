"""Aggregate writes summary, samples and trend of a campaign whose lanes have ended, whatever they ended as."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from html import unescape
from types import ModuleType
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary, CutShort, OddLines, RanBeside
from isotherm.analysis.trend_model import Trend
from isotherm.aws.clients import client
from isotherm.aws.store.bucket import Bucket, plan_key, report_key
from isotherm.aws.store.records import CampaignRecord, LaneFacts
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from isotherm.report.files.samples_csv import read_csv
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_loads import closed_plan, results_of

from .conftest import HOME

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=20, warm=20, rounds=2)
SAMPLES = made_up_samples(PLAN, mishaps=0.1)
SENT = {
    place: Counter[str](one.kind for one in SAMPLES if (one.lane, one.step) == place)
    for place in {(one.lane, one.step) for one in SAMPLES}
}
PACKAGE: dict[str, object] = {"files": 3, "bytes": 169}


@pytest.fixture
def aggregate(
    load: Callable[[str], ModuleType], table: Table, bucket: Bucket, context: Any
) -> Callable[[Plan], dict[str, Any]]:
    """Aggregates a campaign whose plan and lanes are written down; those that `failed` have a reason."""
    module = load("aggregate")

    def run(
        plan: Plan,
        failed: dict[str, str] | None = None,
        announced: dict[tuple[str, int], Counter[str]] | None = None,
    ) -> dict[str, Any]:
        bucket.write(plan_key(plan.campaign_id), plan.model_dump_json().encode())
        table.put_campaign(
            CampaignRecord(campaign_id=plan.campaign_id, started_at=plan.created_at, name=plan.campaign.name)
        )
        table.put_tasks(plan.tasks())
        for (lane_key, step), sent in (SENT if announced is None else announced).items():
            table.announce(plan.campaign_id, lane_key, step, sent)
        for lane in made_up_lanes(plan, failed):
            assert lane.status != "not_begun"
            table.update_lane(plan.campaign_id, lane.lane_key, LaneFacts(status=lane.status, reason=lane.reason))
            if lane.target == "pkg50":
                table.update_lane(plan.campaign_id, lane.lane_key, LaneFacts(package=PACKAGE))
        answer: dict[str, Any] = module.handler({"campaign_id": plan.campaign_id}, context)
        return answer

    return run


def summary_in(bucket: Bucket, campaign_id: str = PLAN.campaign_id) -> CampaignSummary:
    return CampaignSummary.model_validate_json(bucket.read(report_key(campaign_id, "summary.json")))


def test_summary_and_samples_are_those_of_the_table(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    put_samples(table, SAMPLES)
    used = sum(sample.verdict == "used" for sample in SAMPLES)
    assert 0 < used < len(SAMPLES)
    assert aggregate(PLAN) == {"campaign_id": PLAN.campaign_id, "samples": len(SAMPLES), "used": used}
    summary = summary_in(bucket)
    assert (summary.accounting.used, summary.imbalances) == (used, [])
    assert {lane.lane_key: lane.status for lane in summary.lanes} == dict.fromkeys(PLAN.lanes, "succeeded")
    assert summary.packages == {"pkg50": PACKAGE}
    assert summary.actual_price is not None
    assert summary.actual_price.usd > 0
    assert by_id(read_csv(bucket.read(report_key(PLAN.campaign_id, "samples.csv.gz")))) == by_id(SAMPLES)


def by_id(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.shot_id: sample for sample in samples}


def test_a_lane_that_failed_is_in_the_summary_with_its_reason(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    lost = next(iter(PLAN.lanes))
    put_samples(table, [sample for sample in SAMPLES if sample.lane != lost])
    aggregate(PLAN, {lost: "FunctionBusy: is measured"})
    summary = summary_in(bucket)
    assert [(lane.lane_key, lane.reason) for lane in summary.lanes if lane.status == "failed"] == [
        (lost, "FunctionBusy: is measured")
    ]


LOST = next(iter(PLAN.lanes))


def test_what_was_sent_and_not_collected_is_said_so_and_not_as_never_sent(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    put_samples(table, [sample for sample in SAMPLES if sample.lane != LOST])
    aggregate(PLAN)
    summary, lost = summary_in(bucket), sum(sample.lane == LOST for sample in SAMPLES)
    assert (summary.accounting.uncollected, summary.accounting.not_issued) == (lost, 0)
    assert summary.imbalances == []
    assert "uncollected" in {caution.kind for caution in summary.cautions}


def test_shots_of_which_nobody_said_that_they_would_be_sent_are_an_imbalance(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    put_samples(table, [sample for sample in SAMPLES if sample.lane != LOST])
    bucket.write_shots(PLAN.campaign_id, LOST, 0, 0, [])
    aggregate(PLAN, announced={place: sent for place, sent in SENT.items() if place[0] != LOST})
    summary, lost = summary_in(bucket), sum(sample.lane == LOST for sample in SAMPLES)
    assert (summary.accounting.uncollected, summary.accounting.not_issued) == (lost, 0)
    assert {found.sum.name for found in summary.unbalanced} == {"sent"}


def test_a_lane_whose_row_is_gone_costs_that_lane_alone(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_samples(table, SAMPLES)
    monkeypatch.setattr(Table, "put_tasks", lambda *_: None)
    aggregate(PLAN)  # what lanes say of themselves is written all the same, without what they are
    summary = summary_in(bucket)
    assert {(lane.lane_key, lane.target, lane.round) for lane in summary.lanes} == {
        (lane.key, lane.target, lane.round) for lane in PLAN.lanes.values()
    }
    assert summary.packages == {"pkg50": PACKAGE}
    assert summary.accounting.used == sum(sample.verdict == "used" for sample in SAMPLES)


@pytest.mark.parametrize("written", [None, b"", b"{}", b"no JSON"])
def test_a_plan_that_is_gone_is_named(
    load: Callable[[str], ModuleType], bucket: Bucket, context: Any, written: bytes | None
) -> None:
    if written is not None:
        bucket.write(plan_key("gone"), written)
    with pytest.raises(Exception, match="the plan of campaign gone") as refusal:
        load("aggregate").handler({"campaign_id": "gone"}, context)
    assert type(refusal.value).__name__ == "PlanLost"
    assert "plans/gone.json" in str(refusal.value)


def test_the_trend_holds_what_campaigns_of_the_name_found_before(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    put_samples(table, SAMPLES)
    for campaign_id, created_at, finished in (
        ("earlier", "2026-11-20T03:00:00Z", True),
        ("later", "2026-11-22T03:00:00Z", True),
        ("unfinished", "2026-11-20T04:00:00Z", False),
    ):
        plan = made_up_plan(regions=("us-east-1",), campaign_id=campaign_id)
        plan = plan.model_copy(update={"created_at": created_at})
        table.put_campaign(CampaignRecord(campaign_id=campaign_id, started_at=created_at, name=plan.campaign.name))
        if finished:
            summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
            bucket.write(report_key(campaign_id, "summary.json"), summary.model_dump_json().encode())
            table.finish_campaign(campaign_id, "done")
    aggregate(PLAN)
    trend = Trend.model_validate_json(bucket.read(report_key(PLAN.campaign_id, "trend.json")))
    assert [session.campaign_id for session in trend.sessions] == ["earlier", PLAN.campaign_id]
    assert [(left.campaign_id, left.reason) for left in trend.left_out] == [
        ("unfinished", "it had no report when this one was made")
    ]


def test_where_no_lane_gave_a_sample_the_reasons_are_kept(aggregate: Callable[..., Any], bucket: Bucket) -> None:
    reasons = {key: f"it failed, {number}" for number, key in enumerate(PLAN.lanes)}
    assert aggregate(PLAN, reasons) == {"campaign_id": PLAN.campaign_id, "samples": 0, "used": 0}
    assert {lane.lane_key: lane.reason for lane in summary_in(bucket).lanes} == reasons
    assert read_csv(bucket.read(report_key(PLAN.campaign_id, "samples.csv.gz"))) == []


def test_a_campaign_without_a_used_sample_is_left_out_of_later_trends(
    aggregate: Callable[..., Any], bucket: Bucket, table: Table
) -> None:
    useless = PLAN.model_copy(update={"campaign_id": "useless", "created_at": "2026-11-20T04:00:00Z"})
    aggregate(useless, dict.fromkeys(PLAN.lanes, "it failed"))
    table.finish_campaign("useless", "nothing")
    put_samples(table, SAMPLES)
    aggregate(PLAN)
    trend = Trend.model_validate_json(bucket.read(report_key(PLAN.campaign_id, "trend.json")))
    assert [session.campaign_id for session in trend.sessions] == [PLAN.campaign_id]
    assert [(left.campaign_id, left.reason) for left in trend.left_out] == [("useless", "nothing of it could be used")]


def test_of_a_campaign_that_was_cut_short_lanes_that_had_no_turn_are_told_from_those_that_failed(
    load: Callable[[str], ModuleType], table: Table, bucket: Bucket, context: Any
) -> None:
    first, second, *others = PLAN.lanes
    bucket.write(plan_key(PLAN.campaign_id), PLAN.model_dump_json().encode())
    table.put_tasks(PLAN.tasks())
    measured = [sample for sample in SAMPLES if sample.lane == first]
    put_samples(table, measured)
    table.announce(PLAN.campaign_id, first, 0, SENT[first, 0])
    table.update_lane(PLAN.campaign_id, first, LaneFacts(status="succeeded", phase="done"))
    table.update_lane(PLAN.campaign_id, second, LaneFacts(status="running", phase="publishing"))
    ended = {"status": "ABORTED", "at": "2026-11-21T03:30:00Z", "error": "CampaignStopped", "cause": "on request"}
    made = []
    for _ in range(2):
        load("aggregate").handler({"campaign_id": PLAN.campaign_id, "ended": ended}, context)
        made.append(bucket.read(report_key(PLAN.campaign_id, "summary.json")))
    assert made[0] == made[1]
    summary = summary_in(bucket)
    assert summary.partial == CutShort(ended_as="ABORTED", error="CampaignStopped", cause="on request")
    assert summary.finished_at == ended["at"]
    assert [lane.status for lane in summary.lanes] == ["succeeded", "failed", *["not_begun"] * len(others)]
    account = summary.accounting
    assert (account.sent, account.issued, account.uncollected) == (len(measured), len(measured), 0)
    assert account.not_issued == account.planned - len(measured)
    assert summary.imbalances == []
    assert summary.actual_price is not None
    assert summary.actual_price.usd < summary.planned_price.usd


def test_a_load_needs_no_samples(aggregate: Callable[..., Any], bucket: Bucket) -> None:
    plan = closed_plan()
    sent = 0
    for (lane_key, step), shards in results_of(plan).items():
        for shard, result in enumerate(shards):
            bucket.write_load(plan.campaign_id, lane_key, step, shard, result)
            sent += result.sent
    assert aggregate(plan) == {"campaign_id": plan.campaign_id, "samples": 0, "used": 0, "requests": sent}
    summary = summary_in(bucket, plan.campaign_id)
    assert sum(run.rows[-1].sent for run in summary.loads) == sent
    assert json.loads(bucket.read(report_key(plan.campaign_id, "trend.json")))["name"] == plan.campaign.name


def test_campaigns_at_the_same_time_and_lines_that_only_looked_like_a_probe_s_are_said(
    aggregate: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    for name, started_at, finished in (
        ("before", "2026-11-20T03:00:00Z", True),
        ("beside", "2026-11-21T02:59:00Z", False),
        ("after", "2099-01-01T00:00:00Z", False),
    ):
        table.put_campaign(CampaignRecord(campaign_id=name, started_at=started_at, name=name))
        if finished:
            key = {"pk": {"S": f"campaign#{name}"}, "sk": {"S": "campaign"}}
            client("dynamodb", HOME.region).update_item(
                TableName=HOME.table,
                Key=key,
                UpdateExpression="SET finished_at = :at",
                ExpressionAttributeValues={":at": {"N": "1763694000"}},
            )
    put_samples(table, SAMPLES)
    table.note_odd_lines(PLAN.campaign_id, LOST, 0, 2)
    table.note_odd_lines(PLAN.campaign_id, LOST, 1, 1)
    aggregate(PLAN)
    summary = summary_in(bucket)
    assert summary.others == ["beside"]
    assert RanBeside(campaigns=["beside"]) in summary.cautions
    assert OddLines(lanes={LOST: 3}) in summary.cautions
    for shown in (render_markdown(summary).replace("\\", ""), unescape(render_page(summary, []))):
        assert "1 other campaign ran at the same time on this stack: beside." in shown
        assert "3 lines of the log looked like a probe's and could not be read" in shown
