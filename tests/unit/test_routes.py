"""Campaigns in which the way to a function varies: from where, by which protocol, and what it calls in turn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.analysis.accounting import account, imbalances, planned_shots, total
from isotherm.campaign.lane import Inner, Lane, LaneTask, Step
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.plan import Plan, RegionInventory
from isotherm.campaign.refusals import InvalidCampaign
from isotherm.measurement.orders import event_of, outcome_of_status, request_of, warm_orders
from isotherm.measurement.probe import Probe
from isotherm.measurement.sample import Report, Sample, StepContext, join
from isotherm.measurement.shot import Shot
from unit.made_up_stack import made_up_function, made_up_region, planned
from unit.present import present

REGIONS = ["ap-northeast-1", "ap-south-1", "us-west-1", "sa-east-1", "ap-southeast-2", "eu-west-2"]
TARGETS = ["default", "outer", "inner", "inner_db", "customers"]


def region(name: str, targets: list[str] = TARGETS, url: str | None = "https://api.example") -> RegionInventory:
    functions = [made_up_function(target, name, url=url if target == "customers" else None) for target in targets]
    return made_up_region(name, functions, home_region="ap-northeast-1")


def plan_of(document: dict[str, Any], inventory: list[RegionInventory] | None = None) -> Plan:
    return planned(document, *(inventory or [region(name) for name in REGIONS]))


CRISSCROSS = {"targets": ["outer"], "regions": REGIONS, "inner": {}, "warm": {"samples": 50}, "rounds": 5}


def test_criss_cross_measures_every_pair_of_regions_with_and_without_the_database() -> None:
    planned = planned_shots(plan_of(CRISSCROSS))
    warm = {(key.region, key.inner_region, key.inner): count for key, count in planned.items() if key.kind == "warm"}
    assert warm == {(a, b, inner): 50 for a in REGIONS for b in REGIONS for inner in ("inner", "inner_db")}


def test_a_lane_of_criss_cross_is_one_outer_region_and_publishes_nothing() -> None:
    plan = plan_of(CRISSCROSS)
    assert len(plan.lanes) == 5 * 6
    for lane in plan.lanes.values():
        assert lane.client_region == lane.region
        assert {(present(step.inner).target, present(step.inner).region) for step in lane.steps} == {
            (inner, name) for inner in ("inner", "inner_db") for name in REGIONS
        }
        assert all(step.versions == 0 for step in lane.steps)


def test_pairs_come_in_another_order_each_round() -> None:
    orders = [
        [(present(step.inner).target, present(step.inner).region) for step in lane.steps]
        for lane in plan_of(CRISSCROSS).lanes.values()
        if lane.region == "eu-west-2"
    ]
    assert len({tuple(order) for order in orders}) > 1


def test_the_inner_functions_are_priced_where_they_run() -> None:
    nested = plan_of(CRISSCROSS).price
    alone = plan_of({**CRISSCROSS, "inner": {"targets": ["inner"], "regions": ["eu-west-2"]}}).price
    assert nested.usd > alone.usd > 0


@given(clients=st.lists(st.sampled_from(REGIONS), min_size=1, unique=True), rounds=st.integers(1, 3))
def test_each_client_is_a_lane_of_its_own_that_runs_there_and_never_beside_another_on_the_same_function(
    clients: list[str], rounds: int
) -> None:
    document = {"targets": ["default"], "regions": ["eu-west-2", "us-west-1"], "clients": clients, "rounds": rounds}
    plan = plan_of({**document, "cold": {"samples": 0}, "warm": {"samples": 6}})
    assert len(plan.lanes) == rounds * 2 * len(clients)
    assert {lane.client_region for lane in plan.lanes.values()} == set(clients)
    for wave in plan.waves:
        functions = [{plan.lanes[key].region for key in plan.tours[tour].lanes} for tour in wave]
        assert sum(map(len, functions)) == len(set().union(*functions))
    for tour in plan.tours.values():
        lanes = [plan.lanes[key] for key in tour.lanes]
        assert len({(lane.round, lane.client_region) for lane in lanes}) == 1
    warm = {key: count for key, count in planned_shots(plan).items() if key.kind == "warm"}
    assert {(key.region, key.client_region): count for key, count in warm.items()} == {
        (name, client): 6 for name in ("eu-west-2", "us-west-1") for client in clients
    }


def test_customers_are_written_and_read_by_each_protocol() -> None:
    plan = plan_of({"targets": ["customers"], "protocols": ["invoke", "http"], "warm": {"samples": 10}})
    (lane,) = (lane for lane in plan.lanes.values() if lane.round == 0)
    assert {(step.protocol, step.operation) for step in lane.steps} == {
        (protocol, operation) for protocol in ("invoke", "http") for operation in ("post", "get")
    }


def test_only_what_writes_is_started_cold() -> None:
    plan = plan_of({"targets": ["customers"], "cold": {"samples": 10}, "rounds": 1})
    (lane,) = plan.lanes.values()
    assert {step.operation: bool(step.bursts) for step in lane.steps} == {"post": True, "get": False}


def test_what_is_read_was_written_by_a_priming_call() -> None:
    plan = plan_of({"targets": ["customers"], "warm": {"samples": 9, "concurrency": 3}, "rounds": 1})
    (lane,) = plan.lanes.values()
    step = next(step for step in lane.steps if step.operation == "get")
    primes = warm_orders(lane, step, "prime", 0, step.prime_shots, "$LATEST", 128)
    written = {json.loads(present(request_of(lane, step, order).body))["email_id"] for order in primes}
    read = [request_of(lane, step, order) for order in warm_orders(lane, step, "warm", 0, 9, "$LATEST", 128)]
    assert {request.method for request in read} == {"GET"}
    assert {request.path.removeprefix("/customers/").replace("%40", "@") for request in read} == written


def test_the_target_is_told_whom_to_call() -> None:
    plan = plan_of(CRISSCROSS)
    lane = next(iter(plan.lanes.values()))
    step = lane.steps[0]
    inner = present(step.inner)
    (order,) = warm_orders(lane, step, "warm", 0, 1, "$LATEST", 128)
    assert event_of(lane, step, order, None) == {
        "isotherm": {"shot_id": order.shot_id},
        "inner": {"region": inner.region, "function_name": inner.function_name},
    }


def test_a_lane_s_task_survives_the_table() -> None:
    for document in (CRISSCROSS, {"targets": ["default"], "clients": REGIONS, "cold": {"samples": 0}}):
        for task in plan_of(document).tasks():
            assert LaneTask.from_json(task.to_json()) == task


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"targets": ["outer"]},
            'inner: is missing; the target outer needs it: what to call, such as {"targets": ["inner"]}',
        ),
        (
            {"targets": ["outer", "default"], "inner": {}},
            'targets: "default" cannot call inner functions; with inner give ["outer"] alone',
        ),
        (
            {"targets": ["outer"], "inner": {}, "cold": {"samples": 5}},
            "cold.samples: 5 cannot be combined with inner, whose calls go to functions as they are deployed; give "
            "0, or leave cold out",
        ),
        (
            {"targets": ["default"], "protocols": ["http"]},
            'targets: "default" cannot be called by http; with these protocols give ["customers"] alone',
        ),
        (
            {"targets": ["customers"], "protocols": ["gopher"]},
            'protocols: "gopher" is not accepted; give "invoke", "http", "server" or "instance"',
        ),
        ({"targets": ["customers"], "protocols": []}, "protocols: [] is empty; name at least one"),
        (
            {"targets": ["customers"], "protocols": ["http"], "memory_mb": [128]},
            "memory_mb: [128] cannot be set together with protocols ['http']: such calls go to the function as it is "
            "deployed; leave memory_mb out",
        ),
        (
            {"targets": ["outer"], "inner": {"target": ["inner"]}},
            "inner.target: there is no such field; did you mean targets?",
        ),
        (
            {"targets": ["default"], "clients": ["eu-west-7"]},
            'clients: "eu-west-7" is not an AWS region; did you mean eu-west-2 or us-west-1?',
        ),
        (
            {"targets": ["outer"], "inner": {"regions": ["eu-west-7"]}},
            'inner.regions: "eu-west-7" is not an AWS region; did you mean eu-west-2 or us-west-1?',
        ),
        (
            {"targets": ["default"], "clients": ["eu-west-2", "eu-west-2"]},
            'clients: "eu-west-2" is named twice; name each once',
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        parse_campaign(document, REGIONS)
    assert str(refusal.value) == message


def test_an_inner_function_that_is_not_there_is_named_before_the_start() -> None:
    inventory = [region(name, TARGETS if name != "sa-east-1" else ["default", "outer"]) for name in REGIONS]
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of(CRISSCROSS, inventory)
    assert 'inner.targets: "inner" is not a target in sa-east-1; there are default, outer' in str(refusal.value)


def test_a_stack_without_an_api_is_named_before_the_start() -> None:
    with pytest.raises(InvalidCampaign, match=r'protocols: "http" cannot reach customers in eu-west-2'):
        plan_of(
            {"targets": ["customers"], "protocols": ["http"], "regions": ["eu-west-2"]}, [region("eu-west-2", url=None)]
        )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "answered"), (201, "answered"), (400, "function_error"), (403, "client_error"), (404, "function_error"),
     (429, "throttled"), (500, "function_error"), (503, "function_error"), (504, "timeout")],
)  # fmt: skip
def test_an_http_status_says_where_a_call_ended(status: int, outcome: str) -> None:
    assert outcome_of_status(status) == outcome


STEP = Step(
    step=0,
    memory_mb=None,
    cold_method="burst",
    bursts=[],
    warm_shots=1,
    warm_concurrency=1,
    prime_shots=0,
    inner=Inner(target="inner_db", region="eu-west-2", function_name="inner_db", log_group="/aws/lambda/inner_db"),
)
LANE = Lane(
    key="l",
    target="outer",
    region="us-west-1",
    round=0,
    function_name="outer",
    steps=[STEP],
    client_region="us-west-1",
)
NESTED = StepContext("c", LANE, STEP, emulated=False)


def shot(**fields: Any) -> Shot:
    values = {
        "shot_id": "s", "kind": "warm", "step": 0, "burst": 0, "index": 0, "version": "$LATEST", "memory_mb": 128,
        "concurrency": 1, "sent_at_ms": 1000.0, "client_ms": 200.0, "outcome": "answered", "request_id": "q",
    }  # fmt: skip
    return Shot(**{**values, **fields})


def probe(request_id: str, index: int = 1, **notes: Any) -> Probe:
    return Probe("s", request_id, "env", index, 0.0, 0.0, 0.0, 1.0, 20.0, 0.0, None, notes or None)


def nested(
    the_shot: Shot | None = None, inner_index: int = 1, inner_report: bool = True, outer_notes: bool = True
) -> Sample:
    noted: dict[str, Any] = (
        {"inner_round_trip_ms": 80.0, "inner_sent_at_ms": 1010.0, "inner_request_id": "i"} if outer_notes else {}
    )
    return join(
        NESTED,
        [the_shot or shot()],
        {"s": probe("q", **noted)},
        {"q": Report("q", 85.0, 86, None, None, 128, 40, None)},
        {"s": probe("i", inner_index, database_ms=7.5)},
        {"i": Report("i", 20.0, 20, None, None, 128, 40, None)} if inner_report else {},
    )[0]


def test_a_nested_sample_holds_every_column_of_the_record() -> None:
    sample = nested()
    assert (sample.sent_at_ms, sample.client_ms) == (1000.0, 200.0)
    assert (sample.billed_duration_ms, sample.duration_ms) == (86, 85.0)
    assert (sample.inner_round_trip_ms, sample.inner_sent_at_ms) == (80.0, 1010.0)
    assert (sample.inner_billed_duration_ms, sample.inner_duration_ms) == (20, 20.0)
    assert sample.database_ms == 7.5
    assert (sample.network_ms, sample.network_share) == (60.0, 0.75)
    assert sample.verdict == "used"


def test_a_warm_call_whose_inner_function_was_cold_is_not_used() -> None:
    assert nested(inner_index=0).verdict == "unexpected"
    assert nested(shot(kind="prime"), inner_index=0).verdict == "primed"


def test_a_missing_inner_report_is_counted_and_never_a_zero() -> None:
    sample = nested(inner_report=False)
    assert sample.inner_report_found is False
    assert (sample.inner_duration_ms, sample.network_ms, sample.network_share) == (None, None, None)


@given(found=st.lists(st.booleans(), min_size=1, max_size=20), failed=st.integers(0, 5))
def test_every_answered_nested_call_has_its_inner_report_found_or_missing(found: list[bool], failed: int) -> None:
    plan = plan_of({**CRISSCROSS, "warm": {"samples": 50}, "rounds": 1})
    samples = [replace(nested(inner_report=there), shot_id=f"s{number}") for number, there in enumerate(found)]
    samples += [replace(nested(shot(outcome="function_error")), shot_id=f"f{number}") for number in range(failed)]
    accounts = account(plan, samples)
    whole = total(accounts.values())
    assert (whole.nested, whole.inner_report_found) == (len(found), sum(found))
    # The lane is none of the plan's, so its cells show as surplus; no other identity may break.
    assert {found.name for entry in accounts.values() for found in imbalances(entry)} <= {"planned"}


def test_inner_calls_and_clients_count_against_their_own_region_s_concurrency() -> None:
    small = replace(region("eu-west-2"), unreserved_concurrency=10)
    large = region("us-west-1")
    nested = {"targets": ["outer"], "regions": ["us-west-1"], "inner": {"regions": ["eu-west-2"]}, "rounds": 1}
    with pytest.raises(
        InvalidCampaign, match=r"would need 50 executions at once in eu-west-2, .* 10 are unreserved there"
    ):
        plan_of({**nested, "warm": {"samples": 50, "concurrency": 50}}, [small, large])
    plan_of({**nested, "warm": {"samples": 50, "concurrency": 10}}, [small, large])


def test_a_burst_that_would_be_held_beyond_its_function_s_time_is_refused() -> None:
    short = region("eu-west-2")
    short = replace(short, targets=[replace(target, timeout_s=3) for target in short.targets])
    document = {"targets": ["customers"], "regions": ["eu-west-2"], "rounds": 1}
    with pytest.raises(InvalidCampaign, match=r"cold.concurrency: 300 calls at once .* ended after 3 s; at most 175"):
        plan_of({**document, "cold": {"samples": 300, "concurrency": 300}}, [short])
    plan_of({**document, "cold": {"samples": 175, "concurrency": 175}}, [short])


def test_calls_of_a_server_are_no_invocations() -> None:
    document = {"targets": ["customers"], "protocols": ["server"], "server": {"url": "https://mine.example.com"}}
    price = plan_of({**document, "i_own_this_endpoint": "https://mine.example.com"}).price
    assert "Lambda requests" not in {line.service for line in price.lines}
    assert any("are not included" in note for note in price.notes)
