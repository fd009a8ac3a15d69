"""The data behind the page's figures: few enough numbers to send, enough to show every shape. No numpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isotherm.analysis.accounting import distinct
from isotherm.analysis.finite import finite
from isotherm.analysis.summary import METRICS, CampaignSummary, Cell, MetricName
from isotherm.campaign.cell import CellKey, Kind, cell_key
from isotherm.measurement.sample import Sample
from isotherm.numbers import percent
from isotherm.report.metrics import METRIC_LABELS, CellGroup, groups, row_names, shown_metrics, unit
from isotherm.statistics.results import TUKEY_FENCE, MetricSummary

#: Dots of one metric of one cell on the page; more cannot be told apart at this size.
POINTS_SHOWN = 240

Json = dict[str, Any]


def figure_data(summary: CampaignSummary, samples: Iterable[Sample]) -> Json:
    """Numbers for every figure of the page, as the page's script wants them.

    Where a cell has more than `POINTS_SHOWN` samples, that many are sent, evenly spaced by rank with the smallest and
    the largest among them: the distribution keeps its shape and its extremes. Boxes and intervals come from the summary
    and so from every sample.
    """
    used: dict[CellKey, list[Sample]] = {}
    for sample in map(finite, distinct(samples)[0]):
        if sample.verdict == "used":
            used.setdefault(cell_key(sample), []).append(sample)
    kinds: tuple[Kind, ...] = ("cold", "warm")
    found: Json = {}
    for kind in kinds:
        metrics = shown_metrics(summary, kind)
        for place, cells in groups(summary.cells, kind).items():
            found[group_id(kind, place)] = {
                "metrics": metric_choices(metrics),
                "rows": [_row(cell, name, used, metrics) for cell, name in zip(cells, row_names(cells), strict=True)],
            }
    rows = [row["target"] for group in found.values() for row in group["rows"]]
    targets = [*(summary.campaign.targets if summary.campaign else ()), *(cell.target for cell in summary.cells)]
    return {
        "targets": list(dict.fromkeys([*targets, *rows])),
        "confidence": percent(summary.confidence),
        "groups": found,
        "axes": _axes(summary),
    }


def metric_choices(metrics: Iterable[MetricName]) -> list[Json]:
    """Metrics as the page's script wants them: what they are called, in which unit, and what they are."""
    return [
        {"name": name, "label": METRIC_LABELS[name], "unit": unit(name), "about": METRICS[name]} for name in metrics
    ]


def group_id(kind: Kind, place: CellGroup) -> str:
    """Name of a group of figures, good for an HTML id once escaped."""
    return f"{kind}-{place.region}-{place.memory_mb}" + (f"-{place.operation}" if place.operation else "")


def code_sizes(summary: CampaignSummary) -> dict[tuple[str, str], int]:
    """Archive bytes by target and region, as the platform reports them."""
    return {(t.target, t.region): t.code_size_bytes for region in summary.inventory for t in region.targets}


def thinned(ordered: Sequence[float], limit: int = POINTS_SHOWN) -> list[float]:
    """At most `limit` of sorted values, evenly spaced by rank, first and last included."""
    n = len(ordered)
    if n <= limit:
        return list(ordered)
    return [ordered[round(i * (n - 1) / (limit - 1))] for i in range(limit)]


def _row(cell: Cell, name: str, used: Mapping[CellKey, list[Sample]], metrics: Iterable[MetricName]) -> Json:
    of_cell = used.get(cell_key(cell), [])
    found: Json = {}
    for metric in metrics:
        summary = cell.metrics.get(metric)
        values = sorted(value for sample in of_cell if (value := getattr(sample, metric)) is not None)
        if summary is not None and values:
            found[metric] = _distribution(values, summary)
    return {"target": name, "metrics": found}


def _distribution(ordered: list[float], summary: MetricSummary) -> Json:
    q1, q3 = summary.q1 or 0.0, summary.q3 or 0.0
    fence = TUKEY_FENCE * (q3 - q1)
    return {
        "n": len(ordered),
        "values": [short(value) for value in thinned(ordered)],
        "q1": short(q1),
        "q3": short(q3),
        "median": short(summary.median or 0.0),
        "low": short(summary.median_low),
        "high": short(summary.median_high),
        "these": summary.scope == "these_rounds",
        "whiskers": [
            short(next(value for value in ordered if value >= q1 - fence)),
            short(next(value for value in reversed(ordered) if value <= q3 + fence)),
        ],
    }


def _axes(summary: CampaignSummary) -> list[Json]:
    """Package size, import time and start-up of each cold cell."""
    sizes = code_sizes(summary)
    points = []
    for cell in summary.cells:
        start = cell.metrics.get(summary.start_metric) if summary.start_metric else None
        size = sizes.get((cell.target, cell.region))
        if cell.kind != "cold" or start is None or size is None:
            continue
        imports, overhead = cell.metrics.get("import_ms"), cell.metrics.get("overhead_ms")
        points.append(
            {
                "target": cell.target,
                "place": f"{cell.region}, {cell.memory_mb} MB",
                "megabytes": short(size / 1e6),
                "imports": short(imports.median) if imports else None,
                "start": [short(start.median), short(start.median_low), short(start.median_high)],
                "overhead": [short(overhead.median), short(overhead.median_low), short(overhead.median_high)]
                if overhead
                else None,
            }
        )
    return points


def short(value: float | None) -> float | None:
    """Five significant digits: finer than a pixel, and half the bytes."""
    return None if value is None else float(f"{value:.5g}")
