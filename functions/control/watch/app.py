"""Finds lanes whose execution ended, or is gone, without telling the campaign: a region went away with all it had.

A lane that ends tells the campaign itself, and one that is killed is rescued in its own region. Where that region has
no functions left, neither happens, and the campaign would wait until its own time-out, for hours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.lost_lanes import find_lost_lanes, give_up
from isotherm.aws.store.table import Table

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Give lost lanes up and tell their campaign, which then has their functions restored as far as that can be."""
    home = Home.from_environment()
    table = Table(home)
    lost = [found for found in find_lost_lanes(table, datetime.now(UTC)) if give_up(table, home.region, found)]
    return {"lost": [found.lane.lane_key for found in lost]}
