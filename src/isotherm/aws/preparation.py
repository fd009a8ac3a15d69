"""Makes functions ready for one stage of a tour: takes leases, publishes fresh versions, notes all that it does."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import Home, client
from isotherm.aws.control_plane import paced
from isotherm.aws.measured_function import FunctionChanged, MeasuredFunction, NotPublished
from isotherm.aws.precision import is_precise_enough
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.lease import FunctionBusy, Lease, LeaseGone
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.aws.tour_ends import fail_lane
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.left_alone import CodeReplaced, LeftAlone, MemoryChanged
from isotherm.campaign.publishing import Publishing
from isotherm.campaign.tour import StepOf, Tour

logger = logging.getLogger(__name__)

#: Functions that are made ready side by side.
_SIDE_BY_SIDE = 8


class TourEnded(Exception):
    """The tour was given up (stopped, silent for too long): nothing may be changed in its name any more."""


#: By what a function refuses the lanes that are to measure it, which is no reason to end those of the others.
REFUSALS = (FunctionBusy, LeaseGone, FunctionChanged, NotPublished, ClientError, BotoCoreError)


def prepare_stage(home: Home, campaign_id: str, tour: Tour, stage: int, tasks: Mapping[str, LaneTask]) -> int:
    """Publish one version for each burst of a stage's steps, and write down which; how many steps are ready.

    Functions are made ready side by side. A lane whose function refuses fails, with those after it of that function in
    this stage; the others go on.

    Parameters
    ----------
    home : Home
        Where table and bucket are.
    campaign_id : str
        The tour's campaign.
    tour, stage : Tour, int
        The tour, and which of its stages.
    tasks : mapping
        The tasks of the lanes of this stage and those before it, by key.

    Raises
    ------
    TourEnded
        It was given up.
    """
    table = Table(home)
    _refuse_if_ended(table, campaign_id, tour)
    # botocore promises that clients may be used from several threads, not that they may be made there.
    functions: dict[tuple[str, str], _Preparing] = {}
    for one in tour.steps_of(stage):
        task = tasks[one.lane_key]
        if table.lane_ended(campaign_id, one.lane_key) or _is_spared(table, task, one):
            continue
        key = (task.lane.region, task.lane.function_name)
        if key not in functions:
            lanes = [of.lane.key for of in tasks.values() if (of.lane.region, of.lane.function_name) == key]
            functions[key] = _Preparing(home, campaign_id, tour, stage, MeasuredFunction(*key), lanes)
        functions[key].steps.append((task, one.step))
    if not functions:
        return 0
    of_lambda = [client("lambda", region) for region in {region for region, _ in functions}]
    emulated = next(iter(tasks.values())).platform == "emulated"
    with paced([] if emulated else of_lambda), ThreadPoolExecutor(min(len(functions), _SIDE_BY_SIDE)) as pool:
        return sum(pool.map(_Preparing.run, functions.values()))


def _is_spared(table: Table, task: LaneTask, one: StepOf) -> bool:
    """Whether a lane need not run; looked at when it would begin."""
    if one.step > 0 or not is_precise_enough(table, task):
        return False
    reason = f"precise enough after {task.lane.round} rounds"
    said = LaneFacts(status="spared", phase="done", reason=reason)
    table.update_lane(task.campaign_id, task.lane.key, said, unless_ended=True)
    return True


class _Preparing:
    """One function, the steps of a stage that are to measure it, and the lanes that did so in this stage or before."""

    def __init__(
        self, home: Home, campaign_id: str, tour: Tour, stage: int, function: MeasuredFunction, lanes: list[str]
    ) -> None:
        self._table, self._bucket, self._function = Table(home), Bucket(home), function
        self._campaign_id, self._tour, self._stage, self._lanes = campaign_id, tour, stage, lanes
        self.steps: list[tuple[LaneTask, int]] = []

    def run(self) -> int:
        """Publish what the steps need, in their order; how many of them are ready."""
        published: dict[StepOf, list[str]] = {}
        try:
            try:
                self._publish(published)
            except REFUSALS as fault:
                self._fail(self._steps_but(published), fault)
            self._await(published)
        except REFUSALS as fault:
            self._fail(published, fault)
            return 0
        return len(published)

    def _publish(self, published: dict[StepOf, list[str]]) -> None:
        table, function = self._table, self._function
        first = self.steps[0][0]
        self._refuse_if_lease_gone(first)
        lease = self._acquire(first)
        # What the stage before left (or a tour that died) is measured and takes up code storage.
        function.put_back(lease.before, lease.publishing)
        publishing = Publishing(self._mark(), _memory_mb(*self.steps[0]))
        # Noted before anything is done: whoever restores the function has to tell these versions from anybody else's.
        answering, last = self.steps[-1][0].lane.key, self.steps[-1][1]
        table.update_lane(self._campaign_id, answering, LaneFacts(mark=publishing.mark, holds=True, step=last))
        lease = table.note(replace(lease, publishing=publishing))
        try:
            _refuse_if_changed(function, self.steps)
            for task, number in self.steps:
                step = task.lane.step(number)
                said = LaneFacts(status="running", phase="publishing" if step.versions else "preparing", step=number)
                table.update_lane(self._campaign_id, task.lane.key, said, unless_ended=True)
                if _memory_mb(task, number) != publishing.memory_mb:
                    function.put_settings_back(lease.before, publishing)
                    publishing = replace(publishing, memory_mb=_memory_mb(task, number))
                    lease = table.note(replace(lease, publishing=publishing))
                before = len(publishing.versions)
                for _ in range(step.versions):
                    _refuse_if_ended(table, self._campaign_id, self._tour)
                    version = function.publish(publishing, lease.before, task.function.code_sha256)
                    publishing = publishing.published(version)
                    try:
                        lease = table.note(replace(lease, publishing=publishing))
                    except LeaseGone:  # whoever gave the tour up has looked already, and will not look again
                        function.put_back(lease.before, publishing)
                        raise
                published[StepOf(task.lane.key, number)] = list(publishing.versions[before:])
        except REFUSALS:
            function.put_settings_back(lease.before, publishing)
            raise
        # What is called are the versions: whoever publishes meanwhile is to find the function as it is deployed.
        function.put_settings_back(lease.before, publishing)
        table.note(replace(lease, publishing=replace(publishing, back=True)))

    def _await(self, published: Mapping[StepOf, list[str]]) -> None:
        self._function.wait_until_callable(version for versions in published.values() for version in versions)
        for one, versions in published.items():
            self._bucket.write_versions(self._campaign_id, one.lane_key, one.step, versions)

    def _steps_but(self, published: Mapping[StepOf, list[str]]) -> list[StepOf]:
        steps = [StepOf(task.lane.key, number) for task, number in self.steps]
        return [one for one in steps if one not in published]

    def _fail(self, steps: Iterable[StepOf], fault: Exception) -> None:
        extra = {"campaign_id": self._campaign_id, "tour": self._tour.key}
        logger.error("function refuses", extra=extra, exc_info=fault)
        for key in dict.fromkeys(one.lane_key for one in steps):
            fail_lane(self._table, self._campaign_id, key, f"{type(fault).__name__}: {fault}")

    def _refuse_if_lease_gone(self, task: LaneTask) -> None:
        """Refuse to go on from stage to stage without the note of what the one before published: it would be left.

        Before a lane of this stage answers for the function, since Restore then looks for what that stage left.
        """
        region, name = task.lane.region, task.lane.function_name
        lease = self._table.lease(region, name)
        # One that a tour of ours holds has the note; at rest it has none.
        if lease is not None and lease.campaign_id == self._campaign_id and not lease.at_rest:
            return
        records = (self._table.lane(self._campaign_id, key) for key in self._lanes)
        if any(record is not None and record.holds for record in records):
            raise LeaseGone(f"the lease on {name} in {region} vanished between two stages")

    def _acquire(self, task: LaneTask) -> Lease:
        found = self._function.configuration().as_found
        return self._table.acquire(
            Lease(
                region=task.lane.region,
                function_name=task.lane.function_name,
                campaign_id=self._campaign_id,
                tour=self._tour.key,
                memory_mb=found.memory_mb,
                acquired_at=int(time.time()),
                description=found.description,
            )
        )

    def _mark(self) -> str:
        """What nobody else can have in a description, not even an earlier attempt at this stage."""
        return f"{self._campaign_id}/{self._tour.key}/s{self._stage}/{secrets.token_hex(8)}"


def _memory_mb(task: LaneTask, number: int) -> int:
    return task.lane.step(number).memory_mb or task.function.memory_mb


def _refuse_if_changed(function: MeasuredFunction, steps: Iterable[tuple[LaneTask, int]]) -> None:
    """Refuse a function that is not the one that was planned with: its samples would be mixed with others'."""
    found = function.configuration()
    facts: list[LeftAlone] = []
    for task, number in steps:
        planned = task.function
        if found.code_sha256 != planned.code_sha256:
            facts.append(CodeReplaced(measured=False))
        if task.lane.step(number).memory_mb is None and found.memory_mb != planned.memory_mb:
            facts.append(MemoryChanged(found_mb=found.memory_mb, before_mb=planned.memory_mb))
    if facts:
        raise FunctionChanged(*dict.fromkeys(facts))


def _refuse_if_ended(table: Table, campaign_id: str, tour: Tour) -> None:
    if table.tour_ended(campaign_id, tour.key):
        raise TourEnded(f"tour {tour.key} was given up")
