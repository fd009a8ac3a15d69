"""The cost of start-up tells size and imports apart, and its intervals hold what they promise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.package_cost import startup_costs
from isotherm.analysis.summary import CampaignSummary, StartupCost, StartupSlope
from isotherm.analysis.words.package_cost import startup_slope_in_words
from isotherm.measurement.sample import Sample
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from isotherm.statistics.slopes import slopes_by_round, theil_sen

from .made_up import TARGETS, made_up_lanes, made_up_plan, made_up_samples

SIZES = {target: facts[0] for target, facts in TARGETS.items()}
PLAN = made_up_plan(cold=60, warm=0, rounds=6, regions=("us-east-1",))
STARTS = made_up_samples(PLAN)


def starts(per_import_ms: float, per_mb: float, overhead_per_mb: float, seed: int = 3) -> dict[str, list[Sample]]:
    """Cold starts by target whose costs are known, with scatter of calls and luck of rounds."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 5, 6)
    found: dict[str, list[Sample]] = {}
    for sample in STARTS:
        if sample.kind == "cold":
            size_mb, imports = SIZES[sample.target] / 1e6, TARGETS[sample.target][1] * rng.lognormal(0, 0.02)
            start = 90 + luck[sample.round] + imports + (per_import_ms - 1) * TARGETS[sample.target][1]
            made = replace(
                sample,
                import_ms=imports,
                init_duration_ms=start + per_mb * size_mb + rng.normal(0, 3),
                overhead_ms=20 + overhead_per_mb * size_mb + rng.normal(0, 3),
            )
            found.setdefault(sample.target, []).append(made)
    return found


def costs_of(
    used: Mapping[str, Sequence[Sample]], sizes: Mapping[str, int] = SIZES
) -> dict[tuple[str, str], StartupSlope]:
    """Slopes by time and axis."""
    found = startup_costs("us-east-1", 128, used, sizes, "init_duration_ms")
    return {(cost.time, cost.per): cost for cost in found}


def said(cost: StartupSlope) -> str:
    return startup_slope_in_words(cost, 0.95)


@settings(max_examples=25, deadline=None)
@given(per_import=st.floats(0.5, 3), per_mb=st.floats(0, 5), overhead=st.floats(0, 8), seed=st.integers(0, 99))
def test_each_axis_gets_its_own_cost_whatever_the_other_costs(
    per_import: float, per_mb: float, overhead: float, seed: int
) -> None:
    found = costs_of(starts(per_import, per_mb, overhead, seed))
    assert set(found) == {(time, per) for time in ("start", "overhead") for per in ("import_ms", "archive_mb")}
    assert found["start", "import_ms"].slope.slope == pytest.approx(per_import, abs=0.05)
    assert found["start", "archive_mb"].slope.slope == pytest.approx(per_mb, abs=0.1)
    assert found["overhead", "archive_mb"].slope.slope == pytest.approx(overhead, abs=0.1)
    assert found["overhead", "import_ms"].slope.slope == pytest.approx(0, abs=0.05)
    for cost in found.values():
        assert (cost.why, cost.held, cost.packages, cost.rounds, cost.slope.n) == (None, True, 5, 6, 30)
        assert "between these 5 packages" in said(cost)


def test_packages_that_import_the_same_say_nothing_of_imports() -> None:
    """Their medians differ by hundredths of a ms, on which a slope is thousands of ms per ms."""
    used = {target: of for target, of in starts(1.0, 0.4, 5.0).items() if not target.startswith("pkg")}
    found = costs_of(used)
    cost = found["start", "import_ms"]
    assert (cost.slope.slope, cost.slope.low, cost.why) == (None, None, "alike")
    assert "cannot be told from these 3 packages: they differ by only 0.1" in said(cost)
    # Size is set against what is left without imports, and the overhead on imports is not asked for.
    assert set(found) == {("start", "import_ms"), ("rest", "archive_mb"), ("overhead", "archive_mb")}
    assert found["rest", "archive_mb"].slope.slope == pytest.approx(0.4, abs=0.1)


