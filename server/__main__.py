"""The command line: `python -m server`, or `isotherm serve` in a checkout. Says what is wrong with its options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from server import DEFAULT_PORT, certificate, logs
from server.application import Bounds
from server.handlers import STORE_VARIABLE, TABLE_VARIABLE
from server.serving import CannotListen, Serving, listen, serve

FAILED = 1

DESCRIPTION = (
    "The measured handlers `customers` and `default` behind HTTPS. One line of JSON per request on standard output."
)
EPILOG = """\
routes: POST /customers, GET /customers/{email}, GET /default, GET /healthz

Any option can be given in the environment instead: --stop-s as ISOTHERM_SERVER_STOP_S, --self-signed as
ISOTHERM_SERVER_SELF_SIGNED=1. The table is that of ISOTHERM_CUSTOMERS_TABLE, reached by way of AWS_ENDPOINT_URL where
something stands in for AWS.

exit codes: 0 stopped as told (SIGTERM, SIGINT), 1 failed, or gave up requests on stopping, 2 bad input
"""


def main() -> int:
    """Carry out the command line of this process; give the exit code."""
    parser = command_line("python -m server")
    return run(parser, read(parser, sys.argv[1:]))


def read(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Read the options; tell, and end the process, where one is wrong or they do not go together.

    Parameters
    ----------
    parser : ArgumentParser
        From `command_line`; more may have been added to it.
    arguments : sequence of str
        What the person typed after the program.
    """
    options = parser.parse_args(arguments)
    if options.self_signed == (options.certfile is not None):
        parser.error("give either --certfile (and --keyfile) or --self-signed")
    if options.self_signed and options.keyfile is not None:
        parser.error("--keyfile: goes with --certfile, not with --self-signed")
    if options.ca_file is not None and not options.self_signed:
        parser.error("--ca-file: goes with --self-signed; clients know who signed --certfile")
    if options.memory and options.workers > 1:
        parser.error(f"--memory: {options.workers} workers share no memory; leave out --workers, or use the table")
    return options


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Serve as the options say, until told to stop; give the exit code."""
    if options.memory:
        os.environ[STORE_VARIABLE] = "memory"
    elif os.environ.get(STORE_VARIABLE) != "memory" and not os.environ.get(TABLE_VARIABLE):
        parser.error(f"{TABLE_VARIABLE}: not set; name the table of customers there, or give --memory")
    try:
        if options.self_signed:
            context = certificate.self_signed(options.name, options.ca_file)
        else:
            context = certificate.from_files(options.certfile, options.keyfile or options.certfile)
    except certificate.BadCertificate as problem:
        parser.error(str(problem))
    try:
        listening = listen(options.host, options.port)
    except CannotListen as problem:
        print(f"{parser.prog}: {problem}", file=sys.stderr)
        return FAILED
    bounds = Bounds(options.threads, options.in_flight, options.timeout_s, options.body_bytes, options.arrival_s)
    logs.take_over_logging()
    return serve(listening, Serving(context, options.stop_s, options.workers, bounds, options.log_group))


def command_line(program: str) -> argparse.ArgumentParser:
    """The options; `program` is what the person typed to get here."""
    parser = argparse.ArgumentParser(
        prog=program, description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = Bounds()
    where = parser.add_argument_group("where")
    where.add_argument("--host", help="address to listen on (default 127.0.0.1; 0.0.0.0 for every one)")
    where.add_argument(
        "--port", type=_number(0, 65535), help=f"port to listen on (default {DEFAULT_PORT}; 0 for a free one)"
    )
    tls = parser.add_argument_group("certificate: one of")
    tls.add_argument("--certfile", type=Path, help="PEM file with the certificate and its chain")
    tls.add_argument("--keyfile", type=Path, help="PEM file with its key (default: in --certfile)")
    tls.add_argument("--self-signed", action="store_true", help="make one now, for tests; its keys are not kept")
    tls.add_argument(
        "--name", action="append", help="with --self-signed: a name or address besides loopback's; repeatable"
    )
    tls.add_argument("--ca-file", type=Path, help="with --self-signed: put there what clients verify it with")
    store = parser.add_argument_group("storage and log")
    store.add_argument(
        "--memory",
        action="store_true",
        help="keep customers in this process instead of the table, to load the server and nothing behind it",
    )
    store.add_argument(
        "--log-group",
        help="put the lines of measured requests into this group of CloudWatch Logs too; for where no log driver does",
    )
    size = parser.add_argument_group("size and bounds")
    size.add_argument("--workers", type=_number(1, 64), help="processes (default 1)")
    size.add_argument(
        "--threads", type=_number(1, 256), help=f"handlers at once, per process (default {usual.threads})"
    )
    size.add_argument(
        "--in-flight",
        type=_number(1, 65536),
        help=f"requests at once, waiting ones included, per process; more get 503 (default {usual.in_flight})",
    )
    size.add_argument("--body-bytes", type=_number(1, 10_485_760), help=f"of a request (default {usual.body_bytes})")
    size.add_argument(
        "--timeout-s", type=_seconds, help=f"for a handler to answer, then 504 (default {usual.timeout_s:g})"
    )
    size.add_argument(
        "--arrival-s",
        type=_seconds,
        help=f"for a TLS handshake, and for a request to arrive, then 408 (default {usual.arrival_s:g})",
    )
    size.add_argument("--stop-s", type=_seconds, help="for what is in flight to end once told to stop (default 20)")
    parser.set_defaults(
        host="127.0.0.1", port=DEFAULT_PORT, name=[], workers=1, stop_s=20.0,
        threads=usual.threads, in_flight=usual.in_flight, body_bytes=usual.body_bytes, timeout_s=usual.timeout_s,
        arrival_s=usual.arrival_s,
    )  # fmt: skip
    _take_environment(parser)
    return parser


def _take_environment(parser: argparse.ArgumentParser) -> None:
    """Make what the environment says each option's default; argparse checks one that is text like an argument."""
    for action in parser._actions:
        name = f"ISOTHERM_SERVER_{action.dest.upper()}"
        given = os.environ.get(name)
        if not given or action.dest == "help":
            continue
        if action.nargs == 0:
            if given not in ("0", "1"):
                parser.error(f"{name}: {given!r} is neither 1 nor 0")
            parser.set_defaults(**{action.dest: given == "1"})
        else:
            parser.set_defaults(**{action.dest: given.split(",") if action.dest == "name" else given})


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 900:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and up to 900")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
