"""How narrow a cell's intervals became, after how many rounds, where the campaign says how narrow they are to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from isotherm.analysis.summary import Cell, LaneOutcome, MetricName, PrecisionReached
from isotherm.campaign.plan import Plan
from isotherm.campaign.stopping import interval_widths


def precision_reached(
    plan: Plan,
    cell: Cell,
    start: MetricName | None,
    lanes: Iterable[LaneOutcome],
    measured: Mapping[MetricName, Sequence[Sequence[float]]],
) -> PrecisionReached | None:
    """The intervals that `precision` speaks of, with the rounds it took; None where nothing was asked of the cell.

    They are those by which it was decided whether a further round was needed: of the median the one that is shown, of
    the p95 the one by the cell's own rounds, where the one that is shown knows those of all cells.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    cell : Cell
        As it was measured.
    start : MetricName, optional
        The metric that speaks for cold starts.
    lanes : iterable of LaneOutcome
        How lanes ended; those that were spared were not run.
    measured : mapping
        The cell's values of each metric, round by round in their order.
    """
    asked = plan.campaign.precision
    if asked is None or cell.kind == "prime":
        return None
    ours = [lane for lane in lanes if (lane.target, lane.region) == (cell.target, cell.region)]
    if cell.client_region is not None:
        from_here = {lane.key for lane in plan.lanes.values() if lane.client_region == cell.client_region}
        ours = [lane for lane in ours if lane.lane_key in from_here]
    metric: MetricName | None = start if cell.kind == "cold" else "client_ms"
    intervals = interval_widths(measured.get(metric, []) if metric else [], asked)
    return PrecisionReached(
        met=all(interval.is_met for interval in intervals),
        rounds=sum(lane.status != "spared" for lane in ours),
        most_rounds=len(ours),
        metric=metric,
        intervals=intervals,
    )
