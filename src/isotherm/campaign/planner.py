"""Makes the plan of a campaign: lanes, steps and shots in a seeded order, its price, and why it may not start.

Knows nothing of AWS; what a region has is given as its inventory.
"""

from __future__ import annotations

import bisect
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from isotherm.campaign.cautions import (
    ENOUGH_FOR_P95,
    CutRounds,
    Emulated,
    FewRounds,
    FewSamples,
    PlanCaution,
    Queueing,
    caution_in_words,
)
from isotherm.campaign.estimate import campaign_transitions, estimate
from isotherm.campaign.lane import (
    BURSTS_PER_STEP,
    WARM_CALLS_IN_ROW_PER_STEP,
    Burst,
    CallProtocol,
    Inner,
    Lane,
    LoadStep,
    Operation,
    Platform,
    Step,
    TargetFunction,
)
from isotherm.campaign.limits import (
    calls_in_flight,
    check_concurrency,
    check_duration,
    check_holds,
    check_room,
    check_rounds,
    check_servers,
    check_versions,
    concurrency_needed,
    find_functions,
    find_inner,
)
from isotherm.campaign.model import SPEAKS_HTTP, Campaign
from isotherm.campaign.plan import Plan, RegionInventory
from isotherm.campaign.refusals import InvalidCampaign, OverBudget
from isotherm.campaign.stack_health import stack_faults
from isotherm.campaign.stages import cut_into_tours
from isotherm.campaign.tour import Tour
from isotherm.pricing.price import Price

#: AWS, Step Functions quotas: an execution's history holds at most 25,000 events. A tour in a wave of its own costs the
#: campaign 14 of them, about 20 where it has to be rescued (tests/statemachines), and no tour is without a lane.
MAX_LANES = 1000


def split_evenly(total: int, parts: int) -> list[int]:
    """`total` as `parts` whole numbers that differ by at most one, the larger ones first."""
    share, rest = divmod(total, parts)
    return [share + (part < rest) for part in range(parts)]


def make_plan(
    campaign: Campaign,
    inventory: Sequence[RegionInventory],
    *,
    campaign_id: str,
    platform: Platform,
    home_region: str,
    stack: str,
    version: str,
    created_at: str,
    cores: int | None = None,
) -> Plan:
    """Everything the campaign is going to do, in a seeded order, priced.

    Parameters
    ----------
    campaign : Campaign
        What the person asked for.
    inventory : sequence of RegionInventory
        What each of its regions has (only the home region where the campaign names none).
    campaign_id : str
        The execution's name.
    platform : "aws" or "emulated"
        On the emulated platform one lane runs at a time unless the campaign says otherwise: the machine is one.
    created_at : str
        ISO 8601 time.
    cores : int, optional
        Processor cores of the emulated platform, for its warning about bursts wider than that.

    Raises
    ------
    InvalidCampaign
        A target or region is not there, or a concurrency, round or sample count cannot be carried out.
    OverBudget
        The estimate is above `budget_usd`.
    """
    regions = campaign.regions or [home_region]
    by_region = {region.region: region for region in inventory}
    faults = stack_faults(inventory, stack=stack, home_region=home_region, version=version, platform=platform)
    functions = find_functions(campaign, regions, by_region, faults)
    inner = find_inner(campaign, regions, by_region)
    check_servers(campaign, [by_region[region] for region in regions], platform)
    if campaign.load is None:
        check_rounds(campaign)
    check_concurrency(campaign, [by_region[region] for region in regions])
    at_once = campaign.lanes_at_once or (1 if platform == "emulated" else None)

    def priced(candidate: Campaign) -> tuple[list[Lane], list[Tour], list[list[Tour]], bool, Price]:
        lanes = _lanes(candidate, regions, functions, inner)
        by_key = {lane.key: lane for lane in lanes}
        tours = _tours(candidate, lanes, functions)
        waves, is_cut = _waves(candidate, tours, by_key, by_region, at_once)
        price = estimate(candidate, by_key, tours, {**functions, **inner}, len(waves), home_region)
        return lanes, tours, waves, is_cut, price

    lanes, tours, waves, is_cut, price = priced(campaign)
    if len(lanes) > MAX_LANES:
        raise InvalidCampaign(
            f"{'max_rounds' if campaign.max_rounds else 'rounds'}: {campaign.most_rounds} rounds of {len(functions)} "
            f"functions are {len(lanes)} lanes, above the "
            f"{MAX_LANES} that one execution can follow; at most {MAX_LANES // len(functions)} rounds fit"
        )
    by_key = {lane.key: lane for lane in lanes}
    check_room(campaign, lanes, by_region)
    check_versions(lanes, functions)
    check_duration(lanes)
    check_holds(lanes, functions)
    inner_targets = campaign.inner.targets if campaign.inner else []
    if price.usd > campaign.budget_usd:
        raise OverBudget(_over_budget(campaign, price, lambda candidate: priced(candidate)[-1].usd))
    cautions = _cautions(campaign, platform, cores, waves, at_once)
    if is_cut:
        least = min(region.unreserved_concurrency for region in by_region.values())
        cautions.append(CutRounds(least=least, lanes=len(lanes), waves=len(waves)))
    return Plan(
        campaign_id=campaign_id,
        campaign=campaign,
        platform=platform,
        home_region=home_region,
        stack=stack,
        version=version,
        created_at=created_at,
        inventory=[
            replace(region, targets=[t for t in region.targets if t.target in (*campaign.targets, *inner_targets)])
            for region in inventory
        ],
        waves=[[tour.key for tour in wave] for wave in waves],
        tours={tour.key: tour for tour in tours},
        lanes=by_key,
        price=price,
        state_transitions=campaign_transitions(len(waves), tours, by_key),
        warnings=[caution_in_words(caution) for caution in cautions],
        cautions=cautions,
    )


