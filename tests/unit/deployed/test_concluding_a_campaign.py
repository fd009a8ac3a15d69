"""A campaign whose execution ended without a report: one is made of what it had measured until then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isotherm.analysis.summary import CutShort
from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.deployed.campaigns import Campaigns, read_summary
from isotherm.deployed.deployment import find_deployment
from isotherm.deployed.errors import NoReport, StillRunning
from unit.deployed.stack_on_moto import DOCUMENT, deployed_on_moto
from unit.made_up_step import probe_line, report_line, shot

TIMEOUT_S = 5.0


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with deployed_on_moto(monkeypatch, execute=False) as home:
        yield home


@pytest.fixture
def campaigns(home: Home) -> Campaigns:
    return Campaigns(find_deployment(home.stack, home.region))


@pytest.fixture
def plan(campaigns: Campaigns, home: Home) -> Plan:
    """A campaign of two rounds that runs, planned and admitted."""
    campaign_id = campaigns.start(DOCUMENT)
    made = campaigns.make_plan({**DOCUMENT, "rounds": 2})
    made = made.model_copy(update={"campaign_id": campaign_id})
    Bucket(home).write(plan_key(campaign_id), made.model_dump_json().encode())
    Table(home).admit(made)
    return made


def abort(campaigns: Campaigns, campaign_id: str) -> None:
    """End its execution, as from the console: nobody else is told. Moto keeps no reason."""
    client("stepfunctions", "us-east-1").stop_execution(executionArn=campaigns.execution_arn(campaign_id))


def conclude(campaigns: Campaigns, campaign_id: str) -> list[str]:
    said: list[str] = []
    campaigns.conclude(campaign_id, TIMEOUT_S, said.append)
    return said


def answered(name: str) -> object:
    request_id = f"1f2e3d4c-0000-4000-8000-{int(name, 36):012}"
    tail = f"{probe_line(name, request_id)}\n{report_line(request_id)}"
    return shot(name, request_id=request_id, log_tail=tail)


def test_what_was_measured_is_reported_as_partial_and_what_had_been_sent_is_collected(
    campaigns: Campaigns, home: Home, plan: Plan, tmp_path: Path
) -> None:
    first, second = plan.lanes
    table, campaign_id = Table(home), plan.campaign_id
    table.announce(campaign_id, first, 0, {"warm": 2})
    table.update_lane(campaign_id, first, LaneFacts(status="running", phase="collecting", step=0))
    Bucket(home).write_shots(campaign_id, first, 0, 0, [answered("a"), answered("b")])  # type: ignore[list-item]
    abort(campaigns, campaign_id)
    with pytest.raises(NoReport, match="ended as ABORTED"):
        campaigns.fetch(campaign_id, tmp_path)

    assert conclude(campaigns, campaign_id) == [
        "1 lane to be ended, and what was sent collected",
        "making the report of what was measured",
    ]
    summary = read_summary(campaigns.fetch(campaign_id, tmp_path / "once"))
    assert summary.partial == CutShort(ended_as="ABORTED")
    account = summary.accounting
    assert (account.sent, account.issued, account.uncollected, account.used) == (2, 2, 0, 2)
    assert account.not_issued == account.planned - 2
    assert {lane.lane_key: (lane.status, lane.reason) for lane in summary.lanes} == {
        first: ("failed", "the campaign ended as ABORTED"),
        second: ("not_begun", None),
    }

    conclude(campaigns, campaign_id)
    again = campaigns.fetch(campaign_id, tmp_path / "twice")
    for name in (again.summary.name, again.samples.name, again.page.name):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


def test_a_campaign_without_a_sample_says_so(campaigns: Campaigns, plan: Plan, tmp_path: Path) -> None:
    abort(campaigns, plan.campaign_id)
    conclude(campaigns, plan.campaign_id)
    fetched = campaigns.fetch(plan.campaign_id, tmp_path)
    assert read_summary(fetched).accounting.not_issued == read_summary(fetched).accounting.planned
    assert "nothing could be used: no call was made" in fetched.page.read_text()


def test_a_campaign_that_runs_is_left_alone(campaigns: Campaigns, plan: Plan) -> None:
    with pytest.raises(StillRunning):
        conclude(campaigns, plan.campaign_id)
    assert campaigns.state(plan.campaign_id).status == "RUNNING"


def test_of_a_campaign_that_came_to_no_plan_there_is_nothing_to_report(campaigns: Campaigns) -> None:
    campaign_id = campaigns.start(DOCUMENT)
    abort(campaigns, campaign_id)
    with pytest.raises(NoReport, match="it ended as ABORTED"):
        conclude(campaigns, campaign_id)
