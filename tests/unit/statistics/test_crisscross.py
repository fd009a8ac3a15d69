"""A criss-cross of regions: every column of every cell, and the truth about distance, or that it cannot be told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.distance import Pair, distance_dependence
from isotherm.analysis.summary import CampaignSummary, Crisscross, DistanceSlope, MetricName
from isotherm.measurement.sample import Sample
from isotherm.statistics.slopes import LEAST_RELIABILITY

from .made_up import made_up_lanes
from .made_up_regions import SIX, between, crisscross_plan, nested, plan_of, samples_of

PLAN = crisscross_plan(warm=20)
SAMPLES = samples_of(PLAN, nested())
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))

COLUMNS = (
    "client_ms",
    "billed_duration_ms",
    "duration_ms",
    "inner_round_trip_ms",
    "inner_billed_duration_ms",
    "inner_duration_ms",
    "network_ms",
    "network_share",
)


def _only(summary: CampaignSummary) -> Crisscross:
    assert len(summary.crisscross) == 1
    return summary.crisscross[0]


def _slopes(summary: CampaignSummary, inner: str = "inner") -> dict[str, DistanceSlope]:
    return {slope.time: slope for slope in _only(summary).slopes if slope.inner == inner}


def _used(region: str, inner: str, inner_region: str, samples: list[Sample] = SAMPLES) -> list[Sample]:
    place = (region, inner, inner_region, "warm", "used")
    return [s for s in samples if (s.region, s.inner, s.inner_region, s.kind, s.verdict) == place]


def test_every_pair_has_every_column_with_mean_sd_and_median() -> None:
    measured = [cell for cell in SUMMARY.cells if cell.kind == "warm"]
    assert len(measured) == 72
    for cell in measured:
        of_cell = _used(cell.region, cell.inner or "", cell.inner_region or "")
        for column in (*COLUMNS, *(["database_ms"] if cell.inner == "inner_db" else [])):
            values = [getattr(sample, column) for sample in of_cell]
            found = cell.metrics[column]  # type: ignore[index]
            assert found.n == 20
            assert found.mean == pytest.approx(np.mean(values))
            assert found.sd == pytest.approx(np.std(values, ddof=1))
            assert found.median == pytest.approx(np.median(values))
            assert found.median_low is not None
            assert found.median_high is not None
        assert ("database_ms" in cell.metrics) == (cell.inner == "inner_db")


def test_the_time_sent_has_a_mean_and_a_scatter_too() -> None:
    for cell in _only(SUMMARY).cells:
        times = [s.sent_at_ms for s in _used(cell.region, cell.inner, cell.inner_region)]
        assert cell.sent is not None
        assert (cell.sent.first_at_ms, cell.sent.last_at_ms) == (min(times), max(times))
        assert cell.sent.mean_at_ms == pytest.approx(np.mean(times), abs=0.01)
        assert cell.sent.sd_s == pytest.approx(np.std(times, ddof=1) / 1000)


def test_regions_stand_in_the_order_in_which_they_were_asked_for() -> None:
    found = _only(SUMMARY)
    assert tuple(found.regions) == tuple(found.inner_regions) == SIX
    assert found.inner_targets == ["inner", "inner_db"]
    assert [(c.region, c.inner, c.inner_region) for c in found.cells][:2] == [
        (SIX[0], "inner", SIX[0]),
        (SIX[0], "inner", SIX[1]),
    ]


@settings(max_examples=8, deadline=None)
@given(outer=st.floats(0.2, 2), inner=st.sampled_from([0.0, 0.3, 1.0]), seed=st.integers(0, 99))
def test_slopes_are_the_true_ones(outer: float, inner: float, seed: int) -> None:
    truth = nested(per_network_ms=outer, inner_per_network_ms=inner, seed=seed)
    found = _slopes(build_summary(PLAN, samples_of(PLAN, truth, seed=seed), made_up_lanes(PLAN)))
    assert found["billed_duration_ms"].slope.slope == pytest.approx(outer + inner, abs=0.06)
    assert found["inner_duration_ms"].slope.slope == pytest.approx(inner, abs=0.03)
    assert found["billed_duration_ms"].verdict == "rises"
    assert found["inner_billed_duration_ms"].verdict == ("rises" if inner else "independent")


def test_it_says_who_pays_for_distance() -> None:
    finding = _only(SUMMARY).findings[0].replace("billed", "Billed", 1)
    assert finding.startswith(f"{SUMMARY.headline}: 0.00 ms (95 % interval ")
    assert SUMMARY.headline.startswith("Billed time of outer rises by 1.00 ms (95 % interval 0.9")
    assert " for each ms of the network to inner: who waits pays for distance; " in SUMMARY.headline
    assert SUMMARY.headline.endswith("; billed time of inner does not depend on it")


@pytest.mark.parametrize(("time", "true"), [("billed_duration_ms", 1.0), ("inner_duration_ms", 0.0)])
@pytest.mark.parametrize("regions", [3, 4, 6])
def test_the_interval_of_a_slope_holds_the_truth_as_often_as_it_says(
    regions: int, time: MetricName, true: float
) -> None:
    """Regions that differ in their own speed make pairs that share one alike: 500 trials."""
    held = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        own, others = rng.normal(0, 5, regions), rng.normal(0, 3, regions)
        pairs = []
        for i, region in enumerate(SIX[:regions]):
            for j, inner_region in enumerate(SIX[:regions]):
                network = 9 + between(region, inner_region) + rng.normal(0, 0.5)
                speed = own[j] if time.startswith("inner") else own[i] + others[j]
                pairs.append(Pair(region, inner_region, network, 0.5, 20 + true * network + speed + rng.normal(0, 1)))
        slope = distance_dependence("inner", time, pairs).slope
        assert slope.low is not None
        assert slope.high is not None
        held += slope.low <= true <= slope.high
    assert held >= 464  # P(Binomial(500, 0.95) < 464) = 0.013


def test_regions_that_are_one_machine_tell_nothing_about_distance() -> None:
    plan = crisscross_plan(warm=20, platform="emulated")
    samples = samples_of(plan, nested(distance=lambda *_: 3.0))
    summary = build_summary(plan, samples, made_up_lanes(plan))
    assert {slope.verdict for slope in _only(summary).slopes} == {"unclear"}
    assert {slope.slope.slope for slope in _only(summary).slopes} == {None}
    assert "differ by little more than their own scatter: all regions are on this machine" in _only(summary).findings[0]
    assert summary.headline.startswith("On this machine (emulated, not AWS), outer waits ")
    assert summary.headline.endswith("whether billed time depends on distance cannot be told")


def _scaled(scale: float, one: str, other: str) -> float:
    return scale * between(one, other)


def test_a_slope_is_given_only_where_its_pull_towards_zero_is_small() -> None:
    """Distances from none to plenty: a slope that is stated is near the true one, however noisy the distances are."""
    stated = 0
    for scale in (0.0, 0.002, 0.004, 0.008, 0.015, 0.03, 0.1):
        for seed in range(6):
            plan = crisscross_plan(regions=SIX[:4], warm=10, targets=("inner",))
            truth = nested(distance=partial(_scaled, scale), scatter=0.2, outlier_share=0.0, seed=seed)
            slope = _slopes(build_summary(plan, samples_of(plan, truth, seed=seed), made_up_lanes(plan)))["duration_ms"]
            if slope.slope.low is not None and slope.slope.high is not None:
                stated += 1
                # At most 1 - LEAST_RELIABILITY of the true slope is lost, besides chance.
                assert slope.slope.low * LEAST_RELIABILITY <= 1.0
                assert slope.slope.high >= LEAST_RELIABILITY
    assert 3 <= stated < 42


@pytest.mark.parametrize(("regions", "warm"), [(SIX[:2], 20), (SIX, 1)])
def test_too_few_pairs_or_calls_are_said(regions: tuple[str, ...], warm: int) -> None:
    plan = crisscross_plan(regions=regions, warm=warm, rounds=1)
    summary = build_summary(plan, samples_of(plan, nested()), made_up_lanes(plan))
    assert {slope.verdict for slope in _only(summary).slopes} == {"unclear"}
    assert all("cannot be told" in finding and "too few" in finding for finding in _only(summary).findings)


def test_a_dependence_too_uncertain_to_tell_is_called_that() -> None:
    plan = crisscross_plan(regions=SIX[:3], warm=6, targets=("inner",))
    noisy = [
        replace(s, inner_billed_duration_ms=float(np.random.default_rng(list(s.shot_id.encode())).integers(1, 400)))
        for s in samples_of(plan, nested())
    ]
    summary = build_summary(plan, noisy, made_up_lanes(plan))
    slope = _slopes(summary)["inner_billed_duration_ms"]
    assert slope.verdict == "unclear"
    assert "cannot be told" in slope.sentence
    assert "who waits pays" not in _only(summary).findings[0]


def test_the_database_costs_what_it_takes_in_each_inner_region() -> None:
    costs = {(c.inner_region, c.metric): c for c in _only(SUMMARY).database}
    assert len(costs) == 12
    for (region, metric), cost in costs.items():
        assert cost.difference == pytest.approx(14, abs=1.5), region
        assert cost.low is not None
        assert cost.high is not None
        assert 12 < cost.low < cost.difference < cost.high < 18
        assert cost.blocks == 12  # six outer regions in two rounds
        assert cost.with_value - cost.without_value == pytest.approx(cost.difference, abs=1)
        verb = "takes" if metric == "inner_duration_ms" else "is billed"
        assert cost.sentence.startswith(f"inner_db in {region} {verb} ")
        assert cost.p_holm is not None
        assert cost.p_value is not None
        assert cost.p_holm >= cost.p_value


def test_without_the_other_inner_target_the_database_has_no_cost() -> None:
    plan = crisscross_plan(regions=SIX[:3], targets=("inner_db",))
    assert _only(build_summary(plan, samples_of(plan, nested()), made_up_lanes(plan))).database == []


def test_what_failed_is_missing_with_its_reason_and_never_zero() -> None:
    dead = {key: "RegionSilent: sa-east-1 did not answer" for key, lane in PLAN.lanes.items() if lane.region == SIX[3]}
    kept = [s for s in SAMPLES if s.lane not in dead]
    columns = ["inner_round_trip_ms", "inner_duration_ms", "network_ms", "billed_duration_ms"]
    nothing: dict[str, Any] = dict.fromkeys(columns)
    kept = [
        replace(
            s,
            outcome="function_error",
            verdict="failed",
            error_type="InnerFailed",
            error_message=f"inner in {SIX[3]} did not answer",
            **nothing,
        )
        if s.inner_region == SIX[3]
        else s
        for s in kept
    ]
    summary = build_summary(PLAN, kept, made_up_lanes(PLAN, dead))
    found = _only(summary)
    missing = {(c.region, c.inner, c.inner_region): c.missing for c in found.cells if c.missing}
    assert len(missing) == 2 * 11
    assert missing[SIX[3], "inner", SIX[0]] == "lane failed: RegionSilent: sa-east-1 did not answer"
    assert missing[SIX[0], "inner_db", SIX[3]] == "none of 20 calls could be used: 20 InnerFailed"
    assert all(c.used == 0 and c.sent is None for c in found.cells if c.missing)
    assert summary.imbalances == []
    assert _slopes(summary)["billed_duration_ms"].slope.n == 25
    assert _slopes(summary)["billed_duration_ms"].verdict == "rises"
    failures = [f for f in summary.failures if f.kind == "warm"]
    assert {(f.reason, f.calls, f.inner_region) for f in failures} == {("InnerFailed", 20, SIX[3])}
    assert failures[0].example == "inner in sa-east-1 did not answer"


def test_a_criss_cross_without_a_sample_says_so() -> None:
    summary = build_summary(PLAN, [], [])
    assert summary.headline == "no call of outer could be used: nothing to say about distance"
    assert all(cell.missing == "lane failed: no outcome was reported" for cell in _only(summary).cells)


def test_each_memory_size_and_client_is_a_criss_cross_of_its_own() -> None:
    plan = plan_of(
        {
            "targets": ["outer"],
            "regions": list(SIX[:3]),
            "memory_mb": [128, 512],
            "inner": {"targets": ["inner"]},
            "warm": {"samples": 6},
        }
    )
    summary = build_summary(plan, samples_of(plan, nested()), made_up_lanes(plan))
    assert [(c.memory_mb, len(c.cells)) for c in summary.crisscross] == [(128, 9), (512, 9)]


def test_json_keeps_it_and_plain_campaigns_have_none() -> None:
    assert CampaignSummary.model_validate_json(SUMMARY.model_dump_json()) == SUMMARY
    assert SUMMARY.comparisons == []
    plain = plan_of({"targets": ["default"], "regions": [SIX[0]]})
    assert build_summary(plain, [], []).crisscross == []
