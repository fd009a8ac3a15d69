"""Any sequence of calls, deaths, losses and repeats, on a table and a bucket in memory: no call is ever said unsent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from isotherm.analysis.accounting import account, planned_shots, total
from isotherm.aws.calls.step_log import StepLog
from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.results import read_results
from isotherm.aws.store.samples import put_samples
from isotherm.aws.store.table import Table
from isotherm.measurement.orders import step_orders
from isotherm.measurement.shot import Order, Shot
from isotherm.measurement.witnesses import StepWitnesses, Witnesses
from unit.account_in_memory import account_in_memory, make_table
from unit.statistics.made_up import made_up_plan

from .oracle import Evidence, judge

HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")
PLAN = made_up_plan(targets=("default",), regions=("us-east-1",), cold=9, warm=9, rounds=3, concurrency=2)
TASKS = list(PLAN.tasks())
PLANNED = sum(planned_shots(PLAN).values())


class Killed(Exception):
    """The client's process is gone in the middle of its work."""


class AnyOrder(RuleBasedStateMachine):
    """One campaign, its lanes one after the other, each by a client that may die at any moment.

    `sent` are the shots that really went out. Of a call neither of whose traces is left nobody can know, so at most one
    of the two is lost here: a step's announcement, or its shots.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.in_doubt = 0
        self.collectable: list[int] = []
        self.lost_shots: set[str] = set()
        self.lost_words: set[str] = set()

    @initialize()
    def begin(self) -> None:
        database, self.s3 = client("dynamodb", HOME.region), client("s3", HOME.region)
        with suppress(database.exceptions.ResourceNotFoundException):
            database.delete_table(TableName=HOME.table)
        make_table(HOME.table, HOME.region)
        self.s3.create_bucket(Bucket=HOME.bucket)
        self.table, self.bucket = Table(HOME), Bucket(HOME)
        for key in self.bucket.keys(""):
            self.s3.delete_object(Bucket=HOME.bucket, Key=key)
        self.bucket.write(plan_key(PLAN.campaign_id), PLAN.model_dump_json().encode())
        self.table.admit(PLAN)

    @rule(dies_at=st.none() | st.integers(0, 12), stops_at=st.none() | st.integers(1, 7))
    @precondition(lambda self: len(self.collectable) < len(TASKS))
    def fire(self, dies_at: int | None, stops_at: int | None) -> None:
        """Make a lane's calls; before one of them the client dies, or its time is up."""
        number = len(self.collectable)
        task = TASKS[number]
        self.collectable.append(number)
        step = task.lane.steps[0]
        orders = step_orders(task.lane, step, [str(one) for one in range(len(step.bursts))], 128)
        log = StepLog(self.table, self.bucket, (PLAN.campaign_id, task.lane.key), 0)
        made = 0

        def calls(some: Sequence[Order]) -> list[Shot]:
            nonlocal made
            shots = []
            for order in some:
                if made == stops_at:
                    break
                if made == dies_at:
                    self.in_doubt += len(some)
                    raise Killed
                made += 1
                self.sent.append(order.shot_id)
                shots.append(Shot(**asdict(order), sent_at_ms=1.0, client_ms=5.0, outcome="answered"))
            return shots

        with suppress(Killed):
            for part in (*orders.bursts, orders.prime, orders.warm):
                if part and log.make(part, calls) < len(part):
                    return

    @rule(data=st.data(), repeats=st.integers(1, 2))
    @precondition(lambda self: self.collectable)
    def collect(self, data: st.DataObject, repeats: int) -> None:
        """Write a lane's samples, perhaps once more than needed."""
        task = TASKS[data.draw(st.sampled_from(self.collectable))]
        shots = self.bucket.read_shots(PLAN.campaign_id, task.lane.key, 0, 0)
        samples = StepWitnesses(shots, Witnesses(), Witnesses(), 0).samples(task, task.lane.steps[0])
        for _ in range(repeats):
            put_samples(self.table, samples)

    @rule(data=st.data(), damaged=st.booleans())
    def lose_shots(self, data: st.DataObject, *, damaged: bool) -> None:
        """An object with shots is deleted, or cut in half."""
        keys = [key for key in self.bucket.keys("raw/") if key.split("/")[2] not in self.lost_words]
        if keys:
            key = data.draw(st.sampled_from(keys))
            self.lost_shots.add(key.split("/")[2])
            body = self.bucket.read(key)
            self.s3.delete_object(Bucket=HOME.bucket, Key=key)
            if damaged:
                self.bucket.write(key, body[: len(body) // 2])

    @rule(data=st.data())
    @precondition(lambda self: self.collectable)
    def lose_announcement(self, data: st.DataObject) -> None:
        """What a client said to be about to send is deleted, while its shots are there."""
        lane = TASKS[data.draw(st.sampled_from(self.collectable))].lane.key
        written = {key.split("/")[2] for key in self.bucket.keys("raw/")}
        if lane in written - self.lost_shots:
            self.lost_words.add(lane)
            key = {"pk": {"S": f"campaign#{PLAN.campaign_id}#{lane}"}, "sk": {"S": "sent#0"}}
            client("dynamodb", HOME.region).delete_item(TableName=HOME.table, Key=key)

    def teardown(self) -> None:
        """The judge of the embedded stack's campaigns finds nothing lost, and every sum balances."""
        results = read_results(PLAN.campaign_id, self.table, self.bucket)
        accounts = account(results.plan, results.samples, sent=results.sent)
        doubt = self.in_doubt + sum(PLANNED // len(TASKS) for _ in self.lost_words)
        verdict = judge(
            Evidence(
                planned=PLANNED,
                sent=self.sent,
                account=asdict(total(accounts.values())),
                cells=[asdict(entry) for entry in accounts.values()],
                samples=[sample.shot_id for sample in results.samples],
                in_doubt=doubt,
            )
        )
        # Samples of a step whose announcement is gone are more than was said to be sent: that is to show as a sum.
        wrong = [said for said in verdict.wrong if not (self.lost_words and ": sent " in said)]
        assert (verdict.lost, wrong) == (0, [])


def test_no_order_of_faults_loses_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    asked = settings(
        max_examples=25,
        stateful_step_count=10,
        deadline=None,
        suppress_health_check=checks,
        phases=[Phase.reuse, Phase.generate],  # to make a failing example smaller takes minutes here
    )
    with account_in_memory(monkeypatch):
        run_state_machine_as_test(AnyOrder, settings=asked)
