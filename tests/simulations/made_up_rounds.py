"""Makes up times measured in rounds, of a known distribution and with a known share of variance between rounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats


def _two_modes_at(u: np.ndarray) -> np.ndarray:
    """As AWS was seen to answer: one call in ten in a slower mode."""
    fast, slow = np.clip(u / 0.9, 1e-9, 1 - 1e-9), np.clip((u - 0.9) / 0.1, 1e-9, 1 - 1e-9)
    at: np.ndarray = np.where(u < 0.9, stats.norm.ppf(fast, 90, 4), stats.norm.ppf(slow, 118, 6))
    return at


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "lognormal": lambda u: np.exp(stats.norm.ppf(u, 4.6, 0.25)),
    "two modes": _two_modes_at,
    "heavy tail": lambda u: 80 * (1 - u) ** (-1 / 2.5),
    "whole ms": lambda u: np.ceil(_two_modes_at(u)),
}


def values_in_rounds(
    name: str, rng: np.random.Generator, size: tuple[int, int, int], icc: float
) -> tuple[np.ndarray, Callable[[float], float]]:
    """Values whose rounds share `icc` of their variance, on a normal scale behind the named distribution.

    So the distribution of all values, and its quantiles, are the same whatever the share. `size` is trials, rounds and
    values a round.
    """
    luck = rng.normal(size=(*size[:2], 1))
    u = stats.norm.cdf(math.sqrt(icc) * luck + math.sqrt(1 - icc) * rng.normal(size=size))
    at = SHAPES[name]
    return at(u), lambda q: float(at(np.array(q)))
