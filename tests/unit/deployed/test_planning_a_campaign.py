"""A plan is made by the stack alone, read once, and leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.table import Table
from isotherm.deployed.campaigns import Campaigns
from isotherm.deployed.errors import PlanFailed, Refused
from unit.deployed.stack_on_moto import DOCUMENT, keys_of_bucket, refusing


def test_the_plan_is_the_one_that_the_function_wrote(campaigns: Campaigns, home: Home) -> None:
    plan = campaigns.make_plan(DOCUMENT)
    assert plan.waves == [["from-us-east-1"]]
    assert (plan.stack, plan.home_region, plan.platform) == (home.stack, home.region, "aws")
    assert plan.campaign.dry_run
    assert plan.price.usd > 0


def test_the_bucket_and_the_table_are_as_before(campaigns: Campaigns, home: Home) -> None:
    before = keys_of_bucket()
    plan = campaigns.make_plan(DOCUMENT)
    assert keys_of_bucket() == before
    assert Table(home).lanes(plan.campaign_id) == []
    assert Table(home).campaigns(10) == []


def test_no_region_is_asked_but_by_the_function(campaigns: Campaigns) -> None:
    """It runs in this process, so that what is asked beside it would be counted too."""
    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    watched = [("lambda", "GetAccountSettings"), ("s3", "PutObject"), ("s3", "GetObject")]
    for service, operation in watched:
        client(service, "us-east-1").meta.events.register(f"provide-client-params.{service}.{operation}", note)
    campaigns.make_plan(DOCUMENT)
    for service, operation in watched:
        client(service, "us-east-1").meta.events.unregister(f"provide-client-params.{service}.{operation}", note)
    assert asked == ["GetAccountSettings", "PutObject", "GetObject"]


def test_who_may_not_delete_gets_the_plan_all_the_same(campaigns: Campaigns) -> None:
    with refusing("s3", "DeleteObject"):
        plan = campaigns.make_plan(DOCUMENT)
    assert plan.lanes
    assert f"dry-plans/{plan.campaign_id}.json" in keys_of_bucket()


def test_any_other_fault_of_deleting_is_not_kept_quiet(campaigns: Campaigns) -> None:
    with refusing("s3", "DeleteObject", "InternalError"), pytest.raises(ClientError, match="InternalError"):
        campaigns.make_plan(DOCUMENT)


def test_a_refusal_is_the_functions_own_text(campaigns: Campaigns) -> None:
    with pytest.raises(Refused) as told:
        campaigns.make_plan({**DOCUMENT, "budget_usd": 0})
    assert told.value.error == "OverBudget"
    assert str(told.value).startswith("budget_usd: ")


def test_a_function_that_fails_is_told_by_name(campaigns: Campaigns) -> None:
    failed = pytest.raises(PlanFailed, match=r"isotherm-plan failed: .*NoSuchBucket")
    with refusing("s3", "PutObject", "NoSuchBucket"), failed:
        campaigns.make_plan(DOCUMENT)


def test_a_stack_that_wrote_no_such_plan_is_of_another_version(campaigns: Campaigns) -> None:
    failed = pytest.raises(PlanFailed, match=r"isotherm-plan is of another version .* deploy it again")
    with refusing("s3", "GetObject", "NoSuchKey"), failed:
        campaigns.make_plan(DOCUMENT)


def test_a_plan_of_another_version_is_not_taken_for_one_of_this(campaigns: Campaigns, home: Home) -> None:
    body = json.dumps({"campaign_id": "old"}).encode()
    Bucket(home).write(plan_key("old"), body)
    with pytest.raises(PlanFailed, match="the plan of old was made by another version"):
        campaigns.plan("old")
