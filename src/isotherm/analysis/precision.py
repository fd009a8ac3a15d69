"""How narrow a cell's intervals became, after how many rounds, where the campaign says how narrow they are to be."""

from __future__ import annotations

from collections.abc import Iterable

from isotherm.analysis.summary import Cell, LaneOutcome, MetricName, PrecisionReached
from isotherm.campaign.plan import Plan
from isotherm.campaign.stopping import IntervalWidth, Quantile
from isotherm.statistics.order_statistics import relative_width
from isotherm.statistics.results import MetricSummary


def precision_reached(
    plan: Plan, cell: Cell, start: MetricName | None, lanes: Iterable[LaneOutcome]
) -> PrecisionReached | None:
    """The intervals that `precision` speaks of, with the rounds it took; None where nothing was asked of the cell.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    cell : Cell
        With its metrics.
    start : MetricName, optional
        The metric that speaks for cold starts.
    lanes : iterable of LaneOutcome
        How lanes ended; those that were spared were not run.
    """
    asked = plan.campaign.precision
    if asked is None or cell.kind == "prime":
        return None
    ours = [lane for lane in lanes if (lane.target, lane.region) == (cell.target, cell.region)]
    if cell.client_region is not None:
        from_here = {lane.key for lane in plan.lanes.values() if lane.client_region == cell.client_region}
        ours = [lane for lane in ours if lane.lane_key in from_here]
    metric: MetricName | None = start if cell.kind == "cold" else "client_ms"
    wanted: tuple[tuple[Quantile, float | None], ...] = (("median", asked.median), ("p95", asked.p95))
    intervals = [
        _width(cell.metrics.get(metric) if metric else None, quantile, share)
        for quantile, share in wanted
        if share is not None
    ]
    return PrecisionReached(
        met=all(interval.is_met for interval in intervals),
        rounds=sum(lane.status not in ("spared", "not_begun") for lane in ours),
        most_rounds=len(ours),
        metric=metric,
        intervals=intervals,
    )


def _width(found: MetricSummary | None, quantile: Quantile, wanted: float) -> IntervalWidth:
    if found is None:
        return IntervalWidth(quantile=quantile, n=0, width=None, wanted=wanted)
    low, high, estimate = (getattr(found, field) for field in (f"{quantile}_low", f"{quantile}_high", quantile))
    return IntervalWidth(quantile=quantile, n=found.n, width=relative_width(low, high, estimate), wanted=wanted)
