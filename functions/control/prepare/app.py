"""Publishes the fresh versions that one step of a lane is going to call, after noting how the function was before."""

from __future__ import annotations

import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.preparation import publish_versions
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import task_of

logger = Logger()


#: Fires that share a load begin this long after they were told to: by then all of them have started up.
TOGETHER_S = 10.0


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish one version for each burst, in order; answer the numbers of the shards that Fires carry out."""
    request = parse(StepRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    task = task_of(home, *request.where)
    versions = publish_versions(home, task, request.step)
    load = task.lane.step(request.step).load
    fires = load.fires if load else 1
    if fires > 1:
        said = LaneFacts(load_begins_at=time.time() + TOGETHER_S)
        table.update_lane(*request.where, said, unless_ended=True)
    return {"shards": list(range(fires)), "versions": len(versions)}
