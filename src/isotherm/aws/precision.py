"""Asks the table whether a lane is needed: whether its cells are as precise as is asked without it.

`isotherm.campaign.stopping` has the rule.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.store.samples import timings_of
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.stopping import shortfalls

logger = logging.getLogger(__name__)


def is_precise_enough(table: Table, task: LaneTask) -> bool:
    """Whether a lane need not run, by the samples of the lanes before it; where that cannot be told, it is needed."""
    if task.enough is None:
        return False
    try:
        missing = shortfalls(task, timings_of(table, task.campaign_id, task.enough.earlier))
    except (ClientError, BotoCoreError):
        logger.exception("precision unknown")
        return False
    logger.info("precision", extra={"missing": [asdict(found) for found in missing]})
    return not missing
