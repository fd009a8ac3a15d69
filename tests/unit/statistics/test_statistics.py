"""Every statistic against scipy, numpy or a count by hand."""

from __future__ import annotations

import dataclasses
import doctest
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.analysis.words import differences
from isotherm.analysis.words.differences import ANSWERS, STARTS, Words, comparison_in_words
from isotherm.statistics import before_after, describe, rounds, sequential, student, two_samples
from isotherm.statistics.arrays import resolution
from isotherm.statistics.describe import quantile_interval, round_effect_p, summarize
from isotherm.statistics.slopes import theil_sen
from isotherm.statistics.two_samples import compare, holm

times = st.floats(min_value=0.001, max_value=1e6, allow_nan=False, allow_subnormal=False)
few_times = st.lists(times, min_size=1, max_size=40)
# Whole milliseconds from a small range: heavily tied.
tied_times = st.lists(st.integers(1, 6).map(float), min_size=1, max_size=40)
samples = st.one_of(few_times, tied_times)


@given(values=samples, q=st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]), data=st.data())
def test_interval_knows_no_order_and_holds_the_estimate(values: list[float], q: float, data: st.DataObject) -> None:
    interval = quantile_interval(values, q)

    assert quantile_interval(data.draw(st.permutations(values)), q) == interval
    estimate = float(np.quantile(values, q, method="median_unbiased"))
    if interval.bounded:
        assert (interval.low or 0) <= estimate <= (interval.high or 0)


def test_an_extreme_quantile_of_two_values_is_not_estimated_but_bounded_from_below() -> None:
    # The p99 lies above both of two values in 98 % of all cases.
    assert quantile_interval([1.0, 2.0], 0.99).low == 2.0
    found = summarize([1.0, 2.0])
    assert (found.p95, found.p95_high) == (2.0, None)
    assert (found.p99, found.p99_low, found.p99_high) == (None, None, None)


@pytest.mark.parametrize(("n", "is_there"), [(367, False), (368, True), (1000, True)])
def test_a_p99_is_stated_from_the_number_on_that_bounds_it(n: int, is_there: bool) -> None:
    values = np.random.default_rng(n).normal(100, 5, n)
    for found in (summarize(values), summarize(values, blocks=np.arange(n) % 5)):
        assert (found.p99 is not None) == is_there
        assert (found.p99_low is not None) == is_there
    assert (summarize(values).p99_high is not None) == is_there


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_fractions_outside_are_refused_by_name(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"^q: .* is outside \(0, 1\)$"):
        quantile_interval([1.0, 2.0], fraction)
    with pytest.raises(ValueError, match=r"^confidence: .* is outside \(0, 1\)$"):
        quantile_interval([1.0, 2.0], 0.5, fraction)
    with pytest.raises(ValueError, match="confidence"):
        summarize([1.0], confidence=fraction)


def test_nan_is_refused_with_its_number() -> None:
    with pytest.raises(ValueError, match="values: 2 of 3 are NaN"):
        quantile_interval([math.nan, 1.0, math.nan], 0.5)
    with pytest.raises(ValueError, match="NaN"):
        summarize([math.nan])
    with pytest.raises(ValueError, match="infinite"):
        summarize([math.inf, 1.0])
    with pytest.raises(ValueError, match="NaN"):
        compare([1.0], [math.nan])
    with pytest.raises(ValueError, match="2 dimensions"):
        quantile_interval([[1.0], [2.0]], 0.5)


@given(values=samples)
def test_summary_agrees_with_numpy_and_scipy(values: list[float]) -> None:
    summary = summarize(values)
    array = np.array(values)

    assert summary.n == len(values)
    quartiles = np.quantile(array, [0.25, 0.5, 0.75], method="median_unbiased").tolist()
    assert [summary.q1, summary.median, summary.q3] == pytest.approx(quartiles)
    high = np.quantile(array, [0.9, 0.95], method="median_unbiased").tolist()
    assert [summary.p90, summary.p95] == pytest.approx(high)
    assert (summary.min, summary.max) == (array.min(), array.max())
    assert summary.mean == pytest.approx(array.mean())
    assert summary.mad == pytest.approx(stats.median_abs_deviation(array), rel=1e-9, abs=1e-9)
    q1, _, q3 = quartiles
    fence = 1.5 * (q3 - q1)
    assert summary.outliers == int(((array < q1 - fence) | (array > q3 + fence)).sum())
    if len(values) == 1:
        assert (summary.sd, summary.mean_error) == (None, None)
    else:
        assert summary.sd == pytest.approx(array.std(ddof=1), rel=1e-6, abs=1e-9 * array.max())
        assert summary.mean_error == pytest.approx(stats.sem(array), rel=1e-6, abs=1e-9 * array.max())
    assert (summary.mean_low, summary.mean_high) == (None, None)  # fewer than 100


