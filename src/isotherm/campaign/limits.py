"""What an account, a region and a function can carry, and the refusal where a campaign asks for more."""

from __future__ import annotations

import math
from collections import Counter
from urllib.parse import urlsplit

from isotherm.campaign.estimate import load_s
from isotherm.campaign.lane import CallProtocol, Lane, Platform, TargetFunction, hold_ms, is_server
from isotherm.campaign.model import MAX_PHASE_S, Campaign, Load
from isotherm.campaign.plan import RegionInventory, servers_at
from isotherm.campaign.refusals import InvalidCampaign
from isotherm.campaign.stages import MAX_TOUR_S, lane_s
from isotherm.http.origin import Origin, may_load

#: A lane needs these executions beside its own calls: Fire, and one of the other control functions.
CONTROL_CONCURRENCY = 2

#: What a held call is left to do its work and to answer, of its function's time.
HOLD_MARGIN_MS = 1000.0

#: AWS, Lambda quotas: synchronous invocations a second are at most ten times the concurrency.
REQUESTS_PER_S_AND_CONCURRENCY = 10

#: AWS, Lambda quotas, "Storage for uploaded functions (.zip file archives) and layers": 75 GB in each region.
CODE_STORAGE_BYTES = 75 * 2**30


def find_functions(
    campaign: Campaign, regions: list[str], by_region: dict[str, RegionInventory], stack_faults: dict[str, str]
) -> dict[tuple[str, str], TargetFunction]:
    """The measured functions, by region and target; refuses where a region has not what is asked for."""
    faults, found = list(stack_faults.values()), {}
    for region in regions:
        if region in stack_faults:
            continue
        there = {function.target: function for function in by_region[region].targets}
        for target in campaign.targets:
            if target in there:
                found[region, target] = there[target]
            else:
                # Those of the stack's own template, and of a person's own those that the campaign names.
                others = ", ".join(sorted(there))
                own = f"is called <stack>-target_{target} and has ISOTHERM_TARGET={target}"
                faults.append(
                    f'targets: "{target}" is not a target in {region}; there are {others}; '
                    f"a function of your own is one if it {own}"
                )
    for (region, target), function in found.items():
        if "http" in campaign.protocols and not function.url:
            faults.append(
                f'protocols: "http" cannot reach {target} in {region}: the stack there has no HTTP API; deploy it again'
            )
    if faults:
        raise InvalidCampaign("\n".join(faults))
    return found


def check_servers(campaign: Campaign, regions: list[RegionInventory], platform: Platform) -> None:
    """Load goes to the stack's own server, to loopback, or to what its owner named as their own."""
    wanted = [protocol for protocol in campaign.protocols if is_server(protocol)]
    faults = [
        fault
        for region in regions
        for protocol in wanted
        if (fault := _server_fault(campaign, protocol, region, platform))
    ]
    if faults:
        raise InvalidCampaign("\n".join(dict.fromkeys(faults)))


def _server_fault(
    campaign: Campaign, protocol: CallProtocol, region: RegionInventory, platform: Platform
) -> str | None:
    server = servers_at(campaign, region).get(protocol)
    if server is None:
        what = "server" if protocol == "server" else "server on an EC2 instance"
        return (
            f'protocols: "{protocol}" cannot reach {region.region}: the stack has no {what} there that is ready; '
            f"deploy one (docs/server.md), or name one in {protocol}.url"
        )
    try:
        origin = Origin.of(server.url)
    except ValueError:
        origin = None
    if origin is None or origin.scheme != "https" or urlsplit(server.url).path not in ("", "/"):
        return f'{protocol}.url: "{server.url}" is not an address of a server; give one such as https://127.0.0.1:8443'
    if origin.is_loopback and platform == "aws":
        return f'{protocol}.url: "{server.url}" is the calling function itself, on AWS; give one that it can reach'
    if may_load(origin, [*region.own_servers, campaign.i_own_this_endpoint]):
        return None
    return (
        f'{protocol}.url: "{server.url}" is neither this stack\'s own nor loopback; if it is yours, say so: '
        f'"i_own_this_endpoint": "{server.url}"'
    )


