"""Each target against the first one that was asked for, in cells that are alike but for it. Knows no words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from isotherm.analysis.summary import Cell, MetricName, TargetDifference
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.two_samples import compare, holm


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
        p-values are corrected (Holm) for all of them together.
    """
    cold: tuple[MetricName, ...] = (*((start,) if start else ()), "import_ms", "client_ms")
    found: list[TargetDifference] = []
    for cell in cells:
        if cell.target == baseline or cell.kind == "prime":
            continue
        for metric in cold if cell.kind == "cold" else ("client_ms",):
            key = cell_key(cell)
            ours = _values(used.get(replace(key, target=baseline), ()), metric)
            theirs = _values(used[key], metric)
            if not ours.size or not theirs.size:
                continue
            found.append(
                TargetDifference(
                    baseline=baseline,
                    other=cell.target,
                    **{name: value for name, value in asdict(key).items() if name != "target"},
                    metric=metric,
                    p_holm=None,
                    result=compare(ours, theirs, confidence=confidence),
                )
            )
    corrected = holm([difference.result.p_value for difference in found])
    return [d.model_copy(update={"p_holm": p}) for d, p in zip(found, corrected, strict=True)]


def _values(samples: Iterable[Sample], metric: MetricName) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([value for s in samples if (value := getattr(s, metric)) is not None], dtype=np.float64)
