"""Building and deploying, with a small program in SAM CLI's place; the real one is used in tests/integration."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import threading
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from isotherm.aws import clients
from isotherm.campaign.stack_health import ON_RECORD
from isotherm.cli.commands.deploy import AWS_RUNTIME
from isotherm.local import build as building
from isotherm.local import deploy as deploying
from isotherm.local import package as packaging
from isotherm.local.checkout import Checkout
from isotherm.local.errors import CommandFailed, LocalError, StackGone
from isotherm.local.lock import exclusive
from isotherm.local.stack import Stack, check_is_there

SAMCONFIG = tomllib.loads((Path(__file__).parents[3] / "samconfig.toml").read_text())
TEMPLATE_DEFAULTS = {"PythonRuntime=python3.14", "Architecture=x86_64"}

# Notes what it is asked, and with which environment; `deploy` fails for the regions and stacks named in FAIL_IN.
SAM = """
import json, os, pathlib, sys
verb, arguments = sys.argv[1], sys.argv[2:]
def option(name): return arguments[arguments.index(name) + 1]
asked = pathlib.Path(os.environ["ASKED"])
with asked.open("a") as log:
    log.write(json.dumps({"verb": verb, "arguments": arguments, "environment": dict(os.environ)}) + "\\n")
if verb == "build":
    folder = pathlib.Path(option("--build-dir"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "template.yaml").write_text("built")
if verb == "deploy" and {option("--region"), option("--stack-name")} & set(os.environ.get("FAIL_IN", "").split()):
    sys.exit("ROLLBACK_COMPLETE in " + option("--region"))
"""

Asked = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "checkout"
    (root / "functions").mkdir(parents=True)
    (root / "functions" / "app.py").write_text("a = 1\n")
    (root / "template.yaml").write_text("Resources: {}\n")
    (root / "server").mkdir()
    (root / "server" / "template.yaml").write_text("Resources: {}\n")
    return Checkout(root)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    program = tmp_path / "sam"
    program.write_text(f"#!{sys.executable}\n{SAM}")
    program.chmod(0o755)
    for module in (building, deploying, packaging):
        monkeypatch.setattr(module, "ensure", lambda *_: program)
    monkeypatch.setattr(deploying, "POLL_S", 0.02)
    monkeypatch.setattr(deploying._Onlooker, "state", lambda *_: "CREATE_IN_PROGRESS")
    log = tmp_path / "asked.jsonl"
    monkeypatch.setenv("ASKED", str(log))

    def of(verb: str) -> list[dict[str, Any]]:
        lines = log.read_text().splitlines() if log.exists() else []
        return [call for call in map(json.loads, lines) if call["verb"] == verb]

    return of


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that takes any upload."""

    class Packaged:
        def put(self, region: str, _account: str, _into: Path) -> Path:
            path = tmp_path / f"packaged-{region}.yaml"
            path.write_text("packaged")
            return path

    monkeypatch.setattr(deploying, "package", lambda *_: Packaged())
    monkeypatch.setattr(deploying, "_is_whole", lambda *_: True)
    monkeypatch.setattr(deploying, "check_is_there", lambda _: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Stack(1, "token", 4566, False, 0.0, str(scratch), "log")


def _value(call: dict[str, Any], option: str) -> str:
    return str(call["arguments"][call["arguments"].index(option) + 1])


def test_nothing_is_built_twice(checkout: Checkout, asked: Asked) -> None:
    first = building.build(checkout)
    again = building.build(checkout)

    assert (first.fresh, again.fresh) == (True, False)
    assert again.template == first.template
    assert len(asked("build")) == 1


def test_a_changed_source_is_built_again(checkout: Checkout, asked: Asked) -> None:
    first = building.build(checkout)
    (checkout.root / "functions" / "app.py").write_text("a = 2\n")
    second = building.build(checkout)

    assert second.fresh
    assert second.fingerprint != first.fingerprint
    assert not first.is_current()
    assert len(asked("build")) == 2


def test_what_runs_here_and_what_runs_on_lambda_are_built_apart(checkout: Checkout, asked: Asked) -> None:
    here = building.build(checkout)
    there = building.build(checkout, runtime="python3.14", architecture="arm64", host=False)

    assert here.template.parent != there.template.parent
    assert here.is_current()
    assert there.is_current()
    assert [call["environment"]["ISOTHERM_PLATFORM"] for call in asked("build")] == ["host", "lambda"]
    assert f"PythonRuntime={building.local_runtime()}" in asked("build")[0]["arguments"]
    assert {"PythonRuntime=python3.14", "Architecture=arm64"} <= set(asked("build")[1]["arguments"])


def test_sam_reports_nothing_to_anybody(checkout: Checkout, asked: Asked) -> None:
    building.build(checkout)

    assert asked("build")[0]["environment"]["SAM_CLI_TELEMETRY"] == "0"


def test_a_failed_build_is_not_taken_for_a_good_one(
    checkout: Checkout, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    building.build(checkout)
    (checkout.root / "functions" / "app.py").write_text("a = 2\n")
    with monkeypatch.context() as broken:
        broken.setenv("ASKED", str(checkout.root / "absent" / "log"))
        with pytest.raises(CommandFailed, match="sam build failed"):
            building.build(checkout)

    assert building.build(checkout).fresh
    assert len(asked("build")) == 2


@pytest.mark.usefixtures("asked")
def test_a_runtime_that_is_no_python_is_refused_by_name(checkout: Checkout) -> None:
    with pytest.raises(LocalError, match="runtime: 'nodejs22' is not a Python runtime"):
        building.build(checkout, runtime="nodejs22")


def test_the_home_region_is_always_part_and_satellites_are_told_where_it_is(
    checkout: Checkout, asked: Asked, embedded: Stack
) -> None:
    made = building.build(checkout)
    done = deploying.deploy(checkout, made, ["ap-south-1", "us-east-1"], embedded=embedded)

    assert done == deploying.Deployed(["us-east-1", "ap-south-1"], [])
    calls = {_value(call, "--region"): call for call in asked("deploy")}
    assert set(calls) == {"us-east-1", "ap-south-1"}
    assert "HomeRegion=us-east-1" in calls["ap-south-1"]["arguments"]
    for call in calls.values():
        assert f"EndpointUrl={embedded.endpoint_url}" in call["arguments"]
        assert call["environment"]["AWS_ENDPOINT_URL"] == embedded.endpoint_url


def test_a_parameter_of_one_region_goes_to_it_alone_and_changes_no_other(
    checkout: Checkout, asked: Asked, embedded: Stack
) -> None:
    made = building.build(checkout)
    everywhere = {"LogRetentionDays": "7", "RawRetentionDays": "30"}
    regional = {"ap-south-1": {"RawRetentionDays": "60"}}
    deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded, parameters=everywhere)
    done = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded, parameters=everywhere, regional=regional)

    assert (done.changed, done.unchanged) == (["ap-south-1"], ["us-east-1"])
    *_, call = asked("deploy")
    assert _value(call, "--region") == "ap-south-1"
    assert {"LogRetentionDays=7", "RawRetentionDays=60"} <= set(call["arguments"])
    assert "RawRetentionDays=30" not in call["arguments"]


SERVER_ON = {"ap-south-1": {"FargateServer": "on", "ServerVpc": "vpc-1"}}
SERVER_OFF = {"ap-south-1": {"FargateServer": "off", "InstanceServer": "off"}}


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], dict[str, str]]:
    """The parameters of the stacks that CloudFormation has, by region and name."""
    parameters: dict[tuple[str, str], dict[str, str]] = {}

    class CloudFormation:
        def __init__(self, region: str) -> None:
            self.region = region

        def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
            if (self.region, StackName) not in parameters:
                said = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
                raise ClientError({"Error": said}, "DescribeStacks")
            own = parameters[self.region, StackName].items()
            pairs = [{"ParameterKey": key, "ParameterValue": value} for key, value in own]
            return {"Stacks": [{"StackId": "id", "StackStatus": "CREATE_COMPLETE", "Parameters": pairs}]}

    monkeypatch.setattr(clients, "client", lambda _service, region: CloudFormation(region))
    return parameters


