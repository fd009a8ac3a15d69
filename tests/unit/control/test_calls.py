"""How the calls of a step are made: in which order, which versions are deleted when, and what stops them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.calls.step import make_calls
from isotherm.aws.calls.step_log import StepLog
from isotherm.aws.calls.under_way import PROGRESS_EVERY_S, UnderWay
from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts, LaneRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LATEST, WARM_CALLS_AT_RISK, Burst, Step
from isotherm.campaign.plan import Plan
from isotherm.measurement.orders import StepOrders, step_orders
from isotherm.measurement.shot import Order, Shot
from unit.made_up_step import STEP, task
from unit.present import present

from .conftest import ALONE, WHOLE

KEY = "r00-default-us-east-1"
WHERE = ("id", KEY)
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")
FULL = replace(STEP, bursts=[Burst(burst=0, shots=3), Burst(burst=1, shots=1)], prime_shots=2, warm_shots=5)


def orders_of(step: Step, versions: Sequence[str]) -> StepOrders:
    return step_orders(task(step).lane, step, versions, 256)


def test_each_burst_goes_to_a_version_of_its_own_and_the_last_one_is_called_warm() -> None:
    orders = orders_of(FULL, ["7", "8"])
    assert [[(order.kind, order.version) for order in burst] for burst in orders.bursts] == [
        [("cold", "7")] * 3,
        [("cold", "8")],
    ]
    assert {(order.kind, order.version) for order in orders.prime + orders.warm} == {("prime", "8"), ("warm", "8")}
    assert {order.memory_mb for order in orders.warm} == {256}
    assert orders.planned == 3 + 1 + 2 + 5


def test_without_versions_the_function_is_called_as_it_is_deployed() -> None:
    orders = orders_of(replace(FULL, bursts=[]), [])
    assert {order.version for order in orders.warm} == {LATEST}


@pytest.mark.parametrize(
    ("step", "width"),
    [
        (FULL, 3),
        (replace(FULL, warm_concurrency=4), 4),
        (replace(FULL, warm_concurrency=4, warm_shots=0), 3),
        (replace(FULL, bursts=[], prime_shots=6), 6),
        (replace(FULL, bursts=[], prime_shots=0, warm_shots=0), 1),
    ],
)
def test_as_many_connections_are_opened_as_calls_go_out_at_once(step: Step, width: int) -> None:
    assert orders_of(step, ["7", "8"]).width == width


@pytest.mark.parametrize(("warm_shots", "spent"), [(5, [True, False]), (0, [True, True])])
def test_a_version_is_spent_after_its_burst_unless_it_is_called_warm(warm_shots: int, spent: list[bool]) -> None:
    orders = orders_of(replace(FULL, warm_shots=warm_shots), ["7", "8"])
    assert [orders.is_spent(version) for version in ("7", "8")] == spent


class Lambda:
    """Stands in for the platform: answers every call, deletes versions, and keeps the order of all."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fault_at: str | None = None

    def __enter__(self) -> Lambda:
        return self

    def __exit__(self, *_: object) -> None:
        self.seen.append("closed")

    def open_connections(self) -> None:
        self.seen.append("open")

    def burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        kind, version = orders[0].kind, orders[0].version
        if kind == self.fault_at:
            raise RuntimeError("broken")
        self.seen.append(f"{kind} {version} x{len(orders)}{' held' if hold else ''}")
        return [answered(order) for order in orders]

    def in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        made = []
        for order in orders:
            if not go_on():
                break
            made.append(answered(order))
        self.seen.append(f"warm x{len(made)} by {concurrency}")
        return made

    def delete(self, version: str) -> None:
        self.seen.append(f"deleted {version}")


def answered(order: Order) -> Shot:
    return Shot(**asdict(order), sent_at_ms=1.0, client_ms=5.0, outcome="answered")


def lane(table: Table) -> LaneRecord:
    found = table.lane(*WHERE)
    assert found is not None
    return found


