"""How far a campaign is: counted from its plan and from what its lanes wrote down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isotherm.analysis.words.lanes import failure_in_words
from isotherm.aws.store.records import ENDED, LaneRecord

if TYPE_CHECKING:
    from isotherm.campaign.lane import Lane, Step
    from isotherm.campaign.plan import Plan

_AFTER_FIRING = ("collecting", "restoring", "done")


@dataclass(frozen=True, slots=True)
class LaneProgress:
    """One lane: how many shots it plans, how many are issued and joined, and what it last said of itself."""

    lane: Lane
    planned: int
    status: str
    phase: str | None
    step: int
    issued: int
    samples: int
    reason: str | None

    @property
    def ended(self) -> bool:
        """Whether it has succeeded or failed, or was not needed."""
        return self.status in ENDED

    @property
    def begun(self) -> bool:
        """Whether it is under way now."""
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """All lanes of a campaign, in the order of the plan."""

    campaign_id: str
    rounds: int
    lanes: tuple[LaneProgress, ...]

    @property
    def ended(self) -> int:
        """How many lanes have ended."""
        return sum(lane.ended for lane in self.lanes)

    @property
    def failed(self) -> tuple[LaneProgress, ...]:
        """The lanes that failed."""
        return tuple(lane for lane in self.lanes if lane.status == "failed")

    @property
    def samples(self) -> int:
        """Samples joined and stored so far."""
        return sum(lane.samples for lane in self.lanes)

    @property
    def planned(self) -> int:
        """Samples there will be in the end."""
        return sum(lane.planned for lane in self.lanes)

    @property
    def unit(self) -> str:
        """What is counted: samples, or the requests of a load."""
        loads = any(step.load for lane in self.lanes for step in lane.lane.steps)
        return "requests" if loads else "samples"

    @property
    def issued(self) -> int:
        """Calls made so far."""
        return sum(lane.issued for lane in self.lanes)


def step_shots(step: Step) -> int:
    """How many calls a step plans: cold, priming and warm, or a load's requests."""
    if step.load is not None:
        return step.load.requests
    return sum(burst.shots for burst in step.bursts) + step.prime_shots + step.warm_shots


def planned_shots(lane: Lane) -> int:
    """How many calls a lane plans."""
    return sum(map(step_shots, lane.steps))


def campaign_progress(plan: Plan, records: Iterable[LaneRecord]) -> CampaignProgress:
    """Join the plan with what the lanes reported.

    Parameters
    ----------
    plan : Plan
        The campaign's plan.
    records : iterable of LaneRecord
        What the lanes said. `issued` and `samples` are those of one step.
    """
    said = {key: LaneRecord(lane_key=key) for key in plan.lanes} | {record.lane_key: record for record in records}
    return CampaignProgress(
        campaign_id=plan.campaign_id,
        rounds=plan.campaign.most_rounds,
        lanes=tuple(_lane_progress(lane, said[lane.key]) for lane in plan.lanes_in_order),
    )


def _lane_progress(lane: Lane, said: LaneRecord) -> LaneProgress:
    step, phase = said.step or 0, said.phase
    before = sum(step_shots(earlier) for earlier in lane.steps[:step])
    # A step that is being prepared still shows the numbers of the one before it.
    fired = phase in ("firing", *_AFTER_FIRING)
    collected = phase in _AFTER_FIRING
    return LaneProgress(
        lane=lane,
        planned=0 if said.status == "spared" else planned_shots(lane),
        status=said.status or "planned",
        phase=phase,
        step=step,
        issued=before + ((said.issued or 0) if fired else 0),
        samples=before + ((said.samples or 0) if collected else 0),
        reason=failure_in_words(said.reason, said.unrestored, put_back=said.holds is False),
    )
