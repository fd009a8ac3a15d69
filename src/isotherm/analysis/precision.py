"""How narrow a cell's intervals became, after how many rounds, where the campaign says how narrow they are to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isotherm.analysis.design import Design
from isotherm.analysis.summary import Cell, MetricName, PrecisionReached
from isotherm.campaign.stopping import interval_widths


def precision_reached(
    design: Design,
    cell: Cell,
    start: MetricName | None,
    measured: Mapping[MetricName, Sequence[Sequence[float]]],
) -> PrecisionReached | None:
    """The intervals that `precision` speaks of, with the rounds it took; None where nothing was asked of the cell.

    They are those by which it was decided whether a further round was needed: of the median the one that is shown, of
    the p95 the one by the cell's own rounds, where the one that is shown knows those of all cells.

    Parameters
    ----------
    design : Design
        What was asked for, and how lanes ended; those that were spared were not run.
    cell : Cell
        As it was measured.
    start : MetricName, optional
        The metric that speaks for cold starts.
    measured : mapping
        The cell's values of each metric, round by round in their order.
    """
    asked = design.precision
    if asked is None or cell.kind == "prime":
        return None
    ours = [lane for lane in design.lanes if (lane.target, lane.region) == (cell.target, cell.region)]
    if cell.client_region is not None:
        ours = [lane for lane in ours if design.lane_clients.get(lane.lane_key) == cell.client_region]
    metric: MetricName | None = start if cell.kind == "cold" else "client_ms"
    intervals = interval_widths(measured.get(metric, []) if metric else [], asked)
    return PrecisionReached(
        met=all(interval.is_met for interval in intervals),
        rounds=sum(lane.status not in ("spared", "not_begun") for lane in ours),
        most_rounds=len(ours),
        metric=metric,
        intervals=intervals,
    )
