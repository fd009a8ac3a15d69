"""Makes the summary of a campaign: plan, samples and lane outcomes in, `CampaignSummary` out. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

from isotherm.analysis.accounting import Sent, cell_imbalances, distinct, failures, settled, total
from isotherm.analysis.cautions import cautions_of, cautions_of_surroundings
from isotherm.analysis.contrasts import client_findings, comparisons_across
from isotherm.analysis.crisscross import crisscrosses
from isotherm.analysis.design import Design, planned_design
from isotherm.analysis.finite import finite
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
from isotherm.campaign.cell import CellKey, Kind, cell_key
from isotherm.campaign.lane import PROTOCOLS
from isotherm.campaign.plan import Plan
from isotherm.campaign.stopping import CONFIDENCE, rounds_in_order, start_metric
from isotherm.measurement.sample import Sample
from isotherm.pricing.price import Price
from isotherm.statistics.describe import summarize
from isotherm.statistics.results import MetricSummary
from isotherm.statistics.rounds import DesignEffect, by_round, design_effect, pooled


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
    kept, repeats = distinct(samples)
    design = planned_design(
        plan,
        lanes,
        kept,
        sent,
        packages=packages,
        finished_at=finished_at,
        actual_price=actual_price,
        partial=partial,
        others=others,
        odd_lines=odd_lines,
    )
    return summary_of(design, kept, repeats, confidence=confidence, loads=loads)


def summary_of(
    design: Design,
    kept: Sequence[Sample],
    repeats: Mapping[CellKey, int],
    *,
    confidence: float = CONFIDENCE,
    loads: Sequence[LoadFacts] = (),
) -> CampaignSummary:
    """Everything that samples say, with what is known of how they came to be.

    Parameters
    ----------
    design : Design
        What a plan, an earlier summary or the samples themselves say of what was meant.
    kept, repeats
        As `isotherm.analysis.accounting.distinct` gives them.
    confidence : float
        Coverage of every interval, in (0, 1).
    loads : sequence of LoadFacts
        What the campaign's loads came to.
    """
    measured = _measured(design, kept, repeats, confidence)
    failed = failures(measured.every)
    found = _findings(design, measured, failed, loads, confidence)
    slopes = _startup_slopes(design, measured, confidence)
    unbalanced = cell_imbalances(measured.cells)
    whole = total(cell.accounting for cell in measured.cells)
    cautions = cautions_of(design, measured.cells, whole, loads)
    cautions += cautions_of_surroundings(design.others, design.odd_lines)
    ahead = [Emulated(foreseen=False)] if design.platform == "emulated" and not design.is_foreseen(Emulated) else []
    return CampaignSummary(
        campaign_id=design.campaign_id,
        campaign=design.campaign,
        platform=design.platform,
        home_region=design.home_region,
        stack=design.stack,
        version=design.version,
        created_at=design.created_at,
        finished_at=design.finished_at,
        partial=design.partial,
        others=list(design.others),
        inventory=list(design.inventory),
        packages={target: dict(content) for target, content in sorted(design.packages.items())},
        headline=headline(design, measured.cells, measured.start, found, confidence),
        note=EMULATED_NOTE if design.platform == "emulated" else None,
        start_metric=measured.start,
        baseline=design.baseline,
        confidence=confidence,
        warnings=[*cautions_in_words(ahead), *design.warnings, *cautions_in_words(cautions, measured.cells, loads)],
        cautions=[*ahead, *design.cautions, *cautions],
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
        lanes=list(design.lanes),
        waves=design.waves,
        state_transitions=design.state_transitions,
        loads=[load_run(facts) for facts in loads],
        planned_price=design.planned_price,
        actual_price=design.actual_price,
        billed=_billed(measured.samples),
    )


class _Measured(NamedTuple):
    """What was measured: samples without repeats, all and the used ones by cell in reading order, and cells."""

    samples: list[Sample]
    every: dict[CellKey, list[Sample]]
    used: dict[CellKey, list[Sample]]
    cells: list[Cell]
    start: MetricName | None


def _measured(
    design: Design, samples: Sequence[Sample], repeats: Mapping[CellKey, int], confidence: float
) -> _Measured:
    kept = [finite(sample) for sample in samples]
    accounts = settled(design.stated, kept, repeats)
    every: dict[CellKey, list[Sample]] = {key: [] for key in sorted(accounts, key=partial(_reading_order, design))}
    for sample in kept:
        every[cell_key(sample)].append(sample)
    used = {key: [sample for sample in of_cell if sample.verdict == "used"] for key, of_cell in every.items()}
    values = {key: _values(key, of_cell) for key, of_cell in used.items()}
    effects = _design_effects(values)
    cells = [
        _cell(
            key,
            accounts[key],
            every[key],
            {
                metric: summarize(
                    found.values, blocks=found.rounds, confidence=confidence, effect=effects[metric, key.kind]
                )
                for metric, found in values[key].items()
            },
        )
        for key in every
    ]
    start = start_metric(design.platform, {metric for cell in cells if cell.kind == "cold" for metric in cell.metrics})
    cells = [_with_precision(design, cell, start, values[cell_key(cell)]) for cell in cells]
    return _Measured(kept, every, used, cells, start)


def _findings(
    design: Design, measured: _Measured, failed: Sequence[Failure], loads: Sequence[LoadFacts], confidence: float
) -> Findings:
    """What a headline chooses from, as facts."""
    cells, used = measured.cells, measured.used
    clients = comparisons_across("client_region", used, confidence)
    return Findings(
        targets=target_differences(design.baseline, cells, used, measured.start, confidence),
        crisscrosses=crisscrosses(design, cells, used, failed, confidence),
        clients=client_findings(used, clients, confidence),
        across=[*clients, *comparisons_across("protocol", used, confidence)],
        loads=loads,
    )


def _reading_order(design: Design, key: CellKey) -> tuple[int | str, ...]:
    """By region, memory and kind, then targets in the order they were asked for; strangers last.

    Then by what the campaign varies besides: clients and inner regions in the order they were asked for.
    """
    regions, targets = design.regions, design.targets
    return (
        regions.index(key.region) if key.region in regions else len(regions),
        key.region,
        key.memory_mb,
        ("cold", "warm", "prime").index(key.kind),
        targets.index(key.target) if key.target in targets else len(targets),
        key.target,
        PROTOCOLS.index(key.protocol),
        ("post", "get", None).index(key.operation),
        *_place(key.client_region, design.clients),
        key.inner or "",
        *_place(key.inner_region, regions),
    )


def _place(name: str | None, known: Sequence[str]) -> tuple[int, str]:
    """Where a name stands in the order in which it was asked for; strangers last."""
    return (known.index(name) if name in known else len(known), name or "")


class _Values(NamedTuple):
    """What one metric of one cell measured, and in which round each value."""

    values: list[float]
    rounds: list[int]


def _values(key: CellKey, used: Iterable[Sample]) -> dict[MetricName, _Values]:
    """The values of each metric that a cell has any of; what was sent to prime an environment is not measured."""
    found: dict[MetricName, _Values] = {}
    if key.kind != "prime":
        for metric in METRICS:
            pairs = [(value, s.round) for s in used if (value := getattr(s, metric)) is not None]
            if pairs:
                found[metric] = _Values([value for value, _ in pairs], [number for _, number in pairs])
    return found


def _design_effects(
    values: Mapping[CellKey, Mapping[MetricName, _Values]],
) -> dict[tuple[MetricName, Kind], DesignEffect | None]:
    """By metric and kind, pooled over cells: of one cell's few rounds it would be mostly chance."""
    of: dict[tuple[MetricName, Kind], list[DesignEffect | None]] = {}
    for key, metrics in values.items():
        for metric, found in metrics.items():
            of.setdefault((metric, key.kind), []).append(design_effect(by_round(found.values, found.rounds)))
    return {which: pooled(effects) for which, effects in of.items()}