def find_inner(
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
                faults.append(f'inner.targets: "{target}" is not a target in {region}; there are {shown}')
    if faults:
        raise InvalidCampaign("\n".join(faults))
    return found


def check_rounds(campaign: Campaign) -> None:
    """Refuse more rounds than a cell has samples."""
    most = max(campaign.cold.samples, campaign.warm.samples)
    if campaign.rounds > most:
        raise InvalidCampaign(
            f"rounds: {campaign.rounds} is above the {most} samples of a cell, so rounds would be empty; "
            f"at most {most}, or more samples"
        )


def calls_in_flight(campaign: Campaign) -> dict[str, int]:
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


def check_concurrency(campaign: Campaign, regions: list[RegionInventory]) -> None:
    """Refuse more calls at once than a region's account leaves to its functions."""
    load = campaign.load
    if load is not None and all(map(is_server, campaign.protocols)):
        return  # no function of the account is called
    asked: dict[str, float | None] = {
        "cold.concurrency": campaign.cold.concurrency,
        "warm.concurrency": campaign.warm.concurrency,
        "load.threads": load.threads if load else None,
        "load.rate_per_s": load.rate_per_s if load else None,
    }
    own = CONTROL_CONCURRENCY + (load.fires - 1 if load else 0)
    faults = []
    for field, used in calls_in_flight(campaign).items():
        for region in regions:
            room = max(region.unreserved_concurrency - own, 0)
            if used > room:
                faults.append(
                    f"{field}: {asked[field]} is above what {region.region} leaves for this account's functions "
                    f"({region.unreserved_concurrency} unreserved, {own} of them for the campaign itself); at most "
                    f"{room if load is None else _most_load(load, room)}"
                )
    if faults:
        raise InvalidCampaign("\n".join(faults))


def _most_load(load: Load, room: int) -> int:
    """The most threads or requests a second that fit into that many executions at once, in the busiest phase."""
    each = 1 if load.loop == "closed" else REQUESTS_PER_S_AND_CONCURRENCY
    return math.floor(room * each / max(phase.share for phase in load.phases))


def check_room(campaign: Campaign, lanes: list[Lane], by_region: dict[str, RegionInventory]) -> None:
    """Whether each region that a lane touches can carry it alone: inner functions and clients count as well."""
    in_flight = max(calls_in_flight(campaign).values())
    field = "load.fires, load.threads" if campaign.load else "warm.concurrency"
    faults = {}
    for lane in lanes:
        for region, needed in concurrency_needed(lane, in_flight).items():
            room = by_region[region].unreserved_concurrency
            if needed > room:
                faults[lane.target, lane.region, region] = (
                    f"{field}: a lane of {lane.target} in {lane.region} would need {needed} executions at once in "
                    f"{region}, its inner calls and the campaign's own functions included; {room} are unreserved there"
                )
    if faults:
        raise InvalidCampaign("\n".join(faults.values()))


def check_holds(lanes: list[Lane], functions: dict[tuple[str, str], TargetFunction]) -> None:
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


def check_duration(lanes: list[Lane]) -> None:
    """Refuse a phase that outlasts Fire, and a lane that outlasts its own time."""
    for load in (step.load for lane in lanes for step in lane.steps if step.load):
        if load_s(load) > MAX_PHASE_S:
            raise InvalidCampaign(
                f"load.iterations: phase {load.phase} would take about {load_s(load):.0f} s, above the {MAX_PHASE_S} s "
                "that a Fire has; give fewer iterations"
            )
    longest_s = max(map(lane_s, lanes))
    if longest_s > MAX_TOUR_S:
        raise InvalidCampaign(
            f"rounds: one round of one function would take about {longest_s / 60:.0f} minutes, above the "
            f"{MAX_TOUR_S // 60} that it has; use "
            + (
                "fewer protocols, phases or iterations"
                if lanes[0].steps[0].load
                else "more rounds, or fewer samples or sizes"
            )
        )


def check_versions(lanes: list[Lane], functions: dict[tuple[str, str], TargetFunction]) -> None:
    """Refuse more fresh versions at once than the account's code storage holds."""
    most = max(step.versions for lane in lanes for step in lane.steps)
    largest = max(function.code_size_bytes for function in functions.values())
    stored = most * sum(max(0, function.code_size_bytes) for function in functions.values())
    if stored > CODE_STORAGE_BYTES:
        raise InvalidCampaign(
            f"cold.samples: {most} fresh versions at once of packages up to {largest / 1e6:.1f} MB are "
            f"{stored / 1e9:.0f} GB, above the 75 GB of code storage that an account has; use more rounds"
        )


def concurrency_needed(lane: Lane, in_flight: int) -> Counter[str]:
    """Executions that a lane needs at once, by region: its calls, their inner calls, and the lane's own functions."""
    fires = max((step.load.fires for step in lane.steps if step.load), default=1)
    needs = Counter({lane.client_region: CONTROL_CONCURRENCY + fires - 1})
    if not all(step.on_server for step in lane.steps):
        needs[lane.region] += in_flight
    for region in {step.inner.region for step in lane.steps if step.inner}:
        needs[region] += in_flight
    return needs
