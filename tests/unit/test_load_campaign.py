"""A load as a campaign: phases as steps; what cannot be carried or may not be loaded is said before the start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from isotherm.campaign.lane import LaneTask, Platform
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.plan import Plan
from isotherm.campaign.refusals import InvalidCampaign
from unit.made_up_stack import planned
from unit.present import present

from .test_routes import region

RECORD: dict[str, Any] = {"targets": ["customers"], "load": {"threads": 20, "iterations": 100}}
OPEN: dict[str, Any] = {"targets": ["customers"], "load": {"loop": "open", "rate_per_s": 200, "duration_s": 60}}
LOOPBACK = {"url": "https://127.0.0.1:8443"}


def plan_of(document: dict[str, Any], *, platform: Platform = "emulated", **facts: Any) -> Plan:
    there = replace(region("us-east-1"), home_region="us-east-1", **facts)
    return planned(document, there, platform=platform)


@pytest.mark.parametrize(("threads", "requests"), [(20, 7400), (100, 37_000)])
def test_the_record_s_phases_are_steps_in_order_and_make_its_requests(threads: int, requests: int) -> None:
    plan = plan_of({**RECORD, "load": {"threads": threads, "iterations": 100}})
    (lane,) = plan.lanes.values()
    assert [present(step.load).phase for step in lane.steps] == ["warmup", "loading", "peak", "cooldown"]
    assert sum(present(step.load).requests for step in lane.steps) == requests
    assert all(not step.warm_shots and not step.bursts and step.versions == 0 for step in lane.steps)


def test_protocols_come_one_after_the_other_each_with_its_phases_in_order() -> None:
    plan = plan_of({**RECORD, "protocols": ["invoke", "http", "server"], "server": LOOPBACK})
    (lane,) = plan.lanes.values()
    order = [(step.protocol, present(step.load).phase) for step in lane.steps]
    for first in range(0, 12, 4):
        assert [phase for _, phase in order[first : first + 4]] == ["warmup", "loading", "peak", "cooldown"]
        assert len({protocol for protocol, _ in order[first : first + 4]}) == 1
    assert {protocol for protocol, _ in order} == {"invoke", "http", "server"}


def test_an_open_loop_s_phases_share_the_rate() -> None:
    (lane,) = plan_of(OPEN).lanes.values()
    assert [present(step.load).requests for step in lane.steps] == [20 * 60, 100 * 60, 200 * 60, 50 * 60]


def test_an_open_loop_s_limit_reaches_every_phase() -> None:
    limited = {**OPEN, "load": {**OPEN["load"], "max_in_flight": 40, "fires": 40}}
    for document, limit in ((OPEN, 256), (limited, 40)):
        (lane,) = plan_of(document).lanes.values()
        assert [present(step.load).spec.max_in_flight for step in lane.steps] == [limit] * 4


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ({**RECORD["load"], "max_in_flight": 256}, "load.max_in_flight: 256 has no meaning in a closed loop"),
        ({**OPEN["load"], "max_in_flight": 3, "fires": 4}, "load.max_in_flight: 3 is below the 4 fires"),
        ({**OPEN["load"], "max_in_flight": 0}, "load.max_in_flight: 0"),
        ({**OPEN["load"], "max_in_flight": 10_001}, "load.max_in_flight: 10001"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(load: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of({**RECORD, "load": load})
    assert message in str(refusal.value)


def test_a_larger_load_costs_more_and_the_server_costs_no_invocations() -> None:
    small, large = (plan_of({**RECORD, "load": {"threads": n, "iterations": 100}}).price for n in (20, 100))
    assert 0 < small.usd < large.usd
    server = plan_of({**RECORD, "protocols": ["server"], "server": LOOPBACK}).price
    assert "Lambda requests" not in {line.service for line in server.lines}


def test_a_load_s_task_survives_the_table() -> None:
    plan = plan_of({**RECORD, "protocols": ["server"], "server": {**LOOPBACK, "certificate": "PEM"}})
    (task,) = plan.tasks()
    assert task.servers["server"].url == LOOPBACK["url"]
    assert LaneTask.from_json(task.to_json()) == task


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"targets": ["default"], "load": RECORD["load"]},
            'targets: ["default"] cannot be loaded; with load give ["customers"] alone',
        ),
        ({**RECORD, "memory_mb": [128, 256]}, "memory_mb: does not go with load; leave it out"),
        (
            {**RECORD, "load": {"threads": 2500, "iterations": 1, "fires": 2}},
            "load.threads: 2500 are more connections than 2 of the functions that make them can have open (1000 each); "
            "give at least 3 fires",
        ),
        ({**RECORD, "max_rounds": 5}, "max_rounds: does not go with load; leave it out"),
        (
            {**RECORD, "load": {**RECORD["load"], "phases": [{"name": "all", "share": 1}]}},
            'load.phases.name: "all" is the name of the sum of all phases; give another',
        ),
        ({**RECORD, "load": {"threads": 5}}, "load.iterations: a load in a closed loop needs it"),
        ({**RECORD, "load": {"threads": 0, "iterations": 1}}, "load.threads: 0 is below the least accepted, 1"),
        (
            {**RECORD, "load": {**RECORD["load"], "phases": [{"name": "peak", "share": 0}]}},
            "load.phases.share: 0 is not above 0",
        ),
        ({**RECORD, "load": {**RECORD["load"], "phases": []}}, "load.phases: [] is empty; name at least one"),
        (
            {**RECORD, "load": {**RECORD["load"], "phases": [{"name": "a", "share": 1}, {"name": "a", "share": 1}]}},
            "load.phases: the name 'a' is given twice",
        ),
        (
            {**RECORD, "load": {**RECORD["load"], "rate_per_s": 5}},
            "load.rate_per_s: 5 has no meaning in a closed loop",
        ),
        ({**OPEN, "load": {**OPEN["load"], "rate_per_s": 0}}, "load.rate_per_s: 0 is not above 0"),
        ({**OPEN, "load": {**OPEN["load"], "duration_s": 900}}, "load.duration_s: 900 is above the most accepted, 780"),
        ({**RECORD, "load": {"loop": "spiral"}}, 'load.loop: "spiral" is not accepted; give "closed" or "open"'),
        ({**RECORD, "warm": {"samples": 5}}, "warm.samples: 5 cannot be combined with load; leave warm out"),
        (
            {**RECORD, "cold": {"samples": 5}},
            "cold.samples: 5 cannot be combined with load, whose calls go to functions as they are deployed; give "
            "0, or leave cold out",
        ),
    ],
)  # fmt: skip
def test_what_is_no_load_is_refused_in_words(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        parse_campaign(document)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {**RECORD, "load": {"threads": 20, "iterations": 1}},
            "load.threads: 20 is above what us-east-1 leaves for this account's functions (10 unreserved, 2 of them "
            "for the campaign itself); at most 8",
        ),
        (
            OPEN,
            "load.rate_per_s: 200.0 is above what us-east-1 leaves for this account's functions (10 unreserved, 2 of "
            "them for the campaign itself); at most 80",
        ),
    ],
)
def test_what_the_account_cannot_carry_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of(document, unreserved_concurrency=10)
    assert str(refusal.value) == message


def test_fires_and_iterations_that_no_function_can_carry_are_refused() -> None:
    server = {**RECORD, "protocols": ["server"], "server": LOOPBACK}
    with pytest.raises(InvalidCampaign, match=r"load.fires, load.threads: .* would need 41 executions at once"):
        plan_of({**server, "load": {**RECORD["load"], "fires": 40}}, unreserved_concurrency=10)
    with pytest.raises(
        InvalidCampaign, match=r"load.iterations: phase warmup would take about 1200 s, above the 780 s"
    ):
        plan_of({**RECORD, "load": {"threads": 10, "iterations": 4000}})
    with pytest.raises(InvalidCampaign, match="use fewer protocols, phases or iterations"):
        plan_of({**OPEN, "protocols": ["invoke", "http"], "load": {**OPEN["load"], "duration_s": 780}})


def test_a_server_needs_no_concurrency_of_the_account() -> None:
    plan_of({**RECORD, "protocols": ["server"], "server": LOOPBACK}, unreserved_concurrency=10)


def test_lambda_gateway_fargate_and_ec2_are_loaded_in_one_campaign() -> None:
    every = ["invoke", "http", "server", "instance"]
    facts: dict[str, Any] = {
        "server_url": "https://fargate.example.com",
        "instance_server_url": "https://ec2.example.com",
        "server_token": "secret",
    }
    (task,) = plan_of({**RECORD, "protocols": every}, **facts).tasks()
    assert {step.protocol for step in task.lane.steps} == set(every)
    assert task.servers["server"].url == "https://fargate.example.com"
    assert (task.servers["instance"].url, task.servers["instance"].token) == ("https://ec2.example.com", "secret")
    with pytest.raises(InvalidCampaign, match=r'protocols: "instance" cannot reach us-east-1: .* on an EC2 instance'):
        plan_of({**RECORD, "protocols": every}, server_url="https://fargate.example.com")
    with pytest.raises(InvalidCampaign, match=r'instance\.url: "http://127\.0\.0\.1" is not an address of a server'):
        plan_of({**RECORD, "protocols": ["instance"], "instance": {"url": "http://127.0.0.1"}})


@pytest.mark.parametrize(
    ("server", "facts", "message"),
    [
        (None, {}, 'protocols: "server" cannot reach us-east-1: the stack has no server there'),
        ({"url": "http://127.0.0.1:8443"}, {}, 'server.url: "http://127.0.0.1:8443" is not an address of a server'),
        ({"url": "https://127.0.0.1:99999"}, {}, 'server.url: "https://127.0.0.1:99999" is not an address of a server'),
        ({"url": "https://127.0.0.1.example.com"}, {}, "is neither this stack's own nor loopback"),
        ({"url": "https://example.com"}, {}, "is neither this stack's own nor loopback; if it is yours, say so"),
        (LOOPBACK, {"platform": "aws"}, "is the calling function itself, on AWS"),
    ],
)
def test_load_goes_nowhere_that_is_not_ours(server: dict[str, Any] | None, facts: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        plan_of({**RECORD, "protocols": ["server"], "server": server}, **facts)
    assert message in str(refusal.value)


def test_load_goes_to_the_stack_s_own_server_and_to_what_its_owner_names() -> None:
    own = plan_of({**RECORD, "protocols": ["server"]}, server_url="https://own.example.com")
    assert {task.servers["server"].url for task in own.tasks()} == {"https://own.example.com"}
    url = "https://mine.example.com"
    for owned in (url, f"{url}/", "https://MINE.example.com:443"):
        named = plan_of({**RECORD, "protocols": ["server"], "server": {"url": url}, "i_own_this_endpoint": owned})
        assert {task.servers["server"].url for task in named.tasks()} == {url}


@pytest.mark.parametrize(
    ("named", "token"),
    [
        pytest.param(None, "secret", id="the stack's own"),
        pytest.param("https://own.example.com", "secret", id="the stack's own, by name"),
        pytest.param("https://own.example.com/", "secret", id="the stack's own, with a slash"),
        pytest.param("https://own.example.com:8443", "secret", id="the stack's own on the instance, by name"),
        pytest.param("https://mine.example.com", None, id="another one"),
    ],
)
def test_the_token_of_the_stack_s_own_server_is_for_that_server_alone(named: str | None, token: str | None) -> None:
    owned = {"i_own_this_endpoint": named} if named == "https://mine.example.com" else {}
    server = {"server": {"url": named}, **owned} if named else {}
    facts: dict[str, Any] = {
        "server_url": "https://own.example.com",
        "instance_server_url": "https://own.example.com:8443",
        "server_token": "secret",
    }
    plan = plan_of({**RECORD, "protocols": ["server"], **server}, **facts)

    assert {task.servers["server"].token for task in plan.tasks()} == {token}
