"""A lane is spared when, and only when, every cell of it is as precise as was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.campaign.cell import Kind
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.model import Precision
from isotherm.campaign.stopping import IntervalWidth, Shortfall, Timing, interval_widths, shortfalls, too_wide
from isotherm.statistics.describe import summarize
from unit.made_up_stack import planned


def last_task(platform: str = "aws", **fields: object) -> LaneTask:
    """The task of the last round of a campaign of one target."""
    document = {
        "targets": ["default"],
        "cold": {"samples": 25, "concurrency": 5},
        "warm": {"samples": 25},
        "rounds": 5,
        "max_rounds": 7,
        "precision": {"median": 0.1},
        **fields,
    }
    return list(planned(document, platform=platform).tasks())[-1]


def timings(
    rounds: int,
    spread: float,
    memory_mb: int = 128,
    kinds: tuple[Kind, ...] = ("cold", "warm"),
    a_round: int = 5,
) -> list[Timing]:
    """Used samples of each kind: rounds of `a_round`, whose medians lie evenly from 100 - spread to 100 + spread ms."""
    return [
        Timing(
            target="default",
            region="us-east-1",
            memory_mb=memory_mb,
            kind=kind,
            round=number,
            verdict="used",
            init_duration_ms=time if kind == "cold" else None,
            startup_ms=time if kind == "cold" else None,
            client_ms=time,
        )
        for kind in kinds
        for number, middle in enumerate(np.linspace(100 - spread, 100 + spread, rounds).tolist())
        for time in np.linspace(middle - 1, middle + 1, a_round).tolist()
    ]


def wanting(memory_mb: int, *kinds: str, quantile: str = "median", n: int = 0) -> list[tuple[object, ...]]:
    """What cells with too few samples for an interval fall short of."""
    return [(memory_mb, kind, quantile, n, None) for kind in kinds]


def told(found: list[Shortfall]) -> list[tuple[object, ...]]:
    return [(s.memory_mb, s.kind, s.interval.quantile, s.interval.n, s.interval.width) for s in found]


def test_narrow_cells_are_enough_and_wide_ones_are_not() -> None:
    assert shortfalls(last_task(), timings(6, 5)) == []
    cold, warm = shortfalls(last_task(), timings(6, 40))
    assert (cold.memory_mb, cold.kind, cold.metric) == (128, "cold", "init_duration_ms")
    assert (warm.memory_mb, warm.kind, warm.metric) == (128, "warm", "client_ms")
    assert (
        cold.interval == warm.interval == IntervalWidth(quantile="median", n=30, width=cold.interval.width, wanted=0.1)
    )
    # Student's t over the logarithms of the rounds' medians, round their mean and, on one side, the median of all.
    logs = np.log(np.linspace(60, 140, 6))
    margin, beyond = (float(stats.t.ppf(p, 5) * stats.sem(logs)) for p in (0.975, 0.95))
    ends = np.exp(float(np.mean(logs)) - margin), max(np.exp(float(np.mean(logs)) + margin), 100 * np.exp(beyond))
    assert cold.interval.width == pytest.approx((ends[1] - ends[0]) / 100)


def test_rounds_decide_and_not_samples() -> None:
    """A thousand samples of five rounds that differ are five observations."""
    assert len(shortfalls(last_task(), timings(5, 20, a_round=200))) == 2
    assert shortfalls(last_task(), timings(5, 0)) == []


def test_an_interval_has_to_be_narrow_after_two_rounds_in_a_row() -> None:
    even, astray = timings(6, 0), timings(6, 0)
    late = [replace(t, client_ms=160.0, init_duration_ms=160.0) if t.round == 4 else t for t in astray]
    assert shortfalls(last_task(), even) == []
    assert len(shortfalls(last_task(), late)) == 2
    # Narrow after the last round, and wide before it: four rounds, and one of them astray.
    first = [[100.0, 101.0, 102.0]] * 4
    wide = [*first[:3], [97.0, 98.0, 99.0]]
    allowed = interval_widths([*wide, first[0]], Precision(median=0.9))[0].width
    assert allowed is not None
    assert [found.is_met for found in interval_widths([*wide, first[0]], Precision(median=allowed))] == [True]
    assert len(too_wide([*wide, first[0]], Precision(median=allowed))) == 1
    assert too_wide([*wide, first[0], first[0]], Precision(median=allowed)) == []


def test_nothing_is_decided_by_fewer_than_five_rounds_of_three() -> None:
    assert told(shortfalls(last_task(), timings(2, 0))) == wanting(128, "cold", "warm", n=10)
    four = shortfalls(last_task(), timings(4, 0))
    assert [(s.interval.n, s.interval.is_met) for s in four] == [(20, True), (20, True)]
    assert len(shortfalls(last_task(), timings(20, 0, a_round=2))) == 2
    assert shortfalls(last_task(), timings(5, 0, a_round=3)) == []


def test_every_cell_of_the_lane_has_to_be_precise() -> None:
    task = last_task(memory_mb=[128, 1024])
    assert shortfalls(task, timings(6, 5, 128) + timings(6, 5, 1024)) == []
    assert told(shortfalls(task, timings(6, 5, 128))) == wanting(1024, "cold", "warm")
    some = timings(6, 5, 128) + timings(6, 5, 1024, ("cold",))
    assert told(shortfalls(task, some)) == wanting(1024, "warm")


def test_only_what_is_measured_has_to_be_precise() -> None:
    assert shortfalls(last_task(warm={"samples": 0}), timings(6, 5, kinds=("cold",))) == []
    assert shortfalls(last_task(cold={"samples": 0}), timings(6, 5, kinds=("warm",))) == []


def test_samples_that_are_not_used_do_not_count() -> None:
    contested = [replace(timing, verdict="contested") for timing in timings(20, 5)]
    assert len(shortfalls(last_task(), contested)) == 2
    assert shortfalls(last_task(), [*contested, *timings(6, 5)]) == []


def test_a_p95_asks_for_more_samples_than_a_median() -> None:
    task = last_task(precision={"median": 0.1, "p95": 0.1})
    assert told(shortfalls(task, timings(6, 0))) == wanting(128, "cold", "warm", quantile="p95", n=30)
    assert shortfalls(task, timings(20, 0, a_round=10)) == []


def test_the_embedded_stack_goes_by_the_probe() -> None:
    """Its reports have no Init Duration, and one that is there all the same is not believed."""
    strange = [replace(timing, init_duration_ms=1.0 + 9 * timing.round) for timing in timings(6, 5)]
    assert shortfalls(last_task("emulated"), strange) == []
    assert len(shortfalls(last_task("aws"), strange)) == 1


def test_a_lane_of_the_rounds_that_are_run_in_any_case_has_no_rule() -> None:
    task = last_task()
    assert task.enough is not None
    assert task.enough.earlier == [f"r0{number}-default-us-east-1" for number in range(6)]
    with pytest.raises(ValueError, match="no rule"):
        shortfalls(replace(task, enough=None), [])


@given(
    rounds=st.lists(st.lists(st.floats(1, 1000), min_size=1, max_size=8), min_size=1, max_size=12),
    median=st.floats(0.01, 0.9),
    p95=st.none() | st.floats(0.01, 0.9),
)
def test_the_widths_are_those_of_the_summary(rounds: list[list[float]], median: float, p95: float | None) -> None:
    """What ends a lane is what the report then shows of a cell that has no others to pool its design effect with."""
    labels = [number for number, values in enumerate(rounds) for _ in values]
    found = summarize([value for values in rounds for value in values], blocks=labels)
    widths = interval_widths(rounds, Precision(median=median, p95=p95))
    assert [width.quantile for width in widths] == (["median"] if p95 is None else ["median", "p95"])
    for width in widths:
        low, high = getattr(found, f"{width.quantile}_low"), getattr(found, f"{width.quantile}_high")
        if found.scope != "rounds" or low is None or high is None:
            assert width.width is None
        else:
            assert width.width == pytest.approx((high - low) / getattr(found, width.quantile))
        assert width.n == found.n
