"""Makes the samples of lanes' steps: finds what was said of their shots, joins, and writes. Repeats change nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isotherm.aws.clients import Home
from isotherm.aws.reports import ReportSearch
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_samples, samples_by_step
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask, LoadStep

#: How long (s) lanes that were given up may go on with the calls they are at; and how often they are looked at.
LANDING_S = 60.0
LOOK_EVERY_S = 0.5


class ShotsLost(Exception):
    """Calls were sent of which there is no shot: the rest of the step is collected, and its lane fails."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected of one step: samples (of a load, requests), those used, reports missing, unreadable lines."""

    samples: int
    used: int
    missing: int
    odd_lines: int = 0


class Collector:
    """Collects steps, one after the other, and waits for reports once for all of them together.

    What has not arrived after that time will not arrive for the next step either, whose calls are hardly younger; its
    log is asked for once all the same.
    """

    def __init__(self, home: Home, report_deadline_s: float, within_s: float) -> None:
        """`within_s` is how long (s) reports may be waited for, whatever the campaign's own deadline."""
        self._home, self._table, self._bucket = home, Table(home), Bucket(home)
        self._search = ReportSearch(min(report_deadline_s, within_s))

    def collect(self, task: LaneTask, number: int) -> Collected:
        """Write the samples of a step's shots, or count what the Fires of a load came to.

        Raises
        ------
        ShotsLost
            More calls were sent than there are shots; what there is, is written.
        """
        load = task.lane.step(number).load
        return self._collect_samples(task, number) if load is None else self._collect_load(task, number, load)

    def _collect_samples(self, task: LaneTask, number: int) -> Collected:
        table, where = self._table, (task.campaign_id, task.lane.key)
        table.update_lane(*where, LaneFacts(phase="collecting", step=number), unless_ended=True)
        shots = self._bucket.read_shots(*where, number, 0)
        found = self._search.find(task, task.lane.step(number), shots, self._home.server_log)
        samples = found.samples(task, task.lane.step(number))
        put_samples(table, samples)
        used = sum(sample.verdict == "used" for sample in samples)
        said = LaneFacts(samples=len(samples), used=used, missing=found.missing, package=found.own.package)
        table.update_lane(*where, said, unless_ended=True)
        if found.odd_lines:
            table.note_odd_lines(*where, number, found.odd_lines)
        sent = sum((table.announced(*where, number) or {}).values())
        if len(found.shots) < sent:
            raise ShotsLost(
                f"{sent - len(found.shots)} of {sent} calls that were sent, or may have been, were not written down, "
                "or are gone"
            )
        return Collected(len(samples), used, found.missing, found.odd_lines)

    def _collect_load(self, task: LaneTask, number: int, load: LoadStep) -> Collected:
        where = (task.campaign_id, task.lane.key)
        loads = self._bucket.read_loads(*where, number, load.fires)
        planned, succeeded = sum(one.planned for one in loads), sum(one.succeeded for one in loads)
        missing = load.fires - len(loads)
        self._table.update_lane(*where, LaneFacts(samples=planned, used=succeeded, missing=missing), unless_ended=True)
        return Collected(planned, succeeded, missing)


def await_landing(home: Home, steps: Iterable[tuple[LaneTask, int]]) -> bool:
    """Wait until the calls that lanes were at when they were given up are written down; False where some never are.

    Fire looks between two bursts whether its lane has ended, so there is one left at most; of a load, what each of its
    Fires had come to.
    """
    deadline = time.monotonic() + LANDING_S
    for task, number in steps:
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


def collect_the_rest(home: Home, tasks: Mapping[str, LaneTask], within_s: float) -> int:
    """Write the samples of steps that have more shots than samples; how many samples those steps have then.

    Parameters
    ----------
    home : Home
        Where table and bucket are.
    tasks : mapping
        Of lanes that have ended, by key.
    within_s : float
        How long (s) reports may be waited for, for all steps together.
    """
    bucket, table, collected = Bucket(home), Table(home), 0
    deadline_s = max((task.report_deadline_s for task in tasks.values()), default=0)
    collector = Collector(home, deadline_s, within_s)
    for task in tasks.values():
        where = (task.campaign_id, task.lane.key)
        there = samples_by_step(table, *where)
        for step in task.lane.steps:
            if step.load is not None or len(bucket.read_shots(*where, step.step, 0)) <= there[step.step]:
                continue
            with contextlib.suppress(ShotsLost):  # the lane has failed already
                collector.collect(task, step.step)
            collected += samples_by_step(table, *where)[step.step]
    return collected
