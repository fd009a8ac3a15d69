"""Do statistics over few sessions cover and alarm as often as they say, with and without an effect? Counted.

As in `test_coverage`, a count is called too high where chance alone gives as many less than once in 10^5.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from isotherm.analysis.trend import build_trend
from isotherm.statistics.results import Spread
from isotherm.statistics.sessions import (
    day_numbers,
    drift_by_days,
    hour_effect_p,
    next_session,
    over_sessions,
    session_spread,
)
from unit.present import present
from unit.statistics.made_up_sessions import made_up_sessions, spread_of

from .counting import plausible

TRIALS = 1500

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _lognormal(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Latencies: skewed, with mean 0 and standard deviation 1."""
    spread = 0.5
    mean, sd = np.exp(spread**2 / 2), np.sqrt((np.exp(spread**2) - 1) * np.exp(spread**2))
    drawn: np.ndarray = (np.exp(rng.normal(0, spread, size)) - mean) / sd
    return drawn


DRAWS: dict[str, Draw] = {"normal": lambda rng, size: rng.normal(0, 1, size), "lognormal": _lognormal}


def _simulated(draw: Draw, sessions: int, samples: int, factor: float, trials: int = TRIALS) -> list[Spread]:
    """Spreads of sessions whose means truly scatter `factor` times as wide as their samples predict."""
    rng = np.random.default_rng([sessions, samples, round(100 * factor)])
    luck = rng.normal(0, np.sqrt((factor**2 - 1) / samples), (trials, sessions, 1))
    return [spread_of(values) for values in luck + draw(rng, (trials, sessions, samples))]


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_without_a_session_effect_there_are_no_more_alarms_than_stated(name: str, sessions: int) -> None:
    found = _simulated(DRAWS[name], sessions, 20, 1.0)
    alarms = sum(spread.p_value < 0.05 for spread in found)
    above = sum(spread.low > 1 for spread in found)
    below = sum(spread.high < 1 for spread in found)
    print(f"{name} {sessions} sessions, no effect: alarms {alarms / TRIALS:.3f}, misses {above} {below} of {TRIALS}")
    assert plausible(alarms, TRIALS, 0.05)
    assert plausible(above, TRIALS, 0.025)
    assert plausible(below, TRIALS, 0.025)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("factor", [1.42, 4.0])
@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_the_interval_holds_the_true_factor(name: str, factor: float, sessions: int) -> None:
    found = _simulated(DRAWS[name], sessions, 20, factor)
    missed = sum(not spread.low <= factor <= spread.high for spread in found)
    print(f"{name} {sessions} sessions, factor {factor}: coverage {1 - missed / TRIALS:.3f}")
    # Skewed samples cost a percent with three sessions of 20: 94 % is what is promised for them.
    assert plausible(missed, TRIALS, 0.05 if name == "normal" else 0.06)


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
    assert plausible(alarms, TRIALS, 0.06)


