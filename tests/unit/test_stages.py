"""Tours and stages hold as much as one execution, and one call of each function, can carry out in its time."""

from __future__ import annotations

from typing import Any

import pytest

from isotherm.campaign.plan import Plan
from isotherm.campaign.stages import MAX_TOUR_S, STAGE_CALLS, STAGE_CODE_BYTES, STAGE_FIRE_S, fire_s, lane_s
from isotherm.campaign.tour import NoSuchStage, StepOf, Tour
from unit.made_up_stack import made_up_function, made_up_region, planned

TARGETS = ["default", "pkg20", "pkg50", "size20", "size50"]


def plan_of(document: dict[str, Any], code_size: int = 1_000_000) -> Plan:
    functions = [made_up_function(target, code_size_bytes=code_size) for target in (*TARGETS, "customers")]
    return planned({"targets": TARGETS, **document}, made_up_region(targets=functions))


def rounds_of(plan: Plan) -> list[set[int]]:
    """Which rounds each stage holds, of all tours one after the other."""
    stages = [stage for wave in plan.waves for key in wave for stage in plan.tours[key].stages]
    return [{plan.lanes[one.lane_key].round for one in stage} for stage in stages]


def test_a_stage_holds_as_many_whole_rounds_as_one_fire_can_call() -> None:
    plan = plan_of({"cold": {"samples": 100, "method": "isolated"}, "warm": {"samples": 100}, "rounds": 10})
    assert rounds_of(plan) == [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9}]
    (tour,) = plan.tours.values()
    for stage in tour.stages:
        assert sum(fire_s(plan.lanes[one.lane_key].step(one.step)) for one in stage) <= STAGE_FIRE_S


def test_a_round_that_one_stage_cannot_hold_is_cut_between_steps() -> None:
    plan = plan_of({"cold": {"samples": 150, "method": "isolated"}, "warm": {"samples": 0}, "rounds": 1})
    (tour,) = plan.tours.values()
    assert [len(stage) for stage in tour.stages] == [2, 2, 2, 2, 2]
    assert [one for stage in tour.stages for one in stage] == [(key, step) for key in tour.lanes for step in (0, 1)]


def test_no_stage_is_empty_where_a_tour_has_no_time_left_for_a_round_that_may_be_spared() -> None:
    sweep = {"memory_mb": [128, 256, 512], "rounds": 5, "precision": 0.1, "max_rounds": 6}
    cold = {"samples": 555, "concurrency": 1}
    plan = plan_of({"targets": ["default", "pkg20"], "cold": cold, "warm": {"samples": 15}, "budget_usd": 100, **sweep})
    assert len(plan.tours) > 1
    assert all(stage for tour in plan.tours.values() for stage in tour.stages)


def test_a_stage_holds_no_more_calls_than_one_collect_can_join() -> None:
    warm = {"samples": 60_000, "concurrency": 100}
    plan = plan_of({"targets": ["default"], "cold": {"samples": 0}, "warm": warm, "rounds": 10})
    for stage in next(iter(plan.tours.values())).stages:
        assert sum(plan.lanes[one.lane_key].step(one.step).warm_shots for one in stage) <= STAGE_CALLS


def test_what_a_tour_that_dies_leaves_behind_is_bounded() -> None:
    size = 250_000_000
    plan = plan_of({"cold": {"samples": 40, "method": "isolated"}, "warm": {"samples": 0}, "rounds": 10}, size)
    for stage in next(iter(plan.tours.values())).stages:
        versions = sum(plan.lanes[one.lane_key].step(one.step).versions for one in stage)
        assert 0 < versions * size <= STAGE_CODE_BYTES


def test_a_round_that_may_be_spared_is_a_stage_of_its_own() -> None:
    plan = plan_of({"cold": {"samples": 20}, "rounds": 5, "precision": 0.1, "max_rounds": 7})
    assert rounds_of(plan) == [{0, 1, 2, 3, 4}, {5}, {6}]


def test_each_phase_of_a_load_is_a_stage_of_its_own() -> None:
    plan = plan_of({"targets": ["customers"], "load": {"threads": 1, "iterations": 2}, "rounds": 2})
    assert {len(stage) for tour in plan.tours.values() for stage in tour.stages} == {1}


def test_what_outlasts_an_execution_is_cut_into_tours_between_lanes() -> None:
    cold = {"samples": 1000, "method": "isolated"}
    plan = plan_of({"cold": cold, "warm": {"samples": 0}, "rounds": 10, "budget_usd": 100})
    assert len(plan.tours) > 1
    assert [len(wave) for wave in plan.waves] == [1] * len(plan.tours)
    for tour in plan.tours.values():
        steps = [StepOf(key, step.step) for key in tour.lanes for step in plan.lanes[key].steps]
        assert [one for stage in tour.stages for one in stage] == steps
        firing_s = sum(fire_s(plan.lanes[one.lane_key].step(one.step)) for one in steps)
        assert firing_s < MAX_TOUR_S
        assert max(lane_s(plan.lanes[key]) for key in tour.lanes) <= MAX_TOUR_S
    goes_on = {task.lane.key: task.goes_on for task in plan.tasks()}
    last = plan.tours[plan.waves[-1][0]]
    assert not any(goes_on[key] for key in last.lanes)
    assert all(goes_on[key] for key in plan.tours[plan.waves[0][0]].lanes)


def test_a_tour_survives_being_written_down_and_knows_its_stages() -> None:
    steps = [StepOf("a", 0), StepOf("b", 0)], [StepOf("b", 1)]
    tour = Tour(key="from-us-east-1", client_region="us-east-1", lanes=["a", "b"], stages=list(steps))
    assert Tour.from_json(tour.to_json()) == tour
    assert [tour.stage_of(one) for stage in steps for one in stage] == [0, 0, 1]
    with pytest.raises(NoSuchStage, match="step 7 of lane a is not in tour from-us-east-1"):
        tour.stage_of(StepOf("a", 7))
    with pytest.raises(NoSuchStage, match="stage: 2 is not a stage of tour from-us-east-1, whose last is 1"):
        tour.steps_of(2)
