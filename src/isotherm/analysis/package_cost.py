"""What size and imports cost at start-up: slopes between the packages of one region and memory size. Knows no AWS."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from isotherm.analysis.summary import MetricName, NoStartupSlope, StartupSlope
from isotherm.measurement.sample import Sample
from isotherm.statistics.arrays import Floats
from isotherm.statistics.fewest import FEWEST_ROUNDS
from isotherm.statistics.results import Slope
from isotherm.statistics.slopes import LEAST_RELIABILITY, left_over, reliability, slopes_by_round

Time = Literal["start", "rest", "overhead"]
Per = Literal["archive_mb", "import_ms"]

#: Packages that differ by less than this on an axis, at equal places on the other, say nothing of what it costs.
LEAST_CONTRAST: Mapping[Per, float] = {"archive_mb": 1.0, "import_ms": 5.0}

# Archives whose sizes follow one another at less than both are of one size: a zip's own bytes vary with dates and
# names, and with nothing else in it a zip is hardly anything.
_SAME_SHARE = 0.005
_SAME_MB = 0.01
# Standard error of a median over that of a mean, of normal values.
_OF_MEDIAN = 1.2533


class _Package(NamedTuple):
    """One target: its archive, and its cold starts whose imports are known."""

    archive_mb: float
    imports: Floats
    rounds: Floats
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Places of all packages on one axis, with the standard error of each."""

    per: Per
    places: Floats
    errors: Floats

    def contrast(self, others: Sequence[_Axis]) -> float:
        """How far packages are apart on it at equal places on the others."""
        return float(np.ptp(left_over(self.places, _columns(self, others))[0]))

    def is_known(self, others: Sequence[_Axis]) -> bool:
        """Whether places are told apart well enough for a slope on them."""
        if np.isnan(self.errors).any():
            return False
        return reliability(self.places, self.errors, _columns(self, others)) >= LEAST_RELIABILITY


def startup_costs(
    region: str,
    memory_mb: int,
    used: Mapping[str, Sequence[Sample]],
    archive_bytes: Mapping[str, int],
    start: MetricName,
    confidence: float = 0.95,
) -> list[StartupSlope]:
    """Slopes of start-up and overhead on archive size and on import time, both in one fit.

    A point is a target's median in one round; its place on an axis is the target's: the archive's size, the median of
    its imports. Where packages differ on both axes, what each costs is read from a plane through all of them, round by
    round (`isotherm.statistics.slopes.slopes_by_round`): neither axis is booked on the other, and no price of a ms of
    imports is presumed. Where they do not differ in imports, size is set against the start-up less its imports, which
    takes the little that they do differ by out of it. An axis on which packages do not differ, or not apart from the
    other, gets no number and a reason.

    Parameters
    ----------
    region, memory_mb
        Where the samples are from.
    used : mapping
        Used cold samples by target.
    archive_bytes : mapping
        Size of each target's archive, by target.
    start : MetricName
        The metric that speaks for start-up, in ms.
    confidence : float
        Of the intervals. They are about these packages in other rounds: other packages may cost otherwise.

    Returns
    -------
    list of StartupSlope
        ms per ms of imports, or ms per MB (10^6 bytes), with the reason where there is no slope or no interval of one;
        empty where there are fewer than two packages.
    """
    packages = _packages(used, archive_bytes)
    if len(packages) < 2:
        return []
    axes = _axes(packages)

    def found(time: Time, axis: _Axis, others: Sequence[_Axis], *, held: bool) -> StartupSlope:
        times = _by_round(packages, lambda sample: _time(sample, time, start))
        weights = [package.imports.size for package in packages]
        slope = slopes_by_round([axis.places, *(of.places for of in others)], times, weights, confidence)[0]
        why: NoStartupSlope | None = None
        if slope.low is None:
            why = "few_rounds" if len(times) < FEWEST_ROUNDS else "tied"
        return StartupSlope(
            region=region,
            memory_mb=memory_mb,
            time=time,
            per=axis.per,
            held=held,
            slope=slope,
            why=why,
            packages=len(packages),
            rounds=len(times),
            contrast=axis.contrast(others),
        )

    costs = []
    for axis, other in zip(axes, reversed(axes), strict=True):
        others = [other] if other.contrast([]) >= LEAST_CONTRAST[other.per] else []
        why = _unanswerable(axis, others)
        if why is None:
            time: Time = "rest" if axis.per == "archive_mb" and not others else "start"
            costs += [found(of, axis, others, held=True) for of in (time, "overhead")]
        else:
            costs.append(
                StartupSlope(
                    region=region,
                    memory_mb=memory_mb,
                    time="start",
                    per=axis.per,
                    held=False,
                    slope=Slope(n=0, slope=None, low=None, high=None, intercept=None),
                    why=why,
                    packages=len(packages),
                    contrast=axis.contrast(others if why == "together" else []),
                )
            )
    return costs


