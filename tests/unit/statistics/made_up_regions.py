"""Makes campaigns between regions whose truth is known: criss-cross, clients in many places, calls over HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from isotherm.campaign.cell import Kind
from isotherm.campaign.lane import Lane, Platform, Step
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from unit.made_up_stack import made_up_function, made_up_region, planned

SIX = ("ap-northeast-1", "ap-south-1", "us-west-1", "sa-east-1", "ap-southeast-2", "eu-west-2")

#: There and back between the six, in ms: about what the public round-trip tables say.
_ROUND_TRIPS = {
    ("ap-northeast-1", "ap-south-1"): 128,
    ("ap-northeast-1", "us-west-1"): 108,
    ("ap-northeast-1", "sa-east-1"): 256,
    ("ap-northeast-1", "ap-southeast-2"): 105,
    ("ap-northeast-1", "eu-west-2"): 210,
    ("ap-south-1", "us-west-1"): 230,
    ("ap-south-1", "sa-east-1"): 300,
    ("ap-south-1", "ap-southeast-2"): 150,
    ("ap-south-1", "eu-west-2"): 112,
    ("us-west-1", "sa-east-1"): 175,
    ("us-west-1", "ap-southeast-2"): 140,
    ("us-west-1", "eu-west-2"): 137,
    ("sa-east-1", "ap-southeast-2"): 310,
    ("sa-east-1", "eu-west-2"): 186,
    ("ap-southeast-2", "eu-west-2"): 265,
}

Truth = Callable[[Lane, Step, np.random.Generator], Mapping[str, Any]]


def between(one: str, other: str) -> float:
    """Milliseconds there and back."""
    return 1.5 if one == other else float(_ROUND_TRIPS.get((one, other)) or _ROUND_TRIPS[other, one])


def plan_of(document: Mapping[str, Any], *, regions: tuple[str, ...] = SIX, platform: Platform = "aws") -> Plan:
    """Plan of a campaign, by the planner, for regions that have every target."""
    inventory = [
        made_up_region(
            region,
            [
                *("outer", "inner", "inner_db", "default"),
                made_up_function("customers", region, url=f"https://id.execute-api.{region}.amazonaws.com"),
            ],
            unreserved_concurrency=900,
            stack_version="0.1.0",
            home_region=regions[0],
        )
        for region in regions
    ]
    return planned(
        {"budget_usd": 100.0, "seed": 7, **document},
        *inventory,
        campaign_id=f"{document.get('name', 'campaign')}-2026-11-21",
        platform=platform,
        version="0.1.0",
        created_at="2026-11-21T03:00:00Z",
    )


def samples_of(plan: Plan, truth: Truth, *, seed: int = 1) -> list[Sample]:
    """A sample for each planned shot: `truth` gives the fields of one that are known of it."""
    rng = np.random.default_rng(seed)
    found: list[Sample] = []
    clock = 1_795_230_000_000.0
    for lane in plan.lanes.values():
        for step in lane.steps:
            kinds: list[tuple[Kind, int, int]] = [("cold", b.burst, i) for b in step.bursts for i in range(b.shots)]
            kinds += [("prime", 0, i) for i in range(step.prime_shots)] + [
                ("warm", 0, i) for i in range(step.warm_shots)
            ]
            for kind, burst, index in kinds:
                clock += 400.0
                found.append(_sample(plan, lane, step, (kind, burst, index), clock, truth(lane, step, rng)))
    return found


def _sample(
    plan: Plan, lane: Lane, step: Step, shot: tuple[Kind, int, int], clock: float, known: Mapping[str, Any]
) -> Sample:
    kind, burst, index = shot
    fields: dict[str, Any] = {
        "campaign_id": plan.campaign_id,
        "shot_id": f"{lane.key}.s{step.step}.{kind}.{burst}.{index}",
        "lane": lane.key,
        "target": lane.target,
        "region": lane.region,
        "round": lane.round,
        "step": step.step,
        "kind": kind,
        "burst": burst,
        "index": index,
        "version": "$LATEST",
        "memory_mb": step.memory_mb or 128,
        "concurrency": 1,
        "sent_at_ms": clock,
        "outcome": "answered",
        "verdict": "primed" if kind == "prime" else "used",
        "temperature": "cold" if kind == "cold" else "warm",
        "coldness": "burst" if kind == "cold" else None,
        "emulated": plan.platform == "emulated",
        "report_found": True,
        "probe_found": True,
        "client_region": lane.client_region if plan.campaign.clients else None,
        "protocol": step.protocol,
        "operation": step.operation,
        "inner": step.inner.target if step.inner else None,
        "inner_region": step.inner.region if step.inner else None,
        "inner_report_found": True if step.inner else None,
    }
    return Sample(**{**fields, **known})


def crisscross_plan(
    *,
    regions: tuple[str, ...] = SIX,
    warm: int = 10,
    rounds: int = 2,
    platform: Platform = "aws",
    targets: tuple[str, ...] = ("inner", "inner_db"),
) -> Plan:
    """Every pair of regions, with and without the database."""
    return plan_of(
        {
            "name": "crisscross",
            "targets": ["outer"],
            "regions": list(regions),
            "inner": {"targets": list(targets)},
            "warm": {"samples": warm},
            "rounds": rounds,
        },
        regions=regions,
        platform=platform,
    )


def nested(
    *,
    per_network_ms: float = 1.0,
    inner_per_network_ms: float = 0.0,
    database_ms: float = 14.0,
    distance: Callable[[str, str], float] = between,
    scatter: float = 0.05,
    outlier_share: float = 0.01,
    uneven_regions_ms: float = 2.0,
    seed: int = 5,
) -> Truth:
    """Calls of outer whose times depend on the network as stated; regions differ in their own speed besides."""
    rng = np.random.default_rng(seed)
    own = {region: float(rng.uniform(0, uneven_regions_ms)) for region in SIX}

    def truth(lane: Lane, step: Step, rng: np.random.Generator) -> dict[str, Any]:
        assert step.inner is not None
        there = distance(lane.region, step.inner.region)
        slow = 5.0 if rng.random() < outlier_share else 1.0
        network = (there + 9.0) * rng.lognormal(0, scatter / 3) * (slow if slow < 2 else 1.4)
        database = database_ms * rng.lognormal(0, 3 * scatter) if step.inner.target == "inner_db" else 0.0
        inner = (1.4 + own[step.inner.region] + database) * rng.lognormal(0, 2 * scatter) * slow
        inner += inner_per_network_ms * there
        round_trip = network + inner
        outer = 4.0 + own[lane.region] * rng.lognormal(0, scatter) + inner + per_network_ms * network
        return {
            "client_ms": round(outer + 7.0 * rng.lognormal(0, scatter), 3),
            "duration_ms": round(outer, 2),
            "billed_duration_ms": float(math.ceil(outer)),
            "work_ms": round(outer - 0.6, 3),
            "overhead_ms": 7.0,
            "invocation_index": 3,
            "inner_round_trip_ms": round(round_trip, 3),
            "inner_duration_ms": round(inner, 2),
            "inner_billed_duration_ms": float(math.ceil(inner)),
            "inner_work_ms": round(inner - 0.5, 3),
            "inner_cold": False,
            "database_ms": round(database, 3) if database else None,
            "network_ms": round(network, 3),
            "network_share": round(network / round_trip, 6),
            "max_memory_used_mb": 60,
        }

    return truth


def clients_plan(*, warm: int = 40, rounds: int = 4, clients: tuple[str, ...] = SIX[:5], cold: int = 0) -> Plan:
    """The customers' functions of one region, called from several."""
    return plan_of(
        {
            "name": "clients",
            "targets": ["customers"],
            "regions": [clients[0]],
            "clients": list(clients),
            "cold": {"samples": cold},
            "warm": {"samples": warm},
            "rounds": rounds,
        }
    )


