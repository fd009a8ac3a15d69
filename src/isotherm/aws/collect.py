"""Makes the samples of a lane's step: finds what was said of its shots, joins, and writes. Repeats change nothing."""

from __future__ import annotations

from isotherm.aws.clients import Home
from isotherm.aws.reports import ReportSearch
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.measurement.witnesses import StepWitnesses


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
