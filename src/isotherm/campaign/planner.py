"""Makes the plan of a campaign: lanes, steps and shots in a seeded order, its price, and why it may not start.

Knows nothing of AWS; what a region has is given as its inventory.
"""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from isotherm.campaign.estimate import campaign_transitions, estimate, load_s
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
    hold_ms,
)
from isotherm.campaign.model import (
    MAX_PHASE_S,
    SPEAKS_HTTP,
    Campaign,
    InvalidCampaign,
    Load,
    OverBudget,
    Plan,
    Price,
    RegionInventory,
    server_at,
)
from isotherm.campaign.stack_health import stack_faults
from isotherm.http.origin import Origin, may_load

#: A lane needs these executions beside its own calls: Fire, and one of the other control functions.
CONTROL_CONCURRENCY = 2

#: What a lane can take: its state machine ends it after 6,900 s. And what its parts are taken to need, in seconds.
MAX_LANE_S = 6000
PUBLISH_S = 4.0
BURST_S = 3.0
WARM_CALL_S = 0.05
NESTED_CALL_S = 0.5
COLLECT_S = 120.0

#: What a held call is left to do its work and to answer, of its function's time.
HOLD_MARGIN_MS = 1000.0
LOAD_COLLECT_S = 20.0

#: AWS, Lambda quotas: synchronous invocations a second are at most ten times the concurrency.
REQUESTS_PER_S_AND_CONCURRENCY = 10

#: AWS, Lambda quotas, "Storage for uploaded functions (.zip file archives) and layers": 75 GB in each region.
CODE_STORAGE_BYTES = 75 * 2**30

#: AWS, Step Functions quotas: an execution's history holds at most 25,000 events. A lane in a wave of its own costs the
#: campaign 14 of them, about 20 where it has to be rescued (tests/statemachines).
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
    functions = _find_functions(campaign, regions, by_region, faults)
    inner = _find_inner(campaign, regions, by_region)
    _check_servers(campaign, [by_region[region] for region in regions], platform)
    if campaign.load is None:
        _check_rounds(campaign)
    _check_concurrency(campaign, [by_region[region] for region in regions])
    at_once = campaign.lanes_at_once or (1 if platform == "emulated" else None)

    def priced(candidate: Campaign) -> tuple[list[Lane], list[list[str]], int, Price]:
        lanes = _lanes(candidate, regions, functions, inner)
        waves = _waves(candidate, lanes, by_region, at_once)
        return (
            lanes,
            waves,
            campaign_transitions(len(waves), lanes),
            estimate(candidate, lanes, {**functions, **inner}, len(waves), home_region),
        )

    lanes, waves, transitions, price = priced(campaign)
    if len(lanes) > MAX_LANES:
        raise InvalidCampaign(
            f"{'max_rounds' if campaign.max_rounds else 'rounds'}: {campaign.most_rounds} rounds of {len(functions)} "
            f"functions are {len(lanes)} lanes, above the "
            f"{MAX_LANES} that one execution can follow; at most {MAX_LANES // len(functions)} rounds fit"
        )
    _check_room(campaign, lanes, by_region)
    _check_versions(lanes, functions)
    _check_duration(lanes)
    _check_holds(lanes, functions)
    inner_targets = campaign.inner.targets if campaign.inner else []
    if price.usd > campaign.budget_usd:
        raise OverBudget(_over_budget(campaign, price, lambda candidate: priced(candidate)[-1].usd))
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
        waves=waves,
        lanes={lane.key: lane for lane in lanes},
        price=price,
        state_transitions=transitions,
        warnings=_warnings(campaign, platform, cores, waves, lanes, by_region, at_once),
    )


def _find_functions(
    campaign: Campaign, regions: list[str], by_region: dict[str, RegionInventory], stack_faults: dict[str, str]
) -> dict[tuple[str, str], TargetFunction]:
    faults, found = list(stack_faults.values()), {}
    for region in regions:
        if region in stack_faults:
            continue
        there = {function.target: function for function in by_region[region].targets}
        for target in campaign.targets:
            if target in there:
                found[region, target] = there[target]
            else:
                faults.append(f'targets: "{target}" is no target in {region}; there are {", ".join(sorted(there))}')
    for (region, target), function in found.items():
        if "http" in campaign.protocols and not function.url:
            faults.append(
                f'protocols: "http" cannot reach {target} in {region}: the stack there has no HTTP API; deploy it again'
            )
    if faults:
        raise InvalidCampaign("\n".join(faults))
    return found


