"""What a campaign costs in state transitions: as its plan says, and as the histories of its executions have it."""

from __future__ import annotations

import pytest

from isotherm.campaign.estimate import tour_transitions
from unit.made_up_stack import made_up_region, planned

from .cases import CAMPAIGN, TOUR
from .conftest import Interpreter

TARGETS = ["default", "pkg20", "pkg50", "size20", "size50"]
COLD = WARM = 100


@pytest.mark.parametrize("rounds", [1, 10])
def test_a_sample_takes_at_most_a_tenth_of_a_transition_in_one_round_and_in_ten(
    interpreter: Interpreter, rounds: int
) -> None:
    """Five targets, 100 cold and 100 warm samples each: as many transitions as the plan has counted."""
    counts = {"cold": {"samples": COLD, "concurrency": 2}, "warm": {"samples": WARM}, "rounds": rounds}
    plan = planned({"targets": TARGETS, **counts}, made_up_region(targets=TARGETS))
    ((key,),) = plan.waves
    stages = list(range(len(plan.tours[key].stages)))

    campaign = interpreter.run("campaign", "OneTour", CAMPAIGN, name=f"c-transitions-{rounds}")
    tour = interpreter.run("lane", "Measured", TOUR | {"stages": stages}, name=f"c-transitions-{rounds}-tour")

    assert campaign.status == tour.status == "SUCCEEDED"
    entered = len(campaign.path) + len(tour.path)
    assert entered == plan.state_transitions
    assert 1 + len(tour.path) == tour_transitions(plan.tours[key], plan.lanes)  # and its dispatch
    assert entered / (len(TARGETS) * (COLD + WARM)) <= 0.1
