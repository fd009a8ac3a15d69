"""Publishes the fresh versions that one stage of a tour is going to call, after noting how each function was before."""

from __future__ import annotations

import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.preparation import prepare_stage
from isotherm.aws.request import StageRequest, parse
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of

logger = Logger()


#: Fires that share a load begin this long after they were told to: by then all of them have started up.
TOGETHER_S = 10.0


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish one version for each burst, in order; answer the numbers of the shards that Fires carry out.

    There is none where no step is ready: its lanes are spared, or their functions refuse.
    """
    request = parse(StageRequest, event)
    logger.append_keys(**request.log_keys)
    home = Home.from_environment()
    table = Table(home)
    tour = tour_of(home, *request.where)
    steps = tour.steps_of(request.stage)
    until_now = [one.lane_key for stage in tour.stages[: request.stage + 1] for one in stage]
    tasks = tasks_of(home, request.campaign_id, until_now)
    ready = prepare_stage(home, request.campaign_id, tour, request.stage, tasks)
    first = steps[0]
    load = tasks[first.lane_key].lane.step(first.step).load
    fires = load.fires if load else 1
    if fires > 1:
        said = LaneFacts(load_begins_at=time.time() + TOGETHER_S)
        table.update_lane(request.campaign_id, first.lane_key, said, unless_ended=True)
    return {"shards": list(range(fires)) if ready else [], "steps": ready}