def test_archives_that_differ_by_bytes_say_nothing_of_size() -> None:
    used = starts(1.5, 0.0, 0.0)
    found = costs_of(
        {target: used[target] for target in ("pkg50", "size50")}, {"pkg50": 44_100_000, "size50": 44_100_001}
    )
    cost = found["start", "archive_mb"]
    assert (cost.slope.slope, cost.why, cost.contrast) == (None, "alike", 0.0)
    assert found["start", "import_ms"].held
    assert found["start", "import_ms"].slope.slope == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("large", [22_578_304, 22_600_000])
def test_archives_of_nearly_one_size_are_of_one_size_wherever_they_lie(large: int) -> None:
    used = starts(1.0, 0.0, 0.0)
    sizes = {"default": 169, "size20": large, "size50": large * 1001 // 1000}
    found = costs_of({target: used[target] for target in sizes}, sizes)
    # Two places on the axis: nothing, and both large ones at their mean.
    assert found["rest", "archive_mb"].contrast == pytest.approx(large * 1.0005 / 1e6 - 169e-6, rel=1e-6)


def test_axes_that_rise_together_are_not_told_apart() -> None:
    used = starts(1.5, 2.0, 1.0)
    found = costs_of({target: used[target] for target in ("default", "pkg50")})
    assert {(time, per): cost.why for (time, per), cost in found.items()} == {
        ("start", "import_ms"): "together",
        ("start", "archive_mb"): "together",
    }
    assert all(cost.slope.slope is None and not cost.held for cost in found.values())
    assert "rise together" in said(found["start", "import_ms"])


def test_imports_that_scatter_more_than_they_differ_carry_no_slope() -> None:
    rng = np.random.default_rng(4)
    used = {
        target: [replace(sample, import_ms=float(rng.uniform(0, 60))) for sample in of]
        for target, of in starts(1.0, 1.0, 1.0).items()
    }
    found = costs_of(used)
    assert {cost.why for cost in found.values()} == {"unsure_imports"}
    assert {cost.slope.slope for cost in found.values()} == {None}
    assert "scatter too much" in said(found["start", "import_ms"])


def test_below_three_rounds_there_is_no_interval() -> None:
    used = {target: [s for s in of if s.round < 2] for target, of in starts(1.0, 1.0, 1.0).items()}
    cost = costs_of(used)["start", "import_ms"]
    assert cost.slope.slope == pytest.approx(1, abs=0.1)
    assert (cost.slope.low, cost.slope.high, cost.why, cost.rounds) == (None, None, "few_rounds", 2)
    assert "2 rounds measured all of them, and 3 are needed" in said(cost)


def test_only_rounds_that_have_every_package_count() -> None:
    used = starts(1.0, 1.0, 1.0)
    used["pkg50"] = [sample for sample in used["pkg50"] if sample.round != 4]
    found = costs_of(used)["start", "import_ms"]
    assert (found.rounds, found.slope.n) == (5, 25)
    used["default"] = [sample for sample in used["default"] if sample.round == 4]
    none = costs_of(used)["start", "import_ms"]
    assert (none.slope.slope, none.why, none.rounds) == (None, "few_rounds", 0)
    assert "0 rounds measured all of them" in said(none)


def test_rounds_that_are_all_the_same_do_not_say_how_sure_that_is() -> None:
    used = {
        target: [replace(s, init_duration_ms=100.0 + (target == "pkg50"), import_ms=TARGETS[target][1]) for s in of]
        for target, of in starts(1.0, 1.0, 1.0).items()
    }
    cost = costs_of(used)["start", "import_ms"]
    assert (cost.slope.low, cost.slope.high, cost.why) == (None, None, "tied")


def test_one_target_alone_is_not_asked() -> None:
    used = {"default": starts(1, 1, 1)["default"]}
    assert startup_costs("us-east-1", 128, used, SIZES, "init_duration_ms") == []
    assert startup_costs("us-east-1", 128, {}, SIZES, "init_duration_ms") == []


def test_slopes_of_earlier_versions_are_still_read() -> None:
    old = {"region": "us-east-1", "memory_mb": 128, "time": "rest", "per": "archive_mb", "held": False}
    old |= {"slope": {"n": 300, "slope": 0.3, "low": 0.2, "high": 0.4, "intercept": 90.0}, "sentence": "as it was"}
    read = StartupCost.model_validate(old)
    assert (read.slope.slope, read.sentence, read.why, read.packages) == (0.3, "as it was", None, None)


def test_planes_refuse_what_they_cannot_fit() -> None:
    times = [[1.0, 2.0, 3.0]] * 3
    with pytest.raises(ValueError, match="explain one another"):
        slopes_by_round([[1, 2, 3], [2, 4, 6]], times, [1, 1, 1])
    with pytest.raises(ValueError, match="rounds of 3 finite values"):
        slopes_by_round([[1, 2, 3]], [[1.0, 2.0]], [1, 1, 1])
    with pytest.raises(ValueError, match="above 0"):
        slopes_by_round([[1, 2, 3]], times, [1, 0, 1])
    with pytest.raises(ValueError, match="NaN"):
        slopes_by_round([[1, 2, float("nan")]], times, [1, 1, 1])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-100, 100), min_size=4, max_size=8, unique_by=lambda x: round(x, 1)),
    st.integers(0, 999),
)
def test_a_plane_through_one_axis_is_numpys_line_in_each_round(x: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    times, weights = rng.normal(100, 5, (4, len(x))), rng.uniform(1, 9, len(x))
    (found,) = slopes_by_round([x], times, weights)
    lines = [np.polyfit(x, row, 1, w=np.sqrt(weights))[0] for row in times]
    test = stats.ttest_1samp(lines, 0).confidence_interval(0.95)
    assert found.slope == pytest.approx(np.mean(lines), rel=1e-6, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((test.low, test.high), rel=1e-6, abs=1e-9)


def test_reading_logs_never_fits_a_slope() -> None:
    code = (
        "import sys, isotherm.cli.commands.parse, isotherm.analysis.log_statistics; "
        "print([m for m in sys.modules if m in ('isotherm.statistics.slopes', 'isotherm.analysis.package_cost')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_slope_without_strata_is_scipys() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=80)
    y = 3 * x + rng.standard_t(2, size=80)
    ours, theirs = theil_sen(x, y), stats.theilslopes(y, x, 0.95)
    assert ours.slope == pytest.approx(theirs.slope)
    assert (ours.low, ours.high) == pytest.approx((theirs.low_slope, theirs.high_slope), abs=0.02)
    assert theil_sen(x, y, strata=np.zeros(80)) == ours


def test_strata_keep_what_differs_between_them_out_and_hold_the_interval() -> None:
    """Two strata with intercepts far apart, x on three levels: coverage of the 95 % interval over 1000 trials."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(1000):
        strata = np.repeat([0, 1], 24)
        x = np.tile(np.repeat([0.0, 1.0, 4.0], 8), 2) + 10 * strata
        y = 2 * x + 500 * strata + rng.lognormal(0, 1, 48)
        slope = theil_sen(x, y, strata=strata)
        assert slope.low is not None
        assert slope.high is not None
        held += slope.low <= 2 <= slope.high
    assert held >= 935  # P(Binomial(1000, 0.95) < 935) = 0.014


def test_strata_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="strata: 1 labels for 2 points"):
        theil_sen([1, 2], [1, 2], strata=[1])


def test_summary_page_and_tables_say_it() -> None:
    summary = build_summary(PLAN, STARTS, made_up_lanes(PLAN))
    sentence = summary.startup_costs[0].sentence
    assert "ms of start-up for each ms of imports" in sentence
    assert "What a megabyte costs" in render_page(summary, STARTS)
    assert sentence in render_page(summary, STARTS)
    console = Console(width=200, record=True, file=None)
    with console.capture() as printed:
        console.print(campaign_tables(summary))
    assert sentence in printed.get()


def test_a_campaign_of_alike_imports_says_so_wherever_it_is_shown() -> None:
    plan = made_up_plan(targets=("default", "size20", "size50"), cold=60, warm=0, rounds=6, regions=("us-east-1",))
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    (imports,) = [cost for cost in summary.startup_costs if cost.per == "import_ms"]
    assert (imports.slope.slope, imports.why) == (None, "alike")
    assert "cannot be told from these 3 packages" in imports.sentence
    console = Console(width=300, record=True, file=None)
    with console.capture() as printed:
        console.print(campaign_tables(summary))
    assert all(imports.sentence in shown for shown in (printed.get(), render_page(summary, samples)))
    assert CampaignSummary.model_validate_json(summary.model_dump_json()) == summary
