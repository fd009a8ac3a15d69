"""Each target against the first one that was asked for, in cells that are alike but for it. Knows no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np

from isotherm.analysis.summary import Cell, MetricName, TargetDifference
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.blocks import BlockDifference, block_differences
from isotherm.statistics.results import Comparison
from isotherm.statistics.two_samples import cliffs_delta


def target_differences(
    baseline: str,
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    start: MetricName | None,
    confidence: float = 0.95,
) -> list[TargetDifference]:
    """How start-up, imports and client times of each cell differ from the baseline's.

    Parameters
    ----------
    baseline : str
        The target with which all others are compared.
    cells : sequence of Cell
        The campaign's, in reading order.
    used : mapping
        Used samples by cell.
    start : MetricName, optional
        The metric that speaks for cold starts.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of TargetDifference
        Intervals and p-values hold for all targets of one metric in one place together: the headline chooses among
        these. Different metrics and places are answers to different questions, and are not corrected for each other.
    """
    cold: tuple[MetricName, ...] = (*((start,) if start else ()), "import_ms", "client_ms")
    families: dict[tuple[CellKey, MetricName], list[Cell]] = {}
    for cell in cells:
        if cell.target == baseline or cell.kind == "prime":
            continue
        for metric in cold if cell.kind == "cold" else ("client_ms",):
            families.setdefault((replace(cell_key(cell), target=baseline), metric), []).append(cell)
    of_baseline = {cell_key(cell): cell for cell in cells if cell.target == baseline}
    found: dict[tuple[CellKey, MetricName], TargetDifference] = {}
    for (key, metric), others in families.items():
        ours = _Side.of(used.get(key, ()), of_baseline.get(key), metric)
        sides = {cell_key(cell): _Side.of(used[cell_key(cell)], cell, metric) for cell in others}
        sides = {other: side for other, side in sides.items() if side.values}
        if not (ours.values and sides):
            continue
        differences = block_differences(ours.blocks, [side.blocks for side in sides.values()], confidence=confidence)
        for (other, theirs), difference in zip(sides.items(), differences, strict=True):
            found[other, metric] = _target_difference(baseline, other, metric, (ours, theirs), difference)
    places = {cell_key(cell): place for place, cell in enumerate(cells)}
    return [found[key] for key in sorted(found, key=lambda of: (places[of[0]], [*cold].index(of[1])))]


class _Side(NamedTuple):
    """One metric of one cell: its values, the round of each, and its p95."""

    values: list[float]
    rounds: list[int]
    p95: float | None

    @classmethod
    def of(cls, samples: Sequence[Sample], cell: Cell | None, metric: MetricName) -> _Side:
        known = [(value, s.round) for s in samples if (value := getattr(s, metric)) is not None]
        summary = cell.metrics.get(metric) if cell else None
        return cls([value for value, _ in known], [number for _, number in known], summary.p95 if summary else None)

    @property
    def blocks(self) -> tuple[list[float], list[int]]:
        return self.values, self.rounds


def _target_difference(
    baseline: str, other: CellKey, metric: MetricName, sides: tuple[_Side, _Side], found: BlockDifference
) -> TargetDifference:
    ours, theirs = sides
    return TargetDifference(
        baseline=baseline,
        other=other.target,
        **{name: value for name, value in asdict(other).items() if name != "target"},
        metric=metric,
        p_holm=found.p_adjusted,
        result=Comparison(
            baseline_n=len(ours.values),
            other_n=len(theirs.values),
            baseline_median=float(np.median(ours.values)),
            other_median=float(np.median(theirs.values)),
            ratio=found.ratio,
            ratio_low=found.ratio_low,
            ratio_high=found.ratio_high,
            shift=found.shift,
            shift_low=found.shift_low,
            shift_high=found.shift_high,
            p_value=found.p_value,
            cliffs_delta=cliffs_delta(ours.values, theirs.values),
            baseline_p95=ours.p95,
            other_p95=theirs.p95,
        ),
        adjusted_by=found.adjusted_by,
        rounds=found.rounds,
        detectable_ms=found.detectable,
    )
