"""What a person gets who types something: messages, streams and exit codes. No stack is needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from isotherm.analysis.aggregate import build_summary
from isotherm.cli.app import app
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

COMMANDS = [
    "demo",
    "plan",
    "run",
    "follow",
    "stop",
    "report",
    "deploy",
    "destroy",
    "local",
    "parse",
    "prices",
    "compare",
    "export",
    "list",
    "trend",
    "schedule",
    "serve",
    "load",
]


@pytest.fixture
def event(tmp_path: Path) -> Callable[[object], str]:
    def write(document: object) -> str:
        path = tmp_path / "event.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


def _is_one_line(text: str) -> bool:
    return text.startswith("isotherm: ") and text.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(isotherm: Callable[..., Any], command: str) -> None:
    ran = isotherm(command, "--help")

    assert ran.code == 0
    assert f"isotherm {command}" in ran.out


def test_help_lists_exactly_what_there_is(isotherm: Callable[..., Any]) -> None:
    ran = isotherm("--help")

    assert ran.code == 0
    listed = re.findall(r"^│ ([a-z]\S*) ", ran.out, re.MULTILINE)  # a description that goes on is indented
    assert sorted(listed) == sorted(COMMANDS)


def test_nothing_can_be_typed_that_help_does_not_list() -> None:
    registered = get_command(app)

    assert isinstance(registered, TyperGroup)
    assert sorted(registered.commands) == sorted(COMMANDS)


@pytest.mark.parametrize("arguments", [["plan"], ["plan", "x", "--on", "mars"], ["nonsense"], ["local", "sideways"]])
def test_a_command_line_that_makes_no_sense_is_bad_input(isotherm: Callable[..., Any], arguments: list[str]) -> None:
    ran = isotherm(*arguments)

    assert ran.code == 2
    assert _is_one_line(ran.err)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param('{"targets": [', "line 1, column 14", id="no JSON"),
        pytest.param([1, 2], "is not a campaign", id="no object"),
        pytest.param({"targets": ["default"], "memory_mb": [64]}, "memory_mb: 64", id="memory"),
        pytest.param({"targets": ["default"], "memory_mb": [10241]}, "128 to 10240", id="memory above"),
        pytest.param({"targets": ["default"], "cold": {"samples": -1}}, "cold.samples: -1", id="negative count"),
        pytest.param({"targets": ["default"], "rounds": 0}, "rounds: 0", id="no rounds"),
        pytest.param({"targets": ["default"], "regions": ["eu-west-7"]}, "eu-west-1", id="unknown region"),
        pytest.param({"targets": []}, "targets", id="no targets"),
        pytest.param({"targets": ["default"], "memmory_mb": [128]}, "memmory_mb", id="misspelt field"),
        pytest.param({"targets": ["default"], "budget_usd": -1}, "budget_usd: -1", id="negative budget"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused_without_any_stack(
    isotherm: Callable[..., Any], event: Callable[[object], str], command: str, document: object, said: str
) -> None:
    ran = isotherm(command, event(document))

    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err
    assert _is_one_line(ran.err)


def test_a_file_that_is_not_there_is_bad_input(isotherm: Callable[..., Any]) -> None:
    ran = isotherm("plan", "absent.json")

    assert ran.code == 2
    assert ran.err == "isotherm: EVENT: absent.json cannot be read: No such file or directory\n"


def test_a_campaign_can_be_piped_in(isotherm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO('{"targets": ["default"], "rounds": 0}'))
    ran = isotherm("plan", "-")

    assert ran.code == 2
    assert "rounds: 0" in ran.err


@pytest.mark.parametrize("arguments", [["plan"], ["run"], ["follow"], ["stop"], ["report"]])
def test_without_a_stack_it_says_how_to_get_one(
    isotherm: Callable[..., Any], event: Callable[[object], str], arguments: list[str]
) -> None:
    what = event({"targets": ["default"]}) if arguments[0] in ("plan", "run") else "some-campaign"
    ran = isotherm(*arguments, what)

    assert ran.code == 1
    assert "isotherm local up" in ran.err
    assert "--on aws" in ran.err
    assert _is_one_line(ran.err)


def test_status_of_no_stack_is_a_failure_a_script_can_see(isotherm: Callable[..., Any]) -> None:
    assert isotherm("local", "status").code == 1
    ran = isotherm("local", "status", "--json")
    assert ran.code == 1
    assert json.loads(ran.out) == {"up": False}


def test_down_is_harmless_when_nothing_is_up(isotherm: Callable[..., Any]) -> None:
    ran = isotherm("local", "down", "--json")

    assert ran.code == 0
    assert json.loads(ran.out) == {"stopped": False}


def test_deploying_to_no_region_is_bad_input(isotherm: Callable[..., Any]) -> None:
    ran = isotherm("deploy", "us-eest-1")

    assert ran.code == 2
    assert "us-east-1" in ran.err
    assert _is_one_line(ran.err)


@pytest.mark.parametrize("arguments", [(), ("tokyo", "--all"), ("--all", "--regions", "tokyo")])
def test_what_to_destroy_has_to_be_said_in_one_way(isotherm: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    ran = isotherm("destroy", *arguments, "--yes")

    assert ran.code == 2
    assert ran.err.startswith("isotherm: --regions: ")
    assert _is_one_line(ran.err)


def test_outside_a_checkout_local_commands_say_so(
    isotherm: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("ISOTHERM_CHECKOUT", str(tmp_path / "elsewhere"))
    ran = isotherm("local", "status")

    assert ran.code == 1
    assert "holds no template.yaml" in ran.err


def test_a_report_that_was_fetched_is_shown_again_without_its_stack(
    isotherm: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / ".isotherm" / "reports" / "demo-1"
    folder.mkdir(parents=True)
    for name in ("index.html", "samples.csv.gz"):
        (folder / name).touch()
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=4, warm=4)
    samples, lanes = made_up_samples(plan), made_up_lanes(plan)
    summary = build_summary(plan, samples, lanes).model_dump_json()
    (folder / "summary.json").write_text(summary)

    ran = isotherm("report", "demo-1", "--json")

    assert ran.code == 0
    assert json.loads(ran.out) == json.loads(summary)

    failed = made_up_lanes(plan, dict.fromkeys(plan.lanes, "it was throttled"))
    (folder / "summary.json").write_text(build_summary(plan, samples, failed).model_dump_json())
    ran = isotherm("report", "demo-1", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["lanes"][0]["reason"] == "it was throttled"
    assert "2 of 2 lanes failed" in ran.err
    assert "it was throttled" in ran.err


def test_the_command_starts_without_what_only_some_commands_need() -> None:
    program = (
        "import sys; from isotherm.cli.app import run_command; run_command(['--version']);"
        "print(sorted({'boto3', 'botocore', 'numpy', 'scipy', 'plotly', 'isotherm.campaign.model'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"
