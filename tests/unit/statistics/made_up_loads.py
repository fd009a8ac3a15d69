"""Made-up loads: results of shards with latencies that are known, second by second."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.loads import Results, load_runs
from isotherm.analysis.summary import CampaignSummary, LaneOutcome
from isotherm.campaign.lane import LoadStep, Step
from isotherm.campaign.plan import Plan
from isotherm.load.histogram import Histogram
from isotherm.load.plan import shard_arrivals, shard_threads
from isotherm.load.result import PhaseResult, Second

from .made_up_regions import plan_of

CLOSED = {
    "name": "load",
    "targets": ["customers"],
    "regions": ["us-east-1"],
    "protocols": ["invoke", "http", "server"],
    "server": {"url": "https://127.0.0.1:8443"},
    "load": {"threads": 20, "iterations": 20, "fires": 2},
}
OPEN_LOAD = {"loop": "open", "rate_per_s": 40, "duration_s": 5, "fires": 2}

#: Median latency (ms) of each protocol.
TYPICAL_MS = {"invoke": 40.0, "http": 50.0, "server": 2.0}

Place = tuple[str, str, int]
"""Protocol, phase and shard."""


def results_of(
    plan: Plan,
    *,
    lost: Collection[Place] = (),
    failed: Mapping[str, Counter[str]] | None = None,
    late: Collection[str] = (),
    slower: float = 1.0,
) -> Results:
    """What every shard came to but those `lost`; `failed` are failures of a protocol's shard 0 at the peak."""
    found = {}
    for lane in plan.lanes.values():
        begin = 1_000_000.0
        for step in lane.steps:
            load = step.load
            assert load is not None
            shards = [
                _shard(step, load, number, begin, failed or {}, late, slower)
                for number in range(load.fires)
                if (step.protocol, load.phase, number) not in lost
            ]
            begin += 100
            if shards:
                found[lane.key, step.step] = shards
    return found


def _shard(
    step: Step,
    load: LoadStep,
    number: int,
    begin: float,
    failed: Mapping[str, Counter[str]],
    late: Collection[str],
    slower: float,
) -> PhaseResult:
    phase = load.spec.phase(load.phase)
    if load.spec.loop == "closed":
        planned = len(shard_threads(load.spec, phase, number, load.fires)) * (load.spec.iterations or 0) * 2
    else:
        planned = sum(1 for _ in shard_arrivals(load.spec, phase, number, load.fires))
    fails = failed.get(step.protocol, Counter()) if (load.phase, number) == ("peak", 0) else Counter[str]()
    result = PhaseResult(
        phase=load.phase,
        loop=load.spec.loop,
        shards=load.fires,
        merged=frozenset({number}),
        planned=planned,
        sent=planned,
        succeeded=planned - fails.total(),
        failed=fails,
        cold_starts=1 if load.phase == "warmup" and step.protocol == "invoke" else 0,
        began_at=begin,
        late=("1 % of the sends were more than 5.0 ms late",) if step.protocol in late else (),
    )
    dice = random.Random(f"{step.protocol}/{load.phase}/{number}")  # noqa: S311  (not a secret)
    latencies: defaultdict[int, Histogram] = defaultdict(lambda: Second().latency.answered)
    at = begin
    for request in range(planned):
        us = round(1000 * slower * TYPICAL_MS[step.protocol] * dice.lognormvariate(0, 0.4))
        at = begin + (us * request / 1e6 / 5 if load.spec.loop == "closed" else 5 * request / planned)
        second = result.series.setdefault(int(at), Second())
        second.sent += 1
        if request < fails.total():
            second.failed += 1
            continue
        latencies[int(at)].record(us)
        second.succeeded += 1
        result.latency_us.record(us)
        if load.spec.loop == "open":
            result.lateness_us.record(dice.randrange(50, 900))
    for at_s, latency in latencies.items():
        result.series[at_s].encoded = latency.encode()
    result.ended_at = at + 0.1
    return result


def summary_of(plan: Plan, results: Results | None = None) -> CampaignSummary:
    """The summary of a load campaign whose every lane succeeded."""
    lanes = [
        LaneOutcome(lane_key=lane.key, target=lane.target, region=lane.region, round=lane.round, status="succeeded")
        for lane in plan.lanes.values()
    ]
    loads = load_runs(plan, results_of(plan) if results is None else results)
    return build_summary(plan, [], lanes, loads=loads, finished_at="2026-01-01T00:01:00+00:00")


def closed_plan(regions: tuple[str, ...] = ("us-east-1",), **changes: Any) -> Plan:
    """Two generators, three protocols, a closed loop of 20 threads: 80, 400, 800 and 200 requests."""
    return plan_of({**CLOSED, "regions": list(regions), **changes}, regions=regions, platform="emulated")


def open_plan(**changes: Any) -> Plan:
    """The same with an open loop."""
    return closed_plan(**{"load": OPEN_LOAD, **changes})
