"""What makes people careful of a campaign's numbers, found in its results: facts alone, no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from isotherm.analysis.shape import OfCell
from isotherm.analysis.summary import (
    Accounting,
    Caution,
    Cell,
    ChangedByOthers,
    Contested,
    FewSamplesUsed,
    Imprecise,
    LaneOutcome,
    LanesFailed,
    LateGenerator,
    LateLoad,
    LoadFacts,
    NotIssued,
    NotReported,
    OddLines,
    RanBeside,
    ReportsMissing,
    Uncollected,
    UnevenRounds,
)
from isotherm.campaign.cautions import ENOUGH_FOR_MEDIAN, ENOUGH_FOR_P95, FewSamples, PlanCaution
from isotherm.campaign.cell import cell_key
from isotherm.campaign.plan import Plan
from isotherm.campaign.stopping import Quantile
from isotherm.statistics.describe import round_effect_p
from isotherm.statistics.results import SIGNIFICANT
from isotherm.statistics.two_samples import holm

_ENOUGH: tuple[tuple[Quantile, int], ...] = (("median", ENOUGH_FOR_MEDIAN), ("p95", ENOUGH_FOR_P95))


def cautions_of(
    plan: Plan, cells: Sequence[Cell], lanes: Sequence[LaneOutcome], whole: Accounting, loads: Sequence[LoadFacts]
) -> list[Caution]:
    """All that the results give reason for, besides what the plan foresaw.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    cells : sequence of Cell
        With their metrics, and the precision that they reached.
    lanes : sequence of LaneOutcome
        How lanes ended.
    whole : Accounting
        Of all cells together.
    loads : sequence of LoadFacts
        What came of the campaign's loads.
    """
    found: list[Caution] = []
    failed = sum(lane.status == "failed" for lane in lanes)
    if failed:
        found.append(LanesFailed(failed=failed, planned=len(plan.lanes), of_load=bool(loads)))
    found += [ChangedByOthers(lane_key=lane.lane_key, left=lane.left) for lane in lanes if lane.left]
    found += _of_loads(loads)
    if whole.not_issued:
        found.append(NotIssued(not_issued=whole.not_issued, planned=whole.planned))
    if whole.uncollected:
        found.append(Uncollected(uncollected=whole.uncollected, planned=whole.planned))
    if whole.report_missing:
        found.append(ReportsMissing(reports=whole.report_missing))
    if whole.contested:
        found.append(Contested(samples=whole.contested))
    found += [
        Imprecise(cell=_key(cell), reached=cell.precision_reached)
        for cell in cells
        if cell.precision_reached is not None and not cell.precision_reached.met
    ]
    found += _too_few(plan, cells)
    return found + _uneven_rounds(cells)


def cautions_of_surroundings(others: Sequence[str], odd_lines: Mapping[str, int]) -> list[Caution]:
    """What happened beside the measuring: campaigns at the same time, and lines by lane that only looked like ours."""
    found: list[Caution] = [RanBeside(campaigns=list(others))] if others else []
    return [*found, OddLines(lanes=dict(odd_lines))] if odd_lines else found


def is_foreseen(plan: Plan, kind: type[PlanCaution]) -> bool:
    """Whether the plan told people to be careful of this; plans of earlier versions do not say, so it is repeated."""
    return any(isinstance(caution, kind) for caution in plan.cautions)


def _key(cell: Cell) -> OfCell:
    return OfCell(**asdict(cell_key(cell)))


def _of_loads(loads: Sequence[LoadFacts]) -> list[Caution]:
    """Shares that never came, generators that did not keep up."""
    found: list[Caution] = []
    for run in loads:
        *_, row = run.rows
        if row.not_reported or not row.planned:
            found.append(
                NotReported(
                    lane_key=run.lane_key, protocol=run.protocol, planned=row.planned, not_reported=row.not_reported
                )
            )
    late = [
        LateLoad(
            lane_key=run.lane_key,
            protocol=run.protocol,
            phases=list(dict.fromkeys(late.phase for late in run.lateness)),
        )
        for run in loads
        if run.lateness
    ]
    return [*found, LateGenerator(loads=late)] if late else found


def _too_few(plan: Plan, cells: Sequence[Cell]) -> list[Caution]:
    measured = [cell.accounting for cell in cells if cell.kind != "prime"]
    foreseen = is_foreseen(plan, FewSamples)
    found: list[Caution] = []
    for quantile, enough in _ENOUGH:
        short = [a.used for a in measured if a.used < enough and not (foreseen and a.planned < enough)]
        if short:
            found.append(
                FewSamplesUsed(
                    quantile=quantile,
                    enough=enough,
                    short=len(short),
                    cells=len(measured),
                    least=min(short),
                    most=max(short),
                )
            )
    return found


def _uneven_rounds(cells: Sequence[Cell]) -> list[Caution]:
    tested = [
        (cell, summary.round_factor, round_effect_p(summary))
        for cell in cells
        if (summary := cell.metrics.get("client_ms")) is not None and summary.round_factor is not None
    ]
    corrected = holm([p for _, _, p in tested])
    uneven = [
        (factor, cell)
        for (cell, factor, _), p in zip(tested, corrected, strict=True)
        if p is not None and p < SIGNIFICANT
    ]
    if not uneven:
        return []
    factor, cell = max(uneven, key=lambda pair: pair[0])
    return [UnevenRounds(uneven=len(uneven), cells=len(tested), factor=factor, widest=_key(cell))]