@pytest.mark.parametrize("sessions", [3, 5, 10])
def test_intervals_over_sessions_cover_where_sessions_differ(sessions: int) -> None:
    rng = np.random.default_rng(sessions)
    values = rng.normal(100, 5, (TRIALS, sessions, 1)) + _lognormal(rng, (TRIALS, sessions, 50)) * 8
    medians = np.median(values, axis=2)
    truth = 100 + 8 * (1 - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    found = [over_sessions(row) for row in medians]
    missed = sum(not (e.low or 0) <= truth <= (e.high or 0) for e in found)
    print(f"{sessions} sessions: coverage {1 - missed / TRIALS:.3f}")
    assert plausible(missed, TRIALS, 0.05)


@pytest.mark.parametrize("icc", [0.1, 0.3])
def test_headlines_call_equal_sessions_different_as_rarely_as_they_say(icc: float) -> None:
    """Ten equal sessions of 5 rounds of 10, from values to the headline; 100 trends, Monte Carlo error 2.2 points."""
    trials, seen, by_calls = 100, 0, 0
    for seed in range(trials):
        sessions = made_up_sessions(10, rounds=5, samples=50, icc=icc, targets={"default": 92.0}, seed=seed)
        made = build_trend(sessions, metrics=["startup_ms"], version="0")
        told = "more than chance makes them" in made.headline
        assert told == (made.overall[0].beyond == "rounds" and made.overall[0].apart > 0)
        seen += told
        by_calls += present(made.series[0].spread).apart
    print(f"icc {icc}: {seen} of {trials} headlines, {by_calls} by single calls")
    assert plausible(seen, trials, 0.05)
    assert by_calls > 2 * seen + 10


@pytest.mark.parametrize("sessions", [3, 10])
def test_the_next_session_is_where_it_was_expected(sessions: int) -> None:
    rng = np.random.default_rng(sessions)
    values = 100 + rng.normal(0, 5, (TRIALS, sessions + 1)) + _lognormal(rng, (TRIALS, sessions + 1))
    found = [present(next_session(row[:-1])) for row in values]
    missed = sum(not present(e.low) <= row[-1] <= present(e.high) for e, row in zip(found, values, strict=True))
    print(f"{sessions} sessions: the next one was in it in {1 - missed / TRIALS:.3f}")
    assert plausible(missed, TRIALS, 0.05)


def _neighbours(rng: np.random.Generator, trials: int, sessions: int, rho: float) -> np.ndarray:
    """Sessions of which each is correlated by `rho` with the one before."""
    found = rng.standard_normal((trials, sessions))
    for at in range(1, sessions):
        found[:, at] = rho * found[:, at - 1] + np.sqrt(1 - rho**2) * found[:, at]
    return found


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("days", [8, 14, 28])
def test_sessions_that_follow_their_neighbours_do_not_drift(days: int, rho: float) -> None:
    """Four sessions a day without a drift; 1,500 trends each, Monte Carlo error 0.6 points."""
    rng = np.random.default_rng([days, round(10 * rho)])
    times = np.arange(4 * days) / 4
    numbers = day_numbers(times)
    found = [drift_by_days(times, numbers, row) for row in _neighbours(rng, TRIALS, times.size, rho)]
    alarms = sum(present(present(drift).p_value) < 0.05 for drift in found)
    print(f"{days} days, rho {rho}: {alarms / TRIALS:.3f}")
    # Blocks of two days are hardly correlated: at 0.5 their neighbours are by 0.1, which costs about a point.
    assert plausible(alarms, TRIALS, 0.05 if rho < 0.5 else 0.065)


def test_a_drift_is_found() -> None:
    """A standard deviation in a week, four sessions a day for four weeks."""
    rng = np.random.default_rng(9)
    times = np.arange(112) / 4
    numbers = day_numbers(times)
    rows = _neighbours(rng, 300, times.size, 0.3) + times / 7
    share = np.mean([present(present(drift_by_days(times, numbers, row)).p_value) < 0.05 for row in rows])
    print(f"found in {share:.2f}")
    assert share > 0.95


@pytest.mark.parametrize("day_sd", [0.0, 2.0])
def test_hours_that_are_alike_are_seldom_called_different(day_sd: float) -> None:
    """400 trends of a week, four sessions a day; Monte Carlo error 1.1 points."""
    rng = np.random.default_rng(2)
    hours, days = np.tile([0, 6, 12, 18], 7), np.repeat(np.arange(7), 4)
    trials = 400
    alarms = sum(
        hour_effect_p(day_sd * rng.standard_normal(7)[days] + _lognormal(rng, (28,)), hours, days) < 0.05
        for _ in range(trials)
    )
    print(f"days of sd {day_sd}: {alarms / trials:.3f}")
    assert plausible(alarms, trials, 0.05)


def test_an_hour_is_found_whatever_days_do() -> None:
    """Four sessions of sd 1 a day for a week, days of sd 2, one hour 2 higher; Monte Carlo error 1.2 points."""
    rng = np.random.default_rng(3)
    hours, days = np.tile([0, 6, 12, 18], 7), np.repeat(np.arange(7), 4)
    trials = 400
    found = sum(
        hour_effect_p(2 * rng.standard_normal(7)[days] + rng.standard_normal(28) + 2 * (hours == 12), hours, days)
        < 0.05
        for _ in range(trials)
    )
    print(f"found in {found / trials:.3f}")
    assert found / trials > 0.8
