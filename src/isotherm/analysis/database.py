"""What a database costs: the inner function that has one against the one that has none. Knows no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isotherm.analysis.distance import INNER_BILLED
from isotherm.analysis.summary import Cell, DatabaseDifference, MetricName
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.results import Middle
from isotherm.statistics.two_samples import holm, middle_difference

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
    found = []
    for with_database, without in WITH_DATABASE.items():
        if {with_database, without} <= set(inner_targets):
            for place in dict.fromkeys(cell.inner_region or "" for cell in cells):
                sides = by_place.get((without, place), []), by_place.get((with_database, place), [])
                for metric in _METRICS:
                    cost = _difference(place, (without, with_database), metric, sides, confidence)
                    found += [cost] if cost else []
    corrected = holm([cost.p_value for cost in found])
    return [cost.model_copy(update={"p_holm": p}) for cost, p in zip(found, corrected, strict=True)]


def _difference(
    place: str,
    names: tuple[str, str],
    metric: MetricName,
    sides: tuple[Sequence[Sample], Sequence[Sample]],
    confidence: float,
) -> DatabaseDifference | None:
    """What the second of two inner targets takes over the first; a block is one outer region in one round."""
    middle: Middle = "mean" if metric == INNER_BILLED else "median"
    (ours, our_blocks), (theirs, their_blocks) = (
        (
            [value for s in side if (value := getattr(s, metric)) is not None],
            [f"{s.region} {s.round}" for s in side if getattr(s, metric) is not None],
        )
        for side in sides
    )
    if not (ours and theirs):
        return None
    result = middle_difference(
        ours,
        theirs,
        (our_blocks, their_blocks),
        middle=middle,
        confidence=confidence,
        unit=1.0 if metric == INNER_BILLED else 0.0,
    )
    of = np.mean if middle == "mean" else np.median
    without, with_database = names
    return DatabaseDifference(
        inner_region=place,
        without=without,
        with_database=with_database,
        metric=metric,
        middle=middle,
        without_value=float(of(ours)),
        with_value=float(of(theirs)),
        difference=result.value,
        low=result.low,
        high=result.high,
        p_value=result.p_value,
        p_holm=None,
        blocks=result.blocks,
        without_n=len(ours),
        with_n=len(theirs),
    )