def _deploys(asked: Asked) -> list[tuple[str, str]]:
    return [(_value(call, "--stack-name"), _value(call, "--region")) for call in asked("deploy")]


@pytest.mark.usefixtures("stacks")
def test_parameters_of_the_server_go_to_a_stack_of_its_own_after_the_other(
    checkout: Checkout, asked: Asked, embedded: Stack
) -> None:
    made = building.build(checkout)
    parameters = {"LogRetentionDays": "7", "RawRetentionDays": "30"}
    done = deploying.deploy(
        checkout, made, ["ap-south-1"], embedded=embedded, parameters=parameters, regional=SERVER_ON
    )

    assert done == deploying.Deployed(["us-east-1", "ap-south-1"], [], servers={"ap-south-1": "deployed"})
    *stacks, server = asked("deploy")
    assert sorted(_deploys(asked)[:-1]) == [("isotherm", "ap-south-1"), ("isotherm", "us-east-1")]
    assert _deploys(asked)[-1] == ("isotherm-server", "ap-south-1")
    for call in stacks:
        assert not [word for word in call["arguments"] if word.startswith(("FargateServer", "Server", "IsothermStack"))]
    first = server["arguments"].index("--parameter-overrides") + 1
    assert set(itertools.takewhile(lambda word: not word.startswith("--"), server["arguments"][first:])) == {
        "IsothermStack=isotherm",
        f"Architecture={made.architecture}",
        f"EndpointUrl={embedded.endpoint_url}",
        "LogRetentionDays=7",
        "FargateServer=on",
        "ServerVpc=vpc-1",
    }
    assert _value(server, "--template-file") == str(checkout.server_template)
    assert _value(server, "--capabilities") == "CAPABILITY_IAM"


