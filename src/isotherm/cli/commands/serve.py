"""`isotherm serve`: the server of this checkout, on this machine. Its options are those of `python -m server`."""

from __future__ import annotations

import os
import sys

import typer

from isotherm.cli.options import DEFAULT_PLACE, On, Place


def serve(context: typer.Context) -> None:
    """Serve the measured handlers over HTTPS on this machine (needs the extra "server")."""
    from isotherm.cli.errors import Failed
    from isotherm.local.checkout import find_checkout

    checkout = find_checkout()
    sys.path.insert(0, str(checkout.root))  # the server is not a part of the package: it goes where handlers go, whole
    try:
        from server.__main__ import command_line, read, run
    except ModuleNotFoundError as problem:
        raise Failed(f"the server needs {problem.name}: pip install 'isotherm[server]'") from problem
    parser = command_line("isotherm serve")
    table = parser.add_argument_group("table, without --memory")
    table.add_argument(
        "--on",
        type=On,
        choices=list(On),
        default=os.environ.get("ISOTHERM_ON", DEFAULT_PLACE.on),
        help="whose table: the embedded stack's (default), or AWS's",
    )
    table.add_argument(
        "--stack",
        default=os.environ.get("ISOTHERM_STACK", DEFAULT_PLACE.stack),
        help=f"name of the CloudFormation stack (default {DEFAULT_PLACE.stack})",
    )
    table.add_argument(
        "--region",
        default=os.environ.get("ISOTHERM_HOME_REGION", DEFAULT_PLACE.home_region),
        help=f"the table's region (default {DEFAULT_PLACE.home_region})",
    )
    options = read(parser, context.args)
    try:
        Place(options.on, options.stack, options.region).enter()
    except Failed:
        if not options.memory:
            raise
    else:
        os.environ |= {"AWS_REGION": options.region, "ISOTHERM_CUSTOMERS_TABLE": f"{options.stack}-customers"}
        if options.on is On.LOCAL and options.log_group is None:
            # Where a stack's own server has its log, and a campaign looks for it.
            options.log_group = f"/isotherm/{options.stack}/server"
    raise typer.Exit(run(parser, options))
