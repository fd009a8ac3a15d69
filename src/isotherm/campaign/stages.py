"""Cuts lanes into tours, and tours into stages, by how long their parts take at most. Calls nothing.

A stage is carried out by one call of each control function, and a function of Lambda ends after 15 minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from isotherm.campaign.estimate import load_s
from isotherm.campaign.lane import Lane, Step, TargetFunction
from isotherm.campaign.tour import StepOf, Tour

#: What a tour can take: its state machine ends it after 6,900 s. And what its parts are taken to need, in seconds.
MAX_TOUR_S = 6000
PUBLISH_S = 4.0
BURST_S = 3.0
WARM_CALL_S = 0.05
NESTED_CALL_S = 0.5
COLLECT_S = 120.0
LOAD_COLLECT_S = 20.0

#: What Prepare and Fire are given of their 15 minutes, by these times, in one stage of several steps.
STAGE_PREPARE_S = 600.0
STAGE_FIRE_S = 600.0

#: Versions in one stage, of all functions: AWS, Lambda quotas, allows 15 requests a second that are neither calls nor
#: GetFunction, and a version takes about seven of them.
STAGE_VERSIONS = 600

#: Calls in one stage of several steps: Collect joins and writes some hundred a second.
STAGE_CALLS = 20_000

#: What the versions of one stage of several steps may take of the account's 75 GB of code storage.
STAGE_CODE_BYTES = 20 * 2**30

Functions = Mapping[tuple[str, str], TargetFunction]


def publish_s(step: Step) -> float:
    """About how long it takes to publish the versions of a step, in seconds, by what it takes at most on AWS."""
    return step.versions * PUBLISH_S


def fire_s(step: Step) -> float:
    """About how long the calls of a step take, in seconds, by what they take at most on AWS."""
    if step.load is not None:
        return load_s(step.load)
    calls_in_row = step.warm_shots / step.warm_concurrency
    call_s = WARM_CALL_S if step.inner is None else NESTED_CALL_S
    return len(step.bursts) * BURST_S + calls_in_row * call_s


def step_s(step: Step) -> float:
    """About how long a step takes in a stage of its own, in seconds."""
    return publish_s(step) + fire_s(step) + (COLLECT_S if step.load is None else LOAD_COLLECT_S)


def lane_s(lane: Lane) -> float:
    """About how long a lane takes, each of its steps in a stage of its own, in seconds."""
    return sum(map(step_s, lane.steps))


def calls_of(step: Step) -> int:
    """How many calls a step of samples plans."""
    return sum(burst.shots for burst in step.bursts) + step.prime_shots + step.warm_shots


@dataclass(frozen=True, slots=True)
class _Need:
    """What steps need of one stage; `publish_s` by function, since functions are prepared side by side."""

    publish_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    fire_s: float = 0.0
    versions: int = 0
    calls: int = 0
    code_bytes: int = 0

    @classmethod
    def of(cls, lane: Lane, step: Step, function: TargetFunction) -> _Need:
        return cls(
            publish_s={(lane.region, lane.function_name): publish_s(step)},
            fire_s=fire_s(step),
            versions=step.versions,
            calls=calls_of(step),
            code_bytes=step.versions * max(0, function.code_size_bytes),
        )

    def __add__(self, other: _Need) -> _Need:
        both = {*self.publish_s, *other.publish_s}
        return _Need(
            publish_s={key: self.publish_s.get(key, 0) + other.publish_s.get(key, 0) for key in both},
            fire_s=self.fire_s + other.fire_s,
            versions=self.versions + other.versions,
            calls=self.calls + other.calls,
            code_bytes=self.code_bytes + other.code_bytes,
        )

    @property
    def fits(self) -> bool:
        """Whether one Prepare, one Fire and one Collect can carry it out."""
        return (
            max(self.publish_s.values(), default=0) <= STAGE_PREPARE_S
            and self.fire_s <= STAGE_FIRE_S
            and self.versions <= STAGE_VERSIONS
            and self.calls <= STAGE_CALLS
            and self.code_bytes <= STAGE_CODE_BYTES
        )

    @property
    def seconds(self) -> float:
        """About how long that stage takes."""
        return max(self.publish_s.values(), default=0) + self.fire_s + COLLECT_S


def cut_into_tours(key: str, lanes: Sequence[Lane], functions: Functions, rounds: int) -> list[Tour]:
    """Tours that carry out some lanes of one client, in this order; as few as their execution's time allows.

    Parameters
    ----------
    key : str
        What they are called; of several, each with its number after it.
    lanes : sequence of Lane
        Round by round; each of them no longer than a tour may be.
    functions : mapping
        Deployed function by region and target.
    rounds : int
        How many rounds are run in any case: each further one is in a stage of its own, since whether it is needed is
        known only when those before it are collected.
    """
    cut = [_Cut()]
    for number, of_round in groupby(lanes, lambda lane: lane.round):
        together = list(of_round)
        needs = {
            lane.key: [_Need.of(lane, step, functions[lane.region, lane.target]) for step in lane.steps]
            for lane in together
        }
        whole = sum((need for of_lane in needs.values() for need in of_lane), _Need())
        fits = whole.fits and not any(step.load for lane in together for step in lane.steps)
        round_s = whole.seconds if fits else sum(map(lane_s, together))
        # A round is not cut in two where a tour, or a stage, can hold it whole.
        if round_s <= MAX_TOUR_S and not cut[-1].has_time_for(round_s):
            cut.append(_Cut())
        if number >= rounds or (fits and not (cut[-1].need + whole).fits):
            cut[-1].begin_stage()
        for lane in together:
            # Nor is a lane, which has one outcome.
            if not fits and not cut[-1].has_time_for(lane_s(lane)):
                cut.append(_Cut())
            cut[-1].add(lane, needs[lane.key])
    return [
        Tour(
            key=key if len(cut) == 1 else f"{key}-{place}",
            client_region=lanes[0].client_region,
            lanes=of_tour.lanes,
            # One may have been begun just before the tour had no time left for the next lane.
            stages=[stage for stage in of_tour.stages if stage],
        )
        for place, of_tour in enumerate(cut)
    ]


@dataclass(slots=True)
class _Cut:
    """A tour while it is filled; `need` is that of its last stage, `before_s` how long those before it take."""

    lanes: list[str] = field(default_factory=list)
    stages: list[list[StepOf]] = field(default_factory=lambda: [[]])
    need: _Need = field(default_factory=_Need)
    before_s: float = 0.0

    def has_time_for(self, seconds: float) -> bool:
        return not self.lanes or self.before_s + self.need.seconds + seconds <= MAX_TOUR_S

    def begin_stage(self) -> None:
        if self.stages[-1]:
            self.before_s += self.need.seconds
            self.stages.append([])
            self.need = _Need()

    def add(self, lane: Lane, needs: Sequence[_Need]) -> None:
        self.lanes.append(lane.key)
        for step, need in zip(lane.steps, needs, strict=True):
            # What loads is alone, since its Fires share the load of one step.
            if step.load is not None or not (self.need + need).fits:
                self.begin_stage()
            self.stages[-1].append(StepOf(lane.key, step.step))
            self.need += need
