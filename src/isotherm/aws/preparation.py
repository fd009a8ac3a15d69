"""Makes a function ready for one step of a lane: takes its lease, publishes its fresh versions, notes all it does."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from isotherm.aws.clients import Home
from isotherm.aws.measured_function import FunctionChanged, MeasuredFunction
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import Lease, LeaseGone
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask, Step
from isotherm.campaign.left_alone import CodeReplaced, LeftAlone, MemoryChanged
from isotherm.campaign.publishing import Publishing


class LaneEnded(Exception):
    """The lane was given up (stopped, silent for too long): nothing may be changed in its name any more."""


def publish_versions(home: Home, task: LaneTask, number: int) -> list[str]:
    """Publish one version for each burst of a step, and write down which; their numbers, in the order of bursts.

    Parameters
    ----------
    home : Home
        Where table and bucket are.
    task : LaneTask
        The lane's.
    number : int
        Which of its steps.

    Raises
    ------
    LaneEnded, FunctionBusy, LeaseGone
        The function is not this lane's to change, or not any more.
    FunctionChanged
        It is not what was planned with.
    """
    table, where = Table(home), (task.campaign_id, task.lane.key)
    step = task.lane.step(number)
    function = MeasuredFunction(task.lane.region, task.lane.function_name)

    _refuse_if_ended(table, task)
    _refuse_if_lease_gone(table, task)
    said = LaneFacts(phase="publishing" if step.versions else "preparing", step=number)
    table.update_lane(*where, said, unless_ended=True)
    lease = _acquire(table, task, function)
    # What the step before left (or a lane that died) is measured and takes up code storage.
    function.put_back(lease.before, lease.publishing)
    publishing = Publishing(_mark(task, number), step.memory_mb or task.function.memory_mb)
    # Noted before anything is done: whoever restores the function has to tell these versions from anybody else's.
    table.update_lane(*where, LaneFacts(mark=publishing.mark, holds=True), unless_ended=True)
    lease = table.note(replace(lease, publishing=publishing))
    _refuse_if_changed(function, task, step)
    for _ in range(step.versions):
        _refuse_if_ended(table, task)
        version = function.publish(publishing, lease.before, task.function.code_sha256)
        publishing = publishing.published(version)
        try:
            lease = table.note(replace(lease, publishing=publishing))
        except LeaseGone:  # whoever gave the lane up has looked already, and will not look again
            function.put_back(lease.before, publishing)
            raise
    # What is called are the versions: whoever publishes meanwhile is to find the function as it is deployed.
    function.put_settings_back(lease.before, publishing)
    table.note(replace(lease, publishing=replace(publishing, back=True)))
    function.wait_until_callable(publishing.versions)
    Bucket(home).write_versions(*where, number, list(publishing.versions))
    return list(publishing.versions)


def _acquire(table: Table, task: LaneTask, function: MeasuredFunction) -> Lease:
    found = function.configuration().as_found
    return table.acquire(
        Lease(
            region=task.lane.region,
            function_name=task.lane.function_name,
            campaign_id=task.campaign_id,
            lane_key=task.lane.key,
            memory_mb=found.memory_mb,
            acquired_at=int(time.time()),
            description=found.description,
        )
    )


def _refuse_if_lease_gone(table: Table, task: LaneTask) -> None:
    """Refuse to go on from step to step without the note of what the step before published: it would never be deleted.

    Before the lane's row says of which step it is, since Restore then looks for what that step left.
    """
    record, lease = table.lane(task.campaign_id, task.lane.key), table.lease(task.lane.region, task.lane.function_name)
    ours = lease is not None and (lease.campaign_id, lease.lane_key) == (task.campaign_id, task.lane.key)
    if record is not None and record.holds and not ours:
        raise LeaseGone(f"the lease on {task.lane.function_name} in {task.lane.region} vanished between two steps")


def _mark(task: LaneTask, number: int) -> str:
    """What nobody else can have in a description, not even an earlier attempt at this step."""
    return f"{task.campaign_id}/{task.lane.key}/s{number}/{secrets.token_hex(8)}"


def _refuse_if_changed(function: MeasuredFunction, task: LaneTask, step: Step) -> None:
    """Refuse a function that is not the one that was planned with: its samples would be mixed with others'."""
    found, planned = function.configuration(), task.function
    facts: list[LeftAlone] = []
    if found.code_sha256 != planned.code_sha256:
        facts.append(CodeReplaced(measured=False))
    if step.memory_mb is None and found.memory_mb != planned.memory_mb:
        facts.append(MemoryChanged(found_mb=found.memory_mb, before_mb=planned.memory_mb))
    if facts:
        raise FunctionChanged(*facts)


def _refuse_if_ended(table: Table, task: LaneTask) -> None:
    if table.lane_ended(task.campaign_id, task.lane.key):
        raise LaneEnded(f"lane {task.lane.key} was given up")
