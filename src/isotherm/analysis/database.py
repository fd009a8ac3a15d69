"""What a database costs: the inner function that has one against the one that has none. Knows no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from isotherm.analysis.distance import INNER_BILLED
from isotherm.analysis.summary import Cell, DatabaseDifference, MetricName
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.arrays import resolution
from isotherm.statistics.results import Middle
from isotherm.statistics.two_samples import Difference, corrected_differences, middle_difference

#: The target that has a database, and what it is called without.
WITH_DATABASE: Mapping[str, str] = {"inner_db": "inner"}

_METRICS: tuple[MetricName, ...] = ("inner_duration_ms", INNER_BILLED)


def database_differences(
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    inner_targets: Sequence[str],
    confidence: float = 0.95,
) -> list[DatabaseDifference]:
    """The inner target with a database against the one without, in each inner region."""
    by_place: dict[tuple[str | None, str | None], list[Sample]] = {}
    for cell in cells:
        by_place.setdefault((cell.inner, cell.inner_region), []).extend(used.get(cell_key(cell), ()))
    sides = {
        (place, metric, without, with_database): (
            _side(by_place.get((without, place), []), metric),
            _side(by_place.get((with_database, place), []), metric),
        )
        for with_database, without in WITH_DATABASE.items()
        if {with_database, without} <= set(inner_targets)
        for place in dict.fromkeys(cell.inner_region or "" for cell in cells)
        for metric in _METRICS
    }
    sides = {of: (ours, theirs) for of, (ours, theirs) in sides.items() if ours.values and theirs.values}
    found: dict[tuple[str, MetricName, str, str], tuple[Difference, float | None]] = {}
    for metric in _METRICS:
        family = [of for of in sides if of[1] == metric]
        results = corrected_differences([partial(_difference, metric, *sides[of]) for of in family], confidence)
        found |= dict(zip(family, results, strict=True))
    return [_cost(of[0], (of[2], of[3]), of[1], sides[of], *found[of]) for of in sides]


class _Side(NamedTuple):
    """One metric of one inner target in one place: its values, and the block of each, an outer region in one round."""

    values: list[float]
    blocks: list[str]


def _side(samples: Sequence[Sample], metric: MetricName) -> _Side:
    known = [(value, f"{s.region} {s.round}") for s in samples if (value := getattr(s, metric)) is not None]
    return _Side([value for value, _ in known], [block for _, block in known])


def _middle(metric: MetricName) -> Middle:
    return "mean" if metric == INNER_BILLED else "median"


def _difference(metric: MetricName, without: _Side, with_database: _Side, confidence: float) -> Difference:
    """What the second of two inner targets takes over the first."""
    together = [*without.values, *with_database.values]
    return middle_difference(
        without.values,
        with_database.values,
        (without.blocks, with_database.blocks),
        middle=_middle(metric),
        confidence=confidence,
        unit=1.0 if metric == INNER_BILLED else resolution(together),
    )


def _cost(
    place: str,
    names: tuple[str, str],
    metric: MetricName,
    sides: tuple[_Side, _Side],
    result: Difference,
    corrected: float | None,
) -> DatabaseDifference:
    middle = _middle(metric)
    of = np.mean if middle == "mean" else np.median
    (without, with_database), (ours, theirs) = names, sides
    return DatabaseDifference(
        inner_region=place,
        without=without,
        with_database=with_database,
        metric=metric,
        middle=middle,
        without_value=float(of(ours.values)),
        with_value=float(of(theirs.values)),
        difference=result.value,
        low=result.low,
        high=result.high,
        p_value=result.p_value,
        p_holm=corrected,
        blocks=result.blocks,
        without_n=len(ours.values),
        with_n=len(theirs.values),
    )
