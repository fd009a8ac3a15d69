"""The statistics of a whole year: as right as those of a minute, and in the memory there is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isotherm.statistics.describe import summarize
from isotherm.statistics.two_samples import compare
from unit.present import present


def test_a_million_samples_are_no_trouble() -> None:
    values = np.random.default_rng(5).lognormal(4, 0.3, 1_000_000)

    summary = summarize(values, blocks=np.arange(values.size) % 10)
    comparison = compare(values, values + 3.0)

    assert summary.median == pytest.approx(math.exp(4), rel=0.002)
    assert present(summary.median_low) < present(summary.median) < present(summary.median_high)
    assert comparison.shift == pytest.approx(3.0, abs=0.1)