def remote(
    *, billed_from: Mapping[str, float] | None = None, scatter: float = 0.08, luck_ms: float = 0.0, seed: int = 5
) -> Truth:
    """Calls whose client time grows with distance; `billed_from` adds ms to what is billed, by client.

    `luck_ms` is the scatter of what all calls of one lane have in common: its host, its minute.
    """
    added = billed_from or {}

    def truth(lane: Lane, step: Step, rng: np.random.Generator) -> dict[str, Any]:
        base = 12.0 if step.operation == "post" else 9.0
        luck = luck_ms * float(np.random.default_rng([seed, *lane.key.encode()]).standard_normal())
        duration = max(0.5, base * rng.lognormal(0, scatter) + added.get(lane.client_region, 0.0) + luck)
        client = duration + 8.0 + between(lane.client_region, lane.region) * rng.lognormal(0, scatter / 4)
        return {
            "client_ms": round(client, 3),
            "duration_ms": round(duration, 2),
            "billed_duration_ms": float(math.ceil(duration)),
            "work_ms": round(duration - 0.7, 3),
            "overhead_ms": round(client - duration, 3),
            "database_ms": round(duration - 2.0, 3),
            "invocation_index": 5,
        }

    return truth


def http_plan(*, warm: int = 40, rounds: int = 4, protocols: tuple[str, ...] = ("invoke", "http")) -> Plan:
    """The customers' functions by invoke and through API Gateway."""
    return plan_of(
        {
            "name": "http",
            "targets": ["customers"],
            "regions": [SIX[0]],
            "protocols": list(protocols),
            "warm": {"samples": warm},
            "rounds": rounds,
        }
    )


def staged(*, gateway_ms: float = 6.0, new_every: int = 10) -> Truth:
    """Calls over HTTP with their stages; every so manieth opens its connection."""
    number = 0

    def truth(_lane: Lane, step: Step, rng: np.random.Generator) -> dict[str, Any]:
        nonlocal number
        number += 1
        work = (9.0 if step.operation == "get" else 12.0) * rng.lognormal(0, 0.08)
        known: dict[str, Any] = {
            "duration_ms": round(work + 0.7, 2),
            "billed_duration_ms": float(math.ceil(work + 0.7)),
            "work_ms": work,
            "invocation_index": 5,
        }
        way = 7.0 * rng.lognormal(0, 0.05)
        if step.protocol == "invoke":
            return known | {"client_ms": work + way, "overhead_ms": way}
        first_byte = work + way + gateway_ms * rng.lognormal(0, 0.1)
        new = number % new_every == 0
        stages = {"dns_ms": 1.1, "connect_ms": 2.2, "tls_ms": 6.3 * rng.lognormal(0, 0.1)} if new else {}
        client = first_byte + 0.2
        return known | {
            "client_ms": client,
            "overhead_ms": client - work,
            "first_byte_ms": first_byte,
            "total_ms": client + sum(stages.values()),
            "http_status": 201 if step.operation == "post" else 200,
            **stages,
        }

    return truth
