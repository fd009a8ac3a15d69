"""A function is measured by one campaign at a time, also where two want it at the same moment."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.store.lease import FunctionBusy, Lease
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import LEASE_S, PLANNING_S, Table

from .conftest import HOME

NOW = int(time.time())
OURS = Lease("us-east-1", "isotherm-target_default", "ours", "r00", memory_mb=128, acquired_at=NOW)
THEIRS = replace(OURS, campaign_id="theirs", memory_mb=256)
EXPIRED = replace(OURS, campaign_id="before", memory_mb=1024, acquired_at=NOW - LEASE_S - 60)


def held(table: Table) -> Lease | None:
    return table.lease(OURS.region, OURS.function_name)


@pytest.mark.parametrize("before", [pytest.param(None, id="free"), pytest.param(EXPIRED, id="expired")])
def test_of_two_that_find_a_function_free_at_the_same_moment_one_gets_it(
    table: Table, monkeypatch: pytest.MonkeyPatch, before: Lease | None
) -> None:
    if before:
        table.acquire(before)
    database = client("dynamodb", HOME.region)
    read, got = database.get_item, []

    def then_the_other_is_quicker(**request: Any) -> Any:
        answer = read(**request)
        monkeypatch.setattr(database, "get_item", read)
        got.append(table.acquire(THEIRS))
        return answer

    monkeypatch.setattr(database, "get_item", then_the_other_is_quicker)
    with pytest.raises(FunctionBusy, match="isotherm-target_default in us-east-1 is being measured by campaign theirs"):
        table.acquire(OURS)
    assert [held(table)] == got
    assert got[0].campaign_id == "theirs"


def test_who_comes_later_is_told_whom_to_wait_for(table: Table) -> None:
    table.acquire(THEIRS)
    with pytest.raises(FunctionBusy, match=r"is being measured by campaign theirs; .* \(isotherm stop theirs\)"):
        table.acquire(OURS)
    assert held(table) == THEIRS


def test_a_lease_that_has_expired_is_taken_over_with_the_memory_it_remembers(table: Table) -> None:
    """Its lane died, and the function may never have been restored: its memory of now is not that of before."""
    table.acquire(EXPIRED)
    assert table.acquire(OURS) == replace(OURS, memory_mb=EXPIRED.memory_mb) == held(table)


def test_a_lease_lives_as_long_as_a_lane_may(table: Table) -> None:
    table.acquire(replace(EXPIRED, acquired_at=int(time.time()) - LEASE_S + 3600))
    with pytest.raises(FunctionBusy):
        table.acquire(OURS)


def test_who_holds_it_may_take_it_again(table: Table) -> None:
    """For its next step, and a lane of the same campaign for its next round."""
    table.acquire(OURS)
    again = table.acquire(replace(OURS, memory_mb=512, acquired_at=NOW + 60))
    assert again == replace(OURS, acquired_at=NOW + 60)
    assert table.acquire(replace(OURS, tour="r01")).tour == "r01"


def test_only_who_holds_it_gives_it_back(table: Table) -> None:
    table.acquire(OURS)
    for other in (THEIRS, replace(OURS, tour="r01")):
        table.release(other)
        assert held(table) == OURS
    table.release(OURS)
    assert held(table) is None
    assert table.acquire(THEIRS) == THEIRS


def test_a_campaign_keeps_its_function_between_two_rounds_until_it_ends(table: Table) -> None:
    table.put_campaign(CampaignRecord(campaign_id="theirs", started_at=datetime.now(UTC).isoformat(), name="theirs"))
    table.release(table.acquire(THEIRS), goes_on=True)
    lease = held(table)
    assert lease is not None
    assert lease.at_rest
    with pytest.raises(FunctionBusy, match="is being measured by campaign theirs"):
        table.acquire(OURS)
    # Its next lane finds the function as it is now.
    assert table.acquire(replace(THEIRS, tour="r01", memory_mb=512)).memory_mb == 512
    table.release(replace(THEIRS, tour="r01"), goes_on=True)
    table.finish_campaign("theirs", "done")
    assert table.acquire(OURS) == OURS


def test_a_campaign_that_ends_gives_up_what_it_kept_and_nothing_else(table: Table) -> None:
    function = (OURS.region, OURS.function_name)
    table.acquire(THEIRS)
    table.give_up_functions("theirs", [function])
    assert held(table) == THEIRS  # a lane is at it
    table.release(THEIRS, goes_on=True)
    table.give_up_functions("ours", [function])
    assert held(table) is not None
    table.give_up_functions("theirs", [function])
    assert held(table) is None


def resting(campaign_id: str = "ours") -> list[Lease]:
    """Of two functions, taken this moment: these leases are soon too old, and tests run long after their import."""
    lease = replace(OURS, campaign_id=campaign_id, tour="", acquired_at=int(time.time()))
    return [replace(lease, function_name=name) for name in ("b", "a")]


def on(table: Table, name: str) -> str | None:
    lease = table.lease(OURS.region, name)
    return lease.campaign_id if lease else None


def test_a_campaign_takes_all_its_functions_before_it_begins_or_none(table: Table) -> None:
    table.acquire(replace(THEIRS, function_name="b"))
    with pytest.raises(FunctionBusy, match="b in us-east-1 is being measured by campaign theirs"):
        table.reserve("ours", resting())
    assert (on(table, "a"), on(table, "b")) == (None, "theirs")
    table.release(replace(THEIRS, function_name="b"))
    for _ in range(2):  # a plan that is made again
        table.reserve("ours", resting())
    assert (on(table, "a"), on(table, "b")) == ("ours", "ours")
    with pytest.raises(FunctionBusy, match="campaign ours"):  # though nothing is recorded of it yet
        table.reserve("theirs", resting("theirs"))


def test_of_two_campaigns_planned_at_the_same_moment_one_gets_all_its_functions(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = client("dynamodb", HOME.region)
    put = database.put_item

    def then_the_other_is_quicker(**request: Any) -> Any:
        monkeypatch.setattr(database, "put_item", put)
        table.reserve("theirs", resting("theirs"))
        return put(**request)

    monkeypatch.setattr(database, "put_item", then_the_other_is_quicker)
    with pytest.raises(FunctionBusy, match="a in us-east-1 is being measured by campaign theirs"):
        table.reserve("ours", resting())
    assert (on(table, "a"), on(table, "b")) == ("theirs", "theirs")


def test_a_plan_that_came_to_nothing_keeps_its_functions_for_as_long_as_one_may_take(table: Table) -> None:
    table.reserve("ours", [replace(lease, acquired_at=NOW - PLANNING_S - 60) for lease in resting()])
    table.reserve("theirs", resting("theirs"))
    assert (on(table, "a"), on(table, "b")) == ("theirs", "theirs")


def test_what_a_dead_lane_noted_of_a_function_outlives_the_next_campaign_s_plan(table: Table) -> None:
    table.acquire(EXPIRED)
    table.reserve("ours", [replace(OURS, tour="")])
    assert table.acquire(OURS).memory_mb == EXPIRED.memory_mb
