"""`isotherm prices`: the table that plans and reports are priced by, and its refreshing from AWS's price list."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from isotherm.cli.options import JsonOption

RegionOption = Annotated[
    list[str] | None, typer.Option("--region", help="Show this region; may be given more than once (else us-east-1).")
]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", help="Fetch AWS's price list with your own credentials, and use it from now on.")
]


def prices(region: RegionOption = None, refresh: RefreshOption = False, as_json: JsonOption = False) -> None:
    """Show the AWS prices that are used, how old they are, and which are not known for a region."""
    from isotherm.cli.console import results
    from isotherm.cli.errors import BadInput
    from isotherm.pricing.bill import KNOWN_REGION, PRICES, price_table, rate

    regions = region or [KNOWN_REGION]
    from isotherm.aws.clients import lambda_regions

    known = lambda_regions()
    for name in regions:
        if name not in known:
            raise BadInput(f"--region: {name!r} is not an AWS region; for example us-east-1 or eu-west-1")
    if refresh:
        _refresh()
    table = price_table()
    if as_json:
        print(json.dumps(table, indent=2))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=f"USD, as of {table['as_of']}", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    shown.add_column("price of one")
    for name in regions:
        shown.add_column(name, justify="right", no_wrap=True)
    guessed = False
    for price, what in PRICES.items():
        row = []
        for name in regions:
            usd, sure = rate(price, name)
            guessed = guessed or not sure
            row.append(f"{usd:.10f}".rstrip("0") + ("" if sure else " *"))
        shown.add_row(what, *row)
    results().print(shown)
    if guessed:
        results().print(Text(f"* not known: that of {KNOWN_REGION}; isotherm prices --refresh asks AWS"))
    results().print(Text(f"Source: {table['source']}"))


def _refresh() -> None:
    from isotherm.aws.price_list import fetch_table
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Failed
    from isotherm.cli.waiting import waiting
    from isotherm.local.writing import replace_whole
    from isotherm.pricing.bill import price_file, price_table
    from isotherm.pricing.price_list import NoPrice

    try:
        with waiting(remarks()) as say:
            table = fetch_table(say)
    except NoPrice as problem:
        raise Failed(f"{problem}; the table is left as it is, of {price_table()['as_of']}") from problem
    replace_whole({price_file(): f"{json.dumps(table, indent=2)}\n".encode()})
    price_table.cache_clear()
    remarks().print(
        f"{price_file()} is of {table['as_of']} now; deploy again, so that the stack plans with it (isotherm deploy)",
        markup=False,
        soft_wrap=True,
    )
