"""Where a command works: the embedded stack of this checkout, or AWS. The same two options for every command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from isotherm.campaign.stack_health import DEFAULT_HOME_REGION as DEFAULT_HOME_REGION
from isotherm.campaign.stack_health import DEFAULT_STACK as DEFAULT_STACK
from isotherm.campaign.stack_health import code_of
from isotherm.cli.errors import Failed

if TYPE_CHECKING:
    from isotherm.deployed.deployment import Deployment


class On(StrEnum):
    """The two places; AWS is never chosen unless it is asked for."""

    LOCAL = "local"
    AWS = "aws"


OnOption = Annotated[
    On,
    typer.Option(
        "--on",
        envvar="ISOTHERM_ON",
        help="Where: the embedded stack of this checkout (isotherm local up), or AWS with your own credentials.",
    ),
]
StackOption = Annotated[str, typer.Option("--stack", envvar="ISOTHERM_STACK", help="Name of the CloudFormation stack.")]
HomeOption = Annotated[
    str,
    typer.Option(
        "--home",
        envvar="ISOTHERM_HOME_REGION",
        help="Home region: table, bucket, campaign machine.",
        callback=code_of,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for programs.")]


@dataclass(frozen=True, slots=True)
class Place:
    """A stack somewhere, as a command's options name it."""

    on: On
    stack: str
    home_region: str

    @property
    def options(self) -> str:
        """The options that lead to this place again, to be shown in a command; empty for the defaults."""
        shown = [f"--on {self.on.value}"] if self.on is not On.LOCAL else []
        shown += [f"--stack {self.stack}"] if self.stack != DEFAULT_STACK else []
        shown += [f"--home {self.home_region}"] if self.home_region != DEFAULT_HOME_REGION else []
        return "".join(f" {option}" for option in shown)

    def enter(self) -> None:
        """Make this process's AWS calls go there.

        Raises
        ------
        Failed
            The embedded stack is meant, and is not up.
        """
        if self.on is On.AWS:
            return
        from isotherm.local import stack
        from isotherm.local.checkout import find_checkout

        running = stack.status(find_checkout())
        if running is None:
            raise Failed(
                "the embedded stack is not up: `isotherm local up` and `isotherm deploy` first, or add --on aws"
            )
        stack.enter(running)

    def deployment(self) -> Deployment:
        """What is deployed there; `enter` comes first.

        Raises
        ------
        Failed
            The stack is not there.
        """
        from isotherm.deployed.deployment import NotDeployed, find_deployment

        try:
            return find_deployment(self.stack, self.home_region)
        except NotDeployed as problem:
            raise Failed(f"{problem}; first: isotherm deploy{self.options}") from problem
