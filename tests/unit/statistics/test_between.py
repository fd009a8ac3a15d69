"""Statistics over sessions: against an oracle, and what may change and what not (by simulation: tests/simulations)."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics.results import Estimate
from isotherm.statistics.sessions import (
    day_numbers,
    drift_by_days,
    hour_effect_p,
    next_session,
    over_sessions,
    session_spread,
    standard_error,
)
from unit.present import present

from .made_up_sessions import spread_of


def test_sessions_of_one_size_and_scatter_give_the_f_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(100, 5, (4, 12))
    # Alike in scatter, as the F of the analysis of variance supposes.
    values = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, ddof=1, keepdims=True) * 5
    values += np.array([[100.0], [103.0], [99.0], [108.0]])
    oracle = stats.f_oneway(*values)
    found = spread_of(values)
    assert found.factor**2 == pytest.approx(oracle.statistic)
    assert found.p_value == pytest.approx(oracle.pvalue)
    low, high = (oracle.statistic / stats.f.ppf(q, 3, 44) for q in (0.975, 0.025))
    assert (found.low**2, found.high**2) == pytest.approx((low, high))
    assert found.between_sd**2 == pytest.approx(np.var([100, 103, 99, 108], ddof=1) - 25 / 12)
    assert found.relative_sd == pytest.approx(found.between_sd / 102.5)


def test_fewer_than_three_sessions_have_no_interval() -> None:
    assert over_sessions([5.0, 7.0]) == Estimate(value=6.0, low=None, high=None)
    assert over_sessions([0.1, 0.1, 0.1]) == Estimate(value=0.1, low=0.1, high=0.1)


def test_the_standard_error_behind_an_interval_is_found_again() -> None:
    margin = 2.5 * stats.t.ppf(0.975, 4)
    assert standard_error(100 - margin, 100 + margin, 4, 0.95) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("means", "errors", "freedoms", "said"),
    [([1], [1], [1], "1 session"), ([1, 2], [1], [1, 1], "1 and 2 for 2"), ([1, 2], [0, 0], [1, 1], "none is above 0")],
)
def test_what_cannot_be_compared_is_refused(
    means: list[int], errors: list[int], freedoms: list[int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        session_spread(means, errors, freedoms)


@given(
    st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.1, 100), st.integers(1, 1000)), min_size=2, max_size=12),
    st.floats(0.01, 100),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_unit_changes_the_factor(
    rows: list[tuple[float, float, int]], scale: float, random: Random
) -> None:
    means, errors, freedoms = zip(*rows, strict=True)
    first = session_spread(means, errors, freedoms)
    shuffled = [(scale * mean, scale * error, freedom) for mean, error, freedom in random.sample(rows, len(rows))]
    means, errors, freedoms = zip(*shuffled, strict=True)
    other = session_spread(means, errors, freedoms)
    assert (other.factor, other.p_value) == pytest.approx((first.factor, first.p_value), rel=1e-6, abs=1e-9)
    assert first.low <= first.factor <= first.high


@pytest.mark.parametrize("effect", [0, 3, 8])
def test_hours_are_judged_as_the_analysis_of_variance_judges_normal_sessions(effect: int) -> None:
    rng = np.random.default_rng(effect)
    hours = np.tile([0, 6, 12, 18], 5)
    for _ in range(20):
        values = rng.normal(100, 3, 20) + np.where(hours == 12, effect, 0)
        oracle = float(stats.f_oneway(*(values[hours == hour] for hour in (0, 6, 12, 18))).pvalue)
        p = hour_effect_p(values, hours, np.zeros(20))
        assert abs(p - oracle) < 0.01 + 4 * np.sqrt(oracle * (1 - oracle) / 1999)
        order = rng.permutation(20)
        assert hour_effect_p(values[order], hours[order], np.zeros(20)) == p


def test_sessions_that_are_all_alike_say_nothing_of_hours() -> None:
    hours, days = np.tile([0, 6, 12, 18], 5), np.repeat(np.arange(5), 4)
    assert hour_effect_p(np.full(20, 7.0), hours, days) == 1.0
    assert hour_effect_p(np.arange(20.0), hours, np.arange(20)) == 1.0


def test_what_days_do_as_a_whole_does_not_hide_an_hour() -> None:
    rng = np.random.default_rng(8)
    hours, days = np.tile([0, 6, 12, 18], 7), np.repeat(np.arange(7), 4)
    values = rng.normal(100, 0.5, 28) + np.where(hours == 12, 1.5, 0)
    p = hour_effect_p(values, hours, days)
    assert p < 0.01
    assert hour_effect_p(values + 50 * rng.standard_normal(7)[days], hours, days) == p
    order = rng.permutation(28)
    assert hour_effect_p(values[order], hours[order], days[order]) == p
    # Without days, nothing of it is left.
    assert hour_effect_p(values + 50 * rng.standard_normal(7)[days], hours, np.zeros(28)) > 0.5


def test_sessions_are_dealt_to_the_hours_of_their_own_day() -> None:
    """Three days of two hours can be dealt in eight ways, two of which set the hours as far apart as they are."""
    values, hours, days = [100, 110, 50, 60, 205, 215], [3, 15] * 3, [0, 0, 1, 1, 2, 2]
    assert hour_effect_p(values, hours, days) == pytest.approx(2 / 8, abs=0.04)


def test_a_further_session_is_expected_where_the_others_scatter() -> None:
    values = [-1.0, 4.0, -3.0, 2.0]
    found = present(next_session(values))
    margin = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * np.sqrt(1.25)
    assert (found.low, found.high) == pytest.approx((0.5 - margin, 0.5 + margin))
    # Times are never expected below 0, however few sessions and however apart.
    times = present(next_session(np.exp(values)))
    assert (times.low, times.high) == pytest.approx((np.exp(0.5 - margin), np.exp(0.5 + margin)))
    assert next_session(values[:2]) is None
    assert next_session([5.0] * 4) is None


def test_days_are_cut_where_no_session_is_near() -> None:
    """A schedule's starts vary by seconds, before the first one's hour too."""
    times = [0.0, 0.25, 0.5, 0.75, 0.99999, 1.25, 1.50001, 1.7499, 2.00001]
    assert day_numbers(times).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert day_numbers([0.0, 0.9999, 2.0001, 9.0]).tolist() == [0, 1, 2, 9]
    assert day_numbers([0.0]).tolist() == [0]
    # One in the morning, two in the evening: the night is the cut.
    assert day_numbers([0.0, 0.4, 0.5, 1.0, 1.4, 1.5]).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_drift_is_the_line_through_blocks_of_days() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(64) / 4
    values = 100 + 0.5 * times + rng.normal(0, 1, 64)
    found = present(drift_by_days(times, day_numbers(times), values))
    assert (found.n, found.days, found.blocks) == (64, 16, 7)
    parts = np.array_split(np.arange(16), 7)
    across, up = ([array.reshape(16, 4)[part].mean() for part in parts] for array in (times, values))
    line = stats.linregress(across, up)
    assert (found.slope, found.p_value) == pytest.approx((line.slope, line.pvalue))
    margin = stats.t.ppf(0.975, 5) * line.stderr
    assert (found.low, found.high) == pytest.approx((line.slope - margin, line.slope + margin))


def test_few_days_give_no_interval_of_a_drift() -> None:
    times = np.arange(28) / 4
    values = np.random.default_rng(4).normal(100, 1, 28) + times
    found = present(drift_by_days(times, day_numbers(times), values))
    assert found.slope == pytest.approx(1, abs=0.5)
    assert (found.low, found.high, found.p_value, found.blocks, found.days) == (None, None, None, None, 7)
    assert drift_by_days(times[:4], day_numbers(times[:4]), values[:4]) is None
    straight = present(drift_by_days(np.arange(20.0), np.arange(20), 5 + np.arange(20.0)))
    assert straight.slope == pytest.approx(1)
    assert (straight.low, straight.p_value) == (None, None)
