"""`isotherm compare --fail-on-regression` on campaigns between which nothing changed, but sessions differ."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.comparison import Side, compare_campaigns, regressions
from isotherm.analysis.comparison_model import Scatter, SessionScatter
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.sessions import session_spread
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

ROUNDS, EACH = 5, 10
PLAN = made_up_plan(
    targets=("default", "pkg50"), regions=("us-east-1",), cold=ROUNDS * EACH, warm=ROUNDS * EACH, rounds=ROUNDS
)
SAMPLES = made_up_samples(PLAN)
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))
CELLS = sorted({cell_key(sample) for sample in SAMPLES if sample.kind != "prime"}, key=str)
SIGMA = 0.15


def times(between: float, icc: float, rng: np.random.Generator) -> np.ndarray:
    """A session of one cell, a row for each round: sessions scatter by `between`, rounds have `icc` of the variance."""
    rounds, calls = rng.standard_normal((ROUNDS, 1)), rng.standard_normal((ROUNDS, EACH))
    scatter = SIGMA * (math.sqrt(icc) * rounds + math.sqrt(1 - icc) * calls)
    return np.asarray(100 * np.exp(between * rng.standard_normal() + scatter))


def session(measured: dict[CellKey, np.ndarray]) -> list[Sample]:
    """A campaign's samples with these times, start-ups and client times alike."""
    places: dict[tuple[CellKey, int], int] = {}
    made = []
    for sample in SAMPLES:
        key = cell_key(sample)
        if key not in measured:
            continue
        place = places[key, sample.round] = places.get((key, sample.round), -1) + 1
        value = float(measured[key][sample.round][place])
        made.append(replace(sample, client_ms=value, init_duration_ms=value if sample.kind == "cold" else None))
    return made


def scatter_of(sessions: list[np.ndarray]) -> Scatter:
    """As a trend has it: from means, and from what rounds predict of them."""
    means = [float(of.mean()) for of in sessions]
    errors = [float(of.mean(axis=1).std(ddof=1)) / math.sqrt(ROUNDS) for of in sessions]
    spread = session_spread(means, errors, [ROUNDS - 1] * len(sessions))
    return Scatter(spread.between_sd / float(np.mean(means)), len(sessions))


@pytest.mark.parametrize("known", [3, 10])
@pytest.mark.parametrize("icc", [0.0, 0.3])
@pytest.mark.parametrize("factor", [1.0, 1.42, 2.18])
def test_nothing_that_changed_seldom_fails_a_build(factor: float, icc: float, known: int) -> None:
    """300 campaigns A and B without a change; sessions scatter `factor` times as far as 50 calls predict.

    Any slow-down counts (a limit of 0 %) of any of six times; A is one of the sessions that are known, B is not.
    """
    rng = np.random.default_rng([round(100 * factor), round(10 * icc), known])
    between = SIGMA / math.sqrt(ROUNDS * EACH) * math.sqrt(factor**2 - 1)
    failed = 0
    for _ in range(300):
        of = {key: [times(between, icc, rng) for _ in range(known + 1)] for key in CELLS}
        scatter = {
            (key, metric): scatter_of(sessions[:known])
            for key, sessions in of.items()
            for metric in ("init_duration_ms", "client_ms")
        }
        before, after = (
            Side(name, session({key: sessions[place] for key, sessions in of.items()}), SUMMARY)
            for name, place in (("a", 0), ("b", known))
        )
        found = compare_campaigns(before, after, SessionScatter("package-size", known, scatter), limit=0.0)
        failed += bool(regressions(found))
    assert failed <= 24, failed  # P(Binomial(300, 0.05) > 24) = 0.01


def test_a_start_that_tripled_fails_it() -> None:
    """Ten sessions that scatter 2.18 times as far as predicted, and one that takes three times as long: each time."""
    rng = np.random.default_rng(1)
    between = SIGMA / math.sqrt(ROUNDS * EACH) * math.sqrt(2.18**2 - 1)
    for _ in range(20):
        of = {key: [times(between, 0.1, rng) for _ in range(11)] for key in CELLS}
        scatter = {
            (key, metric): scatter_of(sessions[:10])
            for key, sessions in of.items()
            for metric in ("init_duration_ms", "client_ms")
        }
        before = session({key: sessions[0] for key, sessions in of.items()})
        tripled = {key: (3 if key.kind == "cold" else 1) * sessions[10] for key, sessions in of.items()}
        sides = Side("a", before, SUMMARY), Side("b", session(tripled), SUMMARY)
        found = compare_campaigns(*sides, SessionScatter("package-size", 10, scatter))
        assert {change.kind for change in regressions(found)} == {"cold"}
