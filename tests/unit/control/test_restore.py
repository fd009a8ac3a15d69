"""Restore puts back what its own lane changed, and nothing else, however often it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Lease, Table

from .conftest import FUNCTION, Function, lane_of

KEY, LATER = "r00-default-us-east-1", "r01-default-us-east-1"

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def restore(load: Callable[[str], ModuleType], context: Any) -> Callable[[], dict[str, Any]]:
    module = load("restore")

    def run() -> dict[str, Any]:
        answer: dict[str, Any] = module.handler({"campaign_id": "id", "lane_key": KEY}, context)
        return answer

    return run


@pytest.fixture
def measured(table: Table, function: Function) -> Function:
    """The function as a lane has it that measures: leased, with other memory, and with two versions."""
    table.acquire(Lease("us-east-1", FUNCTION, "id", KEY, memory_mb=128, acquired_at=int(time.time())))
    for number in range(2):
        MeasuredFunction("us-east-1", FUNCTION).publish(512, f"id/{KEY}/s0/v{number}")
    return function


AS_BEFORE = {"memory_mb": 128, "variables": {"ISOTHERM_TARGET": "default"}}


def test_memory_variable_and_versions_are_put_back_and_the_lease_is_given_up(
    restore: Callable[[], Any], table: Table, measured: Function
) -> None:
    assert measured.configuration() != AS_BEFORE
    assert restore() == {"undone": 3}  # the configuration and two versions
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    assert table.lease("us-east-1", FUNCTION) is None
    assert lane_of(table, KEY).phase == "restoring"


def test_twice_is_harmless(restore: Callable[[], Any], table: Table, measured: Function) -> None:
    restore()
    table.update_lane("id", KEY, LaneFacts(status="succeeded", phase="done"))
    assert restore() == {"undone": 0}
    assert (measured.configuration(), measured.versions()) == (AS_BEFORE, [])
    lane = lane_of(table, KEY)
    assert (lane.status, lane.phase) == ("succeeded", "done")


def test_what_a_later_lane_is_in_the_middle_of_is_left_alone(
    restore: Callable[[], Any], table: Table, measured: Function
) -> None:
    later = table.acquire(Lease("us-east-1", FUNCTION, "id", LATER, memory_mb=128, acquired_at=int(time.time())))
    before = measured.configuration()
    assert restore() == {"undone": 0}
    assert measured.configuration() == before
    assert len(measured.versions()) == 2
    assert table.lease("us-east-1", FUNCTION) == later


def test_versions_of_others_are_left_alone(restore: Callable[[], Any], measured: Function) -> None:
    theirs = MeasuredFunction("us-east-1", FUNCTION).publish(512, f"another/{KEY}/s0/v0")
    restore()
    assert [version["Version"] for version in measured.versions()] == [theirs]


@pytest.mark.usefixtures("measured")
def test_a_function_that_is_gone_is_nobody_s_any_more(restore: Callable[[], Any], table: Table) -> None:
    client("lambda", "us-east-1").delete_function(FunctionName=FUNCTION)
    assert restore() == {"undone": 1}
    assert table.lease("us-east-1", FUNCTION) is None
