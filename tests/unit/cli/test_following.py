"""Following a campaign to its end, with a campaign that is scripted rather than run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from isotherm.cli import live
from isotherm.cli.errors import Interrupted
from isotherm.cli.live import follow_and_show
from isotherm.cli.options import On, Place
from isotherm.deployed.campaigns import DryRun, Standing, State
from isotherm.deployed.errors import CampaignFailed, Refused

PLACE = Place(On.LOCAL, "isotherm", "us-east-1")


class Scripted:
    """A campaign whose states are given one after the other; an exception in their place is raised."""

    def __init__(self, *states: State | BaseException) -> None:
        self._states = states

    def follow(self, _campaign_id: str) -> Iterator[Standing]:
        for state in self._states:
            if isinstance(state, BaseException):
                raise state
            yield Standing(state, None)


def _follow(campaign: Any, place: Place = PLACE, as_json: bool = False) -> None:
    follow_and_show(campaign, "demo-1", place, Path("unused"), as_json)


def test_ctrl_c_says_how_to_resume_and_how_to_stop() -> None:
    campaign = Scripted(State("RUNNING"), KeyboardInterrupt())

    with pytest.raises(Interrupted) as told:
        _follow(campaign)

    assert "isotherm follow demo-1" in str(told.value)
    assert "isotherm stop demo-1" in str(told.value)
    assert told.value.exit_code == 130


def test_the_commands_it_names_lead_to_the_same_place() -> None:
    with pytest.raises(Interrupted) as told:
        _follow(Scripted(KeyboardInterrupt()), Place(On.AWS, "mine", "eu-west-1"))

    assert "isotherm stop demo-1 --on aws --stack mine --home eu-west-1" in str(told.value)


@pytest.mark.parametrize("error", ["InvalidCampaign", "OverBudget"])
def test_a_refusal_is_told_as_such_and_its_text_is_the_cause(error: str) -> None:
    cause = "memory_mb: 64 is below what Lambda accepts (128 to 10240)"

    with pytest.raises(Refused) as told:
        _follow(Scripted(State("RUNNING"), State("FAILED", error, cause)))

    assert (told.value.error, str(told.value)) == (error, cause)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State("FAILED", "AggregateFailed", "no samples"), "ended as FAILED: AggregateFailed: no samples"),
        (State("ABORTED"), "ended as ABORTED: no reason given"),
        (State("TIMED_OUT"), "ended as TIMED_OUT: no reason given"),
    ],
)
def test_any_other_end_is_a_failure_with_its_reason(state: State, said: str) -> None:
    with pytest.raises(CampaignFailed, match=said):
        _follow(Scripted(State("RUNNING"), state))


def test_a_dry_run_is_told_as_such_and_asks_for_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    dry = State("SUCCEEDED", dry_run=DryRun(lanes=20, price_usd=0.0123))

    _follow(Scripted(State("RUNNING"), dry))
    _, told = capsys.readouterr()
    assert "a dry run: planned only, 20 lanes for about 0.0123 USD" in told

    _follow(Scripted(dry), as_json=True)
    out, _ = capsys.readouterr()
    assert json.loads(out) == {"campaign_id": "demo-1", "status": "dry_run", "lanes": 20, "price_usd": 0.0123}


def test_where_there_is_no_terminal_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(stderr=True, force_terminal=False)
    ending = live.follow_campaign(
        Scripted(State("RUNNING"), State("RUNNING"), State("SUCCEEDED")),  # type: ignore[arg-type]
        "demo-1",
        console,
    )

    assert ending.state.status == "SUCCEEDED"
    out, err = capsys.readouterr()
    assert out == ""
    assert "waiting for the plan" in err
    assert "\x1b" not in err
