"""Finds tours and campaigns whose execution ended, or is gone, without a word: a region went away, a person aborted it.

A tour that ends tells the campaign itself, and one that is killed is rescued in its own region. Where that region has
no functions left, neither happens, and the campaign would wait until its own time-out, for hours. A campaign that was
aborted in the console would keep its functions from others for as long.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home, from_template
from isotherm.aws.lost_tours import find_lost_tours, free_functions_of_ended, give_up
from isotherm.aws.store.table import Table

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give lost tours up and tell their campaign, which then has their functions restored as far as that can be."""
    home = Home.from_environment()
    table = Table(home)
    now = datetime.now(UTC)
    lost = [found for found in find_lost_tours(table, now) if give_up(home, found)]
    ended = free_functions_of_ended(table, from_template("ISOTHERM_CAMPAIGN_MACHINE"), now)
    return {"lost": [found.tour.tour_key for found in lost], "ended": ended}
