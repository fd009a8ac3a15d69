"""Every case of the mock file, on every interpreter: the same states, calls and end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from .cases import CASES, TOUR, Case
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


def test_each_tour_is_dispatched_in_the_plan_s_order_with_a_token_of_its_own(interpreter: Interpreter) -> None:
    run = _run(interpreter, "campaign", "Measured", "-tokens")

    tours = run.payloads("Dispatch")
    assert [tour["tour"] for tour in tours] == ["r00-from-us-east-1", "r00-from-eu-west-2"]
    assert {tour["campaign_id"] for tour in tours} == {"c-Measured-tokens"}
    assert len({tour["task_token"] for tour in tours}) == 2
    assert all(set(tour) == {"campaign_id", "tour", "task_token"} for tour in tours)
    assert run.payloads("Aggregate") == run.payloads("Publish") == [{"campaign_id": "c-Measured-tokens"}]


@pytest.mark.parametrize(
    ("case", "error", "cause"),
    [
        ("LanesFail", "LanesFailed", "r00-default-us-east-1: FunctionBusy: it is being measured"),
        ("TourSilent", "States.Timeout", ""),
    ],
)
def test_the_rescue_is_told_which_tour_and_why(interpreter: Interpreter, case: str, error: str, cause: str) -> None:
    run = _run(interpreter, "campaign", case, "-why")

    assert run.payloads("Rescue") == [
        {"campaign_id": f"c-{case}-why", "tour": "r00-from-us-east-1", "error": error, "cause": cause}
    ]


def test_a_tour_tells_its_functions_which_stage_and_shard(interpreter: Interpreter) -> None:
    run = _run(interpreter, "lane", "TwoShards", "-payloads")

    tour = {"campaign_id": "c1", "tour": "from-us-east-1"}
    assert run.payloads("Prepare") == run.payloads("Collect") == [tour | {"stage": 0}]
    fired = sorted(run.payloads("Fire"), key=lambda payload: payload["shard"])  # they run side by side
    assert fired == [tour | {"stage": 0, "shard": 0}, tour | {"stage": 0, "shard": 1}]
    assert run.payloads("Restore") == [tour]


def test_the_stages_of_a_tour_run_one_after_the_other_and_restore_once(interpreter: Interpreter) -> None:
    run = interpreter.run("lane", "Measured", TOUR | {"stages": [0, 1, 2]}, name="c-stages")

    stage = ("PublishFreshVersions", "FireShots", "Fire", "CollectReports")
    assert run.path == ("RunStages", *stage, *stage, *stage, "RestoreFunctions", "NotifyCampaign")
    assert [call["stage"] for call in run.payloads("Fire")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("case", "error", "cause"),
    [
        ("PrepareFails", "LeaseHeld", "another campaign is measuring isotherm-default"),
        ("PrepareSilent", "States.Timeout", ""),
        ("FireFails", "ResourceNotFoundException", "version 8 does not exist"),
        ("FireFailsAndCollectToo", "ResourceNotFoundException", "version 8 does not exist"),
        ("FireMayHaveBegun", "Lambda.ServiceException", "Service is unavailable."),
        (
            "FireSilent",
            "FireSilent",
            "Fire did not answer within 930 s; the shots it had written are collected, the rest were not fired.",
        ),
        ("CollectSilent", "States.Timeout", ""),
        ("CollectFails", "ValidationException", "the table refuses the batch"),
    ],
)
def test_why_a_stage_failed_is_told_to_who_collects_what_there_is(
    interpreter: Interpreter, case: str, error: str, cause: str
) -> None:
    run = _run(interpreter, "lane", case, "-why")

    salvaged = run.payloads("Collect")[-1]
    assert {name: salvaged[name] for name in ("campaign_id", "tour", "stage")} == {
        "campaign_id": "c1",
        "tour": "from-us-east-1",
        "stage": 0,
    }
    assert salvaged["failure"]["Error"] == error
    said = salvaged["failure"]["Cause"]
    assert (json.loads(said)["errorMessage"] if said.startswith("{") else said) == cause


@pytest.mark.parametrize(
    ("case", "restore"),
    [
        ("Measured", "restored"),
        ("RestoreFailsThenSucceeds", "restored"),
        ("RestoreFails", "ResourceConflictException"),
        ("FireFails", "restored"),
        ("FireAndRestoreFail", "ResourceConflictException"),
    ],
)
def test_the_campaign_is_told_that_the_stages_are_over_and_how_the_restoration_ended(
    interpreter: Interpreter, case: str, restore: str
) -> None:
    run = _run(interpreter, "lane", case, "-told")

    (told,) = run.payloads("Notify")
    assert set(told) == {"campaign_id", "tour", "task_token", "outcome", "restore"}
    assert told["task_token"] == TOUR["task_token"]
    assert _ending(told["outcome"]) == "succeeded"
    assert _ending(told["restore"]) == restore


def _ending(of: dict[str, Any]) -> str:
    ending: str = of["status"] if set(of) == {"status"} else of["Error"]
    return ending
