"""`isotherm destroy`: remove the stack from regions, the home region last, with no trace left."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from isotherm.cli.errors import BadInput, Failed, Interrupted
from isotherm.cli.options import (
    DEFAULT_PLACE,
    HomeOption,
    JsonOption,
    OnOption,
    Place,
    RegionsArgument,
    RegionsOption,
    StackOption,
    read_regions,
)

if TYPE_CHECKING:
    from isotherm.aws.removal import Losses
    from isotherm.aws.stacks import StackFound
    from isotherm.local.tools import Tell


def destroy(
    named: RegionsArgument = None,
    regions: RegionsOption = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Every region that has the stack, the home included.")
    ] = False,
    sure: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for the stack's name before removing anything.")
    ] = False,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Remove the stack from regions with all that it made there: functions, tables, logs, machines, roles.

    The home region goes last and takes all results with it; it stays while there are satellites that are not named.
    Regions that do not have the stack are no failure.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.waiting import waiting

    wanted = read_regions(named, regions)
    if bool(wanted) == everywhere:
        raise BadInput("--regions: name the regions from which to remove the stack, or give --all alone for every one")
    Place(on, stack, home).enter()
    with waiting(remarks()) as say:
        say(f"looking for stack {stack}")
        doomed = _find(stack, home, wanted)
    if doomed.there or doomed.absent:
        remarks().print(_told(stack, doomed, home), markup=False, soft_wrap=True)
        if not sure:
            _confirm(stack)
    with waiting(remarks()) as say:
        done = _remove(stack, doomed, home, say.region)
    if as_json:
        print(json.dumps({"stack": stack, "home": home, **vars(done)}, indent=2))
    else:
        _show(stack, done)
    if done.failed:
        raise Failed("\n".join(f"{region}: {reason}" for region, reason in done.failed.items()))


#: Removes something, given a function to call with its state; returns what else it removed.
_Work = Callable[[Callable[[str], None]], list[str]]


@dataclass
class _Doomed:
    """Regions from which to remove the stack: those that have it, the home last, and those that do not.

    `servers` are the optional servers beside them, which go first. `lost` where the home is among them; `running` names
    the campaigns that will notice.
    """

    there: dict[str, StackFound]
    absent: list[str]
    servers: dict[str, StackFound]
    lost: Losses | None
    running: list[str]


@dataclass
class _Removed:
    """What became of each region; `besides` is what CloudFormation would have left, in words."""

    removed: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    besides: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def _find(stack: str, home: str, wanted: list[str]) -> _Doomed:
    from isotherm.aws.clients import lambda_regions
    from isotherm.aws.removal import losses, running_campaigns
    from isotherm.aws.stacks import find_stacks, server_stack

    # Where the home is to go, everything that depends on it has to be known.
    beside = [] if wanted and home not in wanted else lambda_regions(home)
    asked = list(dict.fromkeys([*wanted, home, *beside]))
    found = find_stacks(asked, stack)
    named_so = find_stacks(asked, server_stack(stack))
    servers = {region: server for region, server in named_so.items() if server.server_of == stack}
    for region in wanted:
        if region in found and (served := found[region].server_of) is not None:
            raise BadInput(
                f"--regions: stack {stack} in {region} is the server of stack {served}; to remove it alone: "
                f"isotherm deploy --stack {served} --parameter FargateServer=off --parameter InstanceServer=off"
            )
        belongs = found[region].home(region) if region in found else home
        if belongs is None and found[region].status != "REVIEW_IN_PROGRESS":
            raise BadInput(
                f"--regions: stack {stack} in {region} does not belong to Isotherm; remove it with CloudFormation"
            )
        if belongs not in (None, home):
            raise BadInput(
                f"--regions: stack {stack} in {region} belongs to home region {belongs}: add --home {belongs}"
            )
    family = [region for region in found if found[region].home(region) == home]
    staying = [region for region in family if wanted and region not in wanted]
    if home in wanted and home in found and staying:
        raise BadInput(
            f"--regions: {home} is the home region of {', '.join(staying)}, whose lanes and results need it; "
            "name them too, or give --all"
        )
    going = [region for region in wanted or family if region in found]
    # With --all also where only the server is left, its stack having been removed by other means.
    absent = [region for region in wanted or servers if region not in found]
    return _Doomed(
        there={region: found[region] for region in sorted(going, key=lambda region: region == home)},
        absent=absent,
        servers={region: server for region, server in servers.items() if region in (*going, *absent)},
        lost=losses(home, found[home]) if home in going else None,
        running=running_campaigns(home, found[home]) if home in found and going else [],
    )


def _told(stack: str, doomed: _Doomed, home: str) -> str:
    lines = []
    if doomed.there:
        lines.append(f"stack {stack} will be removed from {', '.join(doomed.there)}: functions, tables, logs, roles")
    if doomed.servers:
        lines.append(f"its server goes first, from {', '.join(doomed.servers)}: load balancer, task, instance, secret")
    if doomed.absent:
        lines.append(f"there is no stack {stack} in {', '.join(doomed.absent)}; logs and uploads it left are removed")
    if (lost := doomed.lost) is not None:
        campaigns = "1 campaign" if lost.campaigns == 1 else f"{lost.campaigns} campaigns"
        lines.append(
            f"all results go with the home region {home}: {campaigns} "
            f"({lost.objects} objects, {lost.size_bytes / 1e6:.1f} MB in bucket {lost.bucket}); "
            "to keep them, run `isotherm export` and `isotherm report` first"
        )
    what = "will end in the middle" if home in doomed.there else "will lose its lanes there"
    lines += [f"campaign {name} is running and {what}" for name in doomed.running]
    return "\n".join(lines)


def _confirm(stack: str) -> None:
    print("type the stack's name to go on: ", end="", file=sys.stderr, flush=True)
    typed = sys.stdin.readline().strip()
    if typed != stack:
        raise Failed(
            "nothing was removed: "
            + (f"{typed!r} is not {stack!r}" if typed else "it was not confirmed (--yes skips the question)")
        )


def _remove(stack: str, doomed: _Doomed, home: str, tell: Tell) -> _Removed:
    """Satellites side by side, then the home region if no satellite is left."""
    done = _Removed(absent=doomed.absent)
    satellites = [region for region in doomed.there if region != home]
    _side_by_side({region: _work(stack, doomed, region) for region in (*satellites, *doomed.absent)}, done, tell)
    if home in doomed.there:
        if done.failed:
            done.failed[home] = f"stays, since it is still needed by {', '.join(done.failed)}"
        else:
            _side_by_side({home: _work(stack, doomed, home)}, done, tell)
    done.removed = [region for region in doomed.there if region not in done.failed]
    return done


def _work(stack: str, doomed: _Doomed, region: str) -> _Work:
    """Removes from one region the server first, then the stack or what is left of it."""
    from isotherm.aws.removal import remove_stack, sweep
    from isotherm.aws.stacks import server_stack

    def work(tell: Callable[[str], None]) -> list[str]:
        besides = []
        if region in doomed.servers:
            server = server_stack(stack)
            besides = [f"stack {server}", *remove_stack(region, server, doomed.servers[region], tell)]
        if region in doomed.there:
            return besides + remove_stack(region, stack, doomed.there[region], tell)
        return besides + sweep(region, stack, tell)

    return work


def _side_by_side(works: dict[str, _Work], done: _Removed, tell: Tell) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    from isotherm.aws.clients import client
    from isotherm.aws.removal import RemovalFailed

    for region in works:
        for service in ("cloudformation", "logs", "s3"):
            client(service, region)  # threads may share clients, not make them
    left = threading.Event()
    begun = time.monotonic()

    def begin(region: str) -> list[str]:
        def told(state: str) -> None:
            if left.is_set():
                raise RemovalFailed("the command was interrupted")
            tell(region, state)

        return works[region](told)

    with ThreadPoolExecutor(max_workers=max(len(works), 1)) as pool:
        runs = {pool.submit(begin, region): region for region in works}
        try:
            for run in as_completed(runs):
                region = runs[run]
                done.seconds[region] = round(time.monotonic() - begun, 1)
                try:
                    if besides := run.result():
                        done.besides[region] = besides
                except (RemovalFailed, ClientError, BotoCoreError) as problem:
                    done.failed[region] = str(problem)
                how = "failed" if region in done.failed else "done"
                tell(region, f"{how} after {done.seconds[region]:.0f} s", ended=True)
        except KeyboardInterrupt:
            left.set()
            raise Interrupted(
                "CloudFormation goes on removing what it has begun to; the same command again removes the rest"
            ) from None


def _show(stack: str, done: _Removed) -> None:
    from isotherm.cli.console import results

    def line(text: str) -> None:
        results().print(text, markup=False, soft_wrap=True)

    for region in done.removed:
        line(f"{region}: stack {stack} is removed ({done.seconds[region]:.0f} s)")
    for region in done.absent:
        line(f"{region}: there is no stack {stack}")
    for region, besides in done.besides.items():
        for what in besides:
            line(f"{region}: removed besides: {what}")
    if not (done.removed or done.absent or done.failed):
        line(f"there is no stack {stack} anywhere")
