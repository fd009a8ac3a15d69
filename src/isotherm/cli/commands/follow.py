"""`isotherm follow`: look on again after `run` was interrupted, or after a start from the console."""

from __future__ import annotations

from typing import Annotated

import typer

from isotherm.cli.live import follow_and_show
from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption
from isotherm.cli.reports import OutputOption

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id: the name of its execution.")]


def follow(
    campaign_id: IdArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a campaign to its end and show what it found, wherever it was started."""
    place = Place(on, stack, home)
    campaigns = place.campaigns()
    campaigns.state(campaign_id)  # refuses an id that does not exist, before anything is printed
    follow_and_show(campaigns, campaign_id, place, output, as_json)
