"""`isotherm local up|down|status`: the embedded stack of this checkout."""

from __future__ import annotations

import json
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
def down(as_json: JsonOption = False) -> None:
    """Stop the embedded stack with everything it runs; harmless when it is not up."""
    from isotherm.local import stack
    from isotherm.local.checkout import find_checkout

    stopped = stack.down(find_checkout())
    print(json.dumps({"stopped": stopped}) if as_json else "stopped" if stopped else "it was not up")


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
