"""Arrays of measured numbers: what is accepted as one, and what is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def checked_values(values: ArrayLike) -> Floats:
    """A flat array without NaN; infinite values stay.

    Raises
    ------
    ValueError
        Several dimensions, or NaN among the values.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values: {array.ndim} dimensions; a flat list of numbers is needed")
    bad = int(np.count_nonzero(np.isnan(array)))
    if bad:
        raise ValueError(f"values: {bad} of {array.size} are NaN; leave missing samples out")
    return array


def finite_values(values: ArrayLike) -> Floats:
    """A flat array of finite numbers.

    Raises
    ------
    ValueError
        Several dimensions, or NaN or infinity among the values.
    """
    array = checked_values(values)
    bad = int(np.count_nonzero(np.isinf(array)))
    if bad:
        raise ValueError(f"values: {bad} of {array.size} are infinite; finite numbers are needed")
    return array


#: In which values are written down: whole seconds to microseconds, of times in milliseconds.
_UNITS = (1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001)


def resolution(values: ArrayLike, *, coarsest: float = 1.0) -> float:
    """The largest unit, a power of ten from 0.001 to `coarsest` (1000 at most), in which all values are whole; else 0.

    A value that would be 0 in a unit, and is not, is not known in it. `isotherm.statistics.rounds` reads it off without
    numpy, exactly and to six decimals.
    """
    array = finite_values(values)
    for unit in (unit for unit in _UNITS if unit <= coarsest):
        scaled = array / unit
        whole = np.round(scaled)
        if np.allclose(scaled, whole, rtol=0, atol=1e-6) and np.array_equal(whole == 0, array == 0):
            return unit
    return 0.0


def mean_of(values: Floats) -> float:
    """Mean of at least one value, taken from the first one on, so that a large common part costs no digits."""
    return float(values[0]) + float(np.mean(values - values[0]))


def check_fraction(name: str, value: float) -> None:
    """Refuse a fraction outside (0, 1) with a ValueError that names it."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}: {value} is outside (0, 1)")
