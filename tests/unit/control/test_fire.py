"""Fire makes no load in the name of a lane that has ended, and ends one whose lane ends meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.spec import LoadSpec, Phase

from .conftest import ALONE

KEY = "r00-default-us-east-1"


@pytest.fixture
def fire(
    load: Callable[[str], ModuleType], table: Table, plan: Plan, context: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    """Fires the lane's step, which is a load that waits until it is told to stop; keeps what is written."""
    module = load("fire")
    spec = LoadSpec(loop="closed", threads=1, iterations=5, phases=(Phase("peak", 1.0),))
    (task,) = [task for task in plan.tasks() if task.lane.key == KEY]
    step = replace(task.lane.steps[0], load=LoadStep(spec=spec, phase="peak", fires=1))
    table.put_tasks([replace(task, lane=replace(task.lane, steps=[step]))])
    made: list[str] = []

    def make_load(*arguments: Any) -> Any:
        stop, give_up_at = arguments[-1], time.monotonic() + 20
        made.append("begun")
        table.update_lane("id", KEY, LaneFacts(status="failed"))
        while not stop() and time.monotonic() < give_up_at:
            time.sleep(0.01)
        return SimpleNamespace(sent=0, planned=10, stopped=stop())

    monkeypatch.setattr("isotherm.aws.calls.load.make_load", make_load)
    monkeypatch.setattr(Bucket, "write_load", lambda *written: made.append(written[-1].stopped))
    monkeypatch.setattr("isotherm.aws.calls.under_way.LOOK_EVERY_S", 0.05)
    event = {"campaign_id": "id", "tour": ALONE, "stage": 0, "shard": 0}
    return lambda: (module.handler(event, context), made)


def test_a_lane_that_has_ended_is_not_loaded(fire: Callable[[], Any], table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(status="failed", phase="done"))
    assert fire() == ({"issued": 0, "planned": 10}, [])
    (lane,) = [lane for lane in table.lanes("id") if lane.lane_key == KEY]
    assert lane.phase == "done"


def test_a_load_is_stopped_when_its_lane_ends_and_what_it_came_to_is_kept(fire: Callable[[], Any]) -> None:
    assert fire() == ({"issued": 0, "planned": 10}, ["begun", True])
