"""Makes one Fire's share of a phase of a load, on Lambda's own API, on API Gateway or on a server. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from isotherm.aws.calls.bearer_token import bearer_for
from isotherm.aws.calls.certificates import trusting
from isotherm.aws.calls.signature import Signer, caller_role_arn
from isotherm.aws.calls.under_way import lane_end
from isotherm.aws.clients import Home, client
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask, LoadStep, Step
from isotherm.load.generator import run
from isotherm.load.result import PhaseResult
from isotherm.load.target import HttpTarget, LambdaTarget, Target


def make_share(home: Home, task: LaneTask, number: int, shard: int, end_by: float) -> PhaseResult | None:
    """Make a shard of the load of a lane's step, together with the others; None where the lane has ended already.

    Parameters
    ----------
    home : Home
        Where the lane's progress is.
    task : LaneTask
        The lane.
    number, shard : int
        Which of its steps, and which of that step's shares.
    end_by : float
        Unix time (s) by which to end; the lane's own end does so too.
    """
    table, where, step = Table(home), (task.campaign_id, task.lane.key), task.lane.step(number)
    load = step.load
    if load is None or table.lane_ended(*where):
        return None
    table.update_lane(*where, LaneFacts(phase="loading", load_phase=load.phase, step=number), unless_ended=True)
    lane = table.lane(*where) if load.fires > 1 else None
    begin_at = lane.load_begins_at if lane else None
    with lane_end(table, where) as ended:
        return make_load(home, task, step, load, shard, begin_at, end_by, ended)


def make_load(
    home: Home,
    task: LaneTask,
    step: Step,
    load: LoadStep,
    shard: int,
    begin_at: float | None,
    end_by: float,
    stop: Callable[[], bool],
) -> PhaseResult:
    """Make a shard of a phase's requests.

    Parameters
    ----------
    home : Home
        Whose API and roles.
    task, step, load
        What is loaded, by which protocol, and with what.
    shard : int
        Which of the `load.fires` shares.
    begin_at : float or None
        Unix time (s) at which all shards begin; None begins at once.
    end_by : float
        Unix time (s) by which to end, whatever is left: that is counted as not sent, or timed out.
    stop : callable
        Says that it is to end at once, in the same way.
    """
    with _target(home, task, step, load.spec.seed) as target:
        shards = load.fires
        return asyncio.run(
            run(load.spec, target, load.phase, shard=shard, shards=shards, begin_at=begin_at, end_by=end_by, stop=stop)
        )


@contextmanager
def _target(home: Home, task: LaneTask, step: Step, seed: int) -> Iterator[Target]:
    function = task.function
    if step.protocol == "invoke":
        endpoint_url = client("lambda", function.region).meta.endpoint_url
        signer = Signer(function.region, service="lambda")
        yield LambdaTarget(endpoint_url, function.function_name, seed=seed, signer=signer.headers)
    elif step.protocol == "http":
        signer = Signer(function.region, caller_role_arn(home.stack, function.region))
        yield HttpTarget(function.url or "", seed=seed, signer=signer.headers)
    else:
        server = task.servers.get(step.protocol)
        with trusting(server) as cafile:
            bearer = bearer_for(function.region, server)
            url = server.url if server else ""
            yield HttpTarget(url, seed=seed, cafile=cafile, signer=bearer.headers if bearer else None)
