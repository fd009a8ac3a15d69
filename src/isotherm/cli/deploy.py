"""`isotherm deploy`: `sam build` and `sam deploy`, to one region or several side by side."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from isotherm.cli.place import (
    DEFAULT_HOME_REGION,
    DEFAULT_STACK,
    HomeOption,
    JsonOption,
    On,
    OnOption,
    Place,
    StackOption,
)
from isotherm.cli.regions import RegionsArgument, RegionsOption, read_regions

AWS_RUNTIME = "python3.14"

Architecture = Literal["x86_64", "arm64"]


def deploy(
    named: RegionsArgument = None,
    regions: RegionsOption = None,
    on: OnOption = On.LOCAL,
    stack: StackOption = DEFAULT_STACK,
    home: HomeOption = DEFAULT_HOME_REGION,
    runtime: Annotated[
        str | None,
        typer.Option("--runtime", help=f"Runtime of the functions (else {AWS_RUNTIME}; locally our own Python)."),
    ] = None,
    architecture: Annotated[
        Architecture | None,
        typer.Option("--architecture", help="Of the functions (else x86_64; locally always this machine's)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the functions and deploy the stack to the home region and those named, side by side.

    What has not changed is not done again.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.waiting import waiting
    from isotherm.local import build as building
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding
    from isotherm.local.checkout import find_checkout

    wanted = read_regions([home], named, regions)
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
        done = deploying.deploy(checkout, made, wanted, embedded=embedded, stack_name=stack, home_region=home, say=say)
    if as_json:
        print(json.dumps({"stack": stack, "changed": done.changed, "unchanged": done.unchanged}, indent=2))
    else:
        remarks().print(
            f"stack {stack} is deployed to {', '.join(done.changed + done.unchanged)}"
            + (f" (unchanged: {', '.join(done.unchanged)})" if done.unchanged else ""),
            markup=False,
            soft_wrap=True,
        )
