"""How a count of misses is judged."""

from __future__ import annotations

from scipy import stats

IMPLAUSIBLE = 1e-5


def plausible(misses: int, trials: int, nominal: float) -> bool:
    """Whether chance alone gives as many misses or more at least once in 10^5, where `nominal` is their share."""
    return float(stats.binomtest(misses, trials, nominal, alternative="greater").pvalue) > IMPLAUSIBLE