def _unanswerable(axis: _Axis, others: Sequence[_Axis]) -> NoStartupSlope | None:
    """Why nothing can be said of what an axis costs; None where it can."""
    least = LEAST_CONTRAST[axis.per]
    if axis.contrast([]) < least:
        return "alike"
    if axis.contrast(others) < least:
        return "together"
    # Another axis that is hardly known cannot be held either.
    if not axis.is_known(others) or not all(other.is_known([]) for other in others):
        return "unsure_imports"
    return None


def _packages(used: Mapping[str, Sequence[Sample]], archive_bytes: Mapping[str, int]) -> list[_Package]:
    found = []
    for target, samples in used.items():
        known = [sample for sample in samples if sample.import_ms is not None]
        if target in archive_bytes and known:
            imports = np.array([sample.import_ms for sample in known], dtype=np.float64)
            rounds = np.array([sample.round for sample in known], dtype=np.float64)
            found.append(_Package(archive_bytes[target] / 1e6, imports, rounds, samples))
    return found


def _axes(packages: Sequence[_Package]) -> tuple[_Axis, _Axis]:
    imports = np.array([np.median(package.imports) for package in packages])
    errors = np.array([_error_of_median(package.imports, package.rounds) for package in packages])
    sizes = _sizes([package.archive_mb for package in packages])
    return _Axis("import_ms", imports, errors), _Axis("archive_mb", sizes, np.zeros(sizes.size))


def _columns(axis: _Axis, others: Sequence[_Axis]) -> Floats:
    return np.column_stack([np.ones(axis.places.size), *(other.places for other in others)])


def _error_of_median(values: Floats, rounds: Floats) -> float:
    """Standard error of a median, by the medians of rounds where there are enough; NaN where nothing tells."""
    medians = np.array([np.median(values[rounds == number]) for number in np.unique(rounds)])
    if medians.size >= FEWEST_ROUNDS:
        return float(np.std(medians, ddof=1)) / math.sqrt(medians.size)
    return _OF_MEDIAN * float(np.std(values, ddof=1)) / math.sqrt(values.size) if values.size > 1 else math.nan


def _sizes(archives_mb: Sequence[float]) -> Floats:
    """Sizes of archives, with those of one size at their mean: the gaps between them say which are."""
    sizes = np.array(archives_mb)
    order = np.argsort(sizes)
    in_order = sizes[order]
    gaps = np.diff(in_order)
    stratum = np.concatenate([[0], np.cumsum(gaps > np.maximum(_SAME_MB, _SAME_SHARE * in_order[:-1]))])
    found = np.empty_like(sizes)
    found[order] = (np.bincount(stratum, weights=in_order) / np.bincount(stratum))[stratum]
    return found


def _by_round(packages: Sequence[_Package], time: Callable[[Sample], float | None]) -> Floats:
    """Medians of the packages in each round that has all of them."""
    values: list[dict[int, list[float]]] = []
    for package in packages:
        of_rounds: dict[int, list[float]] = {}
        for sample in package.samples:
            value = time(sample)
            if value is not None:
                of_rounds.setdefault(sample.round, []).append(value)
        values.append(of_rounds)
    shared = sorted(set(values[0]).intersection(*values[1:]))
    medians = [[float(np.median(of_rounds[number])) for of_rounds in values] for number in shared]
    return np.array(medians, dtype=np.float64).reshape(len(shared), len(packages))


def _time(sample: Sample, time: Time, start: MetricName) -> float | None:
    if time == "overhead":
        return sample.overhead_ms
    value: float | None = getattr(sample, start)
    if time == "start" or value is None:
        return value
    return None if sample.import_ms is None else value - sample.import_ms
