"""What one execution of the lane machine carries out: lanes of one client region, cut into stages.

Plain dataclasses, as `isotherm.campaign.lane` has them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class StepOf(NamedTuple):
    """One step of one lane."""

    lane_key: str
    step: int


class NoSuchStage(LookupError):
    """A tour was asked for a stage that it does not have."""


@dataclass(frozen=True, kw_only=True)
class Tour:
    """Lanes that one execution carries out one after the other, called from one region.

    A stage is what one Prepare publishes, one Fire calls and one Collect joins, in this order: rounds one after the
    other, and in each round all targets.
    """

    key: str
    client_region: str
    lanes: list[str]
    stages: list[list[StepOf]]

    def steps_of(self, stage: int) -> list[StepOf]:
        """The steps of a stage, counted from 0.

        Raises
        ------
        NoSuchStage
            The tour has none of that number.
        """
        if not 0 <= stage < len(self.stages):
            raise NoSuchStage(f"stage: {stage} is not a stage of tour {self.key}, whose last is {len(self.stages) - 1}")
        return self.stages[stage]

    def stage_of(self, step: StepOf) -> int:
        """In which stage a step of one of its lanes is.

        Raises
        ------
        NoSuchStage
            The tour has no such step.
        """
        for number, steps in enumerate(self.stages):
            if step in steps:
                return number
        raise NoSuchStage(f"step {step.step} of lane {step.lane_key} is not in tour {self.key}")

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Tour:
        """What `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        stages = [[StepOf(*step) for step in stage] for stage in fields["stages"]]
        return cls(**{**fields, "stages": stages})
