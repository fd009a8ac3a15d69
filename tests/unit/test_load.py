"""The request counts of the loads on record."""

from __future__ import annotations

import pytest

from isotherm.load import closed_loop_requests


@pytest.mark.parametrize(("threads", "requests"), [(20, 7_400), (100, 37_000)])
def test_the_records_request_counts_are_those_of_its_phases(threads: int, requests: int) -> None:
    assert sum(closed_loop_requests(threads, 100).values()) == requests


def test_the_phases_are_a_tenth_a_half_all_and_a_quarter_of_the_threads() -> None:
    assert closed_loop_requests(20, 100) == {"warmup": 400, "loading": 2000, "peak": 4000, "cooldown": 1000}


@pytest.mark.parametrize(("threads", "iterations"), [(0, 1), (1, 0), (-3, 5)])
def test_a_load_of_nothing_is_refused(threads: int, iterations: int) -> None:
    with pytest.raises(ValueError, match="is below the least accepted, 1"):
        closed_loop_requests(threads, iterations)
