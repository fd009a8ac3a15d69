"""Treatments against a baseline in blocks: published tables, scipy, and what must not be said of few or tied rounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from isotherm.statistics.blocks import BlockDifference, block_differences
from isotherm.statistics.dunnett import critical_value, loadings, p_of_largest
from isotherm.statistics.two_samples import holm, widened
from unit.present import present

Side = tuple[NDArray[np.float64], NDArray[np.float64]]

_HALF = math.sqrt(0.5)


def _sides(medians: NDArray[np.float64]) -> list[Side]:
    """Three values around each median, so that it is the median of its round; NaN is a round that is missing."""
    found = []
    for row in medians:
        rounds = np.flatnonzero(~np.isnan(row))
        found.append((np.concatenate([row[rounds] * f for f in (0.9, 1, 1.2)]), np.tile(rounds, 3).astype(float)))
    return found


def _differences(medians: NDArray[np.float64], confidence: float = 0.95) -> list[BlockDifference]:
    baseline, *others = _sides(medians)
    return block_differences(baseline, others, confidence=confidence)


def _table(treatments: int, rounds: int, seed: int, common: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    logs = rng.normal(4.5, 0.05, (treatments, rounds)) + rng.normal(0, common, rounds)
    return np.exp(logs)


@pytest.mark.parametrize(
    ("others", "freedom", "five", "one"),
    # Dunnett, New tables for multiple comparisons with a control, Biometrics 20 (1964), tables II and III.
    [
        (1, 5, 2.57, 4.03), (2, 5, 3.03, 4.63), (3, 6, 3.10, 4.51), (9, 10, 3.24, 4.28), (4, 16, 2.71, 3.51),
        (9, 120, 2.73, 3.29),
    ],
)  # fmt: skip
def test_critical_values_are_those_of_dunnetts_tables(others: int, freedom: int, five: float, one: float) -> None:
    of = (_HALF,) * others
    assert critical_value(of, freedom, 0.95) == pytest.approx(five, abs=0.006)
    assert critical_value(of, freedom, 0.99) == pytest.approx(one, abs=0.006)
    assert p_of_largest(critical_value(of, freedom, 0.95), of, freedom) == pytest.approx(0.05, abs=1e-8)
    assert 0 < p_of_largest(60.0, of, freedom) < 1e-6


def test_adjusted_p_values_are_scipys() -> None:
    rng = np.random.default_rng(3)
    control, *others = (rng.normal(mean, 1, 6) for mean in (0, 0.2, 1, 1.8))
    theirs = stats.dunnett(*others, control=control, rng=np.random.default_rng(1))
    for t, p in zip(theirs.statistic, theirs.pvalue, strict=True):
        assert p_of_largest(abs(t), (_HALF,) * 3, 20) == pytest.approx(p, abs=1e-3)


def test_unequal_correlations_agree_with_the_multivariate_t() -> None:
    of = (0.75, 0.6, 0.7)
    correlation = np.outer(of, of) + np.diag(1 - np.square(of))
    assert loadings(correlation) == pytest.approx(of, abs=1e-6)
    inside = stats.multivariate_t.cdf(
        [2.5] * 3, shape=correlation, df=7, lower_limit=[-2.5] * 3, random_state=1, maxpts=100_000
    )
    assert p_of_largest(2.5, of, 7) == pytest.approx(1 - inside, abs=1e-3)


def test_without_gaps_the_scatter_is_that_of_the_two_way_table() -> None:
    medians = _table(5, 6, seed=1, common=0.3)
    logs = np.log(medians)
    left = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0) + logs.mean()
    error = math.sqrt(2 * np.sum(left**2) / 20 / 6)
    for found, row in zip(_differences(medians), logs[1:], strict=True):
        ratio = row.mean() - logs[0].mean()
        assert found.adjusted_by == "dunnett"
        assert math.log(present(found.ratio)) == pytest.approx(ratio)
        assert present(found.p_value) == pytest.approx(2 * stats.t.sf(abs(ratio) / error, 20))
        margin = critical_value((_HALF,) * 4, 20) * error
        assert math.log(present(found.ratio_low)) == pytest.approx(ratio - margin)
        assert math.log(present(found.ratio_high)) == pytest.approx(ratio + margin)


def test_missing_rounds_are_fitted_by_least_squares() -> None:
    medians = _table(4, 7, seed=2, common=0.3)
    medians[1, 5:] = medians[2, 0] = medians[3, 2:4] = np.nan
    rows, columns = np.nonzero(~np.isnan(medians))
    design = np.zeros((rows.size, 4 + 7 - 1))
    design[np.arange(rows.size), columns] = 1
    for place, row in enumerate(rows):
        if row:
            design[place, 6 + row] = 1
    y = np.log(medians[rows, columns])
    fitted, squares, *_ = np.linalg.lstsq(design, y)
    freedom = rows.size - design.shape[1]
    inverse = np.linalg.inv(design.T @ design)
    found = _differences(medians)
    assert [one.rounds for one in found] == [5, 6, 5]
    for one, place in zip(found, (7, 8, 9), strict=True):
        error = math.sqrt(squares[0] / freedom * inverse[place, place])
        assert math.log(present(one.ratio)) == pytest.approx(fitted[place])
        assert one.p_value == pytest.approx(2 * stats.t.sf(abs(fitted[place]) / error, freedom))
        assert present(one.p_value) <= present(one.p_adjusted) <= 3 * present(one.p_value) + 1e-9


def test_one_treatment_is_a_paired_t_test_of_logarithms() -> None:
    medians = _table(2, 6, seed=4, common=0.5)
    (found,) = _differences(medians)
    expected = stats.ttest_rel(np.log(medians[1]), np.log(medians[0]))
    assert found.adjusted_by is None
    assert (found.p_value, found.p_adjusted) == pytest.approx((expected.pvalue,) * 2)


def test_what_a_round_does_to_all_alike_changes_no_verdict() -> None:
    still, moved = _table(5, 5, seed=5), _table(5, 5, seed=5)
    moved *= np.array([1, 3, 0.5, 2, 1])
    for one, other in zip(_differences(still), _differences(moved), strict=True):
        assert (one.ratio, one.ratio_low, one.p_adjusted) == pytest.approx(
            (other.ratio, other.ratio_low, other.p_adjusted)
        )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    treatments=st.integers(2, 6),
    rounds=st.integers(3, 8),
    shift=st.floats(-0.4, 0.4),
    own=st.sampled_from([1.0, 8.0]),
    decimals=st.sampled_from([0, 6]),
    zero=st.booleans(),
)
def test_an_interval_leaves_out_none_exactly_where_its_p_is_small(
    seed: int, treatments: int, rounds: int, shift: float, own: float, decimals: int, zero: bool
) -> None:
    medians = _table(treatments, rounds, seed)
    medians[0] = 90 * (medians[0] / 90) ** own
    medians[1] *= math.exp(shift)
    medians = np.round(medians, decimals)
    if zero:
        medians[-1, 0] = 0.0
    for found in _differences(medians):
        low, high = present(found.shift_low), present(found.shift_high)
        assert low <= found.shift <= high
        assert (low > 0 or high < 0) == (present(found.p_adjusted) < 0.05)
        if found.ratio_low is not None and found.ratio_high is not None:
            assert (found.ratio_low > 1 or found.ratio_high < 1) == (present(found.p_adjusted) < 0.05)


@pytest.mark.parametrize("rounds", [1, 2])
def test_of_fewer_than_three_shared_rounds_nothing_is_said(rounds: int) -> None:
    medians = _table(3, 6, seed=6)
    medians[1] *= 10
    medians[1, rounds:] = np.nan
    few, enough = _differences(medians)
    assert few.rounds == rounds
    assert few.shift > 500
    assert (few.shift_low, few.shift_high, few.p_value, few.p_adjusted, few.adjusted_by) == (None,) * 5
    assert enough.p_adjusted is not None


def test_tied_values_are_no_more_exact_than_their_unit() -> None:
    rounds = np.repeat(np.arange(5.0), 10)
    five, six = (np.full(50, 5.0), rounds), (np.full(50, 6.0), rounds)
    found = block_differences(five, [six] * 4)
    for one in found:
        assert one.shift == pytest.approx(1)
        assert present(one.p_adjusted) > 0.05
        assert present(one.shift_low) < 0 < 2 < present(one.shift_high)
    (far,) = block_differences(five, [(np.full(50, 50.0), rounds)])
    assert present(far.p_adjusted) < 0.05
    assert present(far.shift_low) < 44.5
    (equal,) = block_differences(five, [five])
    assert (equal.shift, equal.p_adjusted) == (0, 1)
    third = np.full(50, 1 / 3), rounds
    assert block_differences(third, [third])[0].p_adjusted == 1
    assert block_differences(third, [(np.full(50, 2 / 3), rounds)])[0].p_adjusted is None


def test_where_scatters_differ_or_a_median_is_zero_differences_are_by_round() -> None:
    medians = _table(5, 8, seed=7)
    medians[0] = 90 * (medians[0] / 90) ** 12
    unlike = _differences(medians)
    logs = np.log(medians)
    raw = [float(stats.ttest_rel(row, logs[0]).pvalue) for row in logs[1:]]
    assert {one.adjusted_by for one in unlike} == {"holm"}
    assert [one.p_value for one in unlike] == pytest.approx(raw)
    assert [one.p_adjusted for one in unlike] == pytest.approx(holm(raw))

    zero = _table(3, 8, seed=8)
    zero[2, 3] = 0
    by_round = _differences(zero)
    steps = [float(stats.ttest_rel(row, zero[0]).pvalue) for row in zero[1:]]
    assert [one.p_value for one in by_round] == pytest.approx(steps)
    assert {one.adjusted_by for one in by_round} == {"holm"}


@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1e14])
@pytest.mark.parametrize("spread", [0.0, 0.05, 60.0])
def test_values_of_any_size_have_ends_that_are_numbers(scale: float, spread: float) -> None:
    """However small a time is, or however many powers of ten lie between rounds: no overflow, and no unit made up."""
    medians = scale * np.exp(spread * np.random.default_rng(4).standard_normal((3, 3)))
    for found in _differences(medians):
        for middle, low, high in (
            (found.shift, found.shift_low, found.shift_high),
            (found.ratio, found.ratio_low, found.ratio_high),
        ):
            assert middle is not None
            assert math.isfinite(middle)
            assert (low is None) == (high is None) == (found.p_adjusted is None)
            if low is not None:
                assert low <= middle <= present(high) < math.inf


def test_a_difference_in_units_is_the_ratio_on_the_baselines_median() -> None:
    for factor in (3.0, 1.0, 0.3):
        medians = _table(2, 6, seed=9)
        medians[1] *= factor
        baseline, other = _sides(medians)
        (found,) = block_differences(baseline, [other])
        median = float(np.median(baseline[0]))
        assert found.shift == pytest.approx(median * (present(found.ratio) - 1))
        ends = [median * (present(end) - 1) for end in (found.ratio_low, found.ratio_high)]
        # How unsure the baseline's own median is can only widen what the ratio says.
        assert present(found.shift_low) <= ends[0] + 1e-9
        assert present(found.shift_high) >= ends[1] - 1e-9
        if factor > 1:
            assert present(found.shift_high) > ends[1] * 1.001


def test_an_interval_is_widened_by_what_its_p_was_multiplied_with() -> None:
    p_values = [0.001, 0.02, 0.03]
    corrected = holm(p_values)
    levels = [widened(0.95, p, q, 3) for p, q in zip(p_values, corrected, strict=True)]
    assert levels == pytest.approx([1 - 0.05 / 3, 1 - 0.05 / 2, 1 - 0.05 * 0.03 / 0.04])
    assert widened(0.95, 0.2, 0.6, 3) == pytest.approx(1 - 0.05 / 3)
    assert widened(0.95, 0.2, 0.2, 1) == widened(0.95, None, None, 3) == 0.95


@pytest.mark.parametrize(
    ("values", "rounds", "problem"),
    [([], [], "needs values"), ([1.0, 2.0], [0.0], "a round for each"), ([math.nan], [0.0], "NaN")],
)
def test_what_cannot_be_compared_is_refused(values: list[float], rounds: list[float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        block_differences(([1.0], [0.0]), [(values, rounds)])
