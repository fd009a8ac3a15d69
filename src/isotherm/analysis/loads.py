"""What came of a campaign's loads: results of shards in, `LoadFacts` of the summary out. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from isotherm.analysis.summary import Imbalance, Late, LoadFacts, LoadRow, LoadSecond, RowImbalance
from isotherm.campaign.lane import PROTOCOLS, Lane, LoadStep, Step
from isotherm.campaign.model import ALL_PHASES
from isotherm.campaign.plan import Plan
from isotherm.load.latency import Reading
from isotherm.load.plan import shard_arrivals, shard_threads
from isotherm.load.result import LoadResult, PhaseResult, Second, merge
from isotherm.load.spec import REQUESTS_PER_ITERATION

#: Results of the shards of each step that made load, by lane and step.
Results = Mapping[tuple[str, int], Sequence[PhaseResult]]


def load_runs(plan: Plan, results: Results) -> list[LoadFacts]:
    """Every load of a campaign: by region and client, then by protocol, then by round.

    A shard whose result never came (its Fire failed, or its lane did) made an unknown number of its requests; they
    are counted as `not_reported`, and never as sent.
    """
    runs = [_run(plan, lane, steps, results) for lane in plan.lanes.values() for steps in _by_protocol(lane)]
    regions = [region.region for region in plan.inventory]
    clients: list[str | None] = [*(plan.campaign.clients or []), None]
    return sorted(
        runs,
        key=lambda run: (
            regions.index(run.region),
            clients.index(run.client_region),
            PROTOCOLS.index(run.protocol),
            run.round,
        ),
    )


def sent_requests(results: Results) -> dict[tuple[str, int], int]:
    """How many requests each step sent, by lane and step."""
    return {place: sum(shard.sent for shard in shards) for place, shards in results.items()}


def _by_protocol(lane: Lane) -> list[list[Step]]:
    """The steps of a lane that make load, those of one protocol together, in order."""
    of: dict[str, list[Step]] = {}
    for step in lane.steps:
        if step.load is not None:
            of.setdefault(step.protocol, []).append(step)
    return list(of.values())


def _run(plan: Plan, lane: Lane, steps: Sequence[Step], results: Results) -> LoadFacts:
    merged: list[PhaseResult] = []
    missing: dict[str, int] = {}
    for step in steps:
        if step.load is None:
            continue
        shards = results.get((lane.key, step.step), [])
        there = {number for shard in shards for number in shard.merged}
        missing[step.load.phase] = sum(
            _requests_of_shard(step.load, number) for number in range(step.load.fires) if number not in there
        )
        if shards:
            merged.append(merge(shards))
    spec = next(step.load.spec for step in steps if step.load is not None)
    rows = _rows(LoadResult(spec, merged), missing)
    planned = {step.load.phase: _requests(step.load) for step in steps if step.load is not None}
    planned[ALL_PHASES] = sum(planned.values())
    return LoadFacts(
        lane_key=lane.key,
        target=lane.target,
        region=lane.region,
        client_region=lane.client_region if plan.campaign.clients else None,
        protocol=steps[0].protocol,
        round=lane.round,
        fires=max(step.load.fires for step in steps if step.load is not None),
        rows=rows,
        unbalanced=[imbalance for row in rows for imbalance in _imbalances(row, planned[row.name])],
        lateness=[Late(phase=result.phase, reason=reason) for result in merged for reason in result.late],
        seconds=[second for result in merged for second in _seconds(result)],
        latency_us={result.phase: result.latency_us.encode() for result in merged},
        failed_after_us={result.phase: result.failed_after_us.encode() for result in merged},
    )


def _rows(result: LoadResult, missing: Mapping[str, int]) -> list[LoadRow]:
    """A row for each phase, in order, and one for all; of what was lost only the number of requests is known."""
    known = {row.name: LoadRow(**{**asdict(row), "at_least": list(row.at_least)}) for row in result.rows()}
    nothing = LoadRow(name=ALL_PHASES, planned=0, sent=0, succeeded=0, failed={})
    # Of one phase alone there is no row for all: it is the same.
    whole = known.pop(ALL_PHASES, next(iter(known.values()), nothing)).model_copy(update={"name": ALL_PHASES})
    rows = [known.get(phase, nothing.model_copy(update={"name": phase})) for phase in missing]
    counts = [*missing.values(), sum(missing.values())]
    return [
        row.model_copy(update={"planned": row.planned + count, "not_reported": count})
        for row, count in zip([*rows, whole], counts, strict=True)
    ]


def _requests(load: LoadStep) -> int:
    """Exactly how many requests a phase was to make, by the plan and not by what any Fire says."""
    return sum(_requests_of_shard(load, shard) for shard in range(load.fires))


def _requests_of_shard(load: LoadStep, shard: int) -> int:
    """Exactly how many requests one shard of a phase was to make."""
    phase = load.spec.phase(load.phase)
    if load.spec.loop == "closed":
        threads = shard_threads(load.spec, phase, shard, load.fires)
        return len(threads) * (load.spec.iterations or 0) * REQUESTS_PER_ITERATION
    return sum(1 for _ in shard_arrivals(load.spec, phase, shard, load.fires))


def _imbalances(row: LoadRow, in_plan: int) -> Iterable[RowImbalance]:
    """Each sum that does not agree (docs/measuring.md, rule 1); `in_plan` is the plan's own count."""
    parts = {"succeeded": row.succeeded, "failed": sum(row.failed.values()), "not_reported": row.not_reported}
    if in_plan != row.planned:
        yield RowImbalance(row=row.name, planned=row.planned, in_plan=in_plan)
    if row.planned != sum(parts.values()):
        found = Imbalance(name="planned", whole=row.planned, parts=parts)
        yield RowImbalance(row=row.name, planned=row.planned, sum=found)


def _seconds(result: PhaseResult) -> list[LoadSecond]:
    first = min(result.series, default=0)
    return [_second(result.phase, unix_s, unix_s - first, entry) for unix_s, entry in sorted(result.series.items())]


def _second(phase: str, unix_s: int, at_s: int, entry: Second) -> LoadSecond:
    latency = entry.latency  # decoded each time it is asked for
    return LoadSecond(
        phase=phase,
        at_s=at_s,
        unix_s=unix_s,
        sent=entry.sent,
        succeeded=entry.succeeded,
        failed=entry.failed,
        median_ms=_ms(latency.quantile(0.5)),
        p95_ms=_ms(latency.quantile(0.95)),
        p99_ms=_ms(latency.estimate(0.99)),
        max_ms=_ms(latency.highest),
    )


def _ms(reading: Reading | None) -> float | None:
    return None if reading is None else reading.us / 1000
