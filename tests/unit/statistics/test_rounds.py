"""Intervals over rounds against scipy, numpy and counts by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics.describe import quantile_interval, summarize
from isotherm.statistics.order_statistics import ranks_of_quantile
from isotherm.statistics.rounds import (
    DesignEffect,
    by_round,
    design_effect,
    median_over_rounds,
    pooled,
    quantile_ranks,
    round_medians,
    rounding_unit,
)
from isotherm.statistics.student import student_t

times = st.floats(0.001, 1e6, allow_subnormal=False)
round_lists = st.lists(st.lists(times, min_size=3, max_size=9), min_size=3, max_size=8)


@given(
    freedom=st.integers(1, 3000) | st.integers(1, 10**9),
    confidence=st.floats(0.01, 0.9999) | st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_student_s_t_is_scipy_s(freedom: int, confidence: float) -> None:
    assert student_t(freedom, confidence) == pytest.approx(stats.t.ppf(0.5 + confidence / 2, freedom), rel=1e-7)


@pytest.mark.parametrize(("freedom", "confidence"), [(0, 0.95), (-1, 0.95), (3, 0.0), (3, 1.0), (3, math.nan)])
def test_what_student_does_not_know_is_refused(freedom: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"freedom: |confidence: "):
        student_t(freedom, confidence)


@given(rounds=round_lists, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_median_s_interval_is_student_s_over_logarithms_of_round_medians(
    rounds: list[list[float]], confidence: float
) -> None:
    logs = [math.log(float(np.median(values))) for values in rounds]
    every = np.concatenate([np.array(values) for values in rounds])
    found = median_over_rounds(rounds, confidence)
    assert found is not None
    middle, unit = float(np.median(every)), rounding_unit(every.tolist())
    two_sided, one_sided = (
        float(stats.t.ppf(p, len(logs) - 1)) * float(stats.sem(logs)) for p in (0.5 + confidence / 2, confidence)
    )
    low = min(float(np.mean(logs)) - two_sided, math.log(middle) - one_sided)
    high = max(float(np.mean(logs)) + two_sided, math.log(middle) + one_sided)
    if high < 700:
        assert found[1] == pytest.approx(max(math.exp(high), middle + unit / 2), rel=1e-6)
        assert found[0] == pytest.approx(max(0.0, min(math.exp(low), middle - unit / 2)), rel=1e-6, abs=1e-300)


@given(rounds=st.lists(st.lists(st.integers(-3, 5).map(float), min_size=3, max_size=6), min_size=3, max_size=6))
def test_where_values_are_not_above_zero_medians_are_taken_as_they_are(rounds: list[list[float]]) -> None:
    every = [value for values in rounds for value in values]
    medians = [float(np.median(values)) for values in rounds]
    found, scale = median_over_rounds(rounds), round_medians(rounds)
    assert found is not None
    assert scale is not None
    assert scale.is_log == (min(every) > 0)
    if not scale.is_log:
        margin, beyond = (float(stats.t.ppf(p, len(medians) - 1)) * float(stats.sem(medians)) for p in (0.975, 0.95))
        low = min(np.mean(medians) - margin, np.median(every) - max(beyond, 0.5))
        assert found[0] == pytest.approx(max(0.0, low) if min(every) >= 0 else low)
        assert found[1] == pytest.approx(max(np.mean(medians) + margin, np.median(every) + max(beyond, 0.5)))


@given(rounds=round_lists)
def test_it_holds_the_median_of_all_values(rounds: list[list[float]]) -> None:
    labels = [number for number, values in enumerate(rounds) for _ in values]
    found = summarize([value for values in rounds for value in values], blocks=labels)
    assert found.scope == "rounds"
    assert found.median is not None
    assert found.median_low is None or found.median_low <= found.median
    assert found.median_high is None or found.median_high >= found.median


def test_small_rounds_are_passed_over_and_too_few_large_ones_speak_for_themselves_alone() -> None:
    large = [[10.0, 11.0, 12.5], [10.5, 11.5, 12.0], [9.5, 10.25, 13.0]]
    assert median_over_rounds([*large, [400.0, 500.0]]) is not None
    # Of a small round only the median of all values hears.
    assert median_over_rounds([*large, [11.0, 11.5]]) == pytest.approx(median_over_rounds(large), abs=0.3)
    for few in (large[:2], [[1.0, 2.0]] * 20, []):
        assert median_over_rounds(few) is None
        assert design_effect(few) is None

    values = [value for values in large[:2] for value in values]
    found = summarize(values, blocks=[1, 1, 1, 2, 2, 2])
    of_these = quantile_interval(values, 0.5)
    assert (found.scope, found.design_effect) == ("these_rounds", None)
    assert (found.median_low, found.median_high) == (of_these.low, of_these.high)
    assert summarize(values).scope is None


@pytest.mark.parametrize("scale", [1e-320, 1e300])
def test_ends_that_no_float_holds_are_left_open(scale: float) -> None:
    found = median_over_rounds([[scale] * 3, [1.0] * 3, [1 / scale if scale > 1 else 1e300] * 3])
    assert found is not None
    assert all(end is None or math.isfinite(end) for end in found)


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([5, 6, 100], 1.0),
        ([90.5, 91], 0.1),
        ([103.27, 91], 0.01),
        ([0.000001], 1e-6),
        ([0.0], 1.0),
        ([1 / 3], 0.0),
        ([1e300], 1.0),
        ([0.1 + 0.2], 0.0),
    ],
)
def test_the_unit_of_rounding_is_read_off_the_values(values: list[float], unit: float) -> None:
    assert rounding_unit(values) == unit


def test_equal_rounds_are_no_certainty() -> None:
    assert median_over_rounds([[5.0] * 4] * 5) == (4.5, 5.5)
    assert median_over_rounds([[0.0] * 4] * 5) == (0.0, 0.5)
    low, high = median_over_rounds([[91.25] * 4] * 5) or (None, None)
    assert low == pytest.approx(91.245)
    assert high == pytest.approx(91.255)


@given(sizes=st.lists(st.integers(3, 12), min_size=3, max_size=7), seed=st.integers(0, 2**32 - 1))
def test_the_design_effect_is_the_variance_of_a_ratio_over_that_of_independent_values(
    sizes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rounds = [rng.normal(rng.normal(), 1, size) for size in sizes]
    limit = np.quantile(np.concatenate(rounds), 0.9, method="median_unbiased")
    up_to = [values <= limit for values in rounds]
    n, share = sum(sizes), float(np.concatenate(up_to).mean())
    found = design_effect([values.tolist() for values in rounds])
    if share == 1:
        assert found is None
        return
    residuals = np.array([of.sum() - of.size * share for of in up_to]) / n
    variance = len(sizes) / (len(sizes) - 1) * float(np.sum(residuals**2))
    assert found is not None
    assert found.value == pytest.approx(variance / (share * (1 - share) / n))
    assert found.freedom == len(sizes) - 1


def test_values_in_a_row_have_the_effect_of_their_number() -> None:
    """Ten rounds whose ten values are one and the same: a hundred values say as much as ten."""
    found = design_effect([[float(number)] * 10 for number in range(10)])
    assert found is not None
    assert found.value == pytest.approx(10 * 10 / 9)


def test_effects_are_pooled_by_their_rounds_and_never_below_one() -> None:
    assert pooled([DesignEffect(2.0, 4), None, DesignEffect(5.0, 2)]) == (3.0, 6)
    assert pooled([DesignEffect(0.5, 4)]) == (1.0, 4)
    assert pooled([None]) is None
    assert pooled([]) is None


@given(
    n=st.integers(1, 3000),
    q=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
    value=st.floats(1, 50),
    freedom=st.integers(1, 200),
)
def test_woodruff_s_ranks_are_never_narrower_and_are_those_of_the_share_s_interval(
    n: int, q: float, value: float, freedom: int
) -> None:
    low, high = quantile_ranks(n, q, DesignEffect(value, freedom))
    least, most = ranks_of_quantile(n, q)
    margin = float(stats.t.ppf(0.975, freedom)) * math.sqrt(value * q * (1 - q) / n)
    if low is None:
        assert least is None or n * (q - margin) < 1
    else:
        assert least is not None
        assert low <= least
        assert low <= n * (q - margin) < low + 1 or low == least
    if high is None:
        assert most is None or n * (q + margin) > n - 1
    else:
        assert most is not None
        assert most <= high <= n
        assert high - 1 >= n * (q + margin) > high - 2 or high == most
    assert quantile_ranks(n, q) == (least, most)


def test_rounds_are_told_apart_by_their_labels_in_any_order() -> None:
    assert by_round([1.0, 2.0, 3.0], ["b", "a", "b"]) == [[1.0, 3.0], [2.0]]


def test_a_control_function_gets_them_without_numpy() -> None:
    program = "import sys, isotherm.statistics.rounds; print({'numpy', 'scipy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
