"""The fuzz run at a length that fits into the tests; a million inputs: see `fuzz_platform_log`."""

from __future__ import annotations

from .fuzz_platform_log import run


def test_damaged_logs_neither_raise_nor_divide_the_readers() -> None:
    assert run(inputs=3000, seed=20_261_121) == 0
