"""Ranks of quantiles against scipy's binomial distribution and the table on record, for any number of samples."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from isotherm.statistics.order_statistics import quantile, ranks_of_quantile, relative_width

# scipy's own sums are rounded: where a tail is met exactly, either answer may be an ulp off.
ROUNDING = 1e-7


@given(
    n=st.integers(1, 400) | st.integers(990, 1010) | st.integers(1001, 2_000_000),
    q=st.floats(0.01, 0.99) | st.sampled_from([0.5, 0.95, 0.99, 0.0001, 0.999999]),
    confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.9999]),
)
@example(n=2, q=0.5, confidence=0.5)  # the tail is met exactly
@example(n=2000, q=0.99999, confidence=0.95)
@example(n=1_000_000, q=0.5, confidence=0.95)
def test_ranks_hold_each_tail_and_are_the_narrowest_that_do(n: int, q: float, confidence: float) -> None:
    low, high = ranks_of_quantile(n, q, confidence)
    tail = (1 - confidence) / 2
    held, more = tail * (1 + ROUNDING), tail * (1 - ROUNDING)
    below = stats.binom(n, q)

    assert low is None or below.cdf(low - 1) <= held
    assert below.cdf(low or 0) > more  # one rank higher would not hold
    assert high is None or below.sf(high - 1) <= held
    assert below.sf((high or n + 1) - 2) > more


@pytest.mark.parametrize(
    ("n", "q", "ranks"),
    [
        # Hahn & Meeker (1991), the usual table for the median at 95 %.
        (5, 0.5, (None, None)),
        (6, 0.5, (1, 6)),
        (10, 0.5, (2, 9)),
        (20, 0.5, (6, 15)),
        (50, 0.5, (18, 33)),
        (100, 0.5, (40, 61)),
        (50, 0.95, (44, None)),
        (100, 0.95, (90, 100)),
        (1, 0.5, (None, None)),
        (0, 0.5, (None, None)),
    ],
)
def test_ranks_on_record(n: int, q: float, ranks: tuple[int | None, int | None]) -> None:
    assert ranks_of_quantile(n, q) == ranks


@pytest.mark.parametrize(("q", "confidence"), [(0.0, 0.95), (1.0, 0.95), (0.5, 0.0), (0.5, 1.0)])
def test_what_is_no_fraction_is_refused(q: float, confidence: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        ranks_of_quantile(10, q, confidence)


@given(values=st.lists(st.floats(0.001, 1e6), min_size=1, max_size=60), q=st.floats(0.01, 0.99))
def test_quantiles_are_those_of_the_statistics(values: list[float], q: float) -> None:
    ordered = sorted(values)
    estimate = quantile(ordered, q)
    assert estimate == pytest.approx(float(np.quantile(values, q, method="median_unbiased")), rel=1e-12)


def test_the_width_of_an_interval_is_a_share_of_its_estimate() -> None:
    assert relative_width(96.0, 104.0, 100.0) == pytest.approx(0.08)
    assert relative_width(96.0, 104.0, 0.0) is None
    assert relative_width(None, 104.0, 100.0) is None
    assert relative_width(96.0, 104.0, None) is None


def test_a_control_function_gets_the_ranks_without_numpy() -> None:
    program = "import sys, isotherm.statistics.order_statistics; print({'numpy', 'scipy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
