"""Latencies of requests of which some failed, against numpy, and against scipy's Kaplan-Meier estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isotherm.load.histogram import Histogram
from isotherm.load.latency import Latency
from unit.present import present

#: To five digits, so that a value is known almost as it was recorded.
DIGITS = 5
times = st.integers(min_value=1, max_value=100_000)


def latency_of(answered: list[int], failed: list[int], digits: int = DIGITS) -> Latency:
    histograms = Histogram(digits), Histogram(digits)
    for histogram, values in zip(histograms, (answered, failed), strict=True):
        for value in values:
            histogram.record(value)
    return Latency(*histograms)


@given(st.lists(times, min_size=1, max_size=60), st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]))
def test_where_nothing_failed_a_quantile_is_numpys_median_unbiased_one(answered: list[int], q: float) -> None:
    found = present(latency_of(answered, []).quantile(q))
    assert found.us == pytest.approx(float(np.quantile(answered, q, method="median_unbiased")), rel=1e-4)
    assert not found.at_least
    assert present(latency_of(answered, []).mean).us == pytest.approx(float(np.mean(answered)), rel=1e-4)


@given(st.lists(times, min_size=1, max_size=40), st.lists(times, max_size=40), st.sampled_from([0.2, 0.5, 0.9]))
def test_with_failures_it_is_that_of_kaplan_and_meier(answered: list[int], failed: list[int], q: float) -> None:
    latency = latency_of(answered, failed)
    curve = stats.ecdf(stats.CensoredData(uncensored=answered, right=failed)).sf
    found = present(latency.quantile(q))
    last = float(curve.probabilities[-1])
    if found.at_least:  # the curve does not come down to it, or only with the very last request
        assert last > 1 - q - 1.5 / latency.total
        assert found.us == max(answered + failed)
        return
    # Between the two order statistics around it, so within two requests' shares of the curve's own crossing.
    near = 2 / latency.total + 1e-9
    below, above = (float(curve.evaluate(found.us * (1 + side))) for side in (-1e-4, 1e-4))
    assert below >= 1 - q - near - max(np.diff(-curve.probabilities, prepend=-1.0))
    assert above <= 1 - q + near + max(np.diff(-curve.probabilities, prepend=-1.0))


def test_where_it_lies_among_failures_it_is_at_least_the_longest_though_an_answer_took_as_long() -> None:
    latency = latency_of([500], [500] * 8)
    median = present(latency.quantile(0.5))
    assert (median.us, median.at_least) == (500, True)
    assert not present(latency.highest).at_least


def test_a_server_that_gives_up_does_not_look_faster_than_one_that_is_slow() -> None:
    fast, slow = [20_000] * 96, [3_000_000] * 24
    answering, giving_up = latency_of(fast + slow, []), latency_of(fast, slow)
    for q in (0.5, 0.9, 0.95):
        assert present(giving_up.quantile(q)).us == pytest.approx(present(answering.quantile(q)).us, rel=1e-4)
    assert present(giving_up.quantile(0.95)).at_least
    assert not present(giving_up.quantile(0.5)).at_least
    assert present(giving_up.mean) == pytest.approx((present(answering.mean).us, True), rel=1e-4)
    assert present(giving_up.highest) == (present(answering.highest).us, True)


def test_a_server_that_fails_at_once_does_not_look_fast() -> None:
    answered = [20_000 + 10 * number for number in range(100)]
    latency = latency_of(answered, [200] * 300)
    assert present(latency.quantile(0.5)).us == pytest.approx(float(np.median(answered)), rel=0.001)
    assert present(latency.mean).us == pytest.approx(float(np.mean(answered)), rel=0.001)


@given(st.lists(times, min_size=1, max_size=30), st.lists(times, max_size=30), times)
def test_another_failure_never_makes_anything_faster_than_what_it_waited(
    answered: list[int], failed: list[int], waited: int
) -> None:
    before, after = latency_of(answered, failed), latency_of(answered, [*failed, waited])
    assert present(after.highest).us >= present(before.highest).us
    assert present(after.mean).us >= min(present(before.mean).us, waited) * (1 - 1e-3)


def test_a_p99_takes_368_requests() -> None:
    assert latency_of([1000] * 367, []).estimate(0.99) is None
    assert present(latency_of([1000] * 300, [1000] * 68).estimate(0.99)).us == 1000
    assert present(latency_of([1000] * 10, []).estimate(0.95)).us == 1000


def test_of_nothing_there_is_nothing() -> None:
    empty = latency_of([], [])
    assert (empty.quantile(0.5), empty.estimate(0.5), empty.mean, empty.highest) == (None, None, None, None)
