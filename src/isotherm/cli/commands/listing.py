"""`isotherm list`: the campaigns of a stack, the newest first."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption

LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Show at most this many.")]


def list_campaigns(
    limit: LimitOption = 20,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """List the campaigns of a stack that were admitted, the newest first, with what each found.

    Dry runs leave nothing behind and are not among them.
    """
    from isotherm.cli.console import remarks, results
    from isotherm.numbers import NOTHING, dollars

    found = Place(on, stack, home).campaigns().latest(limit)
    if as_json:
        print(json.dumps([asdict(campaign) for campaign in found], indent=2, ensure_ascii=False))
        return
    if not found:
        remarks().print(
            "no campaign yet (dry runs apart); start one with: isotherm run events/campaign-package-size.json",
            markup=False,
            soft_wrap=True,
        )
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Campaign", overflow="fold")
    for title in ("Started", "Status"):
        table.add_column(title, no_wrap=True)
    table.add_column("Lanes", justify="right")
    table.add_column("Planned", justify="right", no_wrap=True)
    table.add_column("Found", overflow="fold")
    for campaign in found:
        table.add_row(
            # The id of a scheduled campaign is a UUID, which says nothing to a person.
            Text(
                campaign.campaign_id
                if campaign.campaign_id.startswith(campaign.name)
                else f"{campaign.name}\n{campaign.campaign_id}"
            ),
            campaign.started_at[:16].replace("T", " "),
            campaign.status.lower(),
            f"{campaign.lanes:,}",
            NOTHING if campaign.price_usd is None else dollars(campaign.price_usd),
            Text(campaign.headline or NOTHING),
        )
    results().print(table)
