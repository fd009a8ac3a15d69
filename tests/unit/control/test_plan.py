"""Plan answers with what a campaign will do, or says why it may not start; a refusal is an answer, not an error."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from isotherm import __version__
from isotherm.aws import inventory
from isotherm.aws.clients import client
from isotherm.aws.stacks import StackFound
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.lease import Lease
from isotherm.aws.store.records import CampaignRecord
from isotherm.aws.store.table import Table
from isotherm.campaign.plan import Plan
from isotherm.campaign.stack_health import functions_of

from .conftest import FUNCTION, HOME

STARTED_AT = "2026-01-01T00:00:00Z"
SMALL = {"name": "small", "targets": ["default"], "cold": {"samples": 20, "concurrency": 10}, "rounds": 2}


pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def plan_of(
    load: Callable[[str], ModuleType],
    deployed: Callable[[str], None],
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[object], dict[str, Any]]:
    """Plans a campaign where the home region has a whole stack, with one target. moto knows neither limit nor stack."""
    outputs = {"Version": __version__, "HomeRegion": HOME.region, "Targets": "default"}
    monkeypatch.setattr(inventory, "find_stack", lambda *_: StackFound("id", "CREATE_COMPLETE", outputs, {}))
    monkeypatch.setattr(inventory, "find_server", lambda *_: None)
    monkeypatch.setattr(inventory, "concurrency", lambda _: (1000, 900))
    for name in (*functions_of(HOME.stack, is_home=True), FUNCTION):
        deployed(name)
    module = load("plan")

    def run(campaign: object) -> dict[str, Any]:
        event = {"campaign": campaign, "campaign_id": "id", "started_at": STARTED_AT}
        answer: dict[str, Any] = module.handler(event, context)
        return answer

    return run


@pytest.mark.usefixtures("plan_of")
def test_the_garbage_collector_rests_only_while_plan_is_imported() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_campaign_that_may_start_is_admitted_with_its_waves(plan_of: Callable[..., Any]) -> None:
    answer = plan_of(SMALL)
    assert answer.pop("price_usd") > 0
    assert any("20 cold samples per cell" in warning for warning in answer.pop("warnings"))
    waves = [["from-us-east-1"]]
    assert answer == {"status": "admitted", "campaign_id": "id", "lanes": 2, "waves": waves}


def test_what_the_other_functions_need_is_written_down(
    plan_of: Callable[..., Any], table: Table, bucket: Bucket
) -> None:
    answer = plan_of(SMALL)
    plan = Plan.model_validate_json(bucket.read(plan_key("id")))
    assert (plan.waves, plan.price.usd, plan.version) == (answer["waves"], answer["price_usd"], __version__)
    assert (plan.platform, plan.created_at) == ("aws", STARTED_AT)
    for task in plan.tasks():
        assert table.task("id", task.lane.key) == task
    assert {(lane.lane_key, lane.status) for lane in table.lanes("id")} == {(key, "planned") for key in plan.lanes}
    (campaign,) = table.campaigns(10)
    facts = {"campaign_id": "id", "started_at": STARTED_AT, "name": "small", "lanes": 2, "price_usd": plan.price.usd}
    assert {name: getattr(campaign, name) for name in facts} == facts
    assert [item.campaign_id for item in table.campaigns_named("small", "", 10)] == ["id"]


def test_planning_again_after_a_process_was_killed_admits_the_same_campaign_once(
    plan_of: Callable[..., Any], table: Table
) -> None:
    answer = plan_of(SMALL)
    items = items_of_the_table()
    assert plan_of(SMALL) == answer
    assert {json.dumps(_key_of(item)) for item in items_of_the_table()} == {json.dumps(_key_of(item)) for item in items}
    assert [one.campaign_id for one in table.campaigns(10)] == ["id"]


def _key_of(item: dict[str, Any]) -> list[Any]:
    return [item["pk"], item["sk"], item.get("campaign_id"), item.get("status")]


def test_a_dry_run_is_priced_and_no_campaign_is_recorded(plan_of: Callable[..., Any]) -> None:
    answer = plan_of({**SMALL, "dry_run": True})
    assert items_of_the_table() == []
    admitted = plan_of(SMALL)
    assert answer == {**{name: admitted[name] for name in admitted if name != "waves"}, "status": "dry_run"}


@pytest.mark.parametrize(
    ("campaign", "error", "cause"),
    [
        pytest.param(
            {**SMALL, "targets": ["default", "pkg50"], "rounds": 0},
            "InvalidCampaign",
            "rounds: 0 is below the least accepted, 1",
            id="what was typed",
        ),
        pytest.param(
            {**SMALL, "targets": ["pkg50"]},
            "InvalidCampaign",
            'targets: "pkg50" is not a target in us-east-1; there are default',
            id="what is there",
        ),
        pytest.param({**SMALL, "budget_usd": 0}, "OverBudget", "above your 0", id="its price"),
        pytest.param("default", "InvalidCampaign", 'campaign: "default" is not a campaign', id="no object"),
    ],
)
def test_a_refusal_is_an_answer_with_error_and_cause_and_nothing_is_written(
    plan_of: Callable[..., Any], bucket: Bucket, campaign: object, error: str, cause: str
) -> None:
    answer = plan_of(campaign)
    assert cause in answer.pop("cause")
    assert answer == {"status": "refused", "error": error}
    assert items_of_the_table() == []
    assert bucket.read_if_there(plan_key("id")) is None


def items_of_the_table() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client("dynamodb", HOME.region).scan(TableName=HOME.table)["Items"]
    return items


def test_a_campaign_is_refused_while_another_has_its_functions_or_keeps_them_for_a_later_round(
    plan_of: Callable[..., Any], table: Table
) -> None:
    first = Lease("us-east-1", FUNCTION, "first", "r00-default-us-east-1", 128, int(time.time()))
    table.put_campaign(CampaignRecord(campaign_id="first", started_at=datetime.now(UTC).isoformat(), name="first"))
    table.acquire(first)
    for _ in range(2):
        refused = plan_of(SMALL)
        assert (refused["status"], refused["error"]) == ("refused", "FunctionsBusy")
        assert "is being measured by campaign first; wait for it to end, or stop it" in refused["cause"]
        table.release(first, goes_on=True)
    table.finish_campaign("first", "done")
    assert plan_of(SMALL)["status"] == "admitted"


def test_a_campaign_that_is_admitted_has_its_functions_from_then_on(plan_of: Callable[..., Any], table: Table) -> None:
    assert plan_of(SMALL)["status"] == "admitted"
    lease = table.lease("us-east-1", FUNCTION)
    assert lease is not None
    assert (lease.campaign_id, lease.at_rest) == ("id", True)
    assert plan_of(SMALL)["status"] == "admitted"  # the same campaign, planned again by a retry
