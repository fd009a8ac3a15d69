"""A row of the table is a record, in whichever version of Isotherm it was written."""

from __future__ import annotations

from dataclasses import fields

import pytest

from isotherm.aws.store.records import ENDED, CampaignRecord, LaneFacts, LaneRecord, TourRecord


def test_what_a_lane_has_not_said_is_left_as_it_is() -> None:
    assert LaneFacts(phase="collecting", step=0, samples=0).said() == {"phase": "collecting", "step": 0, "samples": 0}
    assert LaneFacts().said() == {}


def test_a_lane_s_record_has_all_that_a_lane_may_say() -> None:
    said = {field.name: field.name for field in fields(LaneFacts)}
    assert len(said) == 15
    record = LaneRecord.of("key", {**said, "target": "default", "pk": "campaign#id", "task": "{}"})
    assert record.said() == said
    assert (record.lane_key, record.target) == ("key", "default")


@pytest.mark.parametrize("status", ["planned", "running", *ENDED, None])
def test_a_lane_has_ended_where_its_status_says_so(status: str | None) -> None:
    record = LaneRecord.of("key", {} if status is None else {"status": status})
    assert record.end == (status if status in ENDED else None)


def test_a_task_token_is_not_printed_with_its_tour() -> None:
    assert "secret" not in repr(TourRecord(tour_key="key", task_token="secret"))  # noqa: S106


def test_a_campaign_s_record_survives_the_table() -> None:
    record = CampaignRecord(campaign_id="id", started_at="2026-01-01T00:00:00Z", name="n", lanes=2, price_usd=0.5)
    assert "headline" not in record.item()
    assert CampaignRecord.of("id", {**record.item(), "pk": "campaigns", "expires_at": 1}) == record


def test_of_a_campaign_that_has_expired_the_rest_is_readable() -> None:
    assert CampaignRecord.of("id", {"finished_at": 1}).name == ""
