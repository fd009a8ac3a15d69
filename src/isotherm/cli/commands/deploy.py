"""`isotherm deploy`: `sam build` and `sam deploy`, to one region or several side by side."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from isotherm.campaign.stack_health import code_of
from isotherm.cli.errors import BadInput, Failed
from isotherm.cli.options import (
    DEFAULT_PLACE,
    HomeOption,
    JsonOption,
    On,
    OnOption,
    Place,
    RegionsArgument,
    RegionsOption,
    StackOption,
    read_regions,
)

if TYPE_CHECKING:
    from rich.table import Table

    from isotherm.local.deploy import Deployed

AWS_RUNTIME = "python3.14"

Architecture = Literal["x86_64", "arm64"]


def deploy(
    named: RegionsArgument = None,
    regions: RegionsOption = None,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    runtime: Annotated[
        str | None,
        typer.Option("--runtime", help=f"Runtime of the functions (else {AWS_RUNTIME}; locally our own Python)."),
    ] = None,
    architecture: Annotated[
        Architecture | None,
        typer.Option("--architecture", help="Of the functions (else x86_64; locally always this machine's)."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="[REGION:]NAME=VALUE",
            help="A parameter of template.yaml or server/template.yaml, as LogRetentionDays=7, or "
            "london:FargateServer=on for one region alone; repeatable.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the functions and deploy the stack to the home region and those named, side by side.

    What has not changed is not done again. Parameters of the optional server deploy its stack too, <stack>-server;
    FargateServer=off and InstanceServer=off remove it.
    """
    from isotherm.cli.console import remarks, results
    from isotherm.cli.waiting import waiting
    from isotherm.local import build as building
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding
    from isotherm.local.checkout import find_checkout

    wanted = read_regions([home], named, regions)
    check_name(stack)
    settings = read_parameters(parameters or [], wanted)
    place, checkout = Place(on, stack, home), find_checkout()
    place.enter()
    embedded = embedding.status(checkout) if on is On.LOCAL else None
    with waiting(remarks()) as say:
        if embedded is not None:
            made = building.build(checkout, runtime=runtime, say=say)
        else:
            made = building.build(
                checkout, runtime=runtime or AWS_RUNTIME, architecture=architecture or "x86_64", host=False, say=say
            )
        done = deploying.deploy(
            checkout,
            made,
            wanted,
            embedded=embedded,
            stack_name=stack,
            home_region=home,
            parameters=settings[EVERYWHERE],
            regional=settings,
            say=say,
            tell=say.region,
        )
    if as_json:
        print(json.dumps({"stack": stack, "home": home, **asdict(done)}, indent=2))
    else:
        results().print(_summary(stack, home, done))
    if done.failed:
        raise Failed(
            f"{len(done.failed)} of {len(wanted)} regions failed; the others are deployed\n"
            + "\n".join(done.failed.values())
        )


def check_name(stack: str) -> None:
    """Do nothing if a stack may be called so.

    Raises
    ------
    BadInput
        The name is one of those that are kept for the servers of stacks.
    """
    from isotherm.aws.stacks import SERVER_ENDING

    if stack.endswith(SERVER_ENDING):
        raise BadInput(
            f'--stack: "{stack}" is the name of the server of a stack "{stack.removesuffix(SERVER_ENDING)}"; '
            f"choose a name that does not end in {SERVER_ENDING}"
        )


#: What the command itself says to the template, by its other options.
_OURS = {
    "IsothermStack": "--stack",
    "HomeRegion": "--home",
    "PythonRuntime": "--runtime",
    "Architecture": "--architecture",
    "EndpointUrl": "--on",
}

EVERYWHERE = ""


def read_parameters(given: list[str], regions: list[str]) -> dict[str, dict[str, str]]:
    """The template's parameters by region, from `[REGION:]NAME=VALUE`; under `EVERYWHERE` those of all regions.

    Raises
    ------
    BadInput
        A text is of another form, names a region that is not deployed to or what other options say; or is of a
        server, for several regions at once.
    """
    from isotherm.local.deploy import is_of_server

    settings: dict[str, dict[str, str]] = {EVERYWHERE: {}}
    for text in given:
        scope, equals, value = text.partition("=")
        where, colon, name = scope.rpartition(":")
        if not (name.isalnum() and equals) or (colon and not where):
            raise BadInput(
                f"--parameter: {text!r} is not of the form NAME=VALUE or REGION:NAME=VALUE, such as FargateServer=on "
                f"or {regions[0]}:FargateServer=on"
            )
        if name in _OURS:
            raise BadInput(f"--parameter: {name} is set by {_OURS[name]}")
        region = code_of(where) if where else EVERYWHERE
        if region and region not in regions:
            raise BadInput(f"--parameter: {text!r}: {where} is not deployed to, only {', '.join(regions)}")
        if not region and len(regions) > 1 and is_of_server(name):
            raise BadInput(
                f"--parameter: {text!r} would be for each of {', '.join(regions)}, but a server's network and "
                f"certificate are of one region; say which, such as {regions[-1]}:{text}"
            )
        settings.setdefault(region, {})[name] = value
    return settings


def _summary(stack: str, home: str, done: Deployed) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"stack {stack}", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("region", no_wrap=True)
    table.add_column("")
    table.add_column("seconds", justify="right")
    for regions, how in ((done.changed, "deployed"), (done.unchanged, "unchanged"), (done.failed, "[red]failed[/]")):
        for region in regions:
            seconds = done.seconds.get(region)
            part = " (home)" if region == home else ""
            table.add_row(f"{region}{part}", how, "" if seconds is None else f"{seconds:.0f}")
            if region in done.servers:
                table.add_row(f"{region}, server", done.servers[region], "")
    return table
