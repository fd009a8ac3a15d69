"""Makes the samples of a lane's step: finds what was said of its shots, joins, and writes. Repeats change nothing."""

from __future__ import annotations

import time

from isotherm.aws.clients import Home
from isotherm.aws.reports import ReportSearch
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_samples, samples_by_step
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.measurement.witnesses import StepWitnesses

#: How long (s) a lane that was given up may go on with the calls it is at; and how often it is looked whether it does.
LANDING_S = 60.0
LOOK_EVERY_S = 0.5


class ShotsLost(Exception):
    """Calls were sent of which there is no shot: the rest of the step is collected, and its lane fails."""


def collect_samples(home: Home, task: LaneTask, number: int, within_s: float) -> tuple[LaneFacts, StepWitnesses]:
    """Write the samples of a step's shots; what the lane says of them, and all that was said of the shots.

    Parameters
    ----------
    home : Home
        Where table and bucket are.
    task : LaneTask
        The lane's.
    number : int
        Which of its steps.
    within_s : float
        How long (s) reports may be waited for.
    """
    bucket, table, where = Bucket(home), Table(home), (task.campaign_id, task.lane.key)
    step = task.lane.step(number)
    table.update_lane(*where, LaneFacts(phase="collecting", step=number), unless_ended=True)
    search = ReportSearch(min(task.report_deadline_s, within_s))
    found = search.find(task, step, bucket.read_shots(*where, number, 0), home.server_log)
    samples = found.samples(task, step)
    put_samples(table, samples)
    used = sum(sample.verdict == "used" for sample in samples)
    said = LaneFacts(samples=len(samples), used=used, missing=found.missing, package=found.own.package)
    table.update_lane(*where, said, unless_ended=True)
    if found.odd_lines:
        table.note_odd_lines(*where, number, found.odd_lines)
    return said, found


def check_all_there(table: Table, task: LaneTask, number: int, collected: int) -> None:
    """Go on where a step has as many samples as calls were sent, or more.

    Raises
    ------
    ShotsLost
        It has fewer.
    """
    sent = sum((table.announced(task.campaign_id, task.lane.key, number) or {}).values())
    if collected < sent:
        raise ShotsLost(
            f"{sent - collected} of {sent} calls that were sent, or may have been, were not written down, or are gone"
        )


def await_landing(home: Home, task: LaneTask, number: int) -> bool:
    """Wait until the calls that a lane was at when it was given up are written down; False where they never are.

    Fire looks between two bursts whether its lane has ended, so there is one left at most; of a load, what each of its
    Fires had come to.
    """
    deadline = time.monotonic() + LANDING_S
    while not _has_landed(Bucket(home), Table(home), task, number):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def _has_landed(bucket: Bucket, table: Table, task: LaneTask, number: int) -> bool:
    where, load = (task.campaign_id, task.lane.key), task.lane.step(number).load
    if load is not None:
        return len(bucket.read_loads(*where, number, load.fires)) >= load.fires
    sent = sum((table.announced(*where, number) or {}).values())
    return len(bucket.read_shots(*where, number, 0)) >= sent


def collect_the_rest(home: Home, task: LaneTask, within_s: float) -> int:
    """Write the samples of a lane's steps that have more shots than samples; how many samples those steps have then.

    Parameters
    ----------
    home : Home
        Where table and bucket are.
    task : LaneTask
        The lane's, which has ended.
    within_s : float
        How long (s) reports may be waited for, for all steps together.
    """
    bucket, table, where = Bucket(home), Table(home), (task.campaign_id, task.lane.key)
    there, deadline, collected = samples_by_step(table, *where), time.monotonic() + within_s, 0
    for step in task.lane.steps:
        if step.load is None and len(bucket.read_shots(*where, step.step, 0)) > there[step.step]:
            said, _ = collect_samples(home, task, step.step, max(0.0, deadline - time.monotonic()))
            collected += said.samples or 0
    return collected
