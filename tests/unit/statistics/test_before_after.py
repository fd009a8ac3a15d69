"""Which sessions say how far sessions of a name differ, and how a ratio of two sessions widens by that."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.session_scatter import session_scatter
from isotherm.analysis.trend_model import Session, read_session
from isotherm.campaign.cell import CellKey
from isotherm.statistics.before_after import LogMedian, log_median, session_ratio

from .made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default",), regions=("us-east-1",), cold=30, warm=30, rounds=3)
BEFORE = build_summary(PLAN, made_up_samples(PLAN), made_up_lanes(PLAN))
AFTER = BEFORE.model_copy(update={"campaign_id": "after", "created_at": "2026-11-25T03:00:00Z"})
WARM = CellKey("default", "us-east-1", 128, "warm"), "client_ms"


def session(number: int, factor: float = 1.0, **changed: Any) -> Session:
    """As the one before, so many days earlier, with times so many times as long."""
    made = read_session(BEFORE.model_dump_json().encode())
    cells = [
        cell.model_copy(
            update={
                "metrics": {
                    name: metric.model_copy(
                        update={
                            "mean": metric.mean and metric.mean * factor,
                            "median": metric.median and metric.median * factor,
                        }
                    )
                    for name, metric in cell.metrics.items()
                }
            }
        )
        for cell in made.cells
    ]
    update = {
        "campaign_id": f"earlier-{number}",
        "created_at": made.created_at - timedelta(days=number),
        "cells": cells,
    } | changed
    return made.model_copy(update=update)


def test_sessions_before_the_change_say_how_far_sessions_differ() -> None:
    factors = [1.1, 0.9, 1.05, 0.95]
    found = session_scatter(BEFORE, AFTER, [session(number, f) for number, f in enumerate(factors, 1)])
    assert (found.name, found.sessions) == ("package-size", 5)
    scatter = found.of[WARM]
    (measured,) = [cell.metrics["client_ms"] for cell in BEFORE.cells if cell.kind == "warm"]
    assert measured.mean is not None
    assert measured.mean_error is not None
    assert scatter.sd is not None
    # Scatter of the means, less what their rounds predict.
    means = [measured.mean * factor for factor in (1.0, *factors)]
    squares = np.var(means, ddof=1) - measured.mean_error**2
    assert scatter.sd * np.mean(means) == pytest.approx(math.sqrt(squares))
    assert scatter.sessions == 5


def test_the_session_after_and_others_of_no_concern_are_not_counted() -> None:
    kept = [session(1, 1.02), session(2, 0.98)]
    further = [
        session(3, 5.0, campaign_id="after"),
        session(-30, 5.0),  # began after both
        session(4, 5.0, campaign={**session(4).campaign, "name": "another"}),
        session(5, 5.0, platform="emulated"),
        session(6, 5.0, campaign_id=BEFORE.campaign_id),
    ]
    assert session_scatter(BEFORE, AFTER, [*kept, *further]) == session_scatter(BEFORE, AFTER, kept)


def test_sessions_under_other_conditions_say_nothing_of_these() -> None:
    other = {**session(1).campaign, "warm": {"samples": 30, "concurrency": 7}}
    found = session_scatter(BEFORE, AFTER, [session(n, 1 + n / 50, campaign=other) for n in range(1, 5)])
    assert found.sessions == 5
    assert found.of[WARM] == (None, 1)


def test_a_session_s_median_is_taken_by_rounds() -> None:
    rounds = [[100.5, 101.5, 99.123], [110.2, 109.3, 111.7], [90.4, 95.3, 91.8], [1.0, 2.0]]
    found = log_median(rounds)
    assert found is not None
    logs = np.log([100.5, 110.2, 91.8])
    assert found.value == pytest.approx(logs.mean())
    # Values to the thousandth: what that rounding adds cannot be seen.
    assert found.error == pytest.approx(logs.std(ddof=1) / math.sqrt(3), rel=1e-6)
    assert found.rounds == 3
    assert log_median(rounds[1:]) is None
    assert log_median([*rounds, [0, 0, 1]]) is None
    tied = log_median([[5, 5, 5]] * 4)
    assert tied is not None
    assert tied.error == pytest.approx(1 / math.sqrt(12) / 5)


def test_the_ratio_s_interval_is_the_formula_s() -> None:
    before, after = LogMedian(value=4.6, error=0.02, rounds=5), LogMedian(value=4.7, error=0.03, rounds=5)
    found = session_ratio(before, after, session_sd=0.05, sessions=6)
    error = math.sqrt(0.02**2 + 0.03**2 + 2 * 0.05**2)
    margin = stats.t.ppf(0.975, 5) * error
    assert found.interval(0.95) == pytest.approx((math.exp(0.1 - margin), math.exp(0.1 + margin)))
    assert found.at_most(0.95) == pytest.approx(math.exp(0.1 + stats.t.ppf(0.95, 5) * error))
    assert found.p_value == pytest.approx(2 * stats.t.sf(0.1 / error, 5))
    # Sessions that do not differ leave the rounds' own freedom, of which there is less than of many sessions.
    alike = session_ratio(before, before, session_sd=0.0, sessions=100)
    assert alike.freedom == pytest.approx(8)
    with pytest.raises(ValueError, match="sessions: 2; at least 3"):
        session_ratio(before, after, session_sd=0.05, sessions=2)
    with pytest.raises(ValueError, match="session_sd: -1 is not"):
        session_ratio(before, after, session_sd=-1, sessions=3)
