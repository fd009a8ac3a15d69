"""Statistics over sessions: against an oracle, and by simulation with few sessions, with and without an effect."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics.results import Estimate, Spread
from isotherm.statistics.sessions import hour_effect_p, over_sessions, session_spread, standard_error

TRIALS = 1500
# A sound method fails for about one seed in a thousand at this caution (as in test_coverage).
IMPLAUSIBLE = 1e-5

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _lognormal(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Latencies: skewed, with mean 0 and standard deviation 1."""
    spread = 0.5
    mean, sd = np.exp(spread**2 / 2), np.sqrt((np.exp(spread**2) - 1) * np.exp(spread**2))
    drawn: np.ndarray = (np.exp(rng.normal(0, spread, size)) - mean) / sd
    return drawn


DRAWS: dict[str, Draw] = {"normal": lambda rng, size: rng.normal(0, 1, size), "lognormal": _lognormal}


def _spread(values: np.ndarray) -> Spread:
    """Spread of sessions that are the rows."""
    n = values.shape[1]
    return session_spread(values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(n), np.full(values.shape[0], n - 1))


def _simulated(draw: Draw, sessions: int, samples: int, factor: float, trials: int = TRIALS) -> list[Spread]:
    """Spreads of sessions whose means truly scatter `factor` times as wide as their samples predict."""
    rng = np.random.default_rng([sessions, samples, round(100 * factor)])
    luck = rng.normal(0, np.sqrt((factor**2 - 1) / samples), (trials, sessions, 1))
    return [_spread(values) for values in luck + draw(rng, (trials, sessions, samples))]


def _plausible(misses: int, trials: int, nominal: float) -> bool:
    return float(stats.binomtest(misses, trials, nominal, alternative="greater").pvalue) > IMPLAUSIBLE


def test_sessions_of_one_size_and_scatter_give_the_f_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(100, 5, (4, 12))
    # Alike in scatter, as the F of the analysis of variance supposes.
    values = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, ddof=1, keepdims=True) * 5
    values += np.array([[100.0], [103.0], [99.0], [108.0]])
    oracle = stats.f_oneway(*values)
    found = _spread(values)
    assert found.factor**2 == pytest.approx(oracle.statistic)
    assert found.p_value == pytest.approx(oracle.pvalue)
    low, high = (oracle.statistic / stats.f.ppf(q, 3, 44) for q in (0.975, 0.025))
    assert (found.low**2, found.high**2) == pytest.approx((low, high))
    assert found.between_sd**2 == pytest.approx(np.var([100, 103, 99, 108], ddof=1) - 25 / 12)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_without_a_session_effect_there_are_no_more_alarms_than_stated(name: str, sessions: int) -> None:
    found = _simulated(DRAWS[name], sessions, 20, 1.0)
    alarms = sum(spread.p_value < 0.05 for spread in found)
    above = sum(spread.low > 1 for spread in found)
    below = sum(spread.high < 1 for spread in found)
    print(f"{name} {sessions} sessions, no effect: alarms {alarms / TRIALS:.3f}, misses {above} {below} of {TRIALS}")
    assert _plausible(alarms, TRIALS, 0.05)
    assert _plausible(above, TRIALS, 0.025)
    assert _plausible(below, TRIALS, 0.025)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("factor", [1.42, 4.0])
@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_the_interval_holds_the_true_factor(name: str, factor: float, sessions: int) -> None:
    found = _simulated(DRAWS[name], sessions, 20, factor)
    missed = sum(not spread.low <= factor <= spread.high for spread in found)
    print(f"{name} {sessions} sessions, factor {factor}: coverage {1 - missed / TRIALS:.3f}")
    # Skewed samples cost a percent with three sessions of 20: 94 % is what is promised for them.
    assert _plausible(missed, TRIALS, 0.05 if name == "normal" else 0.06)


@pytest.mark.parametrize(
    ("sessions", "factor", "power"), [(3, 4.0, 0.7), (5, 4.0, 0.9), (10, 4.0, 0.98), (30, 1.42, 0.7)]
)
def test_a_session_effect_is_found(sessions: int, factor: float, power: float) -> None:
    found = _simulated(DRAWS["normal"], sessions, 20, factor, trials=400)
    share = sum(spread.p_value < 0.05 for spread in found) / 400
    print(f"{sessions} sessions, factor {factor}: found in {share:.2f}")
    assert share > power


def test_sessions_of_other_sizes_and_scatters_raise_no_alarm() -> None:
    rng = np.random.default_rng(11)
    sizes, scales = [5, 20, 100, 20, 8], [3.0, 1.0, 0.5, 2.0, 1.0]
    alarms = 0
    for _ in range(TRIALS):
        rows = [rng.normal(100, scale, size) for size, scale in zip(sizes, scales, strict=True)]
        spread = session_spread(
            [row.mean() for row in rows],
            [row.std(ddof=1) / np.sqrt(row.size) for row in rows],
            [row.size - 1 for row in rows],
        )
        alarms += spread.p_value < 0.05
    assert _plausible(alarms, TRIALS, 0.06)


@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_intervals_over_sessions_cover_where_sessions_differ(sessions: int) -> None:
    rng = np.random.default_rng(sessions)
    values = rng.normal(100, 5, (TRIALS, sessions, 1)) + _lognormal(rng, (TRIALS, sessions, 50)) * 8
    medians = np.median(values, axis=2)
    truth = 100 + 8 * (1 - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    found = [over_sessions(row) for row in medians]
    missed = sum(not (e.low or 0) <= truth <= (e.high or 0) for e in found)
    print(f"{sessions} sessions: coverage {1 - missed / TRIALS:.3f}")
    assert _plausible(missed, TRIALS, 0.05)


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


def test_hours_that_are_alike_are_seldom_called_different() -> None:
    rng = np.random.default_rng(2)
    hours = np.tile([0, 6, 12, 18], 5)
    trials = 400
    alarms = sum(hour_effect_p(np.exp(rng.normal(4, 0.3, 20)), hours) < 0.05 for _ in range(trials))
    assert _plausible(alarms, trials, 0.05)


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
