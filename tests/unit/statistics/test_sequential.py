"""The sequential test: what it answers, when, and what it refuses; how often it errs is among the simulations."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics import round_ratios, sequential_test, sequential_tests
from isotherm.statistics.sequential import RoundRatios, critical_values, needed_rounds

ratios = st.lists(st.floats(-0.5, 0.5, allow_nan=False), min_size=0, max_size=12)


@settings(max_examples=200, deadline=None)
@given(values=ratios)
def test_the_answer_is_the_bounds_and_is_kept_when_more_rounds_come(values: list[float]) -> None:
    last = None
    for rounds in range(len(values) + 1):
        found = sequential_test(values[:rounds], max_rounds=12)
        low, high = found.ratio_low, found.ratio_high
        assert (low is None) == (high is None) == (rounds < 3)
        below = high is not None and high < 1.05
        assert (found.answer == "not worse") == below
        assert (found.answer == "worse") == (not below and low is not None and low > 1)
        assert (found.why is None) == (found.answer != "undecided")
        if last is not None and last.answer != "undecided":
            assert dataclasses.replace(found, rounds_given=0) == dataclasses.replace(last, rounds_given=0)
        last = found


@settings(max_examples=200, deadline=None)
@given(values=ratios, metrics=st.integers(1, 20))
def test_probabilities_say_what_the_bounds_say(values: list[float], metrics: int) -> None:
    found = sequential_test(values, max_rounds=12, metrics=metrics)
    if found.p_worse is None or found.p_less is None:
        assert len(values) < 3
        return
    if found.answer == "worse":
        assert found.p_worse <= 0.05
    assert (found.answer == "not worse") == (found.p_less <= 0.05)
    assert found.answer != "undecided" or found.p_worse > 0.05


def test_large_differences_are_told_at_the_third_round_and_small_ones_later() -> None:
    rng = np.random.default_rng(5)
    scatter = rng.normal(0, 0.04, 30)
    tripled = sequential_test(math.log(3) + scatter, max_rounds=30)
    slower = sequential_test(math.log(1.08) + scatter, max_rounds=30)
    assert (tripled.answer, tripled.rounds, slower.answer) == ("worse", 3, "worse")
    assert slower.rounds > 3
    assert sequential_test(scatter - 0.03, max_rounds=30).answer == "not worse"
    faster = sequential_test(math.log(0.5) + scatter, max_rounds=30)
    assert (faster.answer, faster.rounds) == ("not worse", 3)


def test_slower_by_surely_less_than_what_matters_is_not_worse() -> None:
    found = sequential_test([0.020, 0.021, 0.019, 0.020], max_rounds=10)
    assert found.ratio_low is not None
    assert found.ratio_low > 1
    assert found.answer == "not worse"


def test_undecided_says_why_and_how_many_rounds_would_do() -> None:
    wide = [0.2, -0.2, 0.1, -0.15, 0.12]
    assert (sequential_test(wide[:2], max_rounds=5).why, sequential_test([], max_rounds=5).ratio) == (
        "few_rounds",
        None,
    )
    early, spent = sequential_test(wide, max_rounds=9), sequential_test(wide, max_rounds=5)
    assert (early.answer, early.why, spent.why) == ("undecided", "more_rounds", "budget")
    needed = needed_rounds(float(np.std(wide, ddof=1)))
    assert needed is not None
    assert early.rounds_needed == spent.rounds_needed == needed
    # By hand: both quantiles together are as wide as the slow-down, and one round fewer is not enough.
    both = [2 * stats.t.isf(0.05, n - 1) * np.std(wide, ddof=1) / math.sqrt(n) for n in (needed, needed - 1)]
    assert both[0] <= math.log(1.05) < both[1]
    assert sequential_test([30, -30, 10], max_rounds=3).why == "scatter"


def test_several_metrics_share_their_false_alarms_and_not_their_misses() -> None:
    some = [0.10, 0.05, 0.12, 0.07]
    alone = sequential_test(some, max_rounds=4)
    shared = sequential_tests({"start": some, **{f"m{i}": [0.0, 0.01, -0.01, 0.0] for i in range(19)}}, max_rounds=4)
    assert alone.answer == "worse"
    assert (shared["start"].answer, shared["start"].alpha) == ("undecided", 0.05 / 20)
    assert {found.answer for name, found in shared.items() if name != "start"} == {"not worse"}
    assert shared["start"].beta == alone.beta == 0.05


@pytest.mark.parametrize("rounds", [3, 10, 40])
def test_looking_once_would_take_students_t_and_looking_often_takes_more(rounds: int) -> None:
    values = critical_values(rounds, 0.05)
    assert len(values) == rounds - 2
    alone = [float(stats.t.isf(0.05, looked - 1)) for looked in range(3, rounds + 1)]
    assert all(value > once for value, once in zip(values, alone, strict=True)) or rounds == 3
    if rounds == 3:
        assert values[0] == pytest.approx(alone[0], rel=0.03)
    assert list(values) == sorted(values, reverse=True)


@pytest.mark.parametrize("level", [0.05, 0.01, 0.05 / 12])
def test_all_looks_together_err_as_often_as_stated(level: float) -> None:
    """20,000 courses from another seed than those that the values were made of."""
    rng, looks = np.random.default_rng(99), np.arange(1, 16)
    steps = rng.normal(0, 3.7, (20_000, 15))
    means = np.cumsum(steps, axis=1) / looks
    spread = np.sqrt(np.cumsum(steps**2, axis=1) - looks * means**2)[:, 2:] / np.sqrt(looks[2:] - 1)
    passed = means[:, 2:] / (spread / np.sqrt(looks[2:])) > critical_values(15, level)
    share = float(np.mean(passed.any(axis=1)))
    error = math.sqrt(level / 20_000)
    assert 0.8 * level - 2 * error < share < level + 2.6 * error


def test_rounds_with_few_values_do_not_count_and_whole_units_are_known_to_be_coarse() -> None:
    found = round_ratios(
        [([100, 101, 99], [110, 111, 112]), ([100, 101], [110, 111, 112]), ([90, 92, 94], [92, 95, 96])]
    )
    assert found.left_out == 1
    assert found.samples == (6, 6)
    assert found.log_ratios == pytest.approx([math.log(111 / 100), math.log(95 / 92)])
    assert found.rounding == pytest.approx(math.hypot(1 / 92, 1 / 95) / math.sqrt(12))
    fine = round_ratios([([100.123, 101.4, 99.27], [110.8, 111.9, 112.345678])])
    assert fine.rounding == 0


def test_ties_of_whole_milliseconds_are_not_taken_for_certainty() -> None:
    """5 ms against 5 ms in every round: 5 % would be a quarter of a millisecond, which such values cannot show."""
    tied = round_ratios([([5, 5, 5], [5, 5, 5])] * 10)
    found = sequential_test(tied, max_rounds=10)
    assert (found.answer, found.why, found.rounds_needed) == ("undecided", "coarse", None)
    assert sequential_test(tied, max_rounds=10, slowdown=2.0).answer == "not worse"
    assert sequential_test(round_ratios([([5, 5, 5], [25, 25, 25])] * 10), max_rounds=10).answer == "worse"
    assert sequential_test(round_ratios([([5.1, 5.2, 5.123456], [5.1, 5.2, 5.123456])] * 3), max_rounds=3).answer == (
        "not worse"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"slowdown": 0}, "slowdown: 0 is not a share above 0"),
        ({"alpha": 0.5}, "alpha: 0.5 is outside (0, 0.5)"),
        ({"beta": -1}, "beta: -1 is outside (0, 0.5)"),
        ({"max_rounds": 2}, "max_rounds: 2 rounds; 3 to 1000 can be tested"),
        ({"max_rounds": 4}, "5 rounds, more than max_rounds (4)"),
        ({"metrics": 0}, "metrics: 0; at least 1"),
        ({"log_ratios": [0.1, math.nan]}, "1 of 2 are NaN"),
        ({"log_ratios": [0.1, math.inf]}, "1 of 2 are infinite"),
    ],
)
def test_what_cannot_be_tested_is_refused_by_name(arguments: dict[str, object], said: str) -> None:
    given: dict[str, object] = {"log_ratios": [0.0] * 5, "max_rounds": 10} | arguments
    with pytest.raises(ValueError, match=re.escape(said)):
        sequential_test(given.pop("log_ratios"), **given)  # type: ignore[arg-type]


def test_rounds_without_a_ratio_are_refused() -> None:
    with pytest.raises(ValueError, match="a median of round 2 is 0"):
        round_ratios([([1, 2, 3], [1, 2, 3]), ([0, 0, 3], [1, 2, 3])])
    with pytest.raises(ValueError, match="unit: -1"):
        round_ratios([], unit=-1)
    assert round_ratios([]) == RoundRatios(log_ratios=(), samples=())
