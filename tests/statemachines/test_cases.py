"""Every case of the mock file, on every interpreter: the same states, calls and end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from .cases import CASES, LANE, Case
from .conftest import Interpreter
from .mocks import test_cases as cases_of_the_file
from .run import Run

# The ids of campaigns are the names of their executions, and a name can be used once.
_EXECUTION = "c-{}"


def _run(interpreter: Interpreter, machine: str, case: str, suffix: str = "") -> Run:
    found = next(one for one in CASES if (one.machine, one.name) == (machine, case))
    return interpreter.run(machine, case, found.input, name=_EXECUTION.format(case + suffix))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.machine}-{case.name}")
def test_the_states_the_calls_and_the_end_are_as_meant(interpreter: Interpreter, case: Case) -> None:
    run = interpreter.run(case.machine, case.name, case.input, name=_EXECUTION.format(case.name))

    def sequence(names: Iterable[str]) -> list[str]:
        return list(names) if case.ordered else sorted(names)

    assert sequence(run.path) == sequence(case.path)
    assert sequence(function for function, _ in run.calls) == sequence(case.calls.split())
    assert (run.status, run.output, run.error) == (case.status, case.output, case.error)
    assert (run.cause or None) == case.cause


def test_every_case_of_the_file_is_expected_and_the_other_way_round() -> None:
    in_file = {(machine, case) for machine in ("campaign", "lane") for case in cases_of_the_file(machine)}

    assert in_file == {(case.machine, case.name) for case in CASES}


def test_the_plan_is_asked_with_the_whole_input_and_with_who_asks(interpreter: Interpreter) -> None:
    run = _run(interpreter, "campaign", "Measured", "-payloads")

    (plan,) = run.payloads("Plan")
    assert plan["campaign"] == {"targets": ["default", "pkg20"], "rounds": 1}
    assert plan["campaign_id"] == "c-Measured-payloads"
    assert plan["started_at"].startswith("20")
    assert set(plan) == {"campaign", "campaign_id", "started_at"}


def test_each_lane_is_dispatched_in_the_plan_s_order_with_a_token_of_its_own(interpreter: Interpreter) -> None:
    run = _run(interpreter, "campaign", "Measured", "-tokens")

    lanes = run.payloads("Dispatch")
    assert [lane["lane_key"] for lane in lanes] == ["r00-default-us-east-1", "r00-pkg20-us-east-1"]
    assert {lane["campaign_id"] for lane in lanes} == {"c-Measured-tokens"}
    assert len({lane["task_token"] for lane in lanes}) == 2
    assert all(set(lane) == {"campaign_id", "lane_key", "task_token"} for lane in lanes)
    assert run.payloads("Aggregate") == run.payloads("Publish") == [{"campaign_id": "c-Measured-tokens"}]


@pytest.mark.parametrize(
    ("case", "error", "cause"),
    [("LaneFails", "LaneFailed", "fire: step 0: the function has no version 7"), ("LaneSilent", "States.Timeout", "")],
)
def test_the_rescue_is_told_which_lane_and_why(interpreter: Interpreter, case: str, error: str, cause: str) -> None:
    run = _run(interpreter, "campaign", case, "-why")

    assert run.payloads("Rescue") == [
        {"campaign_id": f"c-{case}-why", "lane_key": "r00-default-us-east-1", "error": error, "cause": cause}
    ]


def test_a_lane_tells_its_functions_which_step_and_shard(interpreter: Interpreter) -> None:
    run = _run(interpreter, "lane", "TwoShards", "-payloads")

    lane = {"campaign_id": "c1", "lane_key": "r00-default-us-east-1"}
    assert run.payloads("Prepare") == run.payloads("Collect") == [lane | {"step": 0}]
    fired = sorted(run.payloads("Fire"), key=lambda payload: payload["shard"])  # they run side by side
    assert fired == [lane | {"step": 0, "shard": 0}, lane | {"step": 0, "shard": 1}]
    assert run.payloads("Restore") == [lane]


def test_the_steps_of_a_lane_run_one_after_the_other_and_restore_once(interpreter: Interpreter) -> None:
    run = interpreter.run("lane", "Measured", LANE | {"steps": [0, 1, 2]}, name="c-steps")

    step = ("PublishFreshVersions", "FireShots", "Fire", "CollectReports")
    assert run.path == ("RunSteps", *step, *step, *step, "RestoreFunction", "NotifyCampaign")
    assert [call["step"] for call in run.payloads("Fire")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("case", "outcome", "restore"),
    [
        ("Measured", "succeeded", "restored"),
        ("RestoreFailsThenSucceeds", "succeeded", "restored"),
        ("RestoreFails", "succeeded", "ResourceConflictException"),
        ("PrepareFails", "LeaseHeld", "restored"),
        ("FireFails", "ResourceNotFoundException", "restored"),
        # The first failure is the reason, not that of the salvage after it.
        ("FireFailsAndCollectToo", "ResourceNotFoundException", "restored"),
        ("FireMayHaveBegun", "Lambda.ServiceException", "restored"),
        ("FireSilent", "FireSilent", "restored"),
        ("CollectSilent", "StepSilent", "restored"),
        ("CollectFails", "ValidationException", "restored"),
        ("FireAndRestoreFail", "ResourceNotFoundException", "ResourceConflictException"),
    ],
)
def test_the_campaign_is_told_how_the_lane_and_its_restoration_ended(
    interpreter: Interpreter, case: str, outcome: str, restore: str
) -> None:
    run = _run(interpreter, "lane", case, "-told")

    (told,) = run.payloads("Notify")
    assert set(told) == {"campaign_id", "lane_key", "task_token", "outcome", "restore"}
    assert told["task_token"] == LANE["task_token"]
    assert _ending(told["outcome"]) == outcome
    assert _ending(told["restore"]) == restore


def test_a_failed_lane_s_reason_arrives_in_the_function_s_own_words(interpreter: Interpreter) -> None:
    run = _run(interpreter, "lane", "FireFails", "-words")

    (told,) = run.payloads("Notify")
    assert json.loads(told["outcome"]["Cause"])["errorMessage"] == "version 8 does not exist"


def _ending(of: dict[str, Any]) -> str:
    ending: str = of["status"] if set(of) == {"status"} else of["Error"]
    return ending
