"""Restores the functions of a tour to what they were before it, whatever became of its lanes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction, PutBack
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import LaneFacts, LaneRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.left_alone import CodeReplaced, LeaseLost, LeftAlone, TimeoutChanged, to_items
from isotherm.campaign.publishing import AsFound, Publishing
from isotherm.campaign.tour import StepOf, Tour


def functions_of(tasks: Iterable[LaneTask]) -> list[list[LaneTask]]:
    """The lanes of each function, in their order."""
    found: dict[tuple[str, str], list[LaneTask]] = {}
    for task in tasks:
        found.setdefault((task.lane.region, task.lane.function_name), []).append(task)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Answering:
    """The lane that answers for a function, and the last stage in which that was made ready."""

    record: LaneRecord
    steps: list[tuple[LaneTask, int]]


def restore_function(table: Table, tour: Tour, lanes: list[LaneTask], settle_s: float = 0.0) -> PutBack:
    """Put memory, description and versions back and give up the lease; harmless when run again.

    What others changed is left as it is, and written down in the rows of the lanes that it concerns. Where the lease
    has vanished the plan says how the function was.

    Parameters
    ----------
    table : Table
        Where the lease is.
    tour : Tour
        The tour.
    lanes : list of LaneTask
        Its lanes that measure this function.
    settle_s : float
        Seconds after which to look again, for a change that was still under way when the tour was given up.
    """
    first = lanes[0]
    campaign_id, region, name = first.campaign_id, first.lane.region, first.lane.function_name
    lease = table.lease(region, name)
    # A second event about an earlier tour must not undo what a later one is in the middle of.
    held = lease is not None and (lease.campaign_id, lease.tour) == (campaign_id, tour.key)
    answering = _answering(table, tour, lanes, held=held)
    if not held and not (lease is None and answering is not None):
        return PutBack([], [])
    left: list[LeftAlone] = [] if held else [LeaseLost()]
    function = MeasuredFunction(region, name)
    undone: list[str] = []
    is_other_code = False
    try:
        for wait_s in (0.0, settle_s) if settle_s else (0.0,):
            if wait_s:
                time.sleep(wait_s)
                lease = table.lease(region, name) if held else lease
            back = function.put_back(*_noted(first, lease, answering, function))
            undone += back.undone
            left += [fact for fact in back.left if fact not in left]
        found = function.configuration()
        if found.timeout_s != first.function.timeout_s:
            left.append(TimeoutChanged(found_s=found.timeout_s, before_s=first.function.timeout_s))
        is_other_code = found.code_sha256 != first.function.code_sha256
    except client("lambda", region).exceptions.ResourceNotFoundException:
        undone = ["the function is gone, and with it all that was to be put back"]
    if answering is not None:
        _write_down(table, answering, left, is_other_code=is_other_code)
    if lease is not None:
        table.release(lease, goes_on=first.goes_on)
    return PutBack(undone, left)


def _answering(table: Table, tour: Tour, lanes: list[LaneTask], *, held: bool) -> _Answering | None:
    """Which of a function's lanes answers for it; None where none has made it ready since it was put back.

    Those that did so for earlier stages are relieved. Where the tour holds the function and no row says for which lane,
    it was for one whose row was deleted and made again by its progress, without its target.
    """
    records = [found for task in lanes if (found := table.lane(task.campaign_id, task.lane.key)) is not None]
    holding = [record for record in records if record.holds]
    if held and not holding:
        holding = [record for record in records if not record.target]
    for record in holding[:-1]:
        table.update_lane(lanes[0].campaign_id, record.lane_key, LaneFacts(holds=False))
    if not holding:
        return None
    last = holding[-1]
    by_key = {task.lane.key: task for task in lanes}
    stage = tour.stage_of(StepOf(last.lane_key, last.step or 0))
    steps = [(by_key[one.lane_key], one.step) for one in tour.steps_of(stage) if one.lane_key in by_key]
    return _Answering(last, steps)


def _write_down(table: Table, answering: _Answering, left: list[LeftAlone], *, is_other_code: bool) -> None:
    """What others changed, in the row of the lane that answers; other code also in those of lanes that called it."""
    campaign_id, answers = answering.steps[0][0].campaign_id, answering.record.lane_key
    called = {task.lane.key for task, number in answering.steps if task.lane.step(number).versions == 0}
    for key in {answers, *called} if is_other_code else {answers}:
        facts = list(left) if key == answers else []
        if is_other_code:
            facts.append(CodeReplaced(measured=key in called))
        said = LaneFacts(holds=False if key == answers else None, left=to_items(facts))
        table.update_lane(campaign_id, key, said)


def _noted(
    task: LaneTask, lease: Lease | None, answering: _Answering | None, function: MeasuredFunction
) -> tuple[AsFound, Publishing | None]:
    """How the function was, and what was published of it: by the lease, or by plan and lane where that has vanished."""
    if lease is not None:
        return lease.before, lease.publishing
    before = AsFound(task.function.memory_mb, task.function.description or "")
    if answering is None or answering.record.mark is None:
        return before, None
    steps = [of.lane.step(number) for of, number in answering.steps]
    sizes = [step.memory_mb or before.memory_mb for step in steps]
    found_mb = function.configuration().memory_mb
    unnoted = sum(step.versions for step in steps)
    return before, Publishing(answering.record.mark, found_mb if found_mb in sizes else sizes[0], unnoted=unnoted)