@pytest.mark.usefixtures("plan")
def test_bursts_come_first_and_a_version_is_deleted_when_it_is_measured(table: Table, bucket: Bucket) -> None:
    there, log, function = Lambda(), StepLog(table, bucket, WHERE, 0), Lambda()
    function.seen = there.seen
    under_way = UnderWay(table, WHERE, 0, lambda: True)
    make_calls(there, orders_of(FULL, ["7", "8"]), log, under_way, function)  # type: ignore[arg-type]
    assert there.seen == [
        "open",
        "cold 7 x3 held",
        "deleted 7",
        "cold 8 x1",
        "prime 8 x2 held",
        "warm x5 by 1",
        "deleted 8",
    ]
    assert [shot.kind for shot in log.made] == ["cold"] * 4 + ["prime"] * 2 + ["warm"] * 5


@pytest.mark.usefixtures("plan")
def test_the_processors_time_for_a_call_is_known_without_the_waiting(table: Table, bucket: Bucket) -> None:
    log = StepLog(table, bucket, WHERE, 0)
    assert log.processor_ms_per_call is None
    worked = list[float]()

    def calls(orders: Sequence[Order]) -> list[Shot]:
        time.sleep(0.05)
        begun = time.thread_time()
        while time.thread_time() < begun + 0.03:
            pass
        worked.append((time.thread_time() - begun) * 1000)
        return [answered(order) for order in orders]

    for burst in orders_of(FULL, ["7", "8"]).bursts:
        log.make(burst, calls)
    assert present(log.processor_ms_per_call) == pytest.approx(sum(worked) / 4, rel=0.2)


@pytest.mark.usefixtures("plan")
def test_nothing_is_begun_once_the_lane_has_ended(table: Table, bucket: Bucket) -> None:
    table.update_lane(*WHERE, LaneFacts(status="failed"))
    there, log = Lambda(), StepLog(table, bucket, WHERE, 0)
    under_way = UnderWay(table, WHERE, 0, lambda: True)
    make_calls(there, orders_of(FULL, ["7", "8"]), log, under_way, there)  # type: ignore[arg-type]
    assert (there.seen, log.made, table.announced(*WHERE, 0)) == (["open"], [], None)


@pytest.mark.usefixtures("plan")
def test_warm_calls_end_when_time_is_up(table: Table, bucket: Bucket) -> None:
    left = iter([True] * 4 + [True] * 2 + [False] * 9)  # two bursts, priming, warm; then two warm calls
    there, log = Lambda(), StepLog(table, bucket, WHERE, 0)
    under_way = UnderWay(table, WHERE, 0, lambda: next(left))
    make_calls(there, orders_of(FULL, ["7", "8"]), log, under_way, there)  # type: ignore[arg-type]
    assert sum(shot.kind == "warm" for shot in log.made) == 2
    assert table.announced(*WHERE, 0) == {"cold": 4, "prime": 2, "warm": 2}
    assert len(bucket.read_shots(*WHERE, 0, 0)) == 8


@pytest.mark.usefixtures("plan")
def test_progress_is_written_at_once_or_when_the_last_is_old_enough(table: Table) -> None:
    now = [100.0]
    under_way = UnderWay(table, WHERE, 3, lambda: True, lambda: now[0])

    def after(seconds: float, issued: int, *, at_once: bool = False) -> tuple[int | None, int | None]:
        now[0] += seconds
        under_way.report(issued, at_once=at_once)
        return lane(table).step, lane(table).issued

    assert after(0, 10) == (3, 10)
    assert after(PROGRESS_EVERY_S / 2, 20) == (3, 10)
    assert after(PROGRESS_EVERY_S, 30) == (3, 30)
    assert after(0, 40, at_once=True) == (3, 40)


@pytest.fixture
def fire(
    load: Callable[[str], ModuleType],
    table: Table,
    bucket: Bucket,
    plan: Plan,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Lambda], Any]:
    """Fires a step of two bursts, primed and warm calls, by what stands in for Lambda."""
    module: Any = load("fire")
    (planned,) = [one for one in plan.tasks() if one.lane.key == KEY]
    table.put_tasks([replace(planned, lane=replace(planned.lane, steps=[FULL]))])
    bucket.write_versions(*WHERE, 0, ["7", "8"])

    def fired(there: Lambda) -> Any:
        monkeypatch.setattr(module, "caller_of", lambda *_: there)
        monkeypatch.setattr(module, "MeasuredFunction", lambda *_: there)
        return module.handler({"campaign_id": "id", "tour": ALONE, "stage": 0, "shard": 0}, context)

    return fired


