"""`isotherm load`: load on an address from this machine, and the table of what came of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.errors import BadInput, Failed, Interrupted
from isotherm.cli.options import JsonOption
from isotherm.load.spec import ARRIVALS, MAX_IN_FLIGHT, PHASES, TIMEOUT_S, Arrivals

if TYPE_CHECKING:
    from isotherm.http.wrong_value import WrongValue
    from isotherm.load.generator import Progress
    from isotherm.load.result import LoadResult
    from isotherm.load.spec import LoadSpec, Phase
    from isotherm.load.target import HttpTarget

#: What a person types for the fields of a load.
_OPTIONS = {
    "threads": "--threads",
    "iterations": "--iterations",
    "rate_per_s": "--rate",
    "duration_s": "--duration",
    "max_in_flight": "--max-in-flight",
    "phases": "--phases",
    "timeout_s": "--timeout",
    "cafile": "--cafile",
    "path": "--get",
    "headers": "--header",
}

_PHASES = ",".join(f"{name}:{share:g}" for name, share in PHASES.items())

#: Longer than this the first connection, by which the address is tried, is not waited for.
_TRIAL_S = 10.0

#: A closed loop gives up after so many time-outs for each thread with no answer in between.
_GIVE_UP = 3

#: What ends a load early, but not without its numbers.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Files that are open beside the connections.
_OTHER_FILES = 64


def load(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the API of customers begins, as in https://127.0.0.1:8443.")
    ],
    threads: Annotated[
        int | None,
        typer.Option("--threads", help="Closed loop: number of connections at the peak; each waits for its answer."),
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", help="Closed loop: posts and gets of each thread in each phase.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Open loop: requests per second at the peak, answered or not."),
    ] = None,
    duration: Annotated[float | None, typer.Option("--duration", help="Open loop: seconds of each phase.")] = None,
    arrivals: Annotated[
        Arrivals, typer.Option("--arrivals", help="Open loop: requests at equal or at random intervals.")
    ] = ARRIVALS,
    phases: Annotated[str, typer.Option("--phases", help="Names and shares of the threads or the rate.")] = _PHASES,
    max_in_flight: Annotated[
        int,
        typer.Option(
            "--max-in-flight",
            help="Open loop: how many requests may be under way at once; others wait, and their wait is counted.",
        ),
    ] = MAX_IN_FLIGHT,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which a request has failed.")] = TIMEOUT_S,
    seed: Annotated[int, typer.Option("--seed", help="Seed for the customers and for random arrivals.")] = 1,
    get: Annotated[
        str | None,
        typer.Option("--get", metavar="PATH", help="Only GETs of this path, behind the URL's, instead of customers."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="'NAME: VALUE'|@FILE",
            help="A header of every request, as a token or an API's key; or a file with one in each line, which keeps "
            "them out of the list of processes. May be given more than once.",
        ),
    ] = None,
    cafile: Annotated[
        str | None, typer.Option("--cafile", help="Certificates to trust instead of the system's (PEM).")
    ] = None,
    give_up: Annotated[
        int,
        typer.Option(
            "--give-up",
            min=0,
            help="Closed loop: end the load after so many time-outs for each thread in a row, with no answer to any "
            "of them in between; 0 never.",
        ),
    ] = _GIVE_UP,
    owned: Annotated[
        str | None,
        typer.Option(
            "--i-own-this-endpoint", metavar="URL", help="Allows load on another machine than this: give the URL again."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make load on an HTTP address, closed or open loop, in phases, and count every request.

    Each iteration posts a customer and gets it. A closed loop (--threads 20 --iterations 100) waits for its answers and
    so hides a server's delays; an open one (--rate 200 --duration 10) does not: its latency counts from the time at
    which a request was meant to be sent. Failures are counted by kind.

    Ctrl-C or SIGTERM ends the load: what was not sent counts as such, and all that was is shown. The exit code is 1
    where more than half of the requests failed, or the load was given up (--give-up).
    """
    from isotherm.http.open_files import allow_connections
    from isotherm.http.wrong_value import WrongValue
    from isotherm.load.permission import NotPermitted, require_permission
    from isotherm.load.spec import LoadSpec
    from isotherm.load.target import HttpTarget

    closed = threads is not None or iterations is not None
    if not closed and rate is None and duration is None:
        raise BadInput("say how much: --threads 20 --iterations 100, or --rate 200 --duration 10")
    try:
        spec = LoadSpec(
            loop="closed" if closed else "open",
            threads=threads,
            iterations=iterations,
            rate_per_s=rate,
            duration_s=duration,
            arrivals=arrivals,
            max_in_flight=max_in_flight,
            phases=_phases(phases),
            seed=seed,
            timeout_s=timeout,
        )
        target = HttpTarget(url, seed=seed, cafile=cafile, get=get, headers=_headers(header or []))
        require_permission(url, owned)
        allow_connections((threads or 0) if closed else max_in_flight, others=_OTHER_FILES, all_of_them=True)
        _try(target, min(timeout, _TRIAL_S))
    except WrongValue as problem:
        raise BadInput(_as_typed(problem)) from None
    except (ValueError, NotPermitted) as problem:
        raise BadInput(str(problem)) from None
    result, ended_by = _run(spec, target, give_up)
    if as_json:
        print(json.dumps({"url": url, "rows": [asdict(row) for row in result.rows()], **result.to_dict()}))
    else:
        _show(result)
    _check(result, ended_by)


