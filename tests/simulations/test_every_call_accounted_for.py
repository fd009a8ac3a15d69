"""From shots to accounts: whatever is lost, repeated, reordered or damaged, no call is counted twice or as never sent.

Each call is sent in a burst that was announced. Of its shot, its probe's line and its report any may be lost, come
twice, late or damaged; somebody may print further ones.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotherm.analysis.accounting import Sent, account, imbalances, total
from isotherm.campaign.lane import LaneTask, Step
from isotherm.measurement.orders import step_orders
from isotherm.measurement.sample import Sample
from isotherm.measurement.shot import Order, Outcome, Shot
from isotherm.measurement.witnesses import StepWitnesses, Witnesses
from unit.made_up_step import probe_line, report_line, shot
from unit.statistics.made_up import made_up_plan

PLAN = made_up_plan(targets=("default",), regions=("us-east-1",), cold=6, warm=4, rounds=2, concurrency=3)
TASKS = list(PLAN.tasks())

DAMAGED_VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(), st.lists(st.integers()), st.just(10**400), st.just("\ud800")
)
OUTCOMES: tuple[Outcome, ...] = ("answered", "answered", "function_error", "timeout", "throttled", "client_error")
FIELDS = [name for name in json.loads(probe_line("a")) if name != "isotherm_probe"]


@dataclass
class Call:
    """One call, and all that there is of it."""

    shots: list[Shot]
    lines: list[str]


def request_id(order: Order) -> str:
    number = zlib.crc32(order.shot_id.encode())
    return f"1f2e3d4c-0000-4000-8000-{number:012d}"


@st.composite
def calls(draw: st.DrawFn, order: Order) -> Call:
    """What becomes of one call that was sent."""
    name, outcome = request_id(order), draw(st.sampled_from(OUTCOMES))
    seen = shot(
        order.shot_id,
        kind=order.kind,
        burst=order.burst,
        index=order.index,
        version=order.version,
        memory_mb=order.memory_mb,
        outcome=outcome,
        client_ms=None if outcome == "client_error" else 40.0,
        request_id=name,
    )
    line = probe_line(order.shot_id, name, invocation_index=0 if order.kind == "cold" else 1)
    damaged = {**json.loads(line), draw(st.sampled_from(FIELDS)): draw(DAMAGED_VALUES)}
    report, fake = report_line(name), report_line(name, duration_ms=draw(st.sampled_from([2.0, 99_999.0])))
    probes = draw(st.lists(st.sampled_from([line, json.dumps(damaged), line[:40]]), max_size=2))
    reports = draw(st.lists(st.sampled_from([report, report[:30], fake]), max_size=3))
    return Call([seen] * draw(st.integers(0, 2)), draw(st.permutations(probes + reports)))


def orders_of(task: LaneTask, step: Step) -> list[list[Order]]:
    """A step's calls, as they are announced: burst by burst."""
    orders = step_orders(task.lane, step, [str(burst.burst) for burst in step.bursts], task.function.memory_mb)
    return [part for part in (*orders.bursts, orders.prime, orders.warm) if part]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(data=st.data())
def test_no_call_is_counted_twice_or_as_never_sent(data: st.DataObject) -> None:
    announced: dict[tuple[str, int], Counter[str]] = {}
    there: set[str] = set()
    samples: list[Sample] = []
    sent = 0
    for task in TASKS:
        for step in task.lane.steps:
            parts = orders_of(task, step)
            made = [order for part in parts[: data.draw(st.integers(0, len(parts)))] for order in part]
            if not made:
                continue
            sent += len(made)
            announced[task.lane.key, step.step] = Counter(order.kind for order in made)
            all_calls = [data.draw(calls(order)) for order in made]
            shots = data.draw(st.permutations([one for call in all_calls for one in call.shots]))
            lines = data.draw(st.permutations([line for call in all_calls for line in call.lines]))
            own = Witnesses()
            for line in lines:
                own.read(line)
            joined = StepWitnesses(shots, own, Witnesses(), 0).samples(task, step)
            assert len({sample.shot_id for sample in joined}) == len(joined)
            there |= {f"{task.lane.key} {one.shot_id}" for one in shots}
            samples += joined if data.draw(st.booleans()) else joined * 2  # collected once more
    accounts = account(PLAN, data.draw(st.permutations(samples)), sent=Sent(announced))
    whole = total(accounts.values())

    assert [found for entry in accounts.values() for found in imbalances(entry)] == []
    assert imbalances(whole) == []
    assert (whole.issued, whole.sent, whole.uncollected) == (len(there), sent, sent - len(there))
    assert whole.planned is not None
    assert whole.not_issued == whole.planned - sent
    for sample in samples:
        assert sample.verdict != "used" or not sample.report_contested
        assert not sample.report_contested or sample.billed_duration_ms is None


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_call_that_nobody_announced_is_never_hidden(data: st.DataObject) -> None:
    task = TASKS[0]
    step = task.lane.steps[0]
    made = [order for part in orders_of(task, step) for order in part]
    kept = data.draw(st.lists(st.sampled_from(made), unique=True, min_size=1))
    own = Witnesses()
    shots = [shot(order.shot_id, kind=order.kind, memory_mb=order.memory_mb) for order in kept]
    samples = StepWitnesses(shots, own, Witnesses(), 0).samples(task, step)
    counted = Counter[str](order.kind for order in kept)
    counted[samples[0].kind] -= 1
    accounts = account(PLAN, samples, sent=Sent({(task.lane.key, step.step): counted}))
    assert {found.name for entry in accounts.values() for found in imbalances(entry)} == {"sent"}
