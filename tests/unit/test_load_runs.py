"""What shards of a load wrote becomes one run for each protocol, in which every planned request is accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.analysis.loads import load_runs, sent_requests
from isotherm.analysis.words.loads import load_run
from isotherm.campaign.lane import LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.plan import shard_arrivals, shard_threads
from isotherm.load.result import PhaseResult
from unit.present import present

from .test_load_campaign import LOOPBACK, OPEN, RECORD, plan_of

LARGE: dict[str, Any] = {
    **RECORD,
    "load": {"threads": 10, "iterations": 3, "fires": 3},
    "protocols": ["invoke", "http"],
}


def shard_of(load: LoadStep, number: int, latency_us: int = 2000, failed: int = 0) -> PhaseResult:
    """A share whose every request took the same time; the first `failed` of them were throttled."""
    phase = load.spec.phase(load.phase)
    if load.spec.loop == "closed":
        planned = len(shard_threads(load.spec, phase, number, load.fires)) * present(load.spec.iterations) * 2
    else:
        planned = sum(1 for _ in shard_arrivals(load.spec, phase, number, load.fires))
    failed = min(failed, planned)
    result = PhaseResult(
        phase=load.phase,
        loop=load.spec.loop,
        shards=load.fires,
        merged=frozenset({number}),
        planned=planned,
        sent=planned,
        succeeded=planned - failed,
        failed=Counter({"throttled": failed} if failed else {}),
        began_at=100.0,
        ended_at=102.0 + number,
    )
    if planned - failed:
        result.latency_us.record(latency_us, planned - failed)
    return result


def results_of(
    plan: Plan, lost: Collection[tuple[int, int]] = (), failed: int = 0
) -> dict[tuple[str, int], list[PhaseResult]]:
    (lane,) = plan.lanes.values()
    return {
        (lane.key, step.step): [
            shard_of(present(step.load), number, failed=failed)
            for number in range(present(step.load).fires)
            if (step.step, number) not in lost
        ]
        for step in lane.steps
    }


def test_each_protocol_is_a_run_with_its_phases_in_order_and_their_whole() -> None:
    plan = plan_of(LARGE)
    runs = load_runs(plan, results_of(plan))
    assert {run.protocol for run in runs} == {"invoke", "http"}
    for run in runs:
        assert [row.name for row in run.rows] == ["warmup", "loading", "peak", "cooldown", "all"]
        assert [row.planned for row in run.rows] == [6, 30, 60, 12, 108]
        assert run.unbalanced == []
        assert run.rows[-1].median_ms == pytest.approx(2, rel=1e-3)
        assert run.rows[0].wall_s == 4.0  # of the last shard to end


def test_requests_are_counted_for_the_bill() -> None:
    plan = plan_of(LARGE)
    assert sum(sent_requests(results_of(plan)).values()) == 2 * 108


@given(
    lost=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 2)), max_size=24),
    failed=st.integers(0, 5),
    document=st.sampled_from([LARGE, {**OPEN, "load": {**OPEN["load"], "rate_per_s": 5, "duration_s": 4, "fires": 3}}]),
)
def test_a_share_that_never_came_is_counted_as_not_reported_and_never_as_sent(
    lost: set[tuple[int, int]], failed: int, document: dict[str, Any]
) -> None:
    plan = plan_of(document)
    whole = {run.protocol: run for run in load_runs(plan, results_of(plan))}
    for run in load_runs(plan, results_of(plan, lost, failed)):
        assert run.unbalanced == []
        for row, full in zip(run.rows[:4], whole[run.protocol].rows, strict=False):
            assert row.planned == full.planned == row.succeeded + sum(row.failed.values()) + row.not_reported
        assert json.loads(run.model_dump_json())["rows"]


def test_a_load_whose_every_share_is_lost_is_still_there() -> None:
    plan = plan_of({**RECORD, "protocols": ["server"], "server": LOOPBACK})
    (run,) = load_runs(plan, {})
    assert [(row.name, row.planned, row.not_reported, row.sent) for row in run.rows] == [
        ("warmup", 400, 400, 0),
        ("loading", 2000, 2000, 0),
        ("peak", 4000, 4000, 0),
        ("cooldown", 1000, 1000, 0),
        ("all", 7400, 7400, 0),
    ]


def test_requests_that_are_in_no_row_show_as_a_sum_that_does_not_agree() -> None:
    plan = plan_of(RECORD)
    results = results_of(plan)
    shard = next(iter(results.values()))[0]
    shard.planned, shard.succeeded = 300, 300
    (run,) = load_runs(plan, results)
    assert load_run(run).imbalances == [
        "warmup: 300 requests are accounted for, of 400 that the plan holds",
        "all: 7300 requests are accounted for, of 7400 that the plan holds",
    ]


def test_a_surplus_shows_as_a_sum_that_does_not_agree() -> None:
    plan = plan_of(RECORD)
    results = results_of(plan)
    next(iter(results.values()))[0].succeeded += 1
    (run,) = load_runs(plan, results)
    assert load_run(run).imbalances == [
        "warmup: planned 400 is not succeeded 401 + failed 0 + not reported 0",
        "all: planned 7400 is not succeeded 7401 + failed 0 + not reported 0",
    ]
