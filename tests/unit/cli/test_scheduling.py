"""`isotherm schedule`: what is refused before any stack is asked, and what is said of a stack that stands in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isotherm.aws.clients import Home, client
from isotherm.aws.schedule import NoSuchParameters, UpdateFailed, read_schedule, set_parameters

Isotherm = Callable[..., Any]
GOOD = {"name": "nightly", "targets": ["default"]}


@pytest.fixture
def event(tmp_path: Path) -> Callable[[object], str]:
    def write(document: object) -> str:
        (tmp_path / "event.json").write_text(json.dumps(document))
        return "event.json"

    return write


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("every hour", "event.json"), "EXPRESSION: 'every hour' is not a schedule; give one such as rate(6 hours)"),
        (("rate(6 weeks)", "event.json"), "EXPRESSION: rate(6 weeks) is not accepted"),
        (("rate(1 hour)", "event.json", "--timezone", "Mars"), "--timezone: 'Mars' is not a timezone"),
        (("--timezone", "Asia/Tokyo"), "--timezone: needs an expression; give both"),
        (("--off", "rate(1 hour)"), "--off: removes the schedule"),
    ],
)
def test_bad_input_is_said_before_a_stack_is_asked(isotherm: Isotherm, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = isotherm("schedule", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_without_a_stack_it_says_how_to_have_one(isotherm: Isotherm) -> None:
    code, _, err = isotherm("schedule", "rate(6 hours)", "event.json")
    assert code == 1
    assert "isotherm local up" in err


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that is there and has no schedule, of which nothing more may be asked."""
    from isotherm.cli.options import Place

    class Deployment:
        home_region = "us-east-1"

    monkeypatch.setattr(Place, "enter", lambda _: None)
    monkeypatch.setattr(Place, "deployment", lambda _: Deployment())
    monkeypatch.setattr("isotherm.aws.schedule.read_schedule", lambda *_: None)
    monkeypatch.setattr("isotherm.aws.clients.client", lambda *_: None)


@pytest.mark.usefixtures("deployed")
def test_the_campaign_is_checked_as_it_is_before_a_run(isotherm: Isotherm, event: Callable[[object], str]) -> None:
    def refused(document: object, expression: str = "rate(6 hours)") -> str:
        code, out, err = isotherm("schedule", expression, event(document))
        assert (code, out) == (2, "")
        return str(err)

    assert "memory_mb: 64 is below what Lambda accepts" in refused({**GOOD, "memory_mb": [64]})
    assert "dry_run: a scheduled campaign would measure nothing" in refused({**GOOD, "dry_run": True})
    assert "4,1" in refused({**GOOD, "comment": "x" * 4100})
    assert "more than a stack's parameter takes (4,096)" in refused({**GOOD, "comment": "ü" * 800})
    assert "will never come again" in refused(GOOD, "at(2020-01-01T00:00:00)")
    assert "will never come again" in refused(GOOD, "cron(0 0 30 2 ? *)")
    code, _, err = isotherm("schedule", "rate(6 hours)")
    assert code == 2
    assert "EVENT: is missing" in err


@pytest.mark.usefixtures("deployed")
def test_no_schedule_is_said(isotherm: Isotherm) -> None:
    assert "no schedule on stack isotherm" in isotherm("schedule").out
    assert json.loads(isotherm("schedule", "--json").out) == {"on": False}


class _Stacks:
    """CloudFormation, as it answers an update: it succeeds, changes nothing (`fault`) or fails (`reason`)."""

    def __init__(self, fault: str | None = None, reason: str | None = None) -> None:
        self._fault, self._reason = fault, reason
        self.asked: dict[str, Any] = {}

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        names = ("PythonRuntime", "ScheduleExpression", "Other")
        return {"Stacks": [{"Parameters": [{"ParameterKey": name, "ParameterValue": "x"} for name in names]}]}

    def update_stack(self, **asked: Any) -> None:
        from botocore.exceptions import ClientError

        self.asked = asked
        if self._fault:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self._fault}}, "UpdateStack")

    def get_waiter(self, name: str) -> Any:
        from botocore.exceptions import WaiterError

        reason = self._reason

        class Waiter:
            def wait(self, **_: Any) -> None:
                if reason:
                    raise WaiterError(name=name, reason="rolled back", last_response={})

        return Waiter()

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_stack_events"
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        """Two pages, the newest event first: what followed from the failure, the failure, an earlier update's."""

        def event(resource: str, status: str, reason: str | None, token: str) -> dict[str, Any]:
            return {
                "LogicalResourceId": resource,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "ClientRequestToken": token,
            }

        ours = self.asked["ClientRequestToken"]
        return [
            {
                "StackEvents": [
                    event("isotherm", "UPDATE_ROLLBACK_COMPLETE", None, ours),
                    event("Other", "UPDATE_FAILED", "Resource update cancelled", ours),
                ]
            },
            {
                "StackEvents": [
                    event("CampaignSchedule", "CREATE_FAILED", self._reason, ours),
                    event("Older", "CREATE_FAILED", "of an earlier update", "theirs"),
                ]
            },
        ]


def test_only_the_parameters_named_are_changed_and_neither_template_nor_code() -> None:
    stacks = _Stacks()
    assert set_parameters(stacks, "isotherm", {"ScheduleExpression": "rate(1 hour)"}) is True
    assert stacks.asked["UsePreviousTemplate"] is True
    assert {p["ParameterKey"]: p.get("ParameterValue") for p in stacks.asked["Parameters"]} == {
        "PythonRuntime": None,
        "Other": None,
        "ScheduleExpression": "rate(1 hour)",
    }
    assert [p["ParameterKey"] for p in stacks.asked["Parameters"] if p.get("UsePreviousValue")] == [
        "Other",
        "PythonRuntime",
    ]
    with pytest.raises(NoSuchParameters, match="stack isotherm knows no ScheduledCampaign"):
        set_parameters(_Stacks(), "isotherm", {"ScheduledCampaign": "{}"})


def test_what_is_so_already_is_no_change_and_a_rollback_has_its_reason() -> None:
    change = {"ScheduleExpression": "rate(1 hour)"}
    assert set_parameters(_Stacks(fault="No updates are to be performed."), "isotherm", change) is False
    with pytest.raises(UpdateFailed, match="CampaignSchedule: Invalid Schedule Expression"):
        set_parameters(_Stacks(reason="Invalid Schedule Expression"), "isotherm", change)


def test_a_schedule_is_read_as_scheduler_has_it(home: Home) -> None:
    scheduler = client("scheduler", home.region)
    assert read_schedule(scheduler, "isotherm") is None
    arn = "arn:aws:iam::123456789012:role/x"
    scheduler.create_schedule(
        Name="isotherm-campaign",
        ScheduleExpression="cron(0 9 * * ? *)",
        ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow={"Mode": "OFF"},
        State="DISABLED",
        Target={"Arn": arn, "RoleArn": arn, "Input": json.dumps(GOOD)},
    )
    found = read_schedule(scheduler, "isotherm")
    assert found is not None
    assert (found.expression, found.timezone, found.campaign, found.enabled) == (
        "cron(0 9 * * ? *)",
        "Asia/Tokyo",
        GOOD,
        False,
    )
