"""Do slopes on size and imports cover as often as they say, and is nothing said where packages do not differ? Counted.

Start-ups have one distribution whatever part of their scatter lies between the rounds of a target (a Gaussian copula
with intraclass correlation `icc`); a round besides does something to all packages alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from isotherm.analysis.package_cost import startup_costs
from isotherm.analysis.summary import StartupSlope
from unit.present import present
from unit.statistics.made_up import TARGETS, made_up_plan, made_up_samples

from .counting import plausible

ROUNDS, CALLS = 6, 8
#: Archive bytes and import time in ms.
PACKAGES = {target: (facts[0], facts[1]) for target, facts in TARGETS.items()}
STARTS = [
    sample
    for sample in made_up_samples(
        made_up_plan(cold=ROUNDS * CALLS, warm=0, rounds=ROUNDS, regions=("us-east-1",), concurrency=CALLS)
    )
    if sample.kind == "cold"
]


def _campaign(
    packages: Mapping[str, tuple[int, float]],
    rng: np.random.Generator,
    *,
    icc: float,
    per_import: float = 1.1,
    per_mb: float = 0.3,
) -> list[StartupSlope]:
    """What one campaign says of packages whose costs are known: 100 ms, and calls that scatter by a twentieth."""
    common = rng.normal(0, 2, ROUNDS)
    used = {}
    for target, (size, imports) in packages.items():
        own = rng.standard_normal(ROUNDS)
        starts = [sample for sample in STARTS if sample.target == target]
        rounds = np.array([sample.round for sample in starts])
        z = np.sqrt(icc) * own[rounds] + np.sqrt(1 - icc) * rng.standard_normal(rounds.size)
        # The median of the scatter is 1, so costs are those of medians.
        base = 100 + per_import * imports + per_mb * size / 1e6
        times = base * stats.lognorm.ppf(stats.norm.cdf(z), 0.05) + common[rounds]
        took = imports * (1 + 0.01 * rng.standard_normal(rounds.size))
        used[target] = [
            replace(s, init_duration_ms=float(t), import_ms=float(i))
            for s, t, i in zip(starts, times, took, strict=True)
        ]
    return startup_costs("us-east-1", 128, used, {t: size for t, (size, _) in packages.items()}, "init_duration_ms")


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3])
def test_slopes_hold_what_a_unit_truly_costs(icc: float) -> None:
    """1.1 ms for each ms of imports and 0.3 for each MB; 250 campaigns, Monte Carlo error 1.4 points."""
    rng, trials = np.random.default_rng(21), 250
    missed, middle = {"import_ms": 0, "archive_mb": 0}, {"import_ms": 0.0, "archive_mb": 0.0}
    for _ in range(trials):
        for cost in _campaign(PACKAGES, rng, icc=icc):
            if cost.time == "start":
                truth = 1.1 if cost.per == "import_ms" else 0.3
                missed[cost.per] += not present(cost.slope.low) <= truth <= present(cost.slope.high)
                middle[cost.per] += present(cost.slope.slope) / trials
    print(f"icc {icc}: coverage { ({per: 1 - count / trials for per, count in missed.items()}) }, means {middle}")
    assert all(plausible(count, trials, 0.05) for count in missed.values())
    assert middle["import_ms"] == pytest.approx(1.1, abs=0.01)
    assert middle["archive_mb"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_no_campaign_states_a_cost_of_what_does_not_vary(icc: float) -> None:
    """Three packages that import the same: 100 campaigns, none of which may say what a ms of imports costs."""
    rng = np.random.default_rng(22)
    alike = {target: (PACKAGES[target][0], 0.4) for target in ("default", "size20", "size50")}
    for _ in range(100):
        found = {(cost.time, cost.per): cost for cost in _campaign(alike, rng, icc=icc)}
        assert found["start", "import_ms"].why == "alike"
        assert found["start", "import_ms"].slope.slope is None
        assert ("overhead", "import_ms") not in found
        assert found["rest", "archive_mb"].slope.low is not None


def test_no_campaign_states_a_cost_of_bytes() -> None:
    rng = np.random.default_rng(23)
    alike = {"pkg50": (44_100_000, 215.0), "size50": (44_100_001, 0.5), "default": (44_090_000, 0.4)}
    for _ in range(100):
        found = {(cost.time, cost.per): cost for cost in _campaign(alike, rng, icc=0.1)}
        assert found["start", "archive_mb"].why == "alike"
        assert found["start", "archive_mb"].slope.slope is None
        assert found["start", "import_ms"].slope.slope == pytest.approx(1.1, abs=0.1)
