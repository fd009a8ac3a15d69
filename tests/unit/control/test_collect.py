"""What Collect is given becomes samples, counts and reports, once, however often it is given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import Home, client
from isotherm.aws.reports import ReportSearch
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts, LaneRecord
from isotherm.aws.store.samples import samples_of
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LoadStep
from isotherm.campaign.plan import Plan
from isotherm.load.result import PhaseResult
from isotherm.load.spec import LoadSpec, Phase
from unit.made_up_step import probe_line, report_line, shot

from .conftest import ALONE, WHOLE

EVENTS = Path(__file__).parents[3] / "events"
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")
KEY = "r00-default-us-east-1"
Collect = Callable[[dict[str, Any]], Any]
STAGE = {"campaign_id": "id", "tour": ALONE, "stage": 0}


@pytest.fixture
def collect(load: Callable[[str], ModuleType], table: Table, context: Any) -> Collect:  # noqa: ARG001 - starts moto
    client("s3", HOME.region).create_bucket(Bucket=HOME.bucket)
    module = load("collect")
    return lambda event: module.handler(event, context)


def lane(table: Table) -> LaneRecord:
    found = table.lane("id", KEY)
    assert found is not None
    return found


@pytest.mark.usefixtures("plan")
def test_shots_become_samples_and_the_lane_says_how_many(collect: Collect, table: Table) -> None:
    cold = probe_line("a", invocation_index=0, package={"zip_bytes": 9})
    report = report_line().rstrip() + "\tInit Duration: 99.5 ms\t\n"
    shots = [
        shot("a", kind="cold", log_tail=f"{cold}\n{report}"),
        shot("b", kind="cold", outcome="throttled", client_ms=None),
    ]
    Bucket(HOME).write_shots("id", KEY, 0, 0, shots)
    for _ in range(2):
        assert collect(STAGE) == {"samples": 2, "used": 1, "missing": 0, "odd_lines": 0}
    samples = {sample.shot_id: sample for sample in samples_of(table, "id", KEY)}
    assert {name: (one.verdict, one.init_duration_ms) for name, one in samples.items()} == {
        "a": ("used", 99.5),
        "b": ("failed", None),
    }
    said = LaneFacts(
        status="succeeded", phase="collecting", step=0, samples=2, used=1, missing=0, package={"zip_bytes": 9}
    )
    assert lane(table).said() == said.said()


@pytest.mark.usefixtures("plan")
def test_an_odd_line_is_counted_and_the_other_samples_are_kept(collect: Collect, table: Table) -> None:
    report, other = report_line(), "1f2e3d4c-0000-4000-8000-000000000002"
    odd = probe_line("a", other, notes={"database_ms": "=cmd()"}) + "\n"
    shots = [
        shot("a", request_id=other, log_tail=odd + report_line(other)),
        shot("b", log_tail=f"{probe_line('b')}\n{report}"),
        shot("c", outcome="client_error", log_tail=probe_line(["c"])),
    ]
    Bucket(HOME).write_shots("id", KEY, 0, 0, shots)
    assert collect(STAGE) == {"samples": 3, "used": 1, "missing": 0, "odd_lines": 2}
    verdicts = {sample.shot_id: sample.verdict for sample in samples_of(table, "id", KEY)}
    assert verdicts == {"a": "unwitnessed", "b": "used", "c": "failed"}
    assert collect(STAGE)["odd_lines"] == table.odd_lines("id", KEY) == 2


@pytest.mark.usefixtures("plan")
def test_of_a_fire_that_never_wrote_nothing_is_made_up(collect: Collect) -> None:
    assert collect(STAGE) == {"samples": 0, "used": 0, "missing": 0, "odd_lines": 0}


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    "damage",
    [b"", b"no gzip", gzip.compress(b"[1, 2]"), gzip.compress(b"{}")[:-9], None],
    ids=["empty", "not gzip", "not a shot", "cut short", "gone"],  # gzip writes the time of day
)
def test_where_shots_are_lost_the_others_are_kept_and_the_lane_fails(
    collect: Collect, table: Table, damage: bytes | None
) -> None:
    bucket = Bucket(HOME)
    table.announce("id", KEY, 0, {"warm": 3})
    bucket.write_shots("id", KEY, 0, 0, [shot("a", outcome="throttled")])
    second = bucket.write_shots("id", KEY, 0, 0, [shot("b", outcome="throttled")] * 2, part=1)
    if damage is None:
        bucket.delete_if_allowed(second)
    else:
        bucket.write(second, damage)
    collect(STAGE)
    assert lane(table).status == "failed"
    assert str(lane(table).reason).startswith("ShotsLost: 2 of 3 calls")
    assert [sample.shot_id for sample in samples_of(table, "id", KEY)] == ["a"]


@pytest.mark.usefixtures("plan")
def test_a_lane_that_has_ended_is_left_as_it_ended(collect: Collect, table: Table) -> None:
    table.update_lane("id", KEY, LaneFacts(status="failed", phase="done", reason="broken"))
    Bucket(HOME).write_shots("id", KEY, 0, 0, [shot("a", outcome="throttled")])
    assert collect(STAGE)["samples"] == 1
    assert lane(table).said() == {"status": "failed", "phase": "done", "reason": "broken"}


def test_a_load_is_counted_by_what_its_fires_wrote(collect: Collect, table: Table, plan: Plan) -> None:
    spec = LoadSpec(loop="closed", threads=1, iterations=5, phases=(Phase("peak", 1.0),))
    (task,) = [one for one in plan.tasks() if one.lane.key == KEY]
    step = replace(task.lane.steps[0], load=LoadStep(spec=spec, phase="peak", fires=3))
    table.put_tasks([replace(task, lane=replace(task.lane, steps=[step]))])
    for shard, succeeded in ((0, 6), (2, 9)):
        result = PhaseResult(phase="peak", loop="closed", planned=10, succeeded=succeeded)
        Bucket(HOME).write_load("id", KEY, 0, shard, result)
    assert collect(STAGE) == {"samples": 20, "used": 15, "missing": 1, "odd_lines": 0}
    assert (lane(table).samples, lane(table).used, lane(table).missing) == (20, 15, 1)


FAILURE = {"Error": "FireSilent", "Cause": "Fire did not answer within 930 s."}


@pytest.mark.usefixtures("plan")
def test_what_ended_a_stage_fails_its_unfinished_lanes_and_what_they_had_sent_is_collected(
    collect: Collect, table: Table
) -> None:
    second = "r01-default-us-east-1"
    table.update_lane("id", KEY, LaneFacts(status="running", phase="firing", step=0))
    table.update_lane("id", second, LaneFacts(status="failed", reason="FunctionBusy: is measured"))
    Bucket(HOME).write_shots("id", KEY, 0, 0, [shot("a", outcome="throttled")])
    stage = {"campaign_id": "id", "tour": WHOLE, "stage": 0}
    assert collect({**stage, "failure": FAILURE})["samples"] == 1
    assert [(one.status, one.reason) for one in table.lanes("id")] == [
        ("failed", "FireSilent: Fire did not answer within 930 s."),
        ("failed", "FunctionBusy: is measured"),
        *[("failed", "FireSilent: Fire did not answer within 930 s.")] * 3,
        ("planned", None),  # of the next stage, which follows
    ]


@pytest.mark.usefixtures("plan")
def test_the_reason_is_kept_where_what_was_sent_cannot_be_collected(collect: Collect, table: Table) -> None:
    client("s3", HOME.region).delete_bucket(Bucket=HOME.bucket)
    with pytest.raises(client("s3", HOME.region).exceptions.NoSuchBucket):
        collect({**STAGE, "failure": FAILURE})
    assert lane(table).reason == "FireSilent: Fire did not answer within 930 s."


@pytest.mark.usefixtures("plan")
def test_lanes_of_a_stage_wait_together_for_a_log_that_is_late(
    collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither lane's log ever comes: the time is spent once, and the second one is asked for once."""
    slept = [0.0]
    monkeypatch.setattr(ReportSearch.__init__, "__defaults__", (lambda *_: [], *_clock(slept)))
    for number in range(2):
        key = f"r{number:02d}-default-us-east-1"
        Bucket(HOME).write_shots("id", key, 0, 0, [shot(f"a{number}", request_id=None)])
    assert collect({"campaign_id": "id", "tour": WHOLE, "stage": 0})["missing"] == 2
    assert 60 < slept[0] <= 120


def _clock(slept: list[float]) -> tuple[Any, Any]:
    return (lambda: slept[0]), (lambda seconds: slept.__setitem__(0, slept[0] + seconds))


@pytest.mark.parametrize(
    ("event", "source", "answer"),
    [
        (
            "collect-subscription.json",
            "/aws/lambda/some-function",
            {"source": "/aws/lambda/some-function", "log_events": 3, "reports": 1},
        ),
        ("collect-exported-file.json", "s3:logs/export/000000.gz", {"files": 1, "reports": 1}),
    ],
)
def test_reports_that_nobody_asked_for_are_kept_by_their_source(
    collect: Collect, table: Table, event: str, source: str, answer: dict[str, Any]
) -> None:
    Bucket(HOME).write("logs/export/000000.gz", gzip.compress(report_line().encode()))
    for _ in range(2):
        assert collect(json.loads((EVENTS / event).read_text())) == answer
    assert len(list(table.query(f"log#{source}", "report#"))) == 1
