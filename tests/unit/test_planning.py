"""A plan holds exactly the samples that were asked for, in a seeded order, within limits and budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.campaign.lane import Lane
from isotherm.campaign.plan import Plan, RegionInventory
from isotherm.campaign.planner import split_evenly
from isotherm.campaign.refusals import InvalidCampaign, OverBudget
from isotherm.measurement.orders import burst_orders, warm_orders
from isotherm.measurement.shot import Order
from unit.made_up_stack import made_up_function, made_up_region, planned
from unit.present import present

TARGETS = ["default", "pkg20", "pkg50", "size20", "size50"]


def region(
    name: str = "us-east-1", unreserved: int = 1000, targets: list[str] = TARGETS, code_size: int = 44_100_000
) -> RegionInventory:
    functions = [made_up_function(target, name, code_size_bytes=code_size) for target in targets]
    return made_up_region(name, functions, concurrency_limit=max(unreserved, 10), unreserved_concurrency=unreserved)


def plan_of(document: dict[str, Any], *inventory: RegionInventory, **facts: Any) -> Plan:
    return planned(document, *(inventory or [region()]), **facts)


def orders_of(plan: Plan) -> Iterator[tuple[Lane, Order]]:
    for lane in plan.lanes.values():
        for step in lane.steps:
            memory_mb = step.memory_mb or 128
            for burst in step.bursts:
                for order in burst_orders(lane, step, burst, str(burst.burst), memory_mb):
                    yield lane, order
            for order in warm_orders(lane, step, "prime", 0, step.prime_shots, "1", memory_mb):
                yield lane, order
            for order in warm_orders(lane, step, "warm", 0, step.warm_shots, "1", memory_mb):
                yield lane, order


shapes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "targets": st.lists(st.sampled_from(TARGETS), min_size=1, unique=True),
        "regions": st.lists(st.sampled_from(["us-east-1", "ap-south-1"]), min_size=1, unique=True),
        "memory_mb": st.none() | st.lists(st.integers(128, 10240), min_size=1, max_size=3, unique=True),
        "cold": st.fixed_dictionaries(
            {
                "samples": st.integers(0, 60),
                "concurrency": st.integers(1, 20),
                "method": st.sampled_from(["burst", "isolated"]),
            }
        ),
        "warm": st.fixed_dictionaries({"samples": st.integers(1, 60), "concurrency": st.integers(1, 20)}),
        "rounds": st.integers(1, 4),
        "seed": st.integers(0, 5),
    }
)
campaigns = shapes.filter(
    lambda document: document["rounds"] <= max(document["cold"]["samples"], document["warm"]["samples"])
)


@given(campaigns)
def test_every_cell_gets_exactly_the_samples_that_were_asked_for(document: dict[str, Any]) -> None:
    plan = plan_of(document, region("us-east-1"), region("ap-south-1"))
    per_cell = Counter((lane.target, lane.region, order.memory_mb, order.kind) for lane, order in orders_of(plan))
    for target in document["targets"]:
        for name in document["regions"]:
            for memory_mb in document["memory_mb"] or [128]:
                for kind in ("cold", "warm"):
                    assert per_cell[target, name, memory_mb, kind] == document[kind]["samples"]


@given(campaigns)
def test_shot_ids_are_unique_and_no_burst_is_wider_than_asked(document: dict[str, Any]) -> None:
    plan = plan_of(document, region("us-east-1"), region("ap-south-1"))
    ids = [order.shot_id for _, order in orders_of(plan)]
    assert len(ids) == len(set(ids))
    width = 1 if document["cold"]["method"] == "isolated" else document["cold"]["concurrency"]
    assert all(burst.shots <= width for lane in plan.lanes.values() for step in lane.steps for burst in step.bursts)


@given(campaigns, st.integers(25, 60))
def test_tours_hold_each_step_once_by_rounds_and_never_more_at_once_than_an_account_carries(
    document: dict[str, Any], unreserved: int
) -> None:
    plan = plan_of(document, region("us-east-1", unreserved), region("ap-south-1", unreserved))
    assert sorted(key for wave in plan.waves for key in wave) == sorted(plan.tours)
    assert sorted(key for tour in plan.tours.values() for key in tour.lanes) == sorted(plan.lanes)
    for tour in plan.tours.values():
        steps = [step for stage in tour.stages for step in stage]
        assert steps == [(key, step.step) for key in tour.lanes for step in plan.lanes[key].steps]
        rounds = [plan.lanes[key].round for key in tour.lanes]
        assert rounds == sorted(rounds)
        assert {plan.lanes[key].client_region for key in tour.lanes} == {tour.client_region}
    for wave in plan.waves:
        used: Counter[str] = Counter()
        for tour in (plan.tours[key] for key in wave):
            steps_of_tour = [step for key in tour.lanes for step in plan.lanes[key].steps]
            widths = [burst.shots for step in steps_of_tour for burst in step.bursts]
            used[tour.client_region] += max([*widths, *(step.warm_concurrency for step in steps_of_tour)]) + 2
        assert max(used.values()) <= unreserved


@given(campaigns)
def test_the_same_seed_gives_the_same_plan(document: dict[str, Any]) -> None:
    both = [plan_of(document, region("us-east-1"), region("ap-south-1")) for _ in range(2)]
    assert both[0] == both[1]


def targets_by_round(plan: Plan) -> list[tuple[str, ...]]:
    rounds: dict[int, list[str]] = {}
    for lane in plan.lanes_in_order:
        rounds.setdefault(lane.round, []).append(lane.target)
    return [tuple(rounds[number]) for number in sorted(rounds)]


def test_another_seed_gives_another_order() -> None:
    assert len({targets_by_round(plan_of({"targets": TARGETS, "seed": seed}))[0] for seed in range(8)}) > 1


def test_each_round_has_all_targets_and_rounds_do_not_all_have_the_same_order() -> None:
    orders = targets_by_round(plan_of({"targets": TARGETS, "rounds": 8}))
    assert {frozenset(order) for order in orders} == {frozenset(TARGETS)}
    assert len(set(orders)) > 1


def test_one_tour_takes_all_rounds_of_a_region_and_regions_go_side_by_side_where_there_are_processors() -> None:
    document = {"targets": TARGETS, "rounds": 3, "regions": ["us-east-1", "ap-south-1"]}
    regions = (region("us-east-1"), region("ap-south-1"))
    assert [len(wave) for wave in plan_of(document, *regions).waves] == [2]
    assert [len(wave) for wave in plan_of(document, *regions, platform="emulated").waves] == [1, 1]


def test_what_one_account_cannot_carry_side_by_side_is_cut_into_waves_and_said() -> None:
    document = {"targets": TARGETS, "regions": ["us-east-1"], "lanes_at_once": 1}
    assert not any("side by side" in warning for warning in plan_of(document).warnings)
    inner = {"targets": ["outer"], "regions": ["us-east-1", "ap-south-1"], "inner": {"targets": ["inner"]}}
    targets = ["outer", "inner"]
    document = {**inner, "warm": {"samples": 10, "concurrency": 10}, "cold": {"samples": 0}, "rounds": 1}
    plan = plan_of(document, *(region(name, 24, targets) for name in ("us-east-1", "ap-south-1")))
    assert len(plan.waves) == 2
    assert any("2 lanes run in 2 waves" in warning for warning in plan.warnings)


@pytest.mark.parametrize(("rounds", "transitions"), [(1, 18), (10, 18)])
def test_a_thousand_samples_cost_at_most_a_tenth_of_a_transition_each_in_as_many_rounds_as_one_likes(
    rounds: int, transitions: int
) -> None:
    counts = {"cold": {"samples": 100, "concurrency": 2}, "warm": {"samples": 100}, "rounds": rounds}
    for platform in ("aws", "emulated"):
        plan = plan_of({"targets": TARGETS, **counts}, platform=platform)
        assert plan.state_transitions == transitions
        assert plan.state_transitions <= 0.1 * 5 * (100 + 100)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"targets": ["pkg99"]},
            'targets: "pkg99" is not a target in us-east-1; there are default, pkg20, pkg50, size20, size50; '
            "a function of your own is one if it is called <stack>-target_pkg99 and has ISOTHERM_TARGET=pkg99",
        ),
        (
            {"targets": ["default"], "cold": {"concurrency": 9, "samples": 90}},
            "cold.concurrency: 9 is above what us-east-1 leaves for this account's functions "
            "(10 unreserved, 2 of them for the campaign itself); at most 8",
        ),
        (
            {"targets": ["default"], "rounds": 21},
            "rounds: 21 is above the 20 samples of a cell, so rounds would be empty; at most 20, or more samples",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of(document, region(unreserved=10))
    assert str(refusal.value) == message


def test_what_one_fire_could_not_do_in_its_time_is_cut_into_steps() -> None:
    document = {
        "targets": ["default"],
        "cold": {"method": "isolated", "samples": 250},
        "warm": {"samples": 12_000},
        "rounds": 1,
    }
    plan = plan_of(document)
    (lane,) = plan.lanes.values()
    assert len(lane.steps) == 3
    assert all(len(step.bursts) <= 100 and step.warm_shots <= 5000 for step in lane.steps)
    orders = [order for _, order in orders_of(plan)]
    assert Counter(order.kind for order in orders) == {"cold": 250, "warm": 12_000, "prime": 3}
    assert len({order.shot_id for order in orders}) == len(orders)


def test_everything_that_is_wrong_with_regions_and_targets_is_said_in_one_message() -> None:
    absent = RegionInventory(region="eu-west-2", targets=[], concurrency_limit=0, unreserved_concurrency=0)
    document = {"targets": ["default", "pkg50"], "regions": ["us-east-1", "eu-west-2", "sa-east-1"]}
    older = replace(region("sa-east-1"), stack_version="0")
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of(document, region(targets=["default"]), absent, older)
    assert str(refusal.value).splitlines() == [
        'regions: "eu-west-2" has no stack "isotherm"; deploy it there, or leave the region out: '
        "isotherm deploy --regions eu-west-2 --on aws (or sam deploy --config-env london)",
        'regions: stack "isotherm" in "sa-east-1" is of version 0, this campaign of 1; deploy it again: '
        "isotherm deploy --regions sa-east-1 --on aws (or sam deploy --config-env saopaulo)",
        'targets: "pkg50" is not a target in us-east-1; there are default; '
        "a function of your own is one if it is called <stack>-target_pkg50 and has ISOTHERM_TARGET=pkg50",
    ]


def test_versions_that_do_not_fit_in_code_storage_are_refused() -> None:
    document = {"targets": TARGETS, "cold": {"method": "isolated", "samples": 200}, "rounds": 1}
    with pytest.raises(InvalidCampaign, match="75 GB of code storage"):
        plan_of(document, region(code_size=250_000_000))


def test_a_campaign_above_its_budget_is_told_what_would_fit_and_that_fits() -> None:
    document: dict[str, Any] = {
        "targets": ["pkg50"],
        "cold": {"samples": 500, "concurrency": 50},
        "warm": {"samples": 0},
        "budget_usd": 0.002,
    }
    with pytest.raises(OverBudget, match=r"costs about .* USD, above your 0.002") as refusal:
        plan_of(document)
    fitting = int(str(refusal.value).split("; ")[1].split()[0])
    document["cold"]["samples"] = fitting
    assert plan_of(document).price.usd <= 0.002


def test_too_few_samples_and_too_wide_bursts_are_warned_about() -> None:
    plan = plan_of(
        {"targets": ["default"], "cold": {"samples": 20, "concurrency": 4}, "warm": {"samples": 60}},
        platform="emulated",
        cores=2,
    )
    text = "\n".join(plan.warnings)
    assert "20 cold samples per cell: 50 are advised for a median" in text
    assert "60 warm samples per cell: enough for a median" in text
    assert "Up to 4 calls run at once on 2 cores" in text


@given(st.integers(0, 1000), st.integers(1, 50))
def test_a_split_is_even_and_complete(total: int, parts: int) -> None:
    shares = split_evenly(total, parts)
    assert sum(shares) == total
    assert len(shares) == parts
    assert max(shares) - min(shares) <= 1


def test_rounds_that_precision_may_ask_for_are_planned_priced_and_as_large_as_the_others() -> None:
    document = {"targets": TARGETS, "cold": {"samples": 48, "concurrency": 10}, "warm": {"samples": 15}, "rounds": 5}
    fixed = plan_of(document)
    open_ended = plan_of({**document, "precision": 0.05, "max_rounds": 15})

    assert len(open_ended.lanes) == 3 * len(fixed.lanes)
    assert open_ended.price.usd > 2 * fixed.price.usd
    # Each further round may be spared, so it is in a stage of its own.
    assert open_ended.state_transitions == fixed.state_transitions + 4 * 10
    (tour,) = open_ended.tours.values()
    assert [{open_ended.lanes[step.lane_key].round for step in stage} for stage in tour.stages] == [
        {0, 1, 2, 3, 4},
        *({number} for number in range(5, 15)),
    ]
    sizes = [
        [sum(burst.shots for burst in lane.steps[0].bursts) for lane in open_ended.lanes.values() if lane.round == n]
        for n in range(15)
    ]
    assert sizes == [*[[10] * 5] * 3, *[[9] * 5] * 2] * 3
    assert [lane.round for lane in fixed.lanes.values()] == [n for n in range(5) for _ in range(5)]
    assert list(open_ended.lanes)[:25] == list(fixed.lanes)


def test_a_lane_may_be_spared_by_what_its_own_function_did_before_and_nothing_else() -> None:
    plan = plan_of({"targets": ["default", "pkg50"], "rounds": 5, "precision": 0.05, "max_rounds": 7})
    for task in plan.tasks():
        if task.lane.round < 5:
            assert task.enough is None
        else:
            assert present(task.enough).median == 0.05
            assert present(task.enough).earlier == [
                f"r{n:02d}-{task.lane.target}-us-east-1" for n in range(task.lane.round)
            ]
    assert all(task.enough is None for task in plan_of({"targets": ["default"], "rounds": 2}).tasks())


@given(campaigns)
def test_a_lanes_task_survives_being_written_down(document: dict[str, Any]) -> None:
    enough = {kind: {**document[kind], "samples": document[kind]["samples"] * 15} for kind in ("cold", "warm")}
    asked = {**document, **enough, "rounds": 5, "precision": 0.1, "max_rounds": 6}
    plan = plan_of(asked, region(), region("ap-south-1"))
    for task in plan.tasks():
        assert type(task).from_json(task.to_json()) == task


@given(campaigns)
def test_a_plan_survives_being_written_down(document: dict[str, Any]) -> None:
    plan = plan_of(document, region(), region("ap-south-1"))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize(
    "document",
    [
        {"warm": {"samples": 1_000_000}, "rounds": 1},
        {"cold": {"samples": 400, "method": "isolated"}, "memory_mb": list(range(128, 140)), "rounds": 2},
    ],
)
def test_a_lane_longer_than_its_time_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidCampaign, match=r"rounds: one round of one function would take about \d+ minutes"):
        plan_of({"targets": ["default"], **document})


def test_the_hold_of_wide_bursts_is_in_the_price() -> None:
    document = {
        "targets": ["default"],
        "cold": {"samples": 9000, "concurrency": 900},
        "warm": {"samples": 0},
        "rounds": 1,
    }
    (compute,) = (line for line in plan_of(document).price.lines if line.service == "Lambda compute")
    held_s = 9.25  # 250 ms + 10 ms for each of 900 calls
    assert compute.quantity > 9000 * held_s * 128 / 1024
