from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from isotherm.aws.store.records import LaneRecord
from isotherm.campaign.lane import Burst, Lane, Step
from isotherm.campaign.model import Campaign, ColdStarts
from isotherm.campaign.plan import Plan
from isotherm.campaign.tour import StepOf, Tour
from isotherm.cli.live import one_line, picture, waiting_for
from isotherm.deployed.progress import campaign_progress, planned_shots
from isotherm.pricing.price import Price


def _step(number: int, memory_mb: int | None = None) -> Step:
    return Step(
        step=number,
        memory_mb=memory_mb,
        cold_method="burst",
        bursts=[Burst(burst=0, shots=2), Burst(burst=1, shots=2)],
        warm_shots=5,
        warm_concurrency=1,
        prime_shots=1,
    )


def _lane(number: int, target: str = "default", steps: int = 1) -> Lane:
    return Lane(
        key=f"r{number:02d}-{target}-us-east-1",
        target=target,
        region="us-east-1",
        round=number,
        function_name=f"isotherm-target_{target}",
        steps=[_step(step) for step in range(steps)],
        client_region="us-east-1",
    )


def _plan(*lanes: Lane, rounds: int = 2) -> Plan:
    return Plan(
        campaign_id="demo-1",
        campaign=Campaign(targets=["default"], rounds=rounds, cold=ColdStarts(samples=8)),
        platform="emulated",
        home_region="us-east-1",
        stack="isotherm",
        version="0",
        created_at="2026-01-01T00:00:00Z",
        inventory=[],
        waves=[["from-us-east-1"]],
        tours={
            "from-us-east-1": Tour(
                key="from-us-east-1",
                client_region="us-east-1",
                lanes=[lane.key for lane in lanes],
                stages=[[StepOf(lane.key, step.step)] for lane in lanes for step in lane.steps],
            )
        },
        lanes={lane.key: lane for lane in lanes},
        price=Price(usd=0.0, lines=[], as_of="2026-01-01", source="test"),
        state_transitions=0,
        warnings=[],
    )


def _item(lane: Lane, **facts: Any) -> LaneRecord:
    return LaneRecord(lane_key=lane.key, **facts)


def test_counts_of_a_campaign_add_up_over_its_lanes() -> None:
    ended, under_way, planned = _lane(0), _lane(0, "pkg20"), _lane(1)
    progress = campaign_progress(
        _plan(ended, under_way, planned),
        [
            _item(ended, status="succeeded", phase="done", step=0, issued=10, samples=10),
            _item(under_way, status="running", phase="firing", step=0, issued=4),
        ],
    )

    assert progress.ended == 1
    assert progress.planned == 30
    assert progress.issued == 14
    assert progress.samples == 10


def test_numbers_of_the_step_before_are_not_taken_for_those_of_a_step_being_prepared() -> None:
    lane = _lane(0, steps=3)
    plan = _plan(lane)

    publishing = campaign_progress(plan, [_item(lane, status="running", phase="publishing", step=1, issued=10)])
    firing = campaign_progress(plan, [_item(lane, status="running", phase="firing", step=1, issued=3, samples=10)])
    collected = campaign_progress(plan, [_item(lane, status="running", phase="collecting", step=2, samples=10)])

    assert (publishing.issued, publishing.samples) == (10, 10)
    assert (firing.issued, firing.samples) == (13, 10)
    assert collected.samples == 30 == planned_shots(lane)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"status": "running", "phase": "publishing"},
            "publishing fresh versions of default in us-east-1, round 1 of 2",
        ),
        ({"status": "running", "phase": "firing"}, "calling default in us-east-1, round 1 of 2"),
        ({"status": "running"}, "starting default in us-east-1, round 1 of 2"),
        ({"status": "running", "phase": "unheard-of"}, "unheard-of default in us-east-1, round 1 of 2"),
        ({"status": "succeeded"}, "statistics and page"),
        ({}, "the next lane to start"),
    ],
)
def test_says_what_is_being_waited_for(facts: dict[str, Any], said: str) -> None:
    lane = _lane(0)

    assert waiting_for(campaign_progress(_plan(lane), [_item(lane, **facts)])) == said


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        (("publishing", "publishing", None), "publishing fresh versions of pkg20 in us-east-1, round 1 of 2"),
        (("firing", "firing", "publishing"), "calling pkg20 in us-east-1, round 1 of 2"),
        (("firing", "publishing", "publishing"), "calling default in us-east-1, round 1 of 2"),
        (("collecting", "firing", "firing"), "collecting the reports of default in us-east-1, round 1 of 2"),
    ],
)
def test_of_the_lanes_of_a_stage_the_one_is_named_that_it_has_come_to(phases: tuple[Any, ...], said: str) -> None:
    lanes = (_lane(0), _lane(0, "pkg20"), _lane(1))
    items = [_item(lane, status="running", phase=phase) for lane, phase in zip(lanes, phases, strict=True) if phase]
    assert waiting_for(campaign_progress(_plan(*lanes), items)) == said


def test_names_the_step_where_a_lane_has_several() -> None:
    lane = _lane(0, steps=3)
    progress = campaign_progress(_plan(lane), [_item(lane, status="running", phase="firing", step=1)])

    assert waiting_for(progress).endswith("round 1 of 2, step 2 of 3")


def test_before_there_is_a_plan_the_plan_is_waited_for() -> None:
    assert "waiting for the plan" in one_line(None, 1.0)


def test_a_failed_lane_is_seen_in_the_picture() -> None:
    failed, good = _lane(0), _lane(0, "pkg20")
    progress = campaign_progress(
        _plan(failed, good),
        [_item(failed, status="failed", reason="LaneFailed: broken"), _item(good, status="succeeded", phase="done")],
    )
    console = Console(width=120, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(picture(progress, 12.0))

    assert [lane.reason for lane in progress.failed] == ["LaneFailed: broken"]
    assert captured.get().splitlines()[-1].startswith("  12 s  2 of 2 lanes")
    assert "✗" in captured.get()
    assert "failed" in captured.get()


def test_the_line_for_logs_has_lanes_and_samples() -> None:
    first, second = _lane(0), _lane(1)
    progress = campaign_progress(
        _plan(first, second),
        [
            _item(first, status="succeeded", phase="done", samples=10),
            _item(second, status="running", phase="firing", issued=1),
        ],
    )

    assert one_line(progress, 7.0) == (
        "[   7 s] 1 of 2 lanes, 10 of 20 samples; calling default in us-east-1, round 2 of 2"
    )