def _check_servers(campaign: Campaign, regions: list[RegionInventory], platform: Platform) -> None:
    """Load goes to the stack's own server, to loopback, or to what its owner named as their own."""
    if "server" not in campaign.protocols:
        return
    faults = [fault for region in regions if (fault := _server_fault(campaign, region, platform))]
    if faults:
        raise InvalidCampaign("\n".join(dict.fromkeys(faults)))


def _server_fault(campaign: Campaign, region: RegionInventory, platform: Platform) -> str | None:
    server = server_at(campaign, region)
    if server is None:
        return (
            f'protocols: "server" cannot reach {region.region}: the stack has no server there; deploy it with one '
            "(docs/server.md), or name one in server.url"
        )
    try:
        origin = Origin.of(server.url)
    except ValueError:
        origin = None
    if origin is None or origin.scheme != "https" or urlsplit(server.url).path not in ("", "/"):
        return f'server.url: "{server.url}" is no address of a server; give one such as https://127.0.0.1:8443'
    if origin.is_loopback and platform == "aws":
        return f'server.url: "{server.url}" is the calling function itself, on AWS; give an address that it can reach'
    if may_load(origin, [*region.own_servers, campaign.i_own_this_endpoint]):
        return None
    return (
        f'server.url: "{server.url}" is neither this stack\'s own nor loopback; if it is yours, say so: '
        f'"i_own_this_endpoint": "{server.url}"'
    )


def _find_inner(
    campaign: Campaign, regions: list[str], by_region: dict[str, RegionInventory]
) -> dict[tuple[str, str], TargetFunction]:
    """The functions that the target calls in turn, by region and target."""
    if campaign.inner is None:
        return {}
    faults, found = [], {}
    for region in campaign.inner.regions or regions:
        there = {function.target: function for function in by_region[region].targets} if region in by_region else {}
        for target in campaign.inner.targets:
            if target in there:
                found[region, target] = there[target]
            else:
                shown = ", ".join(sorted(there)) or "none; deploy the stack there, or leave the region out"
                faults.append(f'inner.targets: "{target}" is no target in {region}; there are {shown}')
    if faults:
        raise InvalidCampaign("\n".join(faults))
    return found


def _check_rounds(campaign: Campaign) -> None:
    most = max(campaign.cold.samples, campaign.warm.samples)
    if campaign.rounds > most:
        raise InvalidCampaign(
            f"rounds: {campaign.rounds} is above the {most} samples of a cell, so rounds would be empty; "
            f"at most {most}, or more samples"
        )


