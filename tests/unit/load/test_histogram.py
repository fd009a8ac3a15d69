"""The histogram against sorted lists, and against the library whose layout and wire format it keeps."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.load.histogram import Histogram
from isotherm.statistics.order_statistics import quantile
from unit.present import present

WITHIN = {1: 0.1, 2: 0.01, 3: 0.001, 4: 0.0001, 5: 0.00001}
A_DAY_US = 86_400_000_000

values_lists = st.lists(st.integers(0, A_DAY_US) | st.integers(0, 5000), max_size=60)


def histogram_of(values: list[int], digits: int = 3) -> Histogram:
    made = Histogram(digits)
    for value in values:
        made.record(value)
    return made


@given(values_lists.filter(bool), st.floats(0, 1), st.sampled_from(sorted(WITHIN)))
def test_a_quantile_is_that_of_the_samples_to_the_digits_kept(values: list[int], q: float, digits: int) -> None:
    exact = float(np.quantile(values, q, method="median_unbiased"))
    found = present(histogram_of(values, digits).quantile(q))
    assert exact - 1 <= found <= exact * (1 + WITHIN[digits]) + 1
    if 0 < q < 1:
        assert exact == pytest.approx(quantile(sorted(map(float, values)), q), rel=1e-9, abs=1e-6)


@given(values_lists.filter(bool))
def test_mean_and_maximum_are_right_to_the_digits_kept(values: list[int]) -> None:
    made = histogram_of(values)
    assert made.total == len(values)
    assert made.mean == pytest.approx(sum(values) / len(values), rel=0.001)
    assert max(values) <= present(made.highest) <= max(values) * 1.001


@given(st.lists(values_lists, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_adding_up_in_any_order_is_as_recording_all_in_one(parts: list[list[int]], dice: random.Random) -> None:
    whole = histogram_of([value for part in parts for value in part])
    added = Histogram()
    for part in dice.sample(parts, len(parts)):
        added.add(histogram_of(part))
    assert added == whole
    assert added.encode() == whole.encode()


@given(values_lists, st.sampled_from(sorted(WITHIN)), st.integers(1, 2**55))
def test_what_is_encoded_is_decoded(values: list[int], digits: int, count: int) -> None:
    made = histogram_of(values, digits)
    made.record(17, count)
    assert Histogram.decode(made.encode()) == made


@given(values_lists, st.integers(0, A_DAY_US))
def test_above_counts_what_is_above_but_for_the_values_own_bucket(values: list[int], limit: int) -> None:
    found = histogram_of(values).above(limit)
    assert sum(value > limit * 1.001 + 1 for value in values) <= found <= sum(value > limit for value in values)


def test_nothing_recorded_has_no_statistics() -> None:
    empty = Histogram()
    assert (empty.total, empty.mean, empty.highest, empty.quantile(0.5)) == (0, None, None, None)
    assert Histogram.decode(empty.encode()) == empty


@pytest.mark.parametrize(
    "text", ["", "no base64!", "AAAA", Histogram().encode()[:-8], "HISTFAAAAAB42mNgYGBgAAAABAAB", "A" * 80]
)
def test_what_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"this is not an? "):
        Histogram.decode(text)


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match=r"q: 1.5 is outside 0 to 1"):
        Histogram().quantile(1.5)
    with pytest.raises(ValueError, match="digits: 6 is outside 1 to 5"):
        Histogram(6)
    with pytest.raises(ValueError, match="digits: 2 cannot be added to 3"):
        Histogram(3).add(Histogram(2))


class TestAgainstTheLibrary:
    """PyPI `hdrhistogram` 0.10, itself held against the Java and C versions by its authors."""

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        self.library = pytest.importorskip("hdrh.histogram", reason="no wheel of hdrhistogram here").HdrHistogram

    @given(values=values_lists, digits=st.sampled_from([1, 2, 3]))
    def test_the_library_reads_what_we_write(self, values: list[int], digits: int) -> None:
        theirs = self.library.decode(histogram_of(values, digits).encode())
        expected = self.library(1, A_DAY_US, digits)
        for value in values:
            assert expected.record_value(value)
        assert theirs.get_total_count() == len(values)
        assert list(theirs.counts) == list(expected.counts)

    @given(values=values_lists, digits=st.sampled_from([1, 2, 3]))
    def test_we_read_what_the_library_writes(self, values: list[int], digits: int) -> None:
        theirs = self.library(1, A_DAY_US, digits)
        for value in values:
            theirs.record_value(value)
        assert Histogram.decode(theirs.encode().decode()) == histogram_of(values, digits)

    @given(values=values_lists.filter(lambda values: len(values) > 1))
    def test_its_quantiles_are_ours(self, values: list[int]) -> None:
        theirs = self.library.decode(histogram_of(values).encode())
        ours = histogram_of(values)
        for number in range(1, len(values) + 1):
            # Ours lie between ranks; where one falls on a rank, theirs, which are of ranks alone, are the same.
            on_rank = (number - 1 / 3) / (len(values) + 1 / 3)
            theirs_there = theirs.get_value_at_percentile(100 * number / len(values))
            assert ours.quantile(on_rank) == pytest.approx(theirs_there, abs=1)
