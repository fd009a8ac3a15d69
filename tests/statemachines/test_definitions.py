"""What must hold for every state of the two definitions, whatever a case happens to run through."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from isotherm.local.checkout import Checkout
from isotherm.local.tools import SAM, ensure

from . import mocks
from .definitions import FUNCTIONS, MACHINES, ROOT, State, deployed, placeholders, states, successors, text

STATES = [state for machine in MACHINES for state in states(machine)]
TASKS = [state for state in STATES if state.body["Type"] == "Task"]
MAPS = [state for state in STATES if state.body["Type"] == "Map"]
TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}

# Of the retries of one task, seconds at most and without its own run time: longer and a person thinks it hangs.
LONGEST_WAIT_S = 900


class _CloudFormation(yaml.SafeLoader):
    """Reads !Ref, !Sub and their like as None: no test here looks at them."""


_CloudFormation.add_multi_constructor("!", lambda *_: None)


def _timeout_s(template: Path, function: str) -> int:
    read = yaml.load(template.read_text(), Loader=_CloudFormation)  # noqa: S506 - a safe loader
    everywhere = read.get("Globals", {}).get("Function", {}).get("Timeout", 3)
    return int(read["Resources"][function]["Properties"].get("Timeout", everywhere))


def scope_of(machine: str, *inside: str) -> Mapping[str, Any]:
    return next(state.scope for state in STATES if state.machine == machine and state.inside == inside)


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_says_in_its_comment_what_it_is_for(state: State) -> None:
    assert len(state.body["Comment"]) >= 40
    assert state.body["Comment"].endswith((".", "?"))


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_task_has_a_time_out(task: State) -> None:
    # A tour's token may take hours; a function at most 900 s.
    longest = 7200 if task.body["Resource"].endswith(".waitForTaskToken") else 960
    assert 0 < task.body["TimeoutSeconds"] <= longest


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_function_ends_before_its_task_gives_it_up(task: State) -> None:
    """Else a function still runs, and changes things, while the machine already does the next thing."""
    template = ROOT / "template.yaml"
    if not template.exists():
        pytest.skip("there is no template.yaml to compare with")
    function = task.body["Parameters"]["FunctionName"].removeprefix("${").removesuffix("Arn}")
    assert _timeout_s(template, function) < task.body["TimeoutSeconds"]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_task_retries_what_is_transient_with_jitter_and_an_end(task: State) -> None:
    retriers = task.body["Retry"]
    retried = {error for retrier in retriers for error in retrier["ErrorEquals"]}

    # A second Fire would measure other calls than the first; a second dispatch has a token that the tour of the first
    # does not know. Both again only if Lambda says that the function never ran.
    if task.name in {"Fire", "DispatchTour"}:
        assert retried == {"Lambda.TooManyRequestsException"}
    else:
        assert retried >= TRANSIENT
    for retrier in retriers:
        if retrier["ErrorEquals"] == ["NothingUsed"]:  # what was found, not what went wrong: never again
            assert retrier["MaxAttempts"] == 0
            continue
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["BackoffRate"] > 1
        assert 0 < retrier["IntervalSeconds"] <= retrier["MaxDelaySeconds"] <= 60
        assert 0 < retrier["MaxAttempts"] * retrier["MaxDelaySeconds"] <= LONGEST_WAIT_S


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_task_catches_every_error_in_its_last_catcher(task: State) -> None:
    *_, last = task.body["Catch"]

    assert last["ErrorEquals"] == ["States.ALL"]
    assert last["Next"] in task.scope["States"]


@pytest.mark.parametrize("map_", MAPS, ids=str)
def test_a_map_is_inline_and_its_items_get_only_what_they_need(map_: State) -> None:
    assert map_.body["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert map_.body["ItemSelector"]
    # Results of items add up with the campaign's size; none is kept.
    assert map_.body.get("ResultSelector", {"status": "succeeded"}) == {"status": "succeeded"}
    assert "ResultSelector" in map_.body or map_.body["ResultPath"] is None


@pytest.mark.parametrize("machine", MACHINES)
def test_every_scope_ends_whatever_happens(machine: str) -> None:
    """No state can come back to itself, every state is reachable and names states that exist."""
    for scope in {id(state.scope): state.scope for state in states(machine)}.values():
        seen: set[str] = set()

        def visit(name: str, above: tuple[str, ...], scope: Mapping[str, Any] = scope, seen: set[str] = seen) -> None:
            assert name not in above, f"{' > '.join((*above, name))} is a loop"
            seen.add(name)
            body = scope["States"][name]
            following = successors(body)
            assert following or body.get("End") or body["Type"] in {"Succeed", "Fail"}
            for one in following:
                visit(one, (*above, name))

        visit(scope["StartAt"], ())
        assert seen == set(scope["States"])


@pytest.mark.parametrize("machine", MACHINES)
def test_an_execution_has_an_end_even_if_nothing_answers(machine: str) -> None:
    assert 0 < json.loads(text(machine))["TimeoutSeconds"] <= 7 * 24 * 3600


def test_the_campaign_waits_longer_for_a_tour_than_a_tour_can_take() -> None:
    (dispatch,) = (task for task in TASKS if task.name == "DispatchTour")

    assert dispatch.body["TimeoutSeconds"] > json.loads(text("lane"))["TimeoutSeconds"]


@pytest.mark.parametrize("machine", MACHINES)
def test_names_are_unique_in_a_machine(machine: str) -> None:
    names = [state.name for state in states(machine)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("machine", MACHINES)
def test_the_placeholders_are_the_functions_of_the_machine_and_nothing_else(machine: str) -> None:
    assert placeholders(machine) == {f"{function}FunctionArn" for function in FUNCTIONS[machine]}


def test_no_tour_can_end_the_campaign() -> None:
    for state in (one for one in STATES if one.machine == "campaign" and one.inside):
        assert state.body["Type"] != "Fail"
    around = scope_of("campaign")["States"]["MeasureWaves"]
    assert successors(around) == {"AggregateResults"}


def test_no_stage_can_keep_the_next_from_being_carried_out() -> None:
    stage = scope_of("lane", "RunStages")["States"]

    assert all(state["Type"] != "Fail" for state in stage.values())
    for name in ("PublishFreshVersions", "FireShots", "CollectReports"):
        assert stage[name]["Catch"] == [
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SalvageStage"}
        ]


def test_every_way_through_a_tour_restores_the_functions_and_tells_the_campaign() -> None:
    lane = scope_of("lane")["States"]

    assert successors(lane["RunStages"]) == {"RestoreFunctions"}
    assert successors(lane["RestoreFunctions"]) == {"NotifyCampaign"}
    assert lane["NotifyCampaign"]["End"] is True
    # Where even that fails the execution must end as FAILED, which is what the rescue rule listens for.
    assert {lane[name]["Type"] for name in successors(lane["NotifyCampaign"])} == {"Fail"}


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_is_used_that_an_interpreter_lacks(machine: str) -> None:
    """MiniStack reads neither of the first two; Step Functions Local knows no JSONata and no Distributed Map."""
    definition = text(machine)
    for absent in ("TimeoutSecondsPath", "MaxConcurrencyPath", "QueryLanguage", "Assign", "DISTRIBUTED", "ItemReader"):
        assert f'"{absent}"' not in definition


@pytest.mark.parametrize("machine", MACHINES)
def test_every_case_answers_for_every_task_so_that_none_calls_a_service(machine: str) -> None:
    tasks = {task.name for task in TASKS if task.machine == machine}

    for answers in mocks.test_cases(machine).values():
        assert set(answers) == tasks
        assert all(mocks.responses(name) for name in answers.values())


def _findings(definition: Mapping[str, Any], machine: str, folder: Path) -> str:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/isotherm",
                    "Definition": definition,
                    "DefinitionSubstitutions": dict.fromkeys(sorted(placeholders(machine)), "replaced"),
                },
            }
        },
    }
    path = folder / "template.json"
    path.write_text(json.dumps(template))
    linter = ensure(Checkout(ROOT), SAM).parent / "cfn-lint"
    return subprocess.run([str(linter), str(path)], capture_output=True, text=True, check=False, cwd=folder).stdout


@pytest.mark.parametrize("machine", MACHINES)
def test_cfn_lint_finds_nothing(machine: str, tmp_path: Path) -> None:
    assert _findings(json.loads(text(machine)), machine, tmp_path) == ""


def test_cfn_lint_would_find_a_field_that_amazon_states_language_does_not_have(tmp_path: Path) -> None:
    broken = json.loads(text("lane"))
    broken["States"]["RunStages"]["TimeoutSeconds"] = 60  # Maps have none

    assert "E3601" in _findings(broken, "lane", tmp_path)


@pytest.mark.parametrize("machine", MACHINES)
def test_moto_s_parser_takes_the_deployed_definition(machine: str) -> None:
    from moto.stepfunctions.parser.asl.component.program.program import Program
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    program, _ = AmazonStateLanguageParser.parse(deployed(machine))

    assert isinstance(program, Program)
    assert program.start_at.start_at_name == json.loads(text(machine))["StartAt"]


def test_moto_s_parser_would_refuse_a_broken_definition() -> None:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

    with pytest.raises(ASLParserException):
        AmazonStateLanguageParser.parse(
            deployed("lane").replace('"JitterStrategy": "FULL"', '"JitterStrategy": "SOME"')
        )
