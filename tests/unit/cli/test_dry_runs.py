"""`isotherm plan`, and dry runs in every command that meets one: nothing is left, and each says what it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "deployed"))
from isotherm.aws.clients import Home
from isotherm.deployed.campaigns import Campaigns
from isotherm.deployed.deployment import find_deployment
from unit.deployed.stack_on_moto import DOCUMENT, deployed_on_moto, keys_of_bucket, refusing

Isotherm = Callable[..., Any]
AWS = ("--on", "aws")


@pytest.fixture(autouse=True, scope="module")
def stack() -> Iterator[Home]:
    """A deployed stack, on AWS as far as the command can tell."""
    with pytest.MonkeyPatch.context() as monkeypatch, deployed_on_moto(monkeypatch) as home:
        yield home


@pytest.fixture(scope="module")
def dry_run(stack: Home) -> str:
    """Id of a dry run that has ended."""
    campaigns = Campaigns(find_deployment(stack.stack, stack.region))
    campaign_id = campaigns.start({**DOCUMENT, "dry_run": True})
    for _ in campaigns.follow(campaign_id, poll_s=0.05):
        pass
    return campaign_id


@pytest.fixture
def event(tmp_path: Path) -> str:
    (tmp_path / "event.json").write_text(json.dumps(DOCUMENT))
    return "event.json"


def test_a_plan_is_shown_and_the_bucket_is_as_before(isotherm: Isotherm, event: str) -> None:
    before = keys_of_bucket()
    code, out, err = isotherm("plan", event, *AWS)
    assert code == 0, err
    assert "1 lanes in 1 waves" in out
    assert keys_of_bucket() == before


def test_a_program_gets_the_plan_that_the_stack_made(isotherm: Isotherm, event: str) -> None:
    code, out, _ = isotherm("plan", event, *AWS, "--json")
    plan = json.loads(out)
    assert code == 0
    assert plan["waves"] == [["from-us-east-1"]]
    assert plan["stack"] == "isotherm"


def test_who_may_not_delete_the_plan_sees_it_all_the_same(isotherm: Isotherm, event: str) -> None:
    before = keys_of_bucket()
    with refusing("s3", "DeleteObject"):
        code, out, _ = isotherm("plan", event, *AWS)
    assert code == 0
    assert "1 lanes" in out
    (left,) = set(keys_of_bucket()) - set(before)
    assert left.startswith("dry-plans/")


def test_a_refused_plan_is_bad_input(isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "dear.json").write_text(json.dumps({**DOCUMENT, "budget_usd": 0}))
    code, out, err = isotherm("plan", "dear.json", *AWS)
    assert (code, out) == (2, "")
    assert err.startswith("isotherm: budget_usd: ")


def test_running_a_dry_run_ends_well_and_says_what_it_was(isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "dry.json").write_text(json.dumps({**DOCUMENT, "dry_run": True}))
    code, out, err = isotherm("run", "dry.json", *AWS, "--json")
    assert code == 0
    assert json.loads(out)["status"] == "dry_run"
    assert "a dry run: planned only, 1 lane for about 0.0123 USD" in err


def test_following_a_dry_run_says_what_it_was(isotherm: Isotherm, dry_run: str) -> None:
    code, out, err = isotherm("follow", dry_run, *AWS)
    assert (code, out) == (0, "")
    assert "a dry run: planned only" in err


def test_a_dry_run_has_no_report_and_that_is_why(isotherm: Isotherm, dry_run: str) -> None:
    code, out, err = isotherm("report", dry_run, *AWS)
    assert (code, out) == (1, "")
    assert err == f"isotherm: ID: campaign {dry_run} was a dry run: it was planned, and nothing was measured\n"


@pytest.mark.usefixtures("dry_run")
def test_a_dry_run_is_not_listed_and_the_list_says_so(isotherm: Isotherm) -> None:
    assert json.loads(isotherm("list", *AWS, "--json").out) == []
    assert "no campaign yet (dry runs apart)" in isotherm("list", *AWS).err
    assert "Dry runs leave nothing behind" in isotherm("list", "--help").out


def test_stopping_a_dry_run_is_harmless(isotherm: Isotherm, dry_run: str) -> None:
    code, out, _ = isotherm("stop", dry_run, *AWS, "--json")
    assert code == 0
    assert json.loads(out)["restored"] == []
