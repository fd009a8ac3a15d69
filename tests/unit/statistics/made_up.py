"""Makes campaigns that look real: a plan, its samples and its lanes' outcomes, all from a seed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from isotherm.analysis.summary import LaneOutcome
from isotherm.campaign.cell import Kind
from isotherm.campaign.lane import Burst, Lane, Platform, Step
from isotherm.campaign.model import Campaign
from isotherm.campaign.plan import Plan
from isotherm.campaign.tour import StepOf, Tour
from isotherm.measurement.sample import Sample
from isotherm.pricing.price import Price, PriceLine
from unit.made_up_stack import made_up_function, made_up_region

# Archive bytes and median cold milliseconds: imports, the rest of start-up, and the client's overhead.
TARGETS = {
    "default": (169, 0.4, 92.0, 60.0),
    "pkg20": (22_700_000, 14.0, 95.0, 130.0),
    "pkg50": (44_100_000, 215.0, 100.0, 260.0),
    "size20": (22_700_000, 0.4, 94.0, 125.0),
    "size50": (44_100_000, 0.5, 93.0, 240.0),
}
DISTANCE = {"us-east-1": 8.0, "eu-west-1": 85.0, "ap-northeast-1": 160.0}


def made_up_plan(
    *,
    targets: tuple[str, ...] = tuple(TARGETS),
    regions: tuple[str, ...] = ("us-east-1", "eu-west-1"),
    cold: int = 20,
    warm: int = 20,
    rounds: int = 2,
    concurrency: int = 10,
    platform: Platform = "aws",
    campaign_id: str = "package-size-2026-11-21",
) -> Plan:
    """Plan of a package-size campaign; `cold` and `warm` are samples of a cell over all rounds."""
    lanes: dict[str, Lane] = {}
    for number in range(rounds):
        for region in regions:
            for target in targets:
                key = f"r{number:02d}-{target}-{region}"
                share = cold // rounds
                bursts = [
                    Burst(burst=i, shots=min(concurrency, share - i * concurrency))
                    for i in range(-(-share // concurrency))
                ]
                step = Step(
                    step=0,
                    memory_mb=None,
                    cold_method="burst",
                    bursts=bursts,
                    warm_shots=warm // rounds,
                    warm_concurrency=1,
                    prime_shots=1,
                )
                lanes[key] = Lane(
                    key=key,
                    target=target,
                    region=region,
                    round=number,
                    function_name=f"isotherm-target_{target}",
                    steps=[step],
                    client_region=region,
                )
    tours = [
        Tour(
            key=f"from-{region}",
            client_region=region,
            lanes=[key for key, lane in lanes.items() if lane.region == region],
            stages=[[StepOf(key, 0) for key, lane in lanes.items() if lane.region == region]],
        )
        for region in regions
    ]
    inventory = [
        made_up_region(
            region,
            [made_up_function(target, region, code_size_bytes=TARGETS[target][0]) for target in targets],
            unreserved_concurrency=900,
            stack_version="0.1.0",
            home_region=regions[0],
        )
        for region in regions
    ]
    return Plan(
        campaign_id=campaign_id,
        campaign=Campaign.model_validate(
            {
                "name": "package-size",
                "targets": list(targets),
                "regions": list(regions),
                "cold": {"samples": cold, "concurrency": concurrency},
                "warm": {"samples": warm},
                "rounds": rounds,
                "seed": 7,
            }
        ),
        platform=platform,
        home_region=regions[0],
        stack="isotherm",
        version="0.1.0",
        created_at="2026-11-21T03:00:00Z",
        inventory=inventory,
        waves=[[tour.key for tour in tours]],
        tours={tour.key: tour for tour in tours},
        lanes=lanes,
        price=Price(
            usd=0.0123,
            lines=[
                PriceLine(service="Lambda", unit="GB-second", quantity=520.0, usd=0.0087),
                PriceLine(service="Step Functions", unit="state transition", quantity=144.0, usd=0.0036),
            ],
            as_of="2026-11-01",
            source="https://aws.amazon.com/lambda/pricing/",
        ),
        state_transitions=144,
        warnings=[],
    )


def made_up_samples(plan: Plan, *, seed: int = 1, mishaps: float = 0.0) -> list[Sample]:
    """All samples of a plan; `mishaps` is the share of calls to which something happens."""
    rng = np.random.default_rng(seed)
    samples: list[Sample] = []
    luck = {number: float(rng.normal(1.0, 0.03)) for number in range(plan.campaign.most_rounds)}
    clock = 1_795_230_000_000.0
    for lane in plan.lanes.values():
        for step in lane.steps:
            shots: list[tuple[Kind, int, int]] = [("cold", b.burst, i) for b in step.bursts for i in range(b.shots)]
            shots += [("prime", 0, i) for i in range(step.prime_shots)]
            shots += [("warm", 0, i) for i in range(step.warm_shots)]
            for kind, burst, index in shots:
                clock += 120.0
                sample = _sample(plan, lane, kind, burst, index, clock, luck[lane.round], rng)
                samples.append(_mishap(sample, rng) if rng.random() < mishaps else sample)
    return samples


def made_up_lanes(plan: Plan, failed: dict[str, str] | None = None) -> list[LaneOutcome]:
    """Outcome of every lane; `failed` gives reasons by lane key."""
    reasons = failed or {}
    return [
        LaneOutcome(
            lane_key=lane.key,
            target=lane.target,
            region=lane.region,
            round=lane.round,
            status="failed" if lane.key in reasons else "succeeded",
            reason=reasons.get(lane.key),
        )
        for lane in plan.lanes.values()
    ]


def _sample(
    plan: Plan, lane: Lane, kind: Kind, burst: int, index: int, clock: float, luck: float, rng: np.random.Generator
) -> Sample:
    emulated = plan.platform == "emulated"
    _, import_ms, boot_ms, overhead_ms = TARGETS[lane.target]
    cold = kind == "cold"
    slow = 1.5 if rng.random() < 0.04 else 1.0  # a slow host now and then
    noise = (rng.lognormal(0.0, 0.06, size=4) * luck * slow).tolist()
    imports = import_ms * noise[0]
    startup = imports + boot_ms * noise[1] * (0.8 if emulated else 1.0)
    work = 1.4 * noise[2]
    overhead = DISTANCE[lane.region] * noise[3] + (overhead_ms * noise[3] if cold else 6.0 * noise[3])
    duration = work + (startup if emulated and cold else 0.0)
    client = overhead + work + (startup if cold else 0.0)
    identity = f"{lane.key}.s0.{kind}.{burst}.{index}"
    return Sample(
        campaign_id=plan.campaign_id,
        shot_id=identity,
        lane=lane.key,
        target=lane.target,
        region=lane.region,
        round=lane.round,
        step=0,
        kind=kind,
        coldness="forced" if cold else None,
        burst=burst,
        index=index,
        version=str(lane.round + 1),
        memory_mb=128,
        concurrency=plan.campaign.cold.concurrency if cold else 1,
        sent_at_ms=clock,
        outcome="answered",
        verdict="primed" if kind == "prime" else "used",
        temperature="cold" if cold else "warm",
        emulated=emulated,
        request_id=f"00000000-0000-4000-8000-{rng.integers(2**48):012x}",
        report_found=True,
        probe_found=True,
        platform_cold=None if emulated else cold,
        probe_cold=cold,
        client_ms=round(client, 3),
        hold_ms=round(float(rng.uniform(0, 400)), 3) if cold else 0.0,
        overhead_ms=round(overhead, 3),
        init_duration_ms=round(startup * 0.97, 2) if cold and not emulated else None,
        duration_ms=None if cold else round(duration, 2),
        billed_duration_ms=float(math.ceil(duration + (0 if emulated else startup if cold else 0))),
        memory_size_mb=128,
        max_memory_used_mb=int(36 + 0.16 * import_ms),
        environment_id=f"env-{lane.key}-{burst}-{index if cold else 0}",
        invocation_index=0 if cold else index + 1,
        startup_ms=round(startup, 3) if cold else None,
        import_ms=round(imports, 3) if cold else None,
        work_ms=round(work, 3),
    )


def _mishap(sample: Sample, rng: np.random.Generator) -> Sample:
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "overhead_ms",
            "init_duration_ms",
            "duration_ms",
            "billed_duration_ms",
            "startup_ms",
            "import_ms",
            "work_ms",
            "platform_cold",
            "probe_cold",
        )
    )
    primed = sample.kind == "prime"
    match int(rng.integers(5)):
        case 0 if not primed:
            return replace(sample, verdict="contested", temperature="contested", probe_cold=not sample.probe_cold)
        case 1:
            return replace(
                sample,
                **nothing,
                outcome="throttled",
                verdict="failed",
                temperature="unwitnessed",
                report_found=False,
                probe_found=False,
                attempts=6,
                error_type="TooManyRequestsException",
            )
        case 2:
            return replace(
                sample,
                **nothing,
                outcome="timeout",
                verdict="failed",
                temperature="unwitnessed",
                probe_found=False,
                error_type="Sandbox.Timedout",
                error_message="Task timed out after 3.00 seconds",
            )
        case 3:
            return replace(
                sample,
                **nothing,
                verdict="primed" if primed else "unwitnessed",
                temperature="unwitnessed",
                report_found=False,
                probe_found=False,
            )
        case _ if not primed and sample.kind == "cold":
            return replace(sample, verdict="proactive", proactive=True)
        case _:
            return sample
