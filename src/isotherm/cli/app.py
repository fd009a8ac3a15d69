"""Puts the commands together, and turns everything that can go wrong into one readable message and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer
from typer.exceptions import TyperException

from isotherm.cli.commands import (
    analyse,
    compare,
    demo,
    deploy,
    destroy,
    export,
    follow,
    listing,
    load,
    local,
    parse,
    plan,
    prices,
    report,
    run,
    schedule,
    serve,
    stop,
    trend,
)
from isotherm.cli.errors import EXIT_CODES, FAILED, ending_of
from isotherm.local.interrupts import Once, say_at_once
from isotherm.printable import printable

_EXIT_CODES = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="isotherm",
    help="Maps where AWS Lambda runs cold: cold and warm starts by package size, memory and region.",
    epilog=f"Exit codes: {_EXIT_CODES}.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(plan.plan)
app.command()(run.run)
app.command()(follow.follow)
app.command()(stop.stop)
app.command()(report.report)
app.command()(compare.compare)
app.command()(analyse.analyse)
app.command()(export.export)
app.command()(trend.trend)
app.command()(schedule.schedule)
app.command("list")(listing.list_campaigns)
app.command()(deploy.deploy)
app.command()(destroy.destroy)
app.add_typer(local.commands, name="local")
# The server reads its own options, which `python -m server` has too.
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)(
    serve.serve
)
app.command()(load.load)
app.command()(parse.parse)
app.command()(prices.prices)


@app.callback(invoke_without_command=True)
def _options(
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        from isotherm import __version__

        typer.echo(f"isotherm {__version__}")
        raise typer.Exit


def run_command(arguments: Sequence[str]) -> int:
    """Carry out one command line.

    Parameters
    ----------
    arguments : sequence of str
        What follows `isotherm`.

    Returns
    -------
    int
        The exit code.
    """
    # A closed terminal or a polite kill must unwind like Ctrl-C, so that what was started is stopped.
    # `timeout` sends one to the process and one to its group: the second must not cut short what the first began.
    leaving = Once({signal.SIGTERM: _leave, signal.SIGHUP: _leave})
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leaving)
    try:
        return int(app(list(arguments), prog_name="isotherm", standalone_mode=False) or 0)
    except TyperException as problem:
        if problem.format_message():  # empty where the help was shown instead
            _tell(problem.format_message())
        return problem.exit_code
    except typer.Abort:
        return FAILED
    except BrokenPipeError:  # `isotherm plan ... | head`
        sys.stderr.close()
        return FAILED
    except Exception as problem:
        ending = ending_of(problem)
        if ending is None:
            raise
        _tell(str(ending))
        return ending.exit_code


def _leave(number: int, _frame: FrameType | None) -> None:
    say_at_once(f"isotherm: ended by {signal.Signals(number).name}")
    raise SystemExit(128 + number)


def _tell(text: str) -> None:
    print(f"isotherm: {printable(text)}", file=sys.stderr)
