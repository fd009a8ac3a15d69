"""A campaign from its start to its report, and every other way in which it can end."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket, plan_key, report_key
from isotherm.deployed.campaigns import Campaigns, DryRun, new_campaign_id
from isotherm.deployed.deployment import find_deployment
from isotherm.deployed.errors import (
    CampaignFailed,
    NoReport,
    NoSuchCampaign,
    NotDeployed,
    NotFetched,
    Refused,
    StillRunning,
)
from isotherm.report.file_names import FETCHED
from unit.deployed.stack_on_moto import DOCUMENT, DRY, HOME, OVER_BUDGET, refusing
from unit.disks import small_disk

SOON_S = 0.05


def ended(campaigns: Campaigns, campaign_id: str) -> None:
    """Wait for its end."""
    for _ in campaigns.follow(campaign_id, SOON_S):
        pass


def stop_when_begun(campaigns: Campaigns, campaign_id: str) -> None:
    """Stop it as soon as moto can: it begins an execution in a thread, and raises this of one that has not begun."""
    for _ in range(1000):
        try:
            campaigns.stop(campaign_id)
        except AttributeError as not_begun:
            if "set_stop" not in str(not_begun):
                raise
            time.sleep(SOON_S)
        else:
            return
    pytest.fail("moto never began the execution")


def test_an_id_says_which_campaign_and_when() -> None:
    assert re.fullmatch(r"demo-19700101-000000-[0-9a-f]{4}", new_campaign_id("demo", now=0))


def test_campaigns_started_in_the_same_second_have_different_ids() -> None:
    assert len({new_campaign_id("demo", now=0) for _ in range(20)}) > 15


def test_an_id_is_a_name_that_step_functions_accepts() -> None:
    longest = new_campaign_id("x" * 200)

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", longest)


@pytest.mark.parametrize(("stack", "region"), [("other", HOME.region), (HOME.stack, "eu-west-1")])
@pytest.mark.usefixtures("home")
def test_a_stack_that_is_not_there_is_said_to_be_so(stack: str, region: str) -> None:
    with pytest.raises(NotDeployed, match=f"there is no stack {stack} in {region}"):
        find_deployment(stack, region)


def test_a_campaign_is_followed_to_its_end_and_its_report_fetched(
    campaigns: Campaigns, home: Home, tmp_path: Path
) -> None:
    campaign_id = campaigns.start(DOCUMENT)
    *_, last = campaigns.follow(campaign_id, SOON_S)
    assert (last.state.status, last.state.dry_run, last.progress) == ("SUCCEEDED", None, None)
    last.state.check(campaign_id)
    for name in FETCHED:
        Bucket(home).write(report_key(campaign_id, name), name.encode())
    fetched = campaigns.fetch(campaign_id, tmp_path / "report")
    assert {path.name: path.read_text() for path in fetched.folder.iterdir()} == {name: name for name in FETCHED}


def test_a_report_that_cannot_be_written_leaves_nothing_half_and_says_where(
    campaigns: Campaigns, home: Home, tmp_path: Path
) -> None:
    """A half-written file was taken for a complete report by whatever looked for it later."""
    for name in FETCHED:
        Bucket(home).write(report_key("large", name), bytes(200_000))
    with small_disk(tmp_path / "disk") as disk:
        with pytest.raises(NotFetched) as told:
            campaigns.fetch("large", disk / "report")
        assert list((disk / "report").iterdir()) == []
    where = tmp_path / "disk" / "report" / FETCHED[1]
    assert str(told.value) == (
        f"the report of campaign large is not fetched: {where} cannot be written (No space left on device): "
        "free some room there"
    )


def test_lanes_are_counted_as_soon_as_there_is_a_plan(campaigns: Campaigns, home: Home) -> None:
    plan = campaigns.make_plan(DOCUMENT)
    campaign_id = campaigns.start({**DOCUMENT, "name": "slow"})
    standings = campaigns.follow(campaign_id, SOON_S)
    assert next(standings).progress is None
    text = plan.model_copy(update={"campaign_id": campaign_id}).model_dump_json()
    Bucket(home).write(plan_key(campaign_id), text.encode())
    progress = next(standings).progress
    assert progress is not None
    assert [lane.lane.key for lane in progress.lanes] == ["r00-default-us-east-1"]
    stop_when_begun(campaigns, campaign_id)
    assert [standing.state.status for standing in standings][-1] == "ABORTED"


def test_a_dry_run_says_that_it_was_one(campaigns: Campaigns, tmp_path: Path) -> None:
    campaign_id = campaigns.start({**DOCUMENT, "dry_run": True})
    *_, last = campaigns.follow(campaign_id, SOON_S)
    assert last.state.dry_run == DryRun(DRY["lanes"], DRY["price_usd"])
    assert last.progress is None
    with pytest.raises(NoReport, match="was a dry run: it was planned, and nothing was measured"):
        campaigns.fetch(campaign_id, tmp_path)
    assert campaigns.latest(10) == []


def test_a_campaign_that_runs_has_no_report_yet(campaigns: Campaigns, tmp_path: Path) -> None:
    campaign_id = campaigns.start({**DOCUMENT, "name": "slow"})
    with pytest.raises(StillRunning, match=f"campaign {campaign_id} is still running"):
        campaigns.fetch(campaign_id, tmp_path)
    stop_when_begun(campaigns, campaign_id)
    ended(campaigns, campaign_id)
    with pytest.raises(NoReport, match="it ended as ABORTED"):
        campaigns.fetch(campaign_id, tmp_path)
    with pytest.raises(CampaignFailed, match="ended as ABORTED"):
        campaigns.state(campaign_id).check(campaign_id)


def test_a_report_that_was_deleted_is_said_to_be_so(campaigns: Campaigns, tmp_path: Path) -> None:
    campaign_id = campaigns.start(DOCUMENT)
    ended(campaigns, campaign_id)
    with pytest.raises(NoReport, match="it ended as SUCCEEDED: its report was deleted"):
        campaigns.fetch(campaign_id, tmp_path)


def test_a_refused_campaign_ends_with_the_text_of_the_refusal(campaigns: Campaigns) -> None:
    campaign_id = campaigns.start({**DOCUMENT, "name": "dear"})
    ended(campaigns, campaign_id)
    with pytest.raises(Refused) as told:
        campaigns.state(campaign_id).check(campaign_id)
    assert (told.value.error, str(told.value)) == ("OverBudget", OVER_BUDGET)


@pytest.mark.parametrize(
    ("campaign_id", "told"),
    [("never-was", "there is no campaign never-was on stack isotherm"), ("a b", "'a b' is not a campaign's id")],
)
def test_an_id_that_nobody_has_is_told_as_such(campaigns: Campaigns, campaign_id: str, told: str) -> None:
    for asked in (campaigns.state, campaigns.stop, lambda name: next(campaigns.follow(name))):
        with pytest.raises(NoSuchCampaign, match=told):
            asked(campaign_id)


def test_what_aws_refuses_is_not_taken_for_a_report_that_is_not_there(campaigns: Campaigns, tmp_path: Path) -> None:
    with refusing("s3", "GetObject"), pytest.raises(ClientError, match="AccessDenied"):
        campaigns.fetch("any", tmp_path)
