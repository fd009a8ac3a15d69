"""Makes the summary of a campaign: plan, samples and lane outcomes in, `CampaignSummary` out. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

from isotherm.analysis.accounting import Sent, account, cell_imbalances, distinct, failures, total
from isotherm.analysis.cautions import cautions_of, cautions_of_surroundings, is_foreseen
from isotherm.analysis.contrasts import client_findings, comparisons_across
from isotherm.analysis.crisscross import crisscrosses
from isotherm.analysis.http_stages import http_cells
from isotherm.analysis.package_cost import startup_costs
from isotherm.analysis.precision import precision_reached
from isotherm.analysis.summary import (
    EMULATED_NOTE,
    METRICS,
    Accounting,
    Billed,
    CampaignSummary,
    Cell,
    ContestedSample,
    CutShort,
    Failure,
    LaneOutcome,
    LoadFacts,
    MetricName,
    StartupSlope,
)
from isotherm.analysis.targets import target_differences
from isotherm.analysis.words.accounting import cell_imbalances_in_words
from isotherm.analysis.words.cautions import cautions_in_words
from isotherm.analysis.words.contrasts import cell_comparison, client_finding
from isotherm.analysis.words.crisscross import crisscross
from isotherm.analysis.words.differences import target_comparison
from isotherm.analysis.words.headline import Findings, headline
from isotherm.analysis.words.loads import load_imbalances, load_run
from isotherm.analysis.words.package_cost import startup_cost
from isotherm.analysis.words.precision import precision_in_words
from isotherm.campaign.cautions import Emulated
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.lane import PROTOCOLS
from isotherm.campaign.plan import Plan
from isotherm.campaign.stopping import CONFIDENCE, start_metric
from isotherm.measurement.sample import Sample
from isotherm.pricing.price import Price
from isotherm.statistics.describe import summarize
from isotherm.statistics.results import MetricSummary


def build_summary(
    plan: Plan,
    samples: Sequence[Sample],
    lanes: Sequence[LaneOutcome],
    *,
    finished_at: str | None = None,
    actual_price: Price | None = None,
    packages: Mapping[str, Mapping[str, Any]] | None = None,
    confidence: float = CONFIDENCE,
    loads: Sequence[LoadFacts] = (),
    sent: Sent | None = None,
    partial: CutShort | None = None,
    others: Sequence[str] = (),
    odd_lines: Mapping[str, int] | None = None,
) -> CampaignSummary:
    """Everything a campaign found, ready to be stored and shown.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    samples : sequence of Sample
        All that came back, in any order; repeats are counted as duplicates and change nothing else.
    lanes : sequence of LaneOutcome
        How each lane ended. A planned lane without an outcome is listed as failed, with that as the reason.
    finished_at : str, optional
        When the last lane ended, ISO 8601.
    actual_price : Price, optional
        What it cost after all.
    packages : mapping, optional
        What each target's package holds (the probe's `package`), by target.
    confidence : float
        Coverage of every interval, in (0, 1).
    loads : sequence of LoadFacts
        What its loads came to (`isotherm.analysis.loads`).
    sent : Sent, optional
        What was said to be sent; without it, what has a sample.
    partial : CutShort, optional
        How the campaign's execution ended, where that was before it had a report.
    others : sequence of str
        Ids of campaigns of the stack that ran at the same time.
    odd_lines : mapping, optional
        How many lines looked like a probe's and could not be read, by lane.

    Returns
    -------
    CampaignSummary
        The same input in any order gives the same summary, byte for byte.
    """
    measured = _measured(plan, samples, lanes, confidence, sent)
    failed = failures(measured.every)
    found = _findings(plan, measured, failed, loads, confidence)
    slopes = _startup_slopes(plan, measured, confidence)
    unbalanced = cell_imbalances(measured.cells)
    whole = total(cell.accounting for cell in measured.cells)
    cautions = cautions_of(plan, measured.cells, measured.lanes, whole, loads)
    cautions += cautions_of_surroundings(others, odd_lines or {})
    ahead = [Emulated()] if plan.platform == "emulated" and not is_foreseen(plan, Emulated) else []
    return CampaignSummary(
        campaign_id=plan.campaign_id,
        campaign=plan.campaign,
        platform=plan.platform,
        home_region=plan.home_region,
        stack=plan.stack,
        version=plan.version,
        created_at=plan.created_at,
        finished_at=finished_at,
        partial=partial,
        others=list(others),
        # A summary is made to be shared, and needs no secret's name.
        inventory=[replace(region, server_token=None) for region in plan.inventory],
        packages={target: dict(content) for target, content in sorted((packages or {}).items())},
        headline=headline(plan, measured.cells, measured.start, found, confidence),
        note=EMULATED_NOTE if plan.platform == "emulated" else None,
        start_metric=measured.start,
        baseline=plan.campaign.targets[0],
        confidence=confidence,
        warnings=[*cautions_in_words(ahead), *plan.warnings, *cautions_in_words(cautions, measured.cells, loads)],
        cautions=[*ahead, *plan.cautions, *cautions],
        imbalances=[*cell_imbalances_in_words(unbalanced, measured.cells), *load_imbalances(loads)],
        unbalanced=unbalanced,
        accounting=whole,
        cells=measured.cells,
        comparisons=[target_comparison(difference, confidence) for difference in found.targets],
        startup_costs=[startup_cost(slope, confidence) for slope in slopes],
        crisscross=[crisscross(facts, confidence) for facts in found.crisscrosses],
        cell_comparisons=[cell_comparison(difference, confidence) for difference in found.across],
        client_findings=[client_finding(dependence, found.across, confidence) for dependence in found.clients],
        http=http_cells(measured.every),
        failures=failed,
        contested=[_contested(s) for s in measured.samples if s.verdict == "contested"],
        lanes=measured.lanes,
        waves=len(plan.waves),
        state_transitions=plan.state_transitions,
        loads=[load_run(facts) for facts in loads],
        planned_price=plan.price,
        actual_price=actual_price,
        billed=_billed(measured.samples),
    )


class _Measured(NamedTuple):
    """What was measured: samples without repeats, all and the used ones by cell in reading order, cells, lanes."""

    samples: list[Sample]
    every: dict[CellKey, list[Sample]]
    used: dict[CellKey, list[Sample]]
    cells: list[Cell]
    lanes: list[LaneOutcome]
    start: MetricName | None


def _measured(
    plan: Plan, samples: Sequence[Sample], lanes: Sequence[LaneOutcome], confidence: float, sent: Sent | None
) -> _Measured:
    spared = {outcome.lane_key for outcome in lanes if outcome.status == "spared"}
    accounts = account(plan, samples, spared & plan.lanes.keys(), sent)
    kept, _ = distinct(samples)
    every: dict[CellKey, list[Sample]] = {key: [] for key in sorted(accounts, key=partial(_reading_order, plan))}
    for sample in kept:
        every[cell_key(sample)].append(sample)
    used = {key: [sample for sample in of_cell if sample.verdict == "used"] for key, of_cell in every.items()}
    cells = [_cell(key, accounts[key], used[key], every[key], plan.campaign.seed, confidence) for key in every]
    outcomes = _lane_outcomes(plan, lanes)
    start = start_metric(plan.platform, {metric for cell in cells if cell.kind == "cold" for metric in cell.metrics})
    cells = [_with_precision(plan, cell, start, outcomes) for cell in cells]
    return _Measured(kept, every, used, cells, outcomes, start)


def _findings(
    plan: Plan, measured: _Measured, failed: Sequence[Failure], loads: Sequence[LoadFacts], confidence: float
) -> Findings:
    """What a headline chooses from, as facts."""
    cells, used = measured.cells, measured.used
    clients = comparisons_across("client_region", used, confidence)
    return Findings(
        targets=target_differences(plan.campaign.targets[0], cells, used, measured.start, confidence),
        crisscrosses=crisscrosses(plan, cells, used, measured.lanes, failed, confidence),
        clients=client_findings(used, clients, confidence),
        across=[*clients, *comparisons_across("protocol", used, confidence)],
        loads=loads,
    )


def _reading_order(plan: Plan, key: CellKey) -> tuple[int | str, ...]:
    """By region, memory and kind, then targets in the order they were asked for; strangers last.

    Then by what the campaign varies besides: clients and inner regions in the order they were asked for.
    """
    regions = [region.region for region in plan.inventory]
    targets = plan.campaign.targets
    return (
        regions.index(key.region) if key.region in regions else len(regions),
        key.region,
        key.memory_mb,
        ("cold", "warm", "prime").index(key.kind),
        targets.index(key.target) if key.target in targets else len(targets),
        key.target,
        PROTOCOLS.index(key.protocol),
        ("post", "get", None).index(key.operation),
        *_place(key.client_region, plan.campaign.clients or []),
        key.inner or "",
        *_place(key.inner_region, regions),
    )


def _place(name: str | None, known: Sequence[str]) -> tuple[int, str]:
    """Where a name stands in the order in which it was asked for; strangers last."""
    return (known.index(name) if name in known else len(known), name or "")


def _cell(
    key: CellKey, entry: Accounting, used: list[Sample], every: list[Sample], seed: int, confidence: float
) -> Cell:
    metrics: dict[MetricName, MetricSummary] = {}
    if key.kind != "prime":
        for metric in METRICS:
            pairs = [(value, s.round) for s in used if (value := getattr(s, metric)) is not None]
            if pairs:
                values, rounds = zip(*pairs, strict=True)
                metrics[metric] = summarize(values, blocks=rounds, confidence=confidence, seed=seed)
    labels = sorted({s.coldness for s in every if s.coldness})
    return Cell(
        **asdict(key),
        coldness=" and ".join(labels) or None,
        accounting=entry,
        metrics=metrics,
    )


def _lane_outcomes(plan: Plan, lanes: Iterable[LaneOutcome]) -> list[LaneOutcome]:
    known = {outcome.lane_key: outcome for outcome in lanes}
    silent = (
        LaneOutcome(
            lane_key=lane.key,
            target=lane.target,
            region=lane.region,
            round=lane.round,
            status="failed",
            reason="no outcome was reported",
        )
        for lane in plan.lanes.values()
        if lane.key not in known
    )
    in_order = {lane.key: place for place, lane in enumerate(plan.lanes_in_order)}
    return sorted(
        (*known.values(), *silent), key=lambda lane: (in_order.get(lane.lane_key, len(in_order)), lane.lane_key)
    )


def _with_precision(plan: Plan, cell: Cell, start: MetricName | None, lanes: Sequence[LaneOutcome]) -> Cell:
    reached = precision_reached(plan, cell, start, lanes)
    if reached is None:
        return cell
    return cell.model_copy(update={"precision": precision_in_words(reached), "precision_reached": reached})


def _startup_slopes(plan: Plan, measured: _Measured, confidence: float) -> list[StartupSlope]:
    """What size and imports cost in each region, at each memory size."""
    start = measured.start
    if start is None:
        return []
    sizes = {region.region: {t.target: t.code_size_bytes for t in region.targets} for region in plan.inventory}
    places = dict.fromkeys((cell.region, cell.memory_mb) for cell in measured.cells if cell.kind == "cold")
    return [
        cost
        for region, memory_mb in places
        for cost in startup_costs(
            region,
            memory_mb,
            {
                key.target: of
                for key, of in measured.used.items()
                if key == CellKey(key.target, region, memory_mb, "cold")
            },
            sizes.get(region, {}),
            start,
            confidence,
        )
    ]


def _contested(sample: Sample) -> ContestedSample:
    return ContestedSample(
        shot_id=sample.shot_id,
        lane=sample.lane,
        target=sample.target,
        region=sample.region,
        kind=sample.kind,
        platform_cold=sample.platform_cold,
        probe_cold=sample.probe_cold,
        init_duration_ms=sample.init_duration_ms,
        invocation_index=sample.invocation_index,
        request_id=sample.request_id,
        report_contested=sample.report_contested,
    )


def _billed(samples: Iterable[Sample]) -> Billed:
    reports = unreported = 0
    billed_ms = gb_seconds = 0.0
    for sample in samples:
        if sample.billed_duration_ms is not None:
            reports += 1
            billed_ms += sample.billed_duration_ms
            gb_seconds += sample.billed_duration_ms / 1000 * sample.memory_mb / 1024
        elif sample.outcome not in ("throttled", "client_error"):
            unreported += 1
    return Billed(reports=reports, unreported=unreported, billed_ms=billed_ms, gb_seconds=gb_seconds)