def _calls_in_flight(campaign: Campaign) -> dict[str, int]:
    """The concurrency really used, by the field that asks for it: a burst is no wider than a round's samples."""
    cold = 1 if campaign.cold.method == "isolated" else campaign.cold.concurrency
    fields = {}
    if campaign.cold.samples:
        fields["cold.concurrency"] = min(cold, -(-campaign.cold.samples // campaign.rounds))
    if campaign.warm.samples:
        fields["warm.concurrency"] = min(campaign.warm.concurrency, campaign.warm.samples)
    if campaign.load is not None:
        spec = campaign.load.spec(campaign.seed)
        if spec.loop == "closed":
            fields["load.threads"] = max(map(spec.phase_threads, spec.phases))
        else:
            busiest_per_s = max(map(spec.phase_rate, spec.phases))
            fields["load.rate_per_s"] = math.ceil(busiest_per_s / REQUESTS_PER_S_AND_CONCURRENCY)
    return fields


def _check_concurrency(campaign: Campaign, regions: list[RegionInventory]) -> None:
    load = campaign.load
    if load is not None and campaign.protocols == ["server"]:
        return  # no function of the account is called
    asked: dict[str, float | None] = {
        "cold.concurrency": campaign.cold.concurrency,
        "warm.concurrency": campaign.warm.concurrency,
        "load.threads": load.threads if load else None,
        "load.rate_per_s": load.rate_per_s if load else None,
    }
    own = CONTROL_CONCURRENCY + (load.fires - 1 if load else 0)
    faults = []
    for field, used in _calls_in_flight(campaign).items():
        for region in regions:
            room = max(region.unreserved_concurrency - own, 0)
            if used > room:
                faults.append(
                    f"{field}: {asked[field]} is above what {region.region} leaves to this account's functions "
                    f"({region.unreserved_concurrency} unreserved, {own} of them for the campaign itself); at most "
                    f"{room if load is None else _most_load(load, room)}"
                )
    if faults:
        raise InvalidCampaign("\n".join(faults))


def _most_load(load: Load, room: int) -> int:
    """The most threads or requests a second that fit into so many executions at once, in the busiest phase."""
    each = 1 if load.loop == "closed" else REQUESTS_PER_S_AND_CONCURRENCY
    return math.floor(room * each / max(phase.share for phase in load.phases))


def _check_room(campaign: Campaign, lanes: list[Lane], by_region: dict[str, RegionInventory]) -> None:
    """Whether each region that a lane touches can carry it alone: inner functions and clients count as well."""
    in_flight = max(_calls_in_flight(campaign).values())
    field = "load.fires, load.threads" if campaign.load else "warm.concurrency"
    faults = {}
    for lane in lanes:
        for region, needed in _concurrency_needed(lane, in_flight).items():
            room = by_region[region].unreserved_concurrency
            if needed > room:
                faults[lane.target, lane.region, region] = (
                    f"{field}: a lane of {lane.target} in {lane.region} would need {needed} executions at once in "
                    f"{region}, its inner calls and the campaign's own functions included; {room} are unreserved there"
                )
    if faults:
        raise InvalidCampaign("\n".join(faults.values()))


def _check_holds(lanes: list[Lane], functions: dict[tuple[str, str], TargetFunction]) -> None:
    """Whether a burst's calls, held open until all are in, end within their function's time."""
    for lane in lanes:
        function = functions[lane.region, lane.target]
        bound_ms = function.timeout_s * 1000 - HOLD_MARGIN_MS
        width = max((burst.shots for step in lane.steps for burst in step.bursts), default=1)
        if hold_ms(width) > bound_ms:
            fits = max((n for n in range(1, width) if hold_ms(n) <= bound_ms), default=1)
            raise InvalidCampaign(
                f"cold.concurrency: {width} calls at once are held open for {hold_ms(width):.0f} ms, too long for "
                f"{function.function_name}, which is ended after {function.timeout_s} s; at most {fits}"
            )


def _check_duration(lanes: list[Lane]) -> None:
    for load in (step.load for lane in lanes for step in lane.steps if step.load):
        if load_s(load) > MAX_PHASE_S:
            raise InvalidCampaign(
                f"load.iterations: phase {load.phase} would take about {load_s(load):.0f} s, above the {MAX_PHASE_S} s "
                "that a Fire has; give fewer iterations"
            )
    longest_s = max(sum(map(_step_s, lane.steps)) for lane in lanes)
    if longest_s > MAX_LANE_S:
        raise InvalidCampaign(
            f"rounds: one round of one function would take about {longest_s / 60:.0f} minutes, above the "
            f"{MAX_LANE_S // 60} that a lane has; use "
            + (
                "fewer protocols, phases or iterations"
                if lanes[0].steps[0].load
                else "more rounds, or fewer samples or sizes"
            )
        )


def _step_s(step: Step) -> float:
    """About how long a step takes, by what its parts take at most on AWS."""
    if step.load is not None:
        return load_s(step.load) + LOAD_COLLECT_S
    calls_in_row = step.warm_shots / step.warm_concurrency
    call_s = WARM_CALL_S if step.inner is None else NESTED_CALL_S
    return step.versions * PUBLISH_S + len(step.bursts) * BURST_S + calls_in_row * call_s + COLLECT_S


def _check_versions(lanes: list[Lane], functions: dict[tuple[str, str], TargetFunction]) -> None:
    most = max(step.versions for lane in lanes for step in lane.steps)
    largest = max(function.code_size_bytes for function in functions.values())
    stored = most * sum(max(0, function.code_size_bytes) for function in functions.values())
    if stored > CODE_STORAGE_BYTES:
        raise InvalidCampaign(
            f"cold.samples: {most} fresh versions at once of packages up to {largest / 1e6:.1f} MB are "
            f"{stored / 1e9:.0f} GB, above the 75 GB of code storage that an account has; use more rounds"
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


def _waves(
    campaign: Campaign, lanes: list[Lane], by_region: dict[str, RegionInventory], at_once: int | None
) -> list[list[str]]:
    """Lanes of a round in a seeded order, as many side by side as the accounts' concurrency and `at_once` allow."""
    in_flight = max(_calls_in_flight(campaign).values())
    waves: list[list[str]] = []
    for number in range(campaign.most_rounds):
        order = [lane for lane in lanes if lane.round == number]
        random.Random(f"{campaign.seed}/{number}").shuffle(order)  # noqa: S311 - an order, no secret
        wave: list[str] = []
        used: Counter[str] = Counter()
        busy: set[tuple[str, str]] = set()
        for lane in order:
            needs = _concurrency_needed(lane, in_flight)
            full = any(used[region] + more > by_region[region].unreserved_concurrency for region, more in needs.items())
            # A lane needs its function to itself; the next client's turn comes in a wave of its own.
            if wave and (full or len(wave) == at_once or (lane.region, lane.function_name) in busy):
                waves.append(wave)
                wave, used, busy = [], Counter(), set()
            wave.append(lane.key)
            used.update(needs)
            busy.add((lane.region, lane.function_name))
        waves.append(wave)
    return waves


def _concurrency_needed(lane: Lane, in_flight: int) -> Counter[str]:
    """Executions that a lane needs at once, by region: its calls, their inner calls, and the lane's own functions."""
    fires = max((step.load.fires for step in lane.steps if step.load), default=1)
    needs = Counter({lane.client_region: CONTROL_CONCURRENCY + fires - 1})
    if any(step.protocol != "server" for step in lane.steps):
        needs[lane.region] += in_flight
    for region in {step.inner.region for step in lane.steps if step.inner}:
        needs[region] += in_flight
    return needs


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


def _warnings(
    campaign: Campaign,
    platform: Platform,
    cores: int | None,
    waves: list[list[str]],
    lanes: list[Lane],
    by_region: dict[str, RegionInventory],
    at_once: int | None,
) -> list[str]:
    warnings = []
    if platform == "emulated":
        warnings.append("Emulated: these are real numbers of this machine, not of AWS.")
    in_flight = _calls_in_flight(campaign)
    widest = max(in_flight.values())
    side_by_side = max(map(len, waves)) if at_once != 1 else 1
    if platform == "emulated" and cores is not None and widest * side_by_side > cores:
        warnings.append(
            f"Up to {widest * side_by_side} calls run at once on {cores} cores: "
            "their times contain queueing for the processor."
        )
    for name, samples in (("cold", campaign.cold.samples), ("warm", campaign.warm.samples)):
        if 0 < samples < 50:
            warnings.append(f"{samples} {name} samples per cell: 50 are advised for a median and 100 for a p95.")
        elif 0 < samples < 100:
            warnings.append(f"{samples} {name} samples per cell: enough for a median, 100 are advised for a p95.")
    if campaign.rounds < 3:
        warnings.append(
            f"{campaign.rounds} round{'s' if campaign.rounds > 1 else ''}: "
            "too few to say how much results differ from one round to the next."
        )
    if len(waves) > campaign.most_rounds and at_once is None:
        least = min(region.unreserved_concurrency for region in by_region.values())
        warnings.append(
            f"Not all lanes of a round fit side by side in the accounts' concurrency (least: {least} unreserved): "
            f"{len(lanes)} lanes run in {len(waves)} waves."
        )
    return warnings
