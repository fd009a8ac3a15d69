"""What a campaign costs in state transitions, counted in the histories of its executions."""

from __future__ import annotations

from .cases import CAMPAIGN, LANE
from .conftest import Interpreter

TARGETS = 5
COLD = WARM = 100


def test_a_sample_takes_at_most_a_twentieth_of_a_transition(interpreter: Interpreter) -> None:
    """Five targets, 100 cold and 100 warm samples each, one round, one lane a wave: as on the embedded stack."""
    campaign = interpreter.run("campaign", "OneRoundOfFiveTargets", CAMPAIGN, name="c-transitions")
    lanes = [interpreter.run("lane", "Measured", LANE, name=f"c-transitions-{lane}") for lane in range(TARGETS)]

    assert campaign.status == "SUCCEEDED"
    assert len(campaign.payloads("Dispatch")) == TARGETS
    entered = len(campaign.path) + sum(len(lane.path) for lane in lanes)
    assert entered == 50
    assert entered / (TARGETS * (COLD + WARM)) <= 0.05
