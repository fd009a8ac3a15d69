"""Which tours nobody will hear of again, and when a campaign need not be looked at any more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isotherm.campaign.watching import CAMPAIGN_S, TELLING_S, TOUR_S, is_quiet, may_have_tours, why_lost

MACHINES = Path(__file__).parents[2] / "statemachines"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_a_tour_whose_execution_ended_is_lost_with_the_reason(status: str) -> None:
    told = f"region eu-west-1 fell silent: the execution ended as {status} and could not report it"
    assert why_lost("eu-west-1", status) == told


def test_a_tour_whose_execution_has_just_ended_may_still_be_reported() -> None:
    """By its own end, or by Rescue, which knows more of it."""
    assert why_lost("eu-west-1", "ABORTED", TELLING_S - 1) is None
    assert why_lost("eu-west-1", "ABORTED", TELLING_S) is not None


def test_a_tour_whose_execution_is_gone_is_lost() -> None:
    assert why_lost("eu-west-1", None) == "region eu-west-1 fell silent: the execution is gone"


def test_a_tour_whose_execution_goes_on_is_not() -> None:
    assert why_lost("eu-west-1", "RUNNING") is None


@pytest.mark.parametrize(
    ("age_s", "over", "may"),
    [(0, False, True), (CAMPAIGN_S, False, True), (CAMPAIGN_S + 1, False, False), (0, True, False)],
)
def test_a_campaign_has_tours_until_it_is_over_or_too_old(age_s: float, over: bool, may: bool) -> None:
    assert may_have_tours(age_s, over=over) is may


@pytest.mark.parametrize(
    ("age_s", "silences_s", "quiet"),
    [
        (TOUR_S + 1, [], True),
        (TOUR_S, [], False),
        (2 * TOUR_S, [TOUR_S + 1, TOUR_S + 2], True),
        (2 * TOUR_S, [TOUR_S + 1, 5], False),
        (5, [TOUR_S + 1], False),
    ],
)
def test_a_campaign_is_quiet_once_nothing_happened_for_as_long_as_a_tour_may_take(
    age_s: float, silences_s: list[float], quiet: bool
) -> None:
    assert is_quiet(age_s, silences_s) is quiet


def test_the_state_machine_waits_no_longer_than_a_campaign_and_a_tour_may_live() -> None:
    campaign: dict[str, Any] = json.loads((MACHINES / "campaign.asl.json").read_text())
    tours = campaign["States"]["MeasureWaves"]["ItemProcessor"]["States"]["MeasureTours"]["ItemProcessor"]["States"]
    assert campaign["TimeoutSeconds"] == CAMPAIGN_S
    assert max(state.get("TimeoutSeconds", 0) for state in tours.values()) < TOUR_S