def test_what_was_measured_is_written_down(fire: Callable[[Lambda], Any], table: Table) -> None:
    assert fire(Lambda()) == {"issued": 11, "planned": 11}
    assert len(Bucket(HOME).read_shots(*WHERE, 0, 0)) == 11
    assert (lane(table).phase, lane(table).issued) == ("firing", 11)


def test_what_was_measured_is_kept_whatever_stops_the_calls(fire: Callable[[Lambda], Any], table: Table) -> None:
    there = Lambda()
    there.fault_at = "prime"
    with pytest.raises(RuntimeError, match="broken"):
        fire(there)
    assert there.seen[-1] == "closed"
    assert [shot.kind for shot in Bucket(HOME).read_shots(*WHERE, 0, 0)] == ["cold"] * 4
    assert lane(table).issued == 4
    # The two that were about to be sent may have been.
    assert table.announced(*WHERE, 0) == {"cold": 4, "prime": 2}


@pytest.mark.usefixtures("fire")
def test_a_lane_whose_calls_cannot_be_made_fails_alone(
    load: Callable[[str], ModuleType],
    table: Table,
    bucket: Bucket,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its versions were never written down; those of the other lane of the stage were."""
    second = "r01-default-us-east-1"
    bucket.delete_if_allowed(bucket.keys(f"raw/id/{KEY}/")[0])
    bucket.write_versions("id", second, 0, ["9"])
    there, module = Lambda(), load("fire")
    monkeypatch.setattr(module, "caller_of", lambda *_: there)
    monkeypatch.setattr(module, "MeasuredFunction", lambda *_: there)
    answer = module.handler({"campaign_id": "id", "tour": WHOLE, "stage": 0, "shard": 0}, context)
    assert answer == {"issued": 10, "planned": 10}
    assert there.seen == ["open", "cold 9 x10 held", "deleted 9", "closed"]
    assert (lane(table).status, str(lane(table).reason)[:9]) == ("failed", "NoSuchKey")
    (other,) = [one for one in table.lanes("id") if one.lane_key == second]
    assert (other.status, other.issued) == ("planned", 10)


def test_a_lane_that_fire_had_no_time_for_has_failed(
    fire: Callable[[Lambda], Any], table: Table, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: 80_000)
    assert fire(Lambda()) == {"issued": 0, "planned": 11}
    assert (lane(table).status, lane(table).reason) == (
        "failed",
        "no call of step 0 was made before Fire's time was up",
    )


class Killed(BaseException):
    """The process is ended from outside; what it would have done next is not done."""


def test_a_fire_that_is_killed_loses_no_more_than_one_burst_and_no_count(
    fire: Callable[[Lambda], Any], table: Table, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, said = Lambda(), list[Any]()
    burst = Lambda.burst

    def until_killed(self: Lambda, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        said.append((table.announced(*WHERE, 0), len(bucket.read_shots(*WHERE, 0, 0))))
        if len(said) == 2:
            raise Killed
        return burst(self, orders, hold=hold)

    monkeypatch.setattr(Lambda, "burst", until_killed)
    with pytest.raises(Killed):
        fire(there)
    assert said == [({"cold": 3}, 0), ({"cold": 4}, 3)]
    assert len(bucket.read_shots(*WHERE, 0, 0)) == 3


@pytest.mark.usefixtures("plan")
def test_a_long_row_of_warm_calls_is_written_down_on_the_way(table: Table, bucket: Bucket) -> None:
    log, under_way = StepLog(table, bucket, WHERE, 0), UnderWay(table, WHERE, 0, lambda: True)
    there, step = Lambda(), replace(FULL, bursts=[], prime_shots=0, warm_shots=2 * WARM_CALLS_AT_RISK + 1)
    make_calls(there, orders_of(step, []), log, under_way, there)  # type: ignore[arg-type]
    assert there.seen == ["open", "warm x100 by 1", "warm x100 by 1", "warm x1 by 1"]
    assert {one.index for one in bucket.read_shots(*WHERE, 0, 0)} == set(range(201))
