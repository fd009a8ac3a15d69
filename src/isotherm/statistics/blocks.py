"""Several treatments against a baseline in randomised blocks: ratios and differences that hold when blocks differ.

A block is a round: whatever a round's luck does to all treatments alike cancels, and what it does to one of them alone
is the scatter by which differences are judged. Knows numbers, nothing of campaigns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from isotherm.statistics.arrays import Floats, check_fraction, finite_values, resolution
from isotherm.statistics.dunnett import critical_value, loadings, p_of_largest
from isotherm.statistics.fewest import FEWEST_ROUNDS
from isotherm.statistics.results import AdjustedBy
from isotherm.statistics.two_samples import (
    Difference,
    corrected_differences,
    holm,
    middle_difference,
    widened,
)

#: Blocks are given up for differences by round where the scatter of the baseline, or of another treatment, differs
#: from that of all others with a p below these. The first is the larger: the baseline is in every difference.
_BASELINE_SCATTERS = 0.10
_OTHER_SCATTERS = 0.05
#: How often a difference that is called detectable is found.
POWER = 0.8
# A scatter of logarithms below this is rounding of the arithmetic.
_NOTHING = 1e-9
#: Logarithm of a factor beyond which one is as good as another, and times a median still a number.
_MOST = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDifference:
    """One treatment against the baseline, other - baseline or other / baseline.

    `rounds` are those that both have. With fewer than `FEWEST_ROUNDS` only `shift` and `ratio` are there. The intervals
    are those of the test whose adjusted p is `p_adjusted`: they leave out no difference exactly where it is below 1 -
    confidence. `p_value` is of the same test for this treatment alone. `adjusted_by` is None where there is one
    treatment, and so nothing to adjust for. `detectable` is the size of difference that would be found in four of five
    such campaigns.
    """

    shift: float
    shift_low: float | None = None
    shift_high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    adjusted_by: AdjustedBy | None = None
    rounds: int = 0
    detectable: float | None = None


class _Side(NamedTuple):
    """Values of one treatment, the round of each, and the median of each round."""

    values: Floats
    rounds: Floats
    medians: Mapping[float, float]
    median: float

    @classmethod
    def of(cls, values: ArrayLike, rounds: ArrayLike) -> _Side:
        known, numbers = finite_values(values), finite_values(rounds)
        if not known.size or known.size != numbers.size:
            raise ValueError("sides: each needs values, and a round for each of them")
        medians = {float(number): float(np.median(known[numbers == number])) for number in np.unique(numbers)}
        return cls(known, numbers, medians, float(np.median(known)))


class _Contrast(NamedTuple):
    """Logarithm of a ratio, its standard error, and how many degrees of freedom that has."""

    log_ratio: float
    error: float
    freedom: int


def block_differences(
    baseline: tuple[ArrayLike, ArrayLike], others: Sequence[tuple[ArrayLike, ArrayLike]], *, confidence: float = 0.95
) -> list[BlockDifference]:
    """Each of `others` against the baseline, with intervals and p-values that hold for all of them together.

    The logarithm of a treatment's median in a round is the sum of a part of the treatment, a part of the round, and
    scatter; it is fitted by least squares, which allows for treatments that lack some rounds. The scatter that is left,
    with (treatments - 1) (rounds - 1) degrees of freedom where nothing is missing, gives Dunnett's intervals. Where
    treatments scatter by different amounts, ratios are taken round by round instead, and where a median is not
    positive differences are; both with Student's t over rounds, corrected by Holm.

    Differences in units are the ratio less 1, times the baseline's median m of all its values. Their intervals join the
    ratio's with that of m (Student's t over the logarithms of its rounds' medians): for m (ratio - 1) the squared
    distances on the log scale to both ends are added, so that an interval leaves out 0 exactly where the ratio's leaves
    out 1. Where the other is smaller, the two are correlated by at most the square root of 1/2, which is allowed for.

    Data in whole units of some size (`resolution`) are not taken for more exact than that, however many are tied: an
    error is at least that of two rounded numbers.

    Parameters
    ----------
    baseline, others : (values, rounds)
        Values in one unit, finite, at least one a side, and the number of each value's round.
    confidence : float
        Of all intervals together, in (0, 1).

    Returns
    -------
    list of BlockDifference
        In the order of `others`.

    Raises
    ------
    ValueError
        A side without values or with NaN or infinity among them, or `confidence` outside (0, 1).

    References
    ----------
    Dunnett, A multiple comparison procedure for comparing several treatments with a control, JASA 50 (1955), 1096-1121.
    Kalibera & Jones, Rigorous benchmarking in reasonable time, ISMM 2013 (the level that varies is the one to repeat).
    Bulej et al., Duet benchmarking: improving measurement accuracy in the cloud, ICPE 2020 (pairs share their luck).
    Donner & Zou, Closed-form confidence intervals for functions of the normal mean and standard deviation, Statistical
    Methods in Medical Research 21 (2012), 347-359 (joining intervals of two estimates).
    """
    check_fraction("confidence", confidence)
    base, sides = _Side.of(*baseline), [_Side.of(*side) for side in others]
    unit = resolution(np.concatenate([base.values, *(side.values for side in sides)]))
    shared = [len(base.medians.keys() & side.medians.keys()) for side in sides]
    found = [_untold(base, side, rounds) for side, rounds in zip(sides, shared, strict=True)]
    able = [place for place, rounds in enumerate(shared) if rounds >= FEWEST_ROUNDS]
    if not able:
        return found
    told = _told(base, [sides[place] for place in able], unit, confidence)
    for place, difference in zip(able, told, strict=True):
        found[place] = difference
    return found


def _untold(base: _Side, other: _Side, rounds: int) -> BlockDifference:
    ratio = other.median / base.median if base.median > 0 and other.median >= 0 else None
    return BlockDifference(shift=other.median - base.median, ratio=ratio, rounds=rounds)


def _told(base: _Side, others: Sequence[_Side], unit: float, confidence: float) -> list[BlockDifference]:
    every = [base, *others]
    if min(median for side in every for median in side.medians.values()) <= 0:
        return _by_round_in_units(base, others, unit, confidence)
    table = _logs(every)
    rounding = np.array([unit / math.sqrt(12) / side.median for side in every])
    if _scatters_alike(table, float(np.mean(rounding**2))):
        contrasts, factor = _two_way(table, rounding)
        alone, together = ([_p(contrast, of) for contrast in contrasts] for of in ((0.0,), factor))
        limits = [critical_value(factor, contrast.freedom, confidence) for contrast in contrasts]
        method: AdjustedBy = "dunnett"
    else:
        contrasts = [_by_round(table, place, rounding) for place in range(1, len(every))]
        alone = [_p(contrast, (0.0,)) for contrast in contrasts]
        together = holm(alone)
        levels = [widened(confidence, p, corrected, len(others)) for p, corrected in zip(alone, together, strict=True)]
        limits = [critical_value((0.0,), c.freedom, level) for c, level in zip(contrasts, levels, strict=True)]
        method = "holm"
    doubt = _half_width(table[0], confidence)
    return [
        BlockDifference(
            **_in_units(contrast, limit, base.median, doubt),
            p_value=p,
            p_adjusted=corrected,
            adjusted_by=method if len(others) > 1 else None,
            rounds=len(base.medians.keys() & other.medians.keys()),
        )
        for other, contrast, limit, p, corrected in zip(others, contrasts, limits, alone, together, strict=True)
    ]


def _logs(sides: Sequence[_Side]) -> Floats:
    """Logarithms of medians, a row for each side and a column for each round; NaN where a side lacks a round."""
    rounds = sorted({number for side in sides for number in side.medians})
    return np.log([[side.medians.get(number, math.nan) for number in rounds] for side in sides])


def _scatters_alike(table: Floats, rounding: float) -> bool:
    """Whether each row scatters about the others as they do among themselves; `rounding` is the variance of that."""
    whole = table[:, ~np.isnan(table).any(axis=0)]
    rows, rounds = whole.shape
    if rows < 3 or rounds < FEWEST_ROUNDS:
        return True
    for place in range(rows):
        rest = np.delete(whole, place, axis=0)
        left = rest - rest.mean(axis=1, keepdims=True) - rest.mean(axis=0) + rest.mean()
        freedom = (rows - 2) * (rounds - 1)
        among = float(np.sum(left**2)) / freedom + rounding
        own = float(np.var(whole[place] - rest.mean(axis=0), ddof=1)) * (rows - 1) / rows + rounding
        limit = _OTHER_SCATTERS / (rows - 1) if place else _BASELINE_SCATTERS
        if own > _NOTHING**2 and (among == 0 or float(stats.f.sf(own / among, rounds - 1, freedom)) < limit):
            return False
    return True


def _two_way(table: Floats, rounding: Floats) -> tuple[list[_Contrast], tuple[float, ...]]:
    """Each row less the first by least squares, rounds taken out; and the loadings of these differences."""
    rows = table.shape[0]
    normal, right = np.zeros((rows, rows)), np.zeros(rows)
    freedom = 1 - rows
    columns = [(np.flatnonzero(~np.isnan(column)), column) for column in table.T]
    for known, column in columns:
        normal[np.ix_(known, known)] += np.eye(known.size) - 1 / known.size
        right[known] += column[known] - column[known].mean()
        freedom += known.size - 1
    inverse = np.linalg.inv(normal[1:, 1:])
    effects = np.concatenate([[0.0], inverse @ right[1:]])
    left = [column[known] - effects[known] for known, column in columns]
    variance = sum(float(np.sum((part - part.mean()) ** 2)) for part in left) / freedom
    errors = np.sqrt(variance * np.diag(inverse))
    spread = np.sqrt(np.diag(inverse))
    contrasts = [
        _Contrast(
            float(effect) if abs(effect) > _NOTHING else 0.0, max(float(error), math.hypot(rounding[0], of)), freedom
        )
        for effect, error, of in zip(effects[1:], errors, rounding[1:], strict=True)
    ]
    return contrasts, loadings(inverse / np.outer(spread, spread))


def _by_round(table: Floats, place: int, rounding: Floats) -> _Contrast:
    steps = table[place] - table[0]
    steps = steps[~np.isnan(steps)]
    error = float(np.std(steps, ddof=1)) / math.sqrt(steps.size)
    return _Contrast(float(steps.mean()), max(error, math.hypot(rounding[0], rounding[place])), steps.size - 1)


def _p(contrast: _Contrast, factor: tuple[float, ...]) -> float | None:
    if contrast.error < _NOTHING:
        return 1.0 if abs(contrast.log_ratio) < _NOTHING else None
    return p_of_largest(abs(contrast.log_ratio) / contrast.error, factor, contrast.freedom)


def _half_width(logs: Floats, confidence: float) -> float:
    """Of the interval of a side's own median, on the log scale."""
    known = logs[~np.isnan(logs)]
    t = float(stats.t.ppf(0.5 + confidence / 2, known.size - 1))
    return t * float(np.std(known, ddof=1)) / math.sqrt(known.size)


