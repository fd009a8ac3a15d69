"""Which exit code, and which words, belong to what can go wrong; a bug is none of it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from isotherm.campaign.refusals import InvalidCampaign, OverBudget
from isotherm.cli.errors import BAD_INPUT, FAILED, INTERRUPTED, BadInput, Failed, Interrupted, ending_of
from isotherm.deployed import errors
from isotherm.local.errors import StackError

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
SIGN_IN = "sign in (aws configure, aws sso login), or leave out --on aws"


@pytest.mark.parametrize(
    ("problem", "code", "told"),
    [
        (Failed("broken"), FAILED, "broken"),
        (BadInput("EVENT: x"), BAD_INPUT, "EVENT: x"),
        (Interrupted("goes on"), INTERRUPTED, "goes on"),
        (InvalidCampaign("rounds: 0"), BAD_INPUT, "rounds: 0"),
        (OverBudget("budget_usd: 1"), BAD_INPUT, "budget_usd: 1"),
        (errors.Refused("OverBudget", "budget_usd: 1"), BAD_INPUT, "budget_usd: 1"),
        (errors.NoSuchCampaign("there is no campaign x"), FAILED, "ID: there is no campaign x"),
        (errors.NoReport("campaign x has no report"), FAILED, "ID: campaign x has no report"),
        (
            errors.StillRunning("x"),
            FAILED,
            "ID: campaign x is still running; wait for it (isotherm follow x) or end it (isotherm stop x)",
        ),
        (errors.CampaignFailed("campaign x ended"), FAILED, "campaign x ended"),
        (errors.PlanFailed("isotherm-plan failed"), FAILED, "isotherm-plan failed"),
        (errors.NotRestored("after 3 s"), FAILED, "after 3 s"),
        (StackError("does not answer"), FAILED, "does not answer"),
        (FileNotFoundError(2, "No such file", "x"), FAILED, "[Errno 2] No such file: 'x'"),
        (NoCredentialsError(), FAILED, f"no AWS credentials: {SIGN_IN}"),
        (DENIED, FAILED, "An error occurred (AccessDenied) when calling the GetObject operation: no"),
    ],
)
def test_what_can_go_wrong_has_a_code_and_a_text(problem: Exception, code: int, told: str) -> None:
    ending = ending_of(problem)
    assert ending is not None
    assert (ending.exit_code, str(ending)) == (code, told)


def test_every_error_of_the_api_is_told_and_none_is_a_bug() -> None:
    made = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert len(made) > 5
    for kind in made:
        assert issubclass(kind, errors.DeployedError)
        assert ending_of(kind("x", "y") if kind is errors.Refused else kind("x")) is not None


@pytest.mark.parametrize("problem", [KeyError("x"), ValueError("x"), AssertionError()])
def test_a_bug_shows_as_one(problem: Exception) -> None:
    assert ending_of(problem) is None
