"""Restore puts back what its own lane changed, and nothing else, however often it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan

from .conftest import ALONE, AS_BEFORE, FUNCTION, Function, lane_of, publish_in_lane

KEY = "r00-default-us-east-1"

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def restore(load: Callable[[str], ModuleType], context: Any) -> Callable[[], dict[str, Any]]:
    module = load("restore")

    def run() -> dict[str, Any]:
        answer: dict[str, Any] = module.handler({"campaign_id": "id", "tour": ALONE}, context)
        return answer

    return run


@pytest.fixture
def measured(table: Table, function: Function) -> Function:
    """The function as a lane has it that measures: leased, with other memory, and with two versions."""
    publish_in_lane(table, KEY, versions=2)
    return function


def test_memory_description_and_versions_are_put_back_and_the_lease_is_given_up(
    restore: Callable[[], Any], table: Table, measured: Function
) -> None:
    assert measured.configuration() != AS_BEFORE
    assert restore() == {"undone": 3}  # the configuration and two versions
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None
    lane = lane_of(table, KEY)
    assert (lane.holds, lane.left) == (False, [])


def test_twice_is_harmless(restore: Callable[[], Any], table: Table, measured: Function) -> None:
    restore()
    table.update_lane("id", KEY, LaneFacts(status="succeeded", phase="done"))
    assert restore() == {"undone": 0}
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase) == ("succeeded", "done")


def test_what_a_later_tour_is_in_the_middle_of_is_left_alone(
    restore: Callable[[], Any], table: Table, measured: Function
) -> None:
    later = table.acquire(Lease("us-east-1", FUNCTION, "id", "later", memory_mb=128, acquired_at=int(time.time())))
    before = measured.configuration()
    assert restore() == {"undone": 0}
    assert measured.configuration() == before
    assert len(measured.versions()) == 2
    assert table.lease("us-east-1", FUNCTION) == later


def test_versions_that_only_look_like_ours_are_left_alone(restore: Callable[[], Any], measured: Function) -> None:
    """Such as one with the text that $LATEST has meanwhile, or with that of a version of ours."""
    ours = measured.versions()
    copied: list[str] = []
    for text in (measured.configuration()["description"], ours[0]["Description"], f"Isotherm id/{KEY}/s0/v0"):
        measured.change(Timeout=31 + len(copied))
        copied.append(measured.publish(Description=text))
    restore()
    assert measured.numbers() == copied


@pytest.mark.usefixtures("measured")
def test_a_function_that_is_gone_is_nobody_s_any_more(restore: Callable[[], Any], table: Table) -> None:
    client("lambda", "us-east-1").delete_function(FunctionName=FUNCTION)
    assert restore() == {"undone": 1}
    assert table.lease("us-east-1", FUNCTION) is None


def test_what_a_later_tour_needs_is_kept_for_it(
    restore: Callable[[], Any], table: Table, measured: Function, plan: Plan
) -> None:
    (task,) = [task for task in plan.tasks() if task.lane.key == KEY]
    assert not task.goes_on
    table.put_tasks([replace(task, goes_on=True)])
    table.update_lane("id", KEY, LaneFacts(holds=True))
    restore()
    assert measured.versions() == []
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert (lease.campaign_id, lease.at_rest) == ("id", True)