@pytest.mark.usefixtures("stacks")
def test_a_server_is_deployed_again_when_it_changes_and_left_alone_where_nothing_is_said_of_it(
    checkout: Checkout, asked: Asked, embedded: Stack
) -> None:
    made = building.build(checkout)

    def fate(regional: dict[str, dict[str, str]]) -> dict[str, str]:
        return deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded, regional=regional).servers

    assert fate(SERVER_ON) == {"ap-south-1": "deployed"}
    assert fate(SERVER_ON) == {"ap-south-1": "unchanged"}
    assert fate({}) == {}
    checkout.server_template.write_text("Resources: {A: {}}\n")
    assert fate(SERVER_ON) == {"ap-south-1": "deployed"}
    assert [stack for stack, _ in _deploys(asked)].count("isotherm-server") == 2
    assert [stack for stack, _ in _deploys(asked)].count("isotherm") == 2


def test_a_server_that_is_turned_off_is_not_deployed(
    checkout: Checkout, asked: Asked, embedded: Stack, stacks: dict[tuple[str, str], dict[str, str]]
) -> None:
    made = building.build(checkout)

    def fate(**switches: str) -> str:
        done = deploying.deploy(checkout, made, [], embedded=embedded, parameters=switches)
        return done.servers["us-east-1"]

    assert fate(FargateServer="off", InstanceServer="off") == "absent"
    assert fate(FargateServer="off") == "absent"
    assert _deploys(asked) == [("isotherm", "us-east-1")]
    # What is not given stays on.
    stacks["us-east-1", "isotherm-server"] = {"IsothermStack": "isotherm", "InstanceServer": "on"}
    assert fate(FargateServer="off") == "deployed"
    assert _deploys(asked)[1:] == [("isotherm-server", "us-east-1")]


def test_a_stack_of_the_servers_name_that_is_another_is_left_alone(
    checkout: Checkout, asked: Asked, embedded: Stack, stacks: dict[tuple[str, str], dict[str, str]]
) -> None:
    made = building.build(checkout)
    stacks["ap-south-1", "isotherm-server"] = {"HomeRegion": ""}
    for regional in (SERVER_ON, SERVER_OFF):
        done = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded, regional=regional)
        assert done.failed == {
            "ap-south-1": "stack isotherm is deployed to ap-south-1, but its server is not as asked: "
            "stack isotherm-server in ap-south-1 is not the server of isotherm; it is left as it is"
        }
        assert "ap-south-1" not in (*done.changed, *done.unchanged, *done.servers)
    assert ("isotherm-server", "ap-south-1") not in _deploys(asked)