def test_the_mean_of_independent_values_has_student_s_interval() -> None:
    values = np.random.default_rng(5).uniform(90, 110, 150)
    summary = summarize(values)
    expected = stats.t.interval(0.95, 149, values.mean(), stats.sem(values))
    assert (summary.mean_low, summary.mean_high) == pytest.approx(expected)
    assert (summarize(values[:99]).mean_low, summarize(values[:99]).mean_high) == (None, None)


@pytest.mark.parametrize(("slow", "is_there"), [(0, True), (1, False), (4, False), (5, True)])
def test_a_mean_that_hangs_on_how_many_slow_calls_came_has_no_interval(slow: int, is_there: bool) -> None:
    """Four calls in a hundred, three times as slow: whether three or six of them came moves the mean by a tenth."""
    values = np.random.default_rng(6).uniform(90, 110, 150)
    values[:slow] = 300
    assert (summarize(values).mean_low is not None) == is_there
    # What is strangely fast is not what a mean of times hangs on.
    assert summarize([*values[slow:], 1.0]).mean_low is not None


@given(
    sizes=st.lists(st.integers(1, 90), min_size=2, max_size=8).filter(lambda sizes: sum(sizes) >= 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_time_is_below_zero(sizes: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 10, sum(sizes)) * (np.repeat(np.arange(len(sizes)), sizes) > 0)
    summary = summarize(values, blocks=np.repeat(np.arange(len(sizes)), sizes))
    lows = [summary.mean_low, summary.median_low, summary.p90_low, summary.p95_low]
    assert min(low for low in lows if low is not None) >= 0
    assert summarize(values - 20, blocks=np.repeat(np.arange(len(sizes)), sizes)).median_low != 0


def test_nothing_is_none_and_not_zero() -> None:
    summary = summarize([])

    assert summary.n == 0
    everything = {name: v for name, v in dataclasses.asdict(summary).items() if name not in ("n", "outliers")}
    assert set(everything.values()) == {None}


@pytest.mark.parametrize("n", [2, 7, 1000])
@pytest.mark.parametrize("value", [0.1, 112.0, 1e9])
def test_a_constant_has_no_spread(n: int, value: float) -> None:
    summary = summarize(np.full(n, value), blocks=np.arange(n) % 2)

    assert (summary.median, summary.mean, summary.sd, summary.mad, summary.outliers) == (value, value, 0.0, 0.0, 0)
    unit = 0.1 if value == 0.1 else 1.0
    # Equal values are known to their last digit, and to no more.
    ends = (value - unit / 2, value + unit / 2) if n >= 100 else (None, None)
    assert (summary.mean_low, summary.mean_high) == ends
    by_three = summarize(np.full(n, value), blocks=np.arange(n) % 3)
    if n >= 9:
        assert (by_three.median_low, by_three.median_high) == (value - unit / 2, value + unit / 2)
    assert summary.between_rounds in (None, 0.0)
    assert summary.round_factor in (None, 1.0)


@given(
    sizes=st.lists(st.integers(2, 9), min_size=2, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_rounds_agree_with_analysis_of_variance(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rounds = [rng.normal(100 + 5 * rng.normal(), 3, size) for size in sizes]
    values = np.concatenate(rounds)
    summary = summarize(values, blocks=np.repeat(np.arange(len(sizes)), sizes))

    f, p = stats.f_oneway(*rounds)
    assert summary.rounds == len(sizes)
    assert summary.round_factor == pytest.approx(max(1.0, math.sqrt(f)))
    if f > 1:
        assert round_effect_p(summary) == pytest.approx(p)
    assert summary.between_rounds is not None
    assert 0 <= summary.between_rounds < 1
    assert (summary.between_rounds > 0) == (f > 1)


def test_labels_of_rounds_may_be_anything_in_any_order() -> None:
    values = [1.0, 5.0, 2.0, 6.0, 1.5, 5.5]

    assert summarize(values, blocks=list("abcabc")).rounds == 3
    with_names = summarize(values, blocks=["x", "y", "x", "y", "x", "y"])
    assert with_names == summarize(values[::2] + values[1::2], blocks=[0, 0, 0, 1, 1, 1])
    with pytest.raises(ValueError, match="blocks: 2 labels for 6 values"):
        summarize(values, blocks=[1, 2])


def test_the_mean_of_rounds_has_the_interval_of_their_means() -> None:
    # Of rounds of one size: Student's t on the means of the rounds.
    rng = np.random.default_rng(8)
    rounds = rng.normal(100, 1, (8, 50)) + rng.normal(0, 10, (8, 1))
    summary = summarize(rounds.ravel(), blocks=np.repeat(np.arange(8), 50))

    means = rounds.mean(axis=1)
    low, high = stats.t.interval(0.95, 7, means.mean(), stats.sem(means))
    assert (summary.mean_low, summary.mean_high) == pytest.approx((low, high))
    assert summary.mean_error == pytest.approx(stats.sem(means))


@given(x=samples, y=samples)
def test_shift_is_the_median_of_all_differences(x: list[float], y: list[float]) -> None:
    differences = np.sort(np.subtract.outer(np.array(y), np.array(x)).ravel())
    found = compare(x, y)

    scale = max(*x, *y)
    assert found.shift == pytest.approx(np.median(differences), abs=1e-9 * scale)
    if found.shift_low is not None and found.shift_high is not None:
        # The ends are differences that exist, as many from each end.
        below = np.searchsorted(differences, found.shift_low - 1e-9 * scale)
        above = len(differences) - np.searchsorted(differences, found.shift_high + 1e-9 * scale)
        ties_low = np.count_nonzero(np.abs(differences - found.shift_low) <= 1e-9 * scale)
        ties_high = np.count_nonzero(np.abs(differences - found.shift_high) <= 1e-9 * scale)
        if not ties_low and not ties_high:
            # Ties left no width, and the ends are as far apart as rounding allows.
            unit = resolution([*x, *y])
            assert found.shift is not None
            assert (found.shift_low, found.shift_high) == (found.shift - unit, found.shift + unit)
            assert unit > 0
            return
        assert ties_low
        assert ties_high
        assert max(below, above) <= min(below + ties_low, above + ties_high)


@pytest.mark.parametrize(("m", "n"), [(3, 3), (4, 6), (8, 8), (12, 5), (20, 20)])
def test_shift_interval_leaves_out_only_what_the_exact_test_rejects(m: int, n: int) -> None:
    rng = np.random.default_rng(m * 100 + n)
    x, y = rng.normal(0, 1, m), rng.normal(1, 1, n)
    found = compare(x, y)
    if found.shift_low is None or found.shift_high is None:
        assert min(m, n) < 5
        return

    def p_at(shift: float) -> float:
        return float(stats.mannwhitneyu(y - shift, x, method="exact").pvalue)

    step = 1e-9
    assert p_at(found.shift_low - step) <= 0.05
    assert p_at(found.shift_high + step) <= 0.05
    # And it is not much wider than that test alone would have it.
    exact = [shift for shift in np.linspace(found.shift_low, found.shift_high, 400) if p_at(shift) > 0.05]
    assert exact[-1] - exact[0] > 0.6 * (found.shift_high - found.shift_low)


def test_normal_and_exact_ranks_meet_where_one_takes_over() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(0, 1, 31), rng.normal(0, 1, 31)
    wide = compare(x, y)
    narrow = compare(x[:30], y[:30])
    assert wide.shift_low is not None
    assert wide.shift_high is not None
    assert narrow.shift_low is not None
    assert narrow.shift_high is not None
    assert wide.shift_high - wide.shift_low == pytest.approx(narrow.shift_high - narrow.shift_low, rel=0.1)


@given(x=samples, y=samples)
def test_delta_and_p_agree_with_counting_and_scipy(x: list[float], y: list[float]) -> None:
    found = compare(x, y)
    pairs = list(itertools.product(x, y))
    delta = (sum(b > a for a, b in pairs) - sum(b < a for a, b in pairs)) / len(pairs)

    assert found.cliffs_delta == pytest.approx(delta, abs=1e-12)
    assert found.p_value is not None
    assert 0 <= found.p_value <= 1
    size = len(x) + len(y)
    if len({*x, *y}) == 1:
        assert found.p_value == 1.0
    elif len({*x, *y}) < size and min(len(x), len(y)) > 1 and math.comb(size, len(x)) <= 1000:
        assert found.p_value == pytest.approx(_p_by_counting(x, y))
    else:
        assert found.p_value == pytest.approx(stats.mannwhitneyu(x, y, alternative="two-sided").pvalue)


def _p_by_counting(x: list[float], y: list[float]) -> float:
    """Twice the share of ways to divide the values at which U is as small, or as large, as it is."""
    together = [*x, *y]

    def u(chosen: tuple[int, ...]) -> float:
        rest = [together[i] for i in range(len(together)) if i not in chosen]
        pairs = itertools.product((together[i] for i in chosen), rest)
        return sum((a < b) + (a == b) / 2 for a, b in pairs)

    counts = [u(chosen) for chosen in itertools.combinations(range(len(together)), len(x))]
    seen = counts[0]
    tails = [sum(count <= seen for count in counts), sum(count >= seen for count in counts)]
    return min(1.0, 2 * min(tails) / len(counts))


def test_few_tied_values_are_no_certainty() -> None:
    assert compare([1, 1, 2], [3, 3, 4]).p_value == pytest.approx(2 / math.comb(6, 3))
    tied = compare([5] * 50, [6] * 50)
    assert (tied.shift, tied.shift_low, tied.shift_high) == (1.0, 0.0, 2.0)
    tenths = compare([5.1] * 50, [5.2] * 50)
    assert (tenths.shift_low, tenths.shift_high) == pytest.approx((0.0, 0.2))


@given(x=samples, y=samples)
def test_comparing_the_other_way_round_mirrors_everything(x: list[float], y: list[float]) -> None:
    there, back = compare(x, y), compare(y, x)
    scale = 1e-9 * max(*x, *y)

    assert there.shift == pytest.approx(-(back.shift or 0.0), abs=scale)
    assert there.cliffs_delta == pytest.approx(-(back.cliffs_delta or 0.0), abs=1e-12)
    assert (there.shift_low is None) == (back.shift_high is None)
    if there.shift_low is not None and back.shift_high is not None:
        assert there.shift_low == pytest.approx(-back.shift_high, abs=scale)
    assert there.ratio == pytest.approx(1 / (back.ratio or math.nan))
    if there.ratio_low is not None and back.ratio_high is not None:
        assert there.ratio_low == pytest.approx(1 / back.ratio_high)
        assert there.ratio_low <= (there.ratio or 0.0) <= (there.ratio_high or 0.0)


def test_one_side_without_samples_is_said_so() -> None:
    found = comparison_in_words(compare([], [1.0, 2.0]), ("default", "pkg50"), STARTS, 0.95)

    assert (found.shift, found.ratio, found.p_value, found.cliffs_delta) == (None, None, None, None)
    assert found.other_median == 1.5
    assert found.sentence == "pkg50 and default cannot be compared: no samples of default"


def _sentence(baseline: ArrayLike, other: ArrayLike, names: tuple[str, str], words: Words) -> str:
    return comparison_in_words(compare(baseline, other), names, words, 0.95).sentence


def test_sentences_say_what_the_numbers_say() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(112, 3, 60)
    assert _sentence(base, base + 310, ("default", "pkg50"), STARTS).startswith(
        "pkg50 starts 310 ms later than default (95 % interval 309 to 311"
    )
    assert _sentence(base + 310, base, ("a", "b"), ANSWERS).startswith("b answers 310 ms earlier")
    assert "cannot be told apart" in _sentence(base, rng.normal(112, 3, 60), ("default", "size50"), STARTS)
    few = _sentence([112, 117], [432, 457], ("default", "pkg50"), STARTS)
    assert few == "pkg50 starts about 330 ms later than default; 2 and 2 samples are too few for a 95 % interval"


@given(p_values=st.lists(st.floats(0, 1), max_size=12), data=st.data())
def test_holm_steps_down(p_values: list[float], data: st.DataObject) -> None:
    corrected = holm(p_values)
    order = data.draw(st.permutations(range(len(p_values))))

    assert [holm([p_values[i] for i in order])[order.index(i)] for i in order] == [corrected[i] for i in order]
    for rank, (p, after) in enumerate(sorted(zip(p_values, corrected, strict=True), key=lambda pair: pair[0])):
        assert after is not None
        assert min(1.0, p * (len(p_values) - rank)) <= after <= min(1.0, max(p * len(p_values), after))
        assert after >= p
    # Rejecting at a level is what Holm's procedure does, step by step.
    for level in (0.01, 0.05, 0.3):
        rejected = 0
        for rank, p in enumerate(sorted(p_values)):
            if p * (len(p_values) - rank) > level:
                break
            rejected += 1
        assert sum(p is not None and p <= level for p in corrected) == rejected


def test_holm_passes_over_what_was_not_compared() -> None:
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    with pytest.raises(ValueError, match=r"p_values: 1\.5"):
        holm([1.5])


@settings(max_examples=50)
@given(values=hnp.arrays(np.float64, st.integers(1, 200), elements=times), seed=st.integers(0, 2**32 - 1))
def test_a_summary_knows_no_order(values: np.ndarray, seed: int) -> None:
    blocks = np.arange(values.size) % 3
    order = np.random.default_rng(seed).permutation(values.size)
    one, other = (
        {name: value for name, value in dataclasses.asdict(found).items() if value is not None}
        for found in (summarize(values, blocks=blocks), summarize(values[order], blocks=blocks[order]))
    )
    assert one.pop("scope") == other.pop("scope")
    assert one == pytest.approx(other, rel=1e-6, abs=1e-6 * values.max())


@given(
    points=st.lists(st.tuples(st.integers(0, 8).map(float), st.integers(-50, 50).map(float)), min_size=1, max_size=40),
)
def test_theil_sen_agrees_with_scipy(points: list[tuple[float, float]]) -> None:
    x, y = zip(*points, strict=True)
    found = theil_sen(x, y)
    if len(set(x)) < 2:
        assert dataclasses.asdict(found) == {"n": len(x), "slope": None, "low": None, "high": None, "intercept": None}
        return
    expected = stats.theilslopes(y, x, 0.95, method="joint")
    assert found.slope == pytest.approx(expected.slope)
    assert found.intercept == pytest.approx(expected.intercept)
    if found.low is not None and found.high is not None:
        # scipy rounds its ranks to the nearest and leaves out the part of the variance where x and y are both tied:
        # ours is never the narrower one.
        assert not found.low > expected.low_slope + 1e-12
        assert not found.high < expected.high_slope - 1e-12


def test_theil_sen_covers_and_ignores_wild_points() -> None:
    rng = np.random.default_rng(6)
    trials, misses = 1000, 0
    x = np.repeat([0.0, 22.7, 44.1], 8)
    for _ in range(trials):
        found = theil_sen(x, 100 + 2.5 * x + rng.normal(0, 5, x.size))
        misses += not (found.low or 0) <= 2.5 <= (found.high or 1e9)
    assert stats.binomtest(misses, trials, 0.05, alternative="greater").pvalue > 1e-5
    wild = 100 + 2.5 * x
    wild[:4] += 10_000
    assert theil_sen(x, wild).slope == pytest.approx(2.5, abs=0.01)


def test_theil_sen_refuses_what_it_cannot_take() -> None:
    with pytest.raises(ValueError, match=r"y: 1 values for 2 of x"):
        theil_sen([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="at most 5000"):
        theil_sen(np.arange(5001.0), np.arange(5001.0))
    with pytest.raises(ValueError, match="NaN"):
        theil_sen([1.0, math.nan], [1.0, 2.0])
    assert theil_sen([], []).slope is None


def test_the_examples_of_the_docstrings_hold() -> None:
    modules = (before_after, describe, differences, rounds, sequential, student, two_samples)
    found = [doctest.testmod(module) for module in modules]
    assert all(of_module.attempted > 0 for of_module in found)
    assert sum(of_module.failed for of_module in found) == 0


def test_results_hold_plain_numbers() -> None:
    # A numpy number would print as np.float64(...), and some of them no JSON takes.
    rng = np.random.default_rng(1)
    x, y = rng.normal(100, 3, 40), rng.normal(103, 3, 40)
    blocks = [number % 4 for number in range(40)]
    results = (
        summarize(x, blocks=blocks),
        summarize([7]),
        compare(x, y),
        quantile_interval(x, 0.5),
        theil_sen(x, y),
    )
    for result in results:
        values = dataclasses.astuple(result)
        assert {type(value) for value in values} <= {int, float, str, type(None)}, result


def test_the_statistics_load_neither_campaigns_nor_pydantic() -> None:
    program = (
        "import sys, isotherm.statistics as s; print('numpy' in sys.modules, s.summarize([1, 2]).n, "
        "s.compare([1], [2]).shift, s.quantile_interval([1, 2], 0.5).low, "
        "sorted(m for m in sys.modules if m.split('.')[0] == 'pydantic' or m.startswith('isotherm.')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = ["arrays", "describe", "fewest", "order_statistics", "results", "rounds", "student", "two_samples"]
    names = ["isotherm.statistics", *(f"isotherm.statistics.{name}" for name in loaded)]
    assert ran.stdout.strip() == f"False 2 1.0 None {names}"
