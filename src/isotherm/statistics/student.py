"""Student's t without scipy: what the control functions, which import neither numpy nor scipy, decide by."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

#: From here on the series would be long, and an expansion about the normal distribution is right to ten digits.
_NEARLY_NORMAL = 500


@lru_cache(maxsize=4096)
def student_t(freedom: int, confidence: float = 0.95) -> float:
    """The t that Student's distribution keeps within plus and minus with a probability of `confidence`.

    Parameters
    ----------
    freedom : int
        Degrees of freedom, at least 1.
    confidence : float
        In (0, 1).

    Raises
    ------
    ValueError
        `freedom` below 1, or `confidence` outside (0, 1).

    References
    ----------
    Abramowitz & Stegun, Handbook of Mathematical Functions (1964): 26.7.3 and 26.7.4 (finite series for whole degrees
    of freedom), 26.7.5 (expansion for many).

    Examples
    --------
    >>> round(student_t(4), 3), round(student_t(9), 3)
    (2.776, 2.262)
    """
    if freedom < 1:
        raise ValueError(f"freedom: {freedom} is below 1")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: {confidence} is outside (0, 1)")
    if freedom >= _NEARLY_NORMAL:
        return _expanded(NormalDist().inv_cdf(0.5 + confidence / 2), freedom)
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _within(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(high)


def _within(angle: float, freedom: int) -> float:
    """Probability of plus and minus sqrt(freedom) tan(angle)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    square = cosine * cosine
    term, total, first = (cosine, 0.0, 3) if freedom % 2 else (1.0, 0.0, 2)
    for number in range(first, freedom + 1, 2):
        total += term
        term *= square * (number - 1) / number
    return (angle + sine * total) * 2 / math.pi if freedom % 2 else sine * total


def _expanded(z: float, freedom: int) -> float:
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