def _cell(key: CellKey, entry: Accounting, every: list[Sample], metrics: dict[MetricName, MetricSummary]) -> Cell:
    labels = sorted({s.coldness for s in every if s.coldness})
    return Cell(
        **asdict(key),
        coldness=" and ".join(labels) or None,
        accounting=entry,
        metrics=metrics,
    )


def _with_precision(design: Design, cell: Cell, start: MetricName | None, values: Mapping[MetricName, _Values]) -> Cell:
    rounds = {metric: rounds_in_order(zip(found.rounds, found.values, strict=True)) for metric, found in values.items()}
    reached = precision_reached(design, cell, start, rounds)
    if reached is None:
        return cell
    return cell.model_copy(update={"precision": precision_in_words(reached), "precision_reached": reached})


def _startup_slopes(design: Design, measured: _Measured, confidence: float) -> list[StartupSlope]:
    """What size and imports cost in each region, at each memory size."""
    start = measured.start
    if start is None:
        return []
    sizes = design.code_sizes
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
        if sample.billed_ms is not None:
            reports += 1
            billed_ms += sample.billed_ms
            gb_seconds += sample.billed_ms / 1000 * sample.memory_mb / 1024
        elif sample.report_found is not None and sample.outcome not in ("throttled", "client_error"):
            unreported += 1
    return Billed(reports=reports, unreported=unreported, billed_ms=billed_ms, gb_seconds=gb_seconds)