def _lanes(
    campaign: Campaign,
    regions: list[str],
    functions: dict[tuple[str, str], TargetFunction],
    inner: dict[tuple[str, str], TargetFunction],
) -> list[Lane]:
    lanes = []
    for number in range(campaign.most_rounds):
        for region in regions:
            for target in campaign.targets:
                for client in campaign.clients or [region]:
                    place = (region, target) if campaign.clients is None else (region, target, client)
                    settings = _settings(campaign, target, inner)
                    random.Random(f"{campaign.seed}/{number}/{'/'.join(place)}").shuffle(settings)  # noqa: S311 - an order, no secret
                    lanes.append(
                        Lane(
                            key=f"r{number:02d}-{target}-{region}" + (f"-from-{client}" if campaign.clients else ""),
                            target=target,
                            region=region,
                            round=number,
                            function_name=functions[region, target].function_name,
                            steps=[
                                replace(step, step=index)
                                for index, step in enumerate(
                                    step for setting in settings for step in _steps(campaign, number, setting)
                                )
                            ],
                            client_region=client,
                        )
                    )
    return lanes


class _Setting(NamedTuple):
    """What one step differs in from another of its lane; the phases of a load follow one another within one."""

    memory_mb: int | None = None
    protocol: CallProtocol = "invoke"
    operation: Operation | None = None
    inner: Inner | None = None


def _settings(campaign: Campaign, target: str, inner: dict[tuple[str, str], TargetFunction]) -> list[_Setting]:
    # A load posts and gets by turns.
    split = target == SPEAKS_HTTP and campaign.load is None
    operations: tuple[Operation | None, ...] = ("post", "get") if split else (None,)
    sizes: list[int | None] = [*campaign.memory_mb] if campaign.memory_mb else [None]
    called: list[Inner | None] = [
        Inner(target=name, region=region, function_name=function.function_name, log_group=function.log_group)
        for (region, name), function in inner.items()
    ]
    return [
        _Setting(memory_mb, protocol, operation, of_call)
        for memory_mb in sizes
        for protocol in campaign.protocols
        for operation in operations
        for of_call in called or [None]
    ]