def _check(result: LoadResult, ended_by: signal.Signals | None) -> None:
    """Raise unless all was sent, and half of it or more succeeded."""
    partial = result.partial
    if ended_by is not None:
        where = partial.phase if partial is not None else "the end"
        raise Interrupted(f"ended by {ended_by.name} in {where}; what was sent until then is shown", ended_by)
    if partial is not None:
        raise Failed(f"gave up in {partial.phase}: nothing was answered any more; the rest was not sent (--give-up)")
    planned, failed = sum(phase.planned for phase in result.phases), sum(p.failed.total() for p in result.phases)
    if failed == planned:
        raise Failed("not one request succeeded")
    if failed > planned / 2:
        raise Failed(f"{failed:,} of {planned:,} requests failed, more than half")


def _as_typed(problem: WrongValue) -> str:
    """The problem, with the option's name in place of the field's."""
    field, *parts = problem.field.split(".")
    return f"{'.'.join([_OPTIONS.get(field, field), *parts])}: {problem.said}"


def _headers(given: Sequence[str]) -> dict[str, str]:
    """Headers by name, from what was typed or from files; no message has a value in it, which may be a secret."""
    from isotherm.http.wrong_value import WrongValue

    found: dict[str, str] = {}
    for text in given:
        lines = [text]
        if text.startswith("@"):
            try:
                lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeError) as problem:
                reason = getattr(problem, "strerror", None) or "it is not text"
                raise WrongValue("headers", f"{text[1:]!r} cannot be read: {reason}") from None
        for number, line in enumerate(lines, start=1):
            if not line.strip() and text.startswith("@"):
                continue
            name, colon, value = line.partition(":")
            name = name.strip()
            if not colon or not name:
                where = f"line {number} of {text[1:]!r}" if text.startswith("@") else "what was given"
                raise WrongValue("headers", f"{where} is not NAME: VALUE, as in 'X-Api-Key: ...'")
            if name.lower() in {known.lower() for known in found}:
                raise WrongValue("headers", f"{name} is given twice")
            found[name] = value.strip()
    return found


def _phases(text: str) -> tuple[Phase, ...]:
    from isotherm.http.wrong_value import WrongValue
    from isotherm.load.spec import Phase

    found = []
    for part in text.split(","):
        name, _, share = part.strip().partition(":")
        try:
            found.append(Phase(name, float(share)))
        except ValueError:
            raise WrongValue("phases", f"{part.strip()!r} is not NAME:SHARE, as in peak:1 or warmup:0.1") from None
    return tuple(found)


def _try(target: HttpTarget, timeout_s: float) -> None:
    """Open one connection, so that what is wrong with the address or its certificate is said before any load."""
    from isotherm.http.exchange import ExchangeFailed, connect, tls_context

    async def once() -> None:
        context = tls_context(target.cafile) if target.origin.scheme == "https" else None
        connection, _ = await connect(target.origin, context, timeout_s)
        connection.abort()
        await connection.lost

    async def unless_told(told: _Told) -> None:
        trying = asyncio.ensure_future(once())
        told.then = trying.cancel
        await asyncio.wait({trying})
        if told.number is None:
            await trying

    try:
        number = _in_loop(unless_told)
    except ExchangeFailed as problem:
        raise ValueError(f"URL: {problem}") from None
    if number is not None:
        raise Interrupted(f"ended by {number.name} before any request was sent", number)


def _run(spec: LoadSpec, target: HttpTarget, give_up: int) -> tuple[LoadResult, signal.Signals | None]:
    """All phases, and the signal that ended them where one did; phases after the end count as not sent."""
    from isotherm.load.generator import run
    from isotherm.load.result import LoadResult

    result = LoadResult(spec, [])

    async def all_phases(told: _Told) -> None:
        for phase in spec.phases:
            over = result.partial is not None
            with _Line(phase.name, spec.expected_requests(phase), silent=over) as line:
                made = await run(
                    spec,
                    target,
                    phase.name,
                    watch=line,
                    stop=lambda: over or told.number is not None,  # noqa: B023 - asked in this phase alone
                    give_up_after=give_up,
                )
            result.phases.append(made)

    number = _in_loop(all_phases)
    return result, number


class _Told:
    """Whether a signal told the command to end; it does so by itself, and a second one ends it at once."""

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        self.then: Callable[[], object] = lambda: None

    def listen(self) -> None:
        """Take the signals, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        for number in _ENDING:
            self._loop.add_signal_handler(number, self._tell, number)

    def _tell(self, number: signal.Signals) -> None:
        self.number = number
        for each in _ENDING:
            self._loop.remove_signal_handler(each)
        self.then()


def _in_loop(work: Callable[[_Told], Coroutine[Any, Any, None]]) -> signal.Signals | None:
    """Run it, on uvloop where that is installed; the signal that told it to end, if one did."""
    told = _Told()
    before = {number: signal.getsignal(number) for number in _ENDING}

    async def listening() -> None:
        told.listen()
        await work(told)

    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        pass
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(listening())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return told.number


def _show(result: LoadResult) -> None:
    from isotherm.cli.console import wide_results
    from isotherm.report.terminal.loads import load_tables

    wide_results(160).print(load_tables(result))


class _Line:
    """One line of progress, written over and over.

    Not a bar of Rich's: what draws it would take the processor from the generator for milliseconds, which would show
    in the latencies.
    """

    def __init__(self, phase: str, expected: float, *, silent: bool) -> None:
        self._phase = phase
        self._expected = expected
        self._silent = silent
        self._on_terminal = sys.stderr.isatty() and not silent

    def __enter__(self) -> _Line:
        if not self._on_terminal and not self._silent:
            print(f"{self._phase}: about {self._expected:,.0f} requests ...", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        if self._on_terminal:
            sys.stderr.write(
                f"\r\x1b[K{self._phase}: {progress.ended:,} of about {self._expected:,.0f} requests, "
                f"{progress.in_flight:,} under way, {progress.ended - progress.succeeded:,} failed, "
                f"{progress.elapsed_s:.0f} s"
            )
            sys.stderr.flush()
