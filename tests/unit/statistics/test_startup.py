"""The cost of start-up tells size and imports apart, and its intervals hold what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.package_cost import startup_costs
from isotherm.analysis.summary import StartupSlope
from isotherm.analysis.words.package_cost import startup_slope_in_words
from isotherm.measurement.sample import Sample
from isotherm.statistics.slopes import theil_sen

from .made_up import TARGETS, made_up_lanes, made_up_plan, made_up_samples

SIZES = {target: facts[0] for target, facts in TARGETS.items()}
PLAN = made_up_plan(cold=60, warm=0, rounds=2, regions=("us-east-1",))
STARTS = made_up_samples(PLAN)


def starts(per_import_ms: float, per_mb: float, overhead_per_mb: float, seed: int = 3) -> dict[str, list[Sample]]:
    """Cold starts by target whose costs are known, with scatter."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Sample]] = {}
    for sample in STARTS:
        if sample.kind == "cold":
            size_mb, imports = SIZES[sample.target] / 1e6, TARGETS[sample.target][1] * rng.lognormal(0, 0.02)
            start = 90 + imports + (per_import_ms - 1) * TARGETS[sample.target][1] + per_mb * size_mb
            made = replace(
                sample,
                import_ms=imports,
                init_duration_ms=start + rng.normal(0, 3),
                overhead_ms=20 + overhead_per_mb * size_mb + rng.normal(0, 3),
            )
            found.setdefault(sample.target, []).append(made)
    return found


def by_axes(costs: list[StartupSlope]) -> dict[tuple[str, str], StartupSlope]:
    return {(cost.time, cost.per): cost for cost in costs}


@settings(max_examples=25, deadline=None)
@given(per_import=st.floats(0.5, 3), per_mb=st.floats(0, 5), overhead=st.floats(0, 8), seed=st.integers(0, 99))
def test_each_axis_gets_its_own_cost(per_import: float, per_mb: float, overhead: float, seed: int) -> None:
    found = by_axes(
        startup_costs("us-east-1", 128, starts(per_import, per_mb, overhead, seed), SIZES, "init_duration_ms")
    )
    assert found["start", "import_ms"].held
    assert found["start", "import_ms"].slope.slope == pytest.approx(per_import, abs=0.05)
    assert found["overhead", "archive_mb"].slope.slope == pytest.approx(overhead, abs=0.1)
    assert found["overhead", "import_ms"].slope.slope == pytest.approx(0, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(per_mb=st.floats(0, 5), seed=st.integers(0, 99))
def test_size_costs_what_is_left_without_imports(per_mb: float, seed: int) -> None:
    found = by_axes(startup_costs("us-east-1", 128, starts(1.0, per_mb, 0.0, seed), SIZES, "init_duration_ms"))
    assert found["rest", "archive_mb"].slope.slope == pytest.approx(per_mb, abs=0.1)


def test_without_twins_of_one_size_it_says_that_size_is_in_it() -> None:
    used = {target: of for target, of in starts(1.5, 2.0, 1.0).items() if not target.startswith("size")}
    found = by_axes(startup_costs("us-east-1", 128, used, SIZES, "init_duration_ms"))
    assert not found["start", "import_ms"].held
    assert "size is in it" in startup_slope_in_words(found["start", "import_ms"], 0.95)


def test_one_target_alone_has_no_slope() -> None:
    used = {"default": starts(1, 1, 1)["default"]}
    assert startup_costs("us-east-1", 128, used, SIZES, "init_duration_ms") == []
    assert startup_costs("us-east-1", 128, {}, SIZES, "init_duration_ms") == []


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
    from rich.console import Console

    from isotherm.report.page.page import render_page
    from isotherm.report.terminal.campaign import campaign_tables

    summary = build_summary(PLAN, STARTS, made_up_lanes(PLAN))
    sentence = summary.startup_costs[0].sentence
    assert "ms of start-up for each ms of imports" in sentence
    assert "What a megabyte costs" in render_page(summary, STARTS)
    assert sentence in render_page(summary, STARTS)
    console = Console(width=200, record=True, file=None)
    with console.capture() as printed:
        console.print(campaign_tables(summary))
    assert sentence in printed.get()
