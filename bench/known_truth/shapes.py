"""Times of a known distribution that are measured in rounds, and their true values.

A call is F^-1(Phi(sqrt(ICC) B + sqrt(1 - ICC) E)), B one number of its target and round and E its own, both standard
normal: so F, and with it the true median, is the same whatever the ICC, which is the share of the variance that lies
between rounds. (A session's luck is drawn in the same way, as a third part.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

QUANTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99}


def _lognormal(u: Floats) -> Floats:
    times: Floats = 91.0 * np.exp(0.25 * special.ndtri(u))
    return times


def _two_modes(u: Floats) -> Floats:
    """One call of ten is a third slower: median 91, p95 about 118, as published for a small Python function."""
    grid, heights = _two_modes_grid()
    return np.interp(u, heights, grid)


@cache
def _two_modes_grid() -> tuple[Floats, Floats]:
    grid = np.linspace(55.0, 190.0, 20_001)
    heights = 0.9 * stats.norm.cdf(np.log(grid / 90.3), scale=0.05) + 0.1 * stats.norm.cdf(
        np.log(grid / 118.0), scale=0.05
    )
    return grid, heights


def _heavy(u: Floats) -> Floats:
    """Pareto with alpha 2.5: the variance is finite, the third moment is not."""
    return 69.0 * (1.0 - u) ** (-1 / 2.5)


def _whole_ms(u: Floats) -> Floats:
    return np.round(_two_modes(u))


SHAPES: Mapping[str, Callable[[Floats], Floats]] = {
    "lognormal": _lognormal,
    "two modes": _two_modes,
    "heavy tail": _heavy,
    "whole ms": _whole_ms,
}


def times_in_rounds(
    shape: str, size: tuple[int, int, int], icc: float, rng: np.random.Generator, *, session: float = 0.0
) -> Floats:
    """Times by target, round and call; `session` is the share of the variance that all rounds of a target have."""
    targets, rounds, _ = size
    latent = math.sqrt(icc) * rng.standard_normal((targets, rounds, 1))
    latent = latent + math.sqrt(1 - icc - session) * rng.standard_normal(size)
    if session:
        latent += math.sqrt(session) * rng.standard_normal((targets, 1, 1))
    return SHAPES[shape](special.ndtr(latent))


@cache
def true_values(shape: str) -> tuple[dict[str, float], float]:
    """Quantiles and mean of a distribution, on two million evenly spaced probabilities."""
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    values = SHAPES[shape](u)
    mean = 69.0 * 2.5 / 1.5 if shape == "heavy tail" else float(values.mean())
    return {name: float(SHAPES[shape](np.array([q]))[0]) for name, q in QUANTILES.items()}, mean


def order_statistics_of(n: int, q: float) -> tuple[int, int]:
    """The former interval of a quantile: ranks, from 1, of exact binomial coverage; outside 1..n the end is open."""
    return int(stats.binom.ppf(0.025, n, q)), int(stats.binom.ppf(0.975, n, q)) + 1


def former_interval_holds(values: Floats, q: float, truth: float) -> bool:
    """Whether the former interval of a quantile, of order statistics of all calls, holds the truth."""
    ordered = np.sort(values)
    low, high = order_statistics_of(ordered.size, q)
    return bool((low < 1 or ordered[low - 1] <= truth) and (high > ordered.size or truth <= ordered[high - 1]))