def _steps(campaign: Campaign, number: int, setting: _Setting) -> list[Step]:
    """The steps of one setting in one round: one, unless a single Fire could not do it in its time; a load's phases."""
    if campaign.load is not None:
        spec, fires = campaign.load.spec(campaign.seed + number), campaign.load.fires
        return [
            replace(_step(campaign, setting, [], 0), load=LoadStep(spec=spec, phase=phase.name, fires=fires))
            for phase in spec.phases
        ]
    # Rounds that precision may ask for are as large as those that are run in any case.
    place = number % campaign.rounds
    # Reading finds what writing left, so only what writes can be the first call of an environment.
    cold = 0 if setting.operation == "get" else split_evenly(campaign.cold.samples, campaign.rounds)[place]
    width = 1 if campaign.cold.method == "isolated" else campaign.cold.concurrency
    sizes = split_evenly(cold, -(-cold // width)) if cold else []
    warm = split_evenly(campaign.warm.samples, campaign.rounds)[place]
    most_warm = WARM_CALLS_IN_ROW_PER_STEP * campaign.warm.concurrency
    parts = max(-(-len(sizes) // BURSTS_PER_STEP), -(-warm // most_warm), 1)
    bursts_by_part = [sizes[part::parts] for part in range(parts)]
    return [
        _step(campaign, setting, bursts, warm_shots)
        for bursts, warm_shots in zip(bursts_by_part, split_evenly(warm, parts), strict=True)
    ]


def _step(campaign: Campaign, setting: _Setting, bursts: list[int], warm_shots: int) -> Step:
    concurrency = min(campaign.warm.concurrency, warm_shots) or 1
    return Step(
        step=0,
        memory_mb=setting.memory_mb,
        cold_method=campaign.cold.method,
        bursts=[Burst(burst=burst, shots=size) for burst, size in enumerate(bursts)],
        warm_shots=warm_shots,
        warm_concurrency=concurrency,
        prime_shots=concurrency if warm_shots else 0,
        protocol=setting.protocol,
        operation=setting.operation,
        inner=setting.inner,
    )


def _tours(campaign: Campaign, lanes: list[Lane], functions: dict[tuple[str, str], TargetFunction]) -> list[Tour]:
    """Tours in the order in which they may be begun; in each, the lanes of a round in a seeded order.

    One takes all rounds of a region; where several clients call the same functions, one round of one client, so that
    the clients are interleaved.
    """
    sequences: dict[str, list[Lane]] = {}
    for number in range(campaign.most_rounds):
        order = [lane for lane in lanes if lane.round == number]
        random.Random(f"{campaign.seed}/{number}").shuffle(order)  # noqa: S311 - an order, no secret
        for lane in order:
            key = f"r{number:02d}-from-{lane.client_region}" if campaign.clients else f"from-{lane.client_region}"
            sequences.setdefault(key, []).append(lane)
    cut = [cut_into_tours(key, sequence, functions, campaign.rounds) for key, sequence in sequences.items()]
    if campaign.clients:
        return [tour for of_round in cut for tour in of_round]
    return [tour for together in zip_longest(*cut) for tour in together if tour]


def _waves(
    campaign: Campaign,
    tours: list[Tour],
    lanes: dict[str, Lane],
    by_region: dict[str, RegionInventory],
    at_once: int | None,
) -> tuple[list[list[Tour]], bool]:
    """Tours in their order, as many side by side as `at_once` and the accounts' concurrency allow; whether that cut."""
    in_flight = max(calls_in_flight(campaign).values())
    waves: list[list[Tour]] = [[]]
    is_cut = False
    used: Counter[str] = Counter()
    busy: set[tuple[str, str]] = set()
    for tour in tours:
        of_tour = [lanes[key] for key in tour.lanes]
        functions = {(lane.region, lane.function_name) for lane in of_tour}
        needs: Counter[str] = Counter()
        for lane in of_tour:  # one at a time
            needs |= concurrency_needed(lane, in_flight)
        full = any(used[region] + more > by_region[region].unreserved_concurrency for region, more in needs.items())
        # A tour needs its functions to itself; the next client's turn comes in a wave of its own.
        if waves[-1] and (full or len(waves[-1]) == at_once or not busy.isdisjoint(functions)):
            is_cut |= full
            waves.append([])
            used, busy = Counter(), set()
        waves[-1].append(tour)
        used.update(needs)
        busy |= functions
    return waves, is_cut


def _over_budget(campaign: Campaign, price: Price, price_of: Callable[[Campaign], float]) -> str:
    message = f"budget_usd: this campaign costs about {_usd(price.usd)} USD, above your {_usd(campaign.budget_usd)}"
    counts = range(campaign.rounds, campaign.cold.samples)
    fitting = bisect.bisect_right(
        counts, campaign.budget_usd, key=lambda samples: price_of(_with_cold_samples(campaign, samples))
    )
    if fitting:
        return f"{message}; {counts[fitting - 1]} cold samples per cell instead of {campaign.cold.samples} would fit"
    return f"{message}; raise it to at least {_usd(price.usd * 1.01)}, or ask for less"


def _with_cold_samples(campaign: Campaign, samples: int) -> Campaign:
    return campaign.model_copy(update={"cold": campaign.cold.model_copy(update={"samples": samples})})


def _usd(usd: float) -> str:
    return f"{usd:.2f}" if usd >= 0.1 else f"{usd:.2g}"


def _cautions(
    campaign: Campaign,
    platform: Platform,
    cores: int | None,
    waves: list[list[Tour]],
    at_once: int | None,
) -> list[PlanCaution]:
    found: list[PlanCaution] = []
    if platform == "emulated":
        found.append(Emulated())
    in_flight = calls_in_flight(campaign)
    widest = max(in_flight.values())
    side_by_side = max(map(len, waves)) if at_once != 1 else 1
    if platform == "emulated" and cores is not None and widest * side_by_side > cores:
        found.append(Queueing(calls_at_once=widest * side_by_side, cores=cores))
    if 0 < campaign.cold.samples < ENOUGH_FOR_P95:
        found.append(FewSamples(of="cold", samples=campaign.cold.samples))
    if 0 < campaign.warm.samples < ENOUGH_FOR_P95:
        found.append(FewSamples(of="warm", samples=campaign.warm.samples))
    if campaign.rounds < 3:
        found.append(FewRounds(rounds=campaign.rounds))
    return found