def _in_units(contrast: _Contrast, limit: float, median: float, doubt: float) -> dict[str, Any]:
    """Ratio, shift and what could have been detected; `doubt` is how unsure the baseline's median is."""
    ratio = _exp(contrast.log_ratio)
    gain = ratio - 1
    if contrast.error < _NOTHING and abs(contrast.log_ratio) >= _NOTHING:
        # Tied to the last digit, in no unit that could be found: nothing says how sure that is.
        return {"shift": median * gain, "ratio": ratio}
    low, high = (_exp(contrast.log_ratio + sign * limit * contrast.error) for sign in (-1, 1))
    found = contrast.error * (limit + float(stats.t.ppf(POWER, contrast.freedom)))
    return {
        "shift": median * gain,
        "shift_low": median * _joined(gain, low - 1, doubt, outer=gain < 0),
        "shift_high": median * _joined(gain, high - 1, doubt, outer=gain > 0),
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "detectable": median * math.expm1(min(found, _MOST)),
    }


def _joined(gain: float, end: float, doubt: float, *, outer: bool) -> float:
    """One end of the interval of a gain that is multiplied by a number known but for `doubt`, over that number.

    An end beyond 0 stays: near 0 the doubt does not matter. `outer` is the end that is farther from 0, also where both
    round to the same number.
    """
    if gain * end <= 0:
        return end
    own = abs(math.log(end / gain))
    correlation = 0.0 if gain > 0 else math.sqrt(0.5)
    distance = math.sqrt(own**2 + doubt**2 + 2 * correlation * own * doubt)
    return gain * _exp(distance if outer else -distance)


def _exp(logarithm: float) -> float:
    return math.exp(min(logarithm, _MOST))


def _by_round_in_units(base: _Side, others: Sequence[_Side], unit: float, confidence: float) -> list[BlockDifference]:
    """Differences of medians by round, where there are no logarithms."""

    def difference(other: _Side, level: float) -> Difference:
        rounds = base.rounds, other.rounds
        return middle_difference(base.values, other.values, rounds, middle="median", confidence=level, unit=unit)

    corrected = corrected_differences([partial(difference, other) for other in others], confidence)
    return [
        BlockDifference(
            shift=found.value,
            shift_low=found.low,
            shift_high=found.high,
            ratio=other.median / base.median if base.median > 0 else None,
            p_value=found.p_value,
            p_adjusted=p,
            adjusted_by="holm" if len(others) > 1 else None,
            rounds=found.blocks or 0,
        )
        for other, (found, p) in zip(others, corrected, strict=True)
    ]
