"""Quantiles, and which order statistics bound one. Only the standard library.

`isotherm.statistics` states intervals by these ranks, and the control functions, which import no numpy, decide by the
same ones whether a cell is precise enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

#: Up to here a binomial coefficient is a float, and every probability exact to rounding.
_EXACT = 1000


@lru_cache(maxsize=4096)
def ranks_of_quantile(n: int, q: float, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Ranks (1 is the smallest value) of the two order statistics that bound a quantile; None where n has no such rank.

    With B ~ Binomial(n, q) counting the values below the quantile, the low rank is the highest l with
    P(B < l) <= (1 - confidence) / 2, the high rank the lowest u with P(B >= u) <= (1 - confidence) / 2.

    Raises
    ------
    ValueError
        `q` or `confidence` outside (0, 1).

    References
    ----------
    Hahn & Meeker, Statistical Intervals (1991), section 5.2.
    """
    for name, value in (("q", q), ("confidence", confidence)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name}: {value} is outside (0, 1)")
    tail = (1.0 - confidence) / 2.0
    low = _highest_rank(n, q, 1.0 - q, tail)
    # n - B is Binomial(n, 1 - q): the upper rank is the lower one of the values read from the other end.
    high = _highest_rank(n, 1.0 - q, q, tail)
    return (low or None), (n + 1 - high if high else None)


def _highest_rank(n: int, q: float, p: float, tail: float) -> int:
    """Highest l in 0..n with P(B < l) <= tail for B ~ Binomial(n, q); `p` is 1 - q."""
    if n <= _EXACT:
        below = 0.0
        for k in range(n):
            below += math.comb(n, k) * q**k * p ** (n - k)
            if below > tail:
                return k
        return n
    deviation = math.sqrt(n * q * p)
    # Bernstein's inequality: what lies further below has a probability under 1e-31.
    k = max(0, math.floor(n * q - 12 * deviation - 50))
    log_mass = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(q) + (n - k) * math.log(p)
    )
    mass = math.exp(log_mass)
    below = mass
    while below <= tail and k < n:
        mass *= (n - k) / (k + 1) * (q / p)
        k += 1
        below += mass
    return k


class Place(NamedTuple):
    """Between which two order statistics a quantile lies, counted from 1, and how far from the first to the second."""

    below: int
    above: int
    share: float


def place_of_quantile(n: int, q: float) -> Place:
    """Where definition 8 has a quantile among `n` values, at least one: at (n + 1/3) q + 1/3, and within the data."""
    position = min(max((n + 1 / 3) * q + 1 / 3, 1.0), float(n))
    below = math.floor(position)
    return Place(below, min(below + 1, n), position - below)


def quantile(ordered: Sequence[float], q: float) -> float:
    """Hyndman and Fan's definition 8 of sorted values, of which there is at least one; numpy's "median_unbiased".

    Linear between order statistics at the position (n + 1/3) q + 1/3, counted from 1, and within the data. Whatever the
    distribution, about as many such estimates lie above the true quantile as below it; those of definition 7, which
    numpy, R and spreadsheets use if not told otherwise, lie below the p95 or p99 of few values more often than not.

    References
    ----------
    Hyndman & Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), 361-365.
    """
    below, above, share = place_of_quantile(len(ordered), q)
    low, high = ordered[below - 1], ordered[above - 1]
    return low + (high - low) * share


def relative_width(low: float | None, high: float | None, estimate: float | None) -> float | None:
    """Width of an interval as a share of what it bounds: 0.05 where 100 ms lies in 97.5 to 102.5.

    None where a side is unbounded or the estimate is not above 0: such an interval is never narrow enough.
    """
    if low is None or high is None or estimate is None or estimate <= 0:
        return None
    return (high - low) / estimate
