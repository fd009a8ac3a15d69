"""After a campaign, its price is what its samples were billed; before it, at least that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.analysis.bill import actual
from isotherm.analysis.summary import LaneOutcome
from isotherm.campaign.estimate import campaign_transitions, estimate, tour_transitions
from isotherm.campaign.model import Precision
from isotherm.campaign.plan import Plan
from isotherm.pricing.price import Price
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(cold=20, warm=20, rounds=2)
SAMPLES = made_up_samples(PLAN)
LANES = made_up_lanes(PLAN)


def line(price: Price, service: str, unit: str) -> float:
    return next(found.quantity for found in price.lines if (found.service, found.unit) == (service, unit))


def estimated(plan: Plan) -> Price:
    functions = {(t.region, t.target): t for region in plan.inventory for t in region.targets}
    tours = list(plan.tours.values())
    return estimate(plan.campaign, plan.lanes, tours, functions, len(plan.waves), plan.home_region)


def test_measured_calls_cost_what_their_reports_bill() -> None:
    price = actual(PLAN, SAMPLES, LANES)
    gb_s = sum((s.billed_duration_ms or 0) / 1000 * s.memory_mb / 1024 for s in SAMPLES)
    assert line(price, "Lambda compute", "GB-s") == pytest.approx(gb_s)
    assert line(price, "Lambda requests", "requests") == len(SAMPLES)
    assert price.usd == pytest.approx(sum(found.usd for found in price.lines))


def test_calls_that_were_held_cost_as_much_as_others_that_are_billed_so_long() -> None:
    held = [replace(s, billed_duration_ms=None, billed_with_hold_ms=s.billed_duration_ms) for s in SAMPLES]
    assert actual(PLAN, held, LANES) == actual(PLAN, SAMPLES, LANES)


def test_an_estimate_names_the_same_services_and_is_above_the_bill() -> None:
    before, after = estimated(PLAN), actual(PLAN, SAMPLES, LANES)
    assert [(x.service, x.unit) for x in before.lines] == [(x.service, x.unit) for x in after.lines]
    assert before.usd > after.usd > 0
    assert line(before, "Step Functions", "transitions") == line(after, "Step Functions", "transitions")


@given(share=st.floats(0, 1))
def test_calls_without_a_report_are_booked_at_the_mean_of_their_cell(share: float) -> None:
    lost = {sample.shot_id for number, sample in enumerate(SAMPLES) if number < share * len(SAMPLES)}
    samples = [replace(s, billed_duration_ms=None) if s.shot_id in lost else replace(s, billed_duration_ms=40.0)
               for s in SAMPLES]  # fmt: skip
    price = actual(PLAN, samples, LANES)
    assert line(price, "Lambda requests", "requests") == len(SAMPLES)
    if len(lost) < len(SAMPLES) / 8:  # every cell has one left
        assert line(price, "Lambda compute", "GB-s") == pytest.approx(len(SAMPLES) * 0.04 * 128 / 1024)
    assert any(f"{len(lost)} calls without a billed time" in note for note in price.notes) == bool(lost)


def test_a_call_that_was_refused_is_not_charged() -> None:
    throttled = [replace(s, outcome="throttled", billed_duration_ms=None) for s in SAMPLES[:10]]
    price = actual(PLAN, [*throttled, *SAMPLES[10:]], LANES)
    assert line(price, "Lambda requests", "requests") == len(SAMPLES) - 10


def with_status(region: str, status: str) -> list[LaneOutcome]:
    """The lanes, those of a region with another end."""
    return [lane.model_copy(update={"status": status}) if lane.region == region else lane for lane in LANES]


def test_transitions_are_counted_from_how_lanes_ended() -> None:
    whole = line(actual(PLAN, SAMPLES, LANES), "Step Functions", "transitions")
    assert whole == campaign_transitions(len(PLAN.waves), PLAN.tours.values(), PLAN.lanes)
    key = LANES[0].lane_key
    failed = [lane.model_copy(update={"status": "failed"}) if lane.lane_key == key else lane for lane in LANES]
    assert line(actual(PLAN, SAMPLES, failed), "Step Functions", "transitions") == whole + 1
    rest = [sample for sample in SAMPLES if sample.region != "eu-west-1"]
    after = actual(PLAN, rest, with_status("eu-west-1", "not_begun"))
    assert line(after, "Step Functions", "transitions") == whole - tour_transitions(
        PLAN.tours["from-eu-west-1"], PLAN.lanes
    )


def test_a_stage_whose_lanes_were_all_spared_has_no_fire() -> None:
    whole = line(actual(PLAN, SAMPLES, LANES), "Step Functions", "transitions")
    rest = [sample for sample in SAMPLES if sample.region != "eu-west-1"]
    after = actual(PLAN, rest, with_status("eu-west-1", "spared"))
    assert line(after, "Step Functions", "transitions") == whole - 1


def test_looking_whether_it_is_enough_costs_reads() -> None:
    campaign = PLAN.campaign.model_copy(update={"rounds": 1, "max_rounds": 2, "precision": Precision()})
    looking = PLAN.model_copy(update={"campaign": campaign})
    more = line(estimated(looking), "DynamoDB", "reads") - line(estimated(PLAN), "DynamoDB", "reads")
    assert more == pytest.approx(len(SAMPLES) / 2 / 4)


def test_on_the_embedded_stack_the_bill_says_that_nobody_sends_it() -> None:
    plan = made_up_plan(platform="emulated", cold=4, warm=4)
    assert any("what AWS would have asked" in note for note in actual(plan, made_up_samples(plan), []).notes)


def test_a_region_without_prices_of_its_own_is_named() -> None:
    plan = PLAN.model_copy(update={"home_region": "eu-west-1"})
    notes = actual(plan, SAMPLES, LANES).notes
    assert any(n.startswith("CloudWatch Logs, DynamoDB, S3 in eu-west-1: priced as in us-east-1") for n in notes)
    assert not any("priced as in" in note for note in actual(PLAN, SAMPLES, LANES).notes)
