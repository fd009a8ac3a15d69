"""Statistics over sessions: against an oracle, and what may change and what not (by simulation: tests/simulations)."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics.results import Estimate
from isotherm.statistics.sessions import hour_effect_p, over_sessions, session_spread, standard_error

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
        p = hour_effect_p(values, hours)
        assert abs(p - oracle) < 0.01 + 4 * np.sqrt(oracle * (1 - oracle) / 1999)
        order = rng.permutation(20)
        assert hour_effect_p(values[order], hours[order]) == p


def test_sessions_that_are_all_alike_say_nothing_of_hours() -> None:
    assert hour_effect_p(np.full(20, 7.0), np.tile([0, 6, 12, 18], 5)) == 1.0
