"""Filler is the same everywhere, cannot be compressed, and brings an archive to its size."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isotherm_build.errors import BuildRefused
from isotherm_build.filler import filler, fit


def test_filler_is_the_same_on_every_machine() -> None:
    assert (
        hashlib.sha256(filler(100_000)).hexdigest()
        == "4d37970e4d20cae9614fa93fec992c6ab8536480233614cb1a35a0f3fe5141b3"
    )


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_less_filler_is_the_beginning_of_more(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert filler(more)[:less] == filler(less)
    assert len(filler(more)) == more


def test_filler_cannot_be_compressed() -> None:
    assert len(zlib.compress(filler(1_000_000), 9)) > 1_000_000


@given(
    bare=st.integers(1_000_000, 30_000_000),
    more=st.integers(1_000, 30_000_000),
    block=st.integers(4_000, 70_000),
    overhead=st.integers(0, 12),
)
def test_fit_finds_a_filler_within_the_tolerance(bare: int, more: int, block: int, overhead: int) -> None:
    def total(amount: int) -> int:
        return bare + len(str(amount)) + (amount + overhead * (amount // block + 1) + 120 if amount else 0)

    wanted = bare + more
    assert abs(total(fit(total, wanted)) - wanted) <= wanted * 0.001


def test_fit_is_exact_where_it_can_be() -> None:
    assert fit(lambda amount: 1000 + amount + 5 * (amount // 16_383 + 1), 5_000_000) == 4997470


def test_fit_refuses_what_is_too_large_already() -> None:
    with pytest.raises(BuildRefused, match=r"2,000 bytes without any filler, more than the 1,000"):
        fit(lambda amount: 2000 + amount, 1000)


def test_fit_refuses_where_no_filler_helps() -> None:
    with pytest.raises(BuildRefused, match="no amount of filler"):
        fit(lambda amount: 1000 if amount % 2 else 100, 500)