@pytest.mark.usefixtures("stacks")
def test_a_region_whose_server_fails_has_failed_and_one_whose_stack_fails_gets_no_server(
    checkout: Checkout, asked: Asked, embedded: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = building.build(checkout)
    monkeypatch.setenv("FAIL_IN", "isotherm-server")
    done = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded, regional=SERVER_ON)
    assert (done.changed, list(done.failed), done.servers) == (["us-east-1"], ["ap-south-1"], {})
    assert "sam deploy of the server to ap-south-1 failed" in done.failed["ap-south-1"]

    monkeypatch.setenv("FAIL_IN", "eu-west-2")
    before = len(asked("deploy"))
    regional = {"eu-west-2": SERVER_ON["ap-south-1"]}
    done = deploying.deploy(checkout, made, ["eu-west-2"], embedded=embedded, regional=regional)
    assert (done.unchanged, list(done.failed), done.servers) == (["us-east-1"], ["eu-west-2"], {})
    assert _deploys(asked)[before:] == [("isotherm", "eu-west-2")]


def test_what_is_deployed_is_not_deployed_again_until_it_changes(
    checkout: Checkout, asked: Asked, embedded: Stack
) -> None:
    deploying.deploy(checkout, building.build(checkout), ["ap-south-1"], embedded=embedded)
    same = deploying.deploy(checkout, building.build(checkout), ["ap-south-1"], embedded=embedded)
    (checkout.root / "functions" / "app.py").write_text("a = 2\n")
    changed = deploying.deploy(checkout, building.build(checkout), ["ap-south-1"], embedded=embedded)

    assert same.changed == []
    assert changed.changed == ["us-east-1", "ap-south-1"]
    assert len(asked("deploy")) == 4


def test_what_was_removed_since_is_deployed_again(
    checkout: Checkout, asked: Asked, embedded: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = building.build(checkout)
    deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded)
    monkeypatch.setattr(deploying, "_is_whole", lambda region, _: region == "us-east-1")
    again = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded)

    assert again == deploying.Deployed(["ap-south-1"], ["us-east-1"])
    assert len(asked("deploy")) == 3


def test_one_region_that_fails_does_not_keep_the_others_from_being_deployed(
    checkout: Checkout, asked: Asked, embedded: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = building.build(checkout)
    monkeypatch.setenv("FAIL_IN", "ap-south-1")
    done = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded)
    assert (done.changed, done.unchanged, list(done.failed)) == (["us-east-1"], [], ["ap-south-1"])
    assert set(done.seconds) == {"us-east-1", "ap-south-1"}
    with pytest.raises(CommandFailed, match=r"(?s)sam deploy to ap-south-1 failed.*ROLLBACK_COMPLETE in ap-south-1"):
        done.check()
    monkeypatch.delenv("FAIL_IN")
    again = deploying.deploy(checkout, made, ["ap-south-1"], embedded=embedded)

    assert again == deploying.Deployed(["ap-south-1"], ["us-east-1"])
    assert len(asked("deploy")) == 3


