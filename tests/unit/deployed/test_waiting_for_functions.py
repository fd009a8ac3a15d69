"""A campaign whose functions another one has waits for it, and starts when they are free."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from isotherm.aws.clients import Home
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import Table
from isotherm.deployed.campaigns import Campaigns
from isotherm.deployed.deployment import find_deployment
from isotherm.deployed.errors import Refused, StillBusy
from unit.deployed.stack_on_moto import DOCUMENT, deployed_on_moto

FUNCTION = "isotherm-target_default"
HELD = f"campaign first has {FUNCTION} in us-east-1; looking again every 0.01 s"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with deployed_on_moto(monkeypatch) as home:
        yield home


@pytest.fixture
def campaigns(home: Home) -> Campaigns:
    return Campaigns(find_deployment(home.stack, home.region))


@pytest.fixture
def held(home: Home) -> Table:
    """The table, where another campaign has the function."""
    table = Table(home)
    table.put_campaign(CampaignRecord(campaign_id="first", started_at=datetime.now(UTC).isoformat(), name="first"))
    table.reserve("first", [Lease("us-east-1", FUNCTION, "first", "", 128, int(time.time()))])
    return table


def test_it_starts_when_the_other_has_ended(campaigns: Campaigns, held: Table) -> None:
    said: list[str] = []

    def say(what: str) -> None:
        said.append(what)
        held.finish_campaign("first", "done")

    campaign_id = campaigns.start_when_free(DOCUMENT, 60.0, say, poll_s=0.01)
    assert said == [HELD]
    assert campaigns.state(campaign_id).status in ("RUNNING", "SUCCEEDED")


def test_it_gives_up_after_the_time_that_was_given_and_says_who_has_them(campaigns: Campaigns, held: Table) -> None:
    said: list[str] = []
    with pytest.raises(StillBusy, match=rf"campaign first has {FUNCTION} in us-east-1; nothing was started"):
        campaigns.start_when_free(DOCUMENT, 0.05, said.append, poll_s=0.01)
    assert said == [HELD]
    assert held.kept_by_others(None, [("us-east-1", FUNCTION)])


@pytest.mark.usefixtures("held")
def test_what_cannot_be_carried_out_is_refused_before_anybody_waits(campaigns: Campaigns) -> None:
    said: list[str] = []
    with pytest.raises(Refused, match="budget_usd"):
        campaigns.start_when_free({**DOCUMENT, "budget_usd": 0}, 60.0, said.append)
    assert said == []
