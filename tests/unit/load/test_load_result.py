"""What shards counted adds up to what one would have counted, in any order, and survives JSON."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.load.result import KINDS, LoadResult, PhaseResult, merge
from isotherm.load.spec import LoadSpec, Phase
from isotherm.load.tally import Tally

SPEC = LoadSpec(loop="closed", threads=4, iterations=5, phases=(Phase("peak", 1.0),))

#: (seconds since the last end, latency in s, how it ended)
Ends = list[tuple[float, float, str | None]]
endings = st.lists(
    st.tuples(st.floats(0, 0.7), st.floats(0, 12), st.none() | st.sampled_from(KINDS)), min_size=1, max_size=40
)


def tallied(ends: Ends, shard: int = 0, shards: int = 1) -> PhaseResult:
    tally = Tally("peak", "closed", shard, shards)
    tally.epoch_offset_s = 1_800_000_000.0
    now = 100.0
    for gap, latency, kind in ends:
        now += gap
        tally.planned += 1
        tally.send(now - latency)
        if kind is None:
            tally.succeed(now, now - latency, now - latency / 2)
        else:
            tally.fail(kind, now, now - latency, None if kind == "not_sent" else now - latency / 2)
    return tally.result(100.0, processor_us=len(ends))


@given(endings)
def test_every_request_ends_in_exactly_one_account(ends: Ends) -> None:
    result = tallied(ends)
    assert result.planned == len(ends) == result.succeeded + result.failed.total()
    assert result.failed == Counter(kind for *_, kind in ends if kind)
    assert (result.latency_us.total, result.failed_after_us.total) == (result.succeeded, result.failed.total())
    assert result.service_us.total == result.planned - result.failed["not_sent"]


@given(endings)
def test_the_seconds_add_up_to_the_whole(ends: Ends) -> None:
    result = tallied(ends)
    seconds = result.series.values()
    assert sum(second.sent for second in seconds) == result.sent
    assert sum(second.succeeded for second in seconds) == result.succeeded
    assert sum(second.failed for second in seconds) == result.failed.total()
    assert sum(second.latency.answered.total for second in seconds) == result.latency_us.total
    assert sum(second.latency.failed.total for second in seconds) == result.failed_after_us.total
    assert all(result.began_at - 13 <= second <= result.ended_at for second in result.series)


@given(st.lists(endings, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_merging_is_exact_in_any_order_and_grouping(shards: list[Ends], dice: random.Random) -> None:
    parts = [tallied(ends, shard, len(shards)) for shard, ends in enumerate(shards)]
    whole = merge(parts)
    shuffled = dice.sample(parts, len(parts))
    cut = dice.randint(1, len(parts))
    regrouped = merge([merge(shuffled[:cut]), *shuffled[cut:]])
    assert regrouped == whole
    assert regrouped.to_dict() == whole.to_dict()
    assert whole.missing_shards == []
    assert whole.planned == sum(len(ends) for ends in shards)
    expected = Counter(value for part in parts for value in part.failed.elements())
    assert whole.failed == expected


@given(endings)
def test_a_result_survives_json(ends: Ends) -> None:
    result = LoadResult(SPEC, [tallied(ends)])
    again = LoadResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again == result
    assert again.rows() == result.rows()


def test_a_shard_that_comes_twice_is_not_counted_twice() -> None:
    part = tallied([(0.1, 0.1, None)], shard=1, shards=3)
    assert part.missing_shards == [0, 2]
    with pytest.raises(ValueError, match="one of peak is there twice"):
        merge([part, part])


@pytest.mark.parametrize("change", [{"phase": "warmup"}, {"shards": 4}, {"loop": "open"}])
def test_results_of_different_things_are_not_merged(change: dict[str, Any]) -> None:
    first, second = tallied([], 0, 3), tallied([], 1, 3)
    for name, value in change.items():
        setattr(second, name, value)
    with pytest.raises(ValueError, match=f"{next(iter(change))}: "):
        merge([first, second])


def test_nothing_is_not_merged() -> None:
    with pytest.raises(ValueError, match="no result to merge"):
        merge([])


def test_the_table_has_a_line_for_each_phase_and_one_for_all() -> None:
    spec = LoadSpec(loop="closed", threads=4, iterations=5)
    results = [tallied([(0.5, 0.010, None)] * 20) for _ in spec.phases]
    for phase, result in zip(spec.phases, results, strict=True):
        result.phase = phase.name
    results[1].failed["timeout"] += 5
    rows = LoadResult(spec, results).rows()
    assert [row.name for row in rows] == ["warmup", "loading", "peak", "cooldown", "all"]
    assert rows[0].wall_s == pytest.approx(10.0)
    assert rows[-1].wall_s == pytest.approx(40.0)
    assert rows[-1].succeeded == 80
    assert rows[-1].throughput_per_s == pytest.approx(2.0)
    assert rows[-1].failed == {"timeout": 5}
    assert rows[-1].median_ms == rows[-1].p95_ms == pytest.approx(10.0, rel=0.002)
    assert (rows[-1].p99_ms, rows[-1].p999_ms, rows[-1].at_least) == (None, None, ())  # 80 requests are too few


def test_of_a_phase_without_answers_it_is_known_how_long_was_waited() -> None:
    (row,) = LoadResult(SPEC, [tallied([(0.1, 0.1, "refused")])]).rows()
    assert [row.median_ms, row.mean_ms, row.max_ms] == pytest.approx([100.0] * 3, rel=0.002)
    assert {"median_ms", "mean_ms", "max_ms"} <= set(row.at_least)
    assert row.failed == {"refused": 1}


def test_a_phase_that_sent_nothing_has_no_latency() -> None:
    tally = Tally("peak", "closed", 0, 1)
    tally.planned = 3
    tally.cut(3, 100.0)
    (row,) = LoadResult(SPEC, [tally.result(100.0, processor_us=0)]).rows()
    assert (row.median_ms, row.max_ms, row.mean_ms, row.at_least) == (None, None, None, ())


def test_the_last_slow_answer_is_not_in_an_open_loops_throughput() -> None:
    spec = LoadSpec(loop="open", rate_per_s=30, duration_s=4, phases=(Phase("peak", 1.0),))
    result = tallied([*[(0.033, 0.02, None)] * 119, (3.0, 3.0, None)])
    result.loop = "open"
    (row,) = LoadResult(spec, [result]).rows()
    assert row.wall_s == pytest.approx(6.93, abs=0.01)
    assert row.throughput_per_s == pytest.approx(30.0)
    result.ending = "stopped"  # but nothing was offered after it was stopped, which is when the last request ended
    result.ended_at = result.began_at + 2
    (row,) = LoadResult(spec, [result]).rows()
    assert row.throughput_per_s == pytest.approx(60.0)
