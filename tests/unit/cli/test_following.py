"""Following a campaign to its end, with a campaign that is scripted rather than run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from isotherm.analysis.accounting import Sent
from isotherm.analysis.aggregate import build_summary
from isotherm.aws.store.records import LaneRecord
from isotherm.cli import live
from isotherm.cli.errors import Failed, Interrupted, ReportNotFetched
from isotherm.cli.live import follow_and_show
from isotherm.cli.options import On, Place
from isotherm.deployed.campaigns import DryRun, Fetched, Standing, State
from isotherm.deployed.errors import CampaignFailed, NoReport, NotFetched, Refused
from isotherm.deployed.progress import campaign_progress
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

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

    def fetch(self, campaign_id: str, _folder: Path) -> Fetched:
        raise NoReport(f"campaign {campaign_id} has no report")


class Fetching(Scripted):
    """A campaign that ended, and whose report is in a folder."""

    def __init__(self, folder: Path, state: State | None = None) -> None:
        super().__init__(state or State("SUCCEEDED"))
        self._folder = folder

    def fetch(self, _campaign_id: str, _folder: Path) -> Fetched:
        return Fetched(self._folder)


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


def test_a_report_that_cannot_be_written_says_that_the_campaign_succeeded_and_how_to_fetch_it() -> None:
    class Full(Scripted):
        def fetch(self, campaign_id: str, folder: Path) -> Fetched:
            raise NotFetched(f"the report of campaign {campaign_id} is not fetched: {folder} is full: free some")

    with pytest.raises(ReportNotFetched) as told:
        _follow(Full(State("SUCCEEDED")), Place(On.AWS, "mine", "us-east-1"))
    assert told.value.exit_code == 1
    assert str(told.value) == (
        "the campaign has succeeded, but the report of campaign demo-1 is not fetched: unused is full: free some, "
        "then fetch it: isotherm report demo-1 --on aws --stack mine --output unused"
    )


def test_a_report_that_cannot_be_written_does_not_hide_that_lanes_failed_and_its_folder_is_quoted() -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), rounds=1)
    progress = campaign_progress(plan, [LaneRecord(lane_key=next(iter(plan.lanes)), status="failed")])

    class Full(Scripted):
        def follow(self, _campaign_id: str) -> Iterator[Standing]:
            yield Standing(State("SUCCEEDED"), progress)

        def fetch(self, campaign_id: str, folder: Path) -> Fetched:
            raise NotFetched(f"the report of campaign {campaign_id} is not fetched: {folder} is full: free some")

    campaign: Any = Full()
    with pytest.raises(ReportNotFetched) as told:
        follow_and_show(campaign, "demo-1", PLACE, Path("my reports"), as_json=False)
    assert str(told.value).startswith(
        "the campaign has ended (1 of 2 lanes failed), but the report of campaign demo-1 is not fetched"
    )
    assert str(told.value).endswith("isotherm report demo-1 --output 'my reports'")


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


@pytest.mark.parametrize("lost", [0, 2])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_campaign_that_lost_calls_does_not_end_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lost: int, as_json: bool
) -> None:
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=4, warm=4)
    samples = made_up_samples(plan)
    sent: dict[tuple[str, int], Counter[str]] = {}
    for sample in samples:
        sent.setdefault((sample.lane, sample.step), Counter())[sample.kind] += 1
    summary = build_summary(plan, samples[lost:], made_up_lanes(plan), sent=Sent(sent))
    (tmp_path / "summary.json").write_text(summary.model_dump_json())
    with pytest.raises(Failed, match="2 calls sent, or possibly sent") if lost else nullcontext():
        _follow(Fetching(tmp_path), as_json=as_json)
    shown, _ = capsys.readouterr()
    assert shown


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_campaign_lacks_is_shown_first_and_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=4, warm=4, rounds=2)
    failed = {key: f"reason {number % 2}" for number, key in enumerate(plan.lanes)}
    (tmp_path / "summary.json").write_text(build_summary(plan, [], made_up_lanes(plan, failed)).model_dump_json())
    state = State("FAILED", "NothingUsed", "nothing could be used")
    with pytest.raises(Failed) as told:
        _follow(Fetching(tmp_path, state), as_json=as_json)
    first, second, *_ = plan.lanes
    said = str(told.value)
    assert "nothing could be used: no call was made; 4 of 4 lanes failed" in said
    assert (said.count("reason 0"), said.count("reason 1")) == (1, 1)
    assert said.index(first) < said.index("reason 0") < said.index(second) < said.index("reason 1")
    shown, _ = capsys.readouterr()
    if as_json:
        document = json.loads(shown)
        assert (document["status"], document["partial"], document["lanes_failed"]) == ("failed", False, failed)
    else:
        assert shown.startswith("Nothing could be used: no call was made; 4 of 4 lanes failed.\n")


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
