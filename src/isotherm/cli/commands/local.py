"""`isotherm local up|down|status`: the embedded stack of this checkout."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.options import JsonOption

if TYPE_CHECKING:
    from isotherm.local.stack import Stack

commands = typer.Typer(
    no_args_is_help=True, help="The embedded stack: an emulator of AWS on this machine, on loopback only."
)


@commands.command()
def up(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, help="Where it listens (else 4566, or a free port where that is taken)."
        ),
    ] = None,
    enforce_iam: Annotated[
        bool,
        typer.Option("--enforce-iam", help="Check every call against the template's policies; for one region only."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the embedded stack; harmless when it is up."""
    from isotherm.cli.console import remarks
    from isotherm.cli.waiting import waiting
    from isotherm.local import stack
    from isotherm.local.checkout import find_checkout

    with waiting(remarks()) as say:
        running = stack.up(find_checkout(), port=port, enforce_iam=enforce_iam, say=say)
    _show(running, as_json)


@commands.command()
def down(
    sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, even if a campaign is running.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the embedded stack with everything it runs; harmless when it is not up.

    It keeps all in memory, so it asks first if a campaign is running; where there is no terminal, it then needs --yes.
    """
    from isotherm.local import stack
    from isotherm.local.checkout import find_checkout

    checkout = find_checkout()
    running = stack.status(checkout)
    if running is not None and not sure:
        _confirm(running)
    stopped = stack.down(checkout)
    print(json.dumps({"stopped": stopped}) if as_json else "stopped" if stopped else "it was not up")


def _confirm(running: Stack) -> None:
    from isotherm.cli.errors import Failed
    from isotherm.local import deploy, stack

    stack.enter(running)
    campaigns = deploy.running_campaigns(running)
    if not campaigns:
        return
    for name in campaigns:
        print(
            f"campaign {name} is running on the embedded stack; what it measured would be lost "
            f"(to see how it stands: isotherm follow {name})",
            file=sys.stderr,
        )
    if not sys.stdin.isatty():
        raise Failed("nothing was stopped; to stop it all the same: isotherm local down --yes")
    print("stop it all the same? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failed("nothing was stopped")


@commands.command()
def status(as_json: JsonOption = False) -> None:
    """Say whether the embedded stack is up (exit code 0) or not (1), and how to reach it."""
    from isotherm.local import stack
    from isotherm.local.checkout import find_checkout

    running = stack.status(find_checkout())
    _show(running, as_json)
    if running is None:
        raise typer.Exit(1)


def _show(running: Stack | None, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(running), indent=2))
        return
    if running is None:
        print("down")
        return
    print(
        f"up at {running.endpoint_url}, account {running.account_id}"
        + (", IAM enforced" if running.enforce_iam else "")
    )
    print("for other AWS tools in this shell:")
    for name, value in running.credentials().items():
        print(f"  export {name}={value}")


def _document(running: Stack | None) -> dict[str, Any]:
    if running is None:
        return {"up": False}
    return {
        "up": True,
        "endpoint_url": running.endpoint_url,
        "account_id": running.account_id,
        "enforce_iam": running.enforce_iam,
        "pid": running.pid,
        "log": running.log,
        "environment": running.credentials(),
    }