@pytest.mark.usefixtures("asked")
def test_a_deployment_that_failed_as_the_stack_ended_says_that_rather_than_what_sam_met(
    checkout: Checkout, embedded: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = replace(embedded, port=probe.getsockname()[1])
    monkeypatch.setattr(deploying, "check_is_there", check_is_there)
    monkeypatch.setenv("FAIL_IN", "us-east-1")

    with pytest.raises(StackGone, match=f"nothing answers at {gone.endpoint_url}"):
        deploying.deploy(checkout, building.build(checkout), [], embedded=gone)


@pytest.mark.usefixtures("asked")
def test_every_region_is_told_of_and_comes_to_an_end(checkout: Checkout, embedded: Stack) -> None:
    told: dict[str, list[tuple[str, bool]]] = {}

    def tell(region: str, state: str, *, ended: bool = False) -> None:
        told.setdefault(region, []).append((state, ended))

    deploying.deploy(checkout, building.build(checkout), ["ap-south-1", "eu-west-2"], embedded=embedded, tell=tell)

    assert set(told) == {"us-east-1", "ap-south-1", "eu-west-2"}
    for states in told.values():
        assert [ended for _, ended in states] == [False] * (len(states) - 1) + [True]
        assert states[-1][0].startswith("deployed after ")


@pytest.mark.usefixtures("asked")
def test_a_second_deployment_waits_for_the_first_and_says_so(checkout: Checkout, embedded: Stack) -> None:
    """Two deployments of one stack at once both fail, with CloudFormation's words for it."""
    made = building.build(checkout)
    said: list[str] = []
    waits = threading.Event()

    def say(what: str) -> None:
        said.append(what)
        waits.set()

    with ThreadPoolExecutor(1) as pool:
        with exclusive(checkout.local / "deploy.lock", "the deployment of stack isotherm"):
            second = pool.submit(deploying.deploy, checkout, made, [], embedded=embedded, say=say)
            assert waits.wait(60)
            assert not second.done()
        assert second.result(60).changed == ["us-east-1"]
    (told,) = said
    assert told.startswith(f"waiting for the deployment of stack isotherm of process {os.getpid()}, since ")


def test_the_command_and_samconfig_deploy_the_same(checkout: Checkout, asked: Asked) -> None:
    made = building.build(checkout, runtime=AWS_RUNTIME, architecture="x86_64", host=False)
    deploying.deploy(checkout, made, list(ON_RECORD.values()), embedded=None)
    calls = {_value(call, "--region"): call["arguments"] for call in asked("deploy")}

    configured = {name: facts["deploy"]["parameters"] for name, facts in SAMCONFIG.items() if name != "version"}
    assert set(calls) == {facts["region"] for facts in configured.values()}
    for facts in configured.values():
        arguments = calls[facts["region"]]
        first = arguments.index("--parameter-overrides") + 1
        overrides = list(itertools.takewhile(lambda word: not word.startswith("--"), arguments[first:]))
        # Those two state what the template has by default.
        assert [word for word in overrides if not word.startswith(("PythonRuntime=", "Architecture="))] == (
            [facts["parameter_overrides"]] if "parameter_overrides" in facts else []
        )
        assert set(overrides) >= TEMPLATE_DEFAULTS
        for option, field in (("--stack-name", "stack_name"), ("--s3-prefix", "s3_prefix")):
            assert arguments[arguments.index(option) + 1] == facts[field]
        assert arguments[arguments.index("--capabilities") + 1] == facts["capabilities"]
        assert ("--resolve-s3" in arguments) == facts["resolve_s3"]
        assert ("--no-confirm-changeset" in arguments) == (not facts["confirm_changeset"])
        assert ("--no-fail-on-empty-changeset" in arguments) == (not facts["fail_on_empty_changeset"])


def test_a_stack_that_enforces_iam_takes_one_region(checkout: Checkout, asked: Asked, embedded: Stack) -> None:
    strict = replace(embedded, enforce_iam=True)
    made = building.build(checkout)
    with pytest.raises(LocalError, match="carries one region, not us-east-1, ap-south-1"):
        deploying.deploy(checkout, made, ["ap-south-1"], embedded=strict)
    assert asked("deploy") == []

    assert deploying.deploy(checkout, made, [], embedded=strict).changed == ["us-east-1"]


def test_on_aws_the_users_own_credentials_are_left_alone_and_nothing_is_assumed_deployed(
    checkout: Checkout, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    made = building.build(checkout, runtime="python3.14", architecture="x86_64", host=False)
    for _ in range(2):
        deploying.deploy(checkout, made, [], embedded=None)

    calls = asked("deploy")
    assert len(calls) == 2
    assert calls[0]["environment"]["AWS_PROFILE"] == "work"
    assert "AWS_ENDPOINT_URL" not in calls[0]["environment"]
    assert "--resolve-s3" in calls[0]["arguments"]
    assert not any(argument.startswith("EndpointUrl=") for argument in calls[0]["arguments"])


def test_a_package_is_not_made_of_sources_that_were_built_over(
    checkout: Checkout, asked: Asked, tmp_path: Path
) -> None:
    stale = building.build(checkout)
    (checkout.root / "functions" / "app.py").write_text("a = 2\n")
    building.build(checkout)
    stack = Stack(1, "token", 4566, False, 0.0, str(tmp_path), "log")

    with pytest.raises(LocalError, match="were built again meanwhile"):
        packaging.package(checkout, stale, stack, "us-east-1")
    assert asked("package") == []
