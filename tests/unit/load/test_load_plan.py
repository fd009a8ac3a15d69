"""What a load is, when its requests are due, and that shards together make exactly the whole of it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.load.plan import check_shard, first_customer, shard_arrivals, shard_threads
from isotherm.load.spec import LoadSpec, Phase
from unit.present import present

PEAK = (Phase("peak", 1.0),)

open_specs = st.builds(
    lambda rate, duration, arrivals, seed: LoadSpec(
        loop="open", rate_per_s=rate, duration_s=duration, arrivals=arrivals, seed=seed
    ),
    st.floats(20, 300),
    st.floats(0.5, 3),
    st.sampled_from(["constant", "poisson"]),
    st.integers(0, 5),
)
closed_specs = st.builds(
    lambda threads, iterations: LoadSpec(loop="closed", threads=threads, iterations=iterations),
    st.integers(1, 60),
    st.integers(1, 20),
)


@given(open_specs, st.integers(1, 9), st.data())
def test_the_shards_of_an_open_loop_make_exactly_the_whole(spec: LoadSpec, shards: int, data: st.DataObject) -> None:
    phase = data.draw(st.sampled_from(spec.phases))
    whole = list(shard_arrivals(spec, phase, 0, 1))
    parts = [list(shard_arrivals(spec, phase, shard, shards)) for shard in range(shards)]
    assert Counter(arrival for part in parts for arrival in part) == Counter(whole)
    assert all(list(part) == sorted(part, key=lambda arrival: arrival.at_s) for part in parts)
    for part in parts:  # who posts a customer also gets it
        posted = {arrival.number for arrival in part if arrival.operation == "post"}
        assert {arrival.number for arrival in part if arrival.operation == "get"} <= posted


@given(closed_specs, st.integers(1, 9), st.data())
def test_the_shards_of_a_closed_loop_have_each_thread_once(spec: LoadSpec, shards: int, data: st.DataObject) -> None:
    phase = data.draw(st.sampled_from(spec.phases))
    threads = Counter(thread for shard in range(shards) for thread in shard_threads(spec, phase, shard, shards))
    assert threads == Counter(range(spec.phase_threads(phase)))


@given(closed_specs)
def test_no_two_threads_and_no_two_phases_make_up_the_same_customer(spec: LoadSpec) -> None:
    numbers = [
        first_customer(spec, phase, thread) + iteration
        for phase in spec.phases
        for thread in range(spec.phase_threads(phase))
        for iteration in range(present(spec.iterations))
    ]
    assert len(set(numbers)) == len(numbers)


def test_constant_arrivals_come_in_equal_gaps_post_and_get_in_turn() -> None:
    spec = LoadSpec(loop="open", rate_per_s=100, duration_s=0.1, arrivals="constant")
    arrivals = list(shard_arrivals(spec, spec.phase("loading"), 0, 1))
    assert [arrival.at_s for arrival in arrivals] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])
    assert [arrival.operation for arrival in arrivals] == ["post", "get", "post", "get", "post"]


@pytest.mark.parametrize(("rate", "duration", "expected"), [(10, 0.3, 3), (1000, 1.1, 1100), (3, 1.5, 4)])
def test_a_duration_has_as_many_constant_arrivals_as_fit(rate: float, duration: float, expected: int) -> None:
    spec = LoadSpec(loop="open", rate_per_s=rate, duration_s=duration, arrivals="constant", phases=PEAK)
    assert len(list(shard_arrivals(spec, PEAK[0], 0, 1))) == expected


def test_poisson_arrivals_have_exponential_gaps() -> None:
    from scipy import stats

    spec = LoadSpec(loop="open", rate_per_s=500, duration_s=20, arrivals="poisson", phases=PEAK, seed=3)
    times = [arrival.at_s for arrival in shard_arrivals(spec, PEAK[0], 0, 1)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert stats.kstest(gaps, "expon", args=(0, 1 / 500)).pvalue > 0.01
    assert 9_500 < len(times) < 10_500


def test_a_seed_always_makes_the_same_arrivals_and_another_seed_others() -> None:
    def times(seed: int) -> list[float]:
        spec = LoadSpec(loop="open", rate_per_s=50, duration_s=1, arrivals="poisson", seed=seed)
        return [arrival.at_s for arrival in shard_arrivals(spec, spec.phase("peak"), 0, 1)]

    assert times(1) == times(1)
    assert times(1) != times(2)


@given(open_specs | closed_specs)
def test_a_load_survives_json(spec: LoadSpec) -> None:
    assert LoadSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loop": "half"}, "loop: 'half' is neither closed nor open"),
        ({"loop": "closed", "threads": 5}, "iterations: a load in a closed loop needs it"),
        ({"loop": "open", "rate_per_s": 5}, "duration_s: a load in an open loop needs it"),
        (
            {"loop": "closed", "threads": 5, "iterations": 2, "rate_per_s": 3},
            "rate_per_s: 3 has no meaning in a closed",
        ),
        ({"loop": "open", "rate_per_s": 0, "duration_s": 5}, "rate_per_s: 0 is not above 0"),
        ({"loop": "open", "rate_per_s": 5, "duration_s": float("inf")}, "duration_s: inf is not above 0"),
        ({"loop": "open", "rate_per_s": 5, "duration_s": 1}, "phases.warmup: 0.5 requests per second make none in 1 s"),
        ({"loop": "open", "rate_per_s": 50, "duration_s": 1, "max_in_flight": 0}, "max_in_flight: 0 is below"),
        ({"loop": "open", "rate_per_s": 50, "duration_s": 1, "arrivals": "even"}, "arrivals: 'even' is neither"),
        ({"loop": "closed", "threads": 5, "iterations": 0}, "iterations: 0 is below the least accepted, 1"),
        ({"loop": "closed", "threads": 5, "iterations": 1, "timeout_s": 0}, "timeout_s: 0 is outside 0 to 900"),
        ({"loop": "closed", "threads": 5, "iterations": 1, "phases": ()}, "phases: at least one is needed"),
        (
            {"loop": "closed", "threads": 5, "iterations": 1, "phases": (Phase("peak", 0),)},
            "phases.peak: 0 is not a share above 0",
        ),
        (
            {"loop": "closed", "threads": 5, "iterations": 1, "phases": PEAK * 2},
            "phases: the name 'peak' is given twice",
        ),
    ],
)
def test_what_is_no_load_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoadSpec(**options)


@pytest.mark.parametrize(("shard", "shards"), [(-1, 2), (2, 2), (0, 0)])
def test_a_shard_that_is_no_part_is_refused(shard: int, shards: int) -> None:
    with pytest.raises(ValueError, match="shard: "):
        check_shard(shard, shards)


def test_an_unknown_phase_is_refused() -> None:
    with pytest.raises(ValueError, match="phase: 'noon' is none of warmup, loading, peak, cooldown"):
        LoadSpec(loop="closed", threads=1, iterations=1).phase("noon")
