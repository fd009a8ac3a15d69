"""The boxes of the page's figures: quartiles, and whiskers as Tukey draws them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.report.page.figures import figure_data
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

#: Sixteen of twenty times: their quartiles, and those of the twenty, are 100 and 110 ms.
BOX = [100.0] * 4 + [105.0] * 8 + [110.0] * 4


@pytest.mark.parametrize(
    ("beside_the_box", "whiskers"),
    [
        pytest.param([92.0, 96.0, 114.0, 118.0], [92.0, 118.0], id="all within the fences: to the ends"),
        pytest.param([30.0, 92.0, 118.0, 300.0], [92.0, 118.0], id="one beyond each: to the last within"),
        pytest.param([84.9, 85.0, 125.0, 125.1], [85.0, 125.0], id="1.5 boxes away is within"),
        pytest.param([20.0, 30.0, 300.0, 400.0], [100.0, 110.0], id="nothing but outliers: none"),
    ],
)
def test_a_whisker_ends_at_the_last_sample_within_the_fence(beside_the_box: list[float], whiskers: list[float]) -> None:
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=20, warm=0, rounds=1)
    cold = [sample for sample in made_up_samples(plan) if sample.kind == "cold"]
    samples = [replace(s, client_ms=ms) for s, ms in zip(cold, [*BOX, *beside_the_box], strict=True)]
    groups = figure_data(build_summary(plan, samples, made_up_lanes(plan)), samples)["groups"]
    (row,) = groups["cold-us-east-1-128"]["rows"]
    box = row["metrics"]["client_ms"]
    assert (box["q1"], box["median"], box["q3"]) == (100.0, 105.0, 110.0)
    assert box["whiskers"] == whiskers
    assert (box["values"][0], box["values"][-1]) == (beside_the_box[0], beside_the_box[-1])  # outliers are drawn too
