"""A deployed stack on moto: its home region with table, bucket, functions and a campaign machine that measures nothing.

Its control functions are the real ones, run in this process whenever they are invoked.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from isotherm import __version__
from isotherm.aws import clients
from isotherm.aws.clients import Home, client
from isotherm.campaign.stack_health import functions_of

CONTROL = Path(__file__).parents[3] / "functions" / "control"
HOME = Home(stack="isotherm", region="us-east-1", table="isotherm-samples", bucket="isotherm-results")

#: What a person asks for who wants to see one lane.
DOCUMENT = {
    "name": "made-up",
    "targets": ["default"],
    "cold": {"samples": 4, "concurrency": 2},
    "warm": {"samples": 2},
    "rounds": 1,
}

#: Of the account; moto knows none.
LIMITS = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}

DRY: dict[str, Any] = {"status": "dry_run", "campaign_id": "x", "lanes": 1, "price_usd": 0.0123, "warnings": []}
OVER_BUDGET = "budget_usd: this campaign costs about 4.10 USD, above your 0"


def _pass(output: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Pass", "Result": output, "End": True}


#: Answers as the real one would, by the campaign's name and by `dry_run`; a slow campaign goes on until it is stopped.
MACHINE = {
    "StartAt": "Which",
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.name", "StringEquals": "slow", "Next": "Slow"},
                {"Variable": "$.name", "StringEquals": "dear", "Next": "Refused"},
                {"Variable": "$.dry_run", "IsPresent": True, "Next": "DryRunDone"},
            ],
            "Default": "Done",
        },
        "Slow": {"Type": "Wait", "Seconds": 600, "End": True},
        "Refused": {"Type": "Fail", "Error": "OverBudget", "Cause": OVER_BUDGET},
        "DryRunDone": _pass(DRY),
        "Done": _pass({"page": "s3://isotherm-results/reports/x/index.html"}),
    },
}


class Context:
    """What is read of Lambda's context, of a call that has all its time left."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@contextmanager
def deployed_on_moto(monkeypatch: pytest.MonkeyPatch, *, execute: bool = True) -> Iterator[Home]:
    """The stack, for the length of a `with` block; what the environment says of AWS besides is left out.

    Unless moto is to `execute` state machines, executions run until they are stopped, and then end at once.
    """
    _forget_clients()  # moto answers only the sessions that are made after it was imported
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    for name in ("ISOTHERM_ENDPOINT_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": execute}, "lambda": {"use_docker": False}}):
        _answer_functions_in_process(monkeypatch)
        _answer(_events_of_every_client(), "lambda.GetAccountSettings", lambda _: (200, {"AccountLimit": LIMITS}))
        _make_table()
        client("s3", HOME.region).create_bucket(Bucket=HOME.bucket)
        _make_functions()
        _answer_describe_stacks(_make_machine())
        yield HOME
    _forget_clients()


def keys_of_bucket() -> list[str]:
    """Every object in the results bucket."""
    listed = client("s3", HOME.region).list_objects_v2(Bucket=HOME.bucket)
    return [entry["Key"] for entry in listed.get("Contents", [])]


@contextmanager
def refusing(service: str, operation: str, code: str = "AccessDenied") -> Iterator[None]:
    """Let AWS refuse an operation, for the length of a `with` block."""
    said = {"Error": {"Code": code, "Message": "no"}}
    events = client(service, HOME.region).meta.events
    taken_back = _answer(events, f"{service}.{operation}", lambda _: (403, said))
    try:
        yield
    finally:
        taken_back()


def _answer(
    events: Any, operation: str, answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
) -> Callable[[], None]:
    """Answer an operation of AWS instead of moto, with a status and the parsed response; returns what ends that."""

    def answered(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        status, parsed = answer(params)
        return SimpleNamespace(status_code=status), parsed

    event = f"before-call.{operation}"
    events.register_first(event, answered)
    return lambda: events.unregister(event, answered)


def _events_of_every_client() -> Any:
    """Of those that are made from now on."""
    return clients._session().get_component("event_emitter")


def _forget_clients() -> None:
    for made in (client, clients._session):
        made.cache_clear()


def _make_table() -> None:
    keys = ("pk", "HASH"), ("sk", "RANGE")
    client("dynamodb", HOME.region).create_table(
        TableName=HOME.table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )


def _role() -> str:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
    made = client("iam").create_role(RoleName="made-up", AssumeRolePolicyDocument=json.dumps(trust))
    return str(made["Role"]["Arn"])


def _make_functions() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("app.py", "def handler(event, context): pass")
    role = _role()
    targets = {f"{HOME.stack}-target_default": {"ISOTHERM_TARGET": "default"}}
    for name in [*functions_of(HOME.stack, is_home=True), *targets]:
        client("lambda", HOME.region).create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": targets.get(name, {})},
        )


def _make_machine() -> str:
    made = client("stepfunctions", HOME.region).create_state_machine(
        name=f"{HOME.stack}-campaign", definition=json.dumps(MACHINE), roleArn="arn:aws:iam::123456789012:role/made-up"
    )
    return str(made["stateMachineArn"])


def _answer_describe_stacks(machine_arn: str) -> None:
    """Moto's own CloudFormation imports what it does not bring."""
    outputs = {
        "Version": __version__,
        "HomeRegion": HOME.region,
        "Targets": "default",
        "CampaignStateMachineArn": machine_arn,
        "ResultsBucketName": HOME.bucket,
        "SamplesTableName": HOME.table,
    }
    stack = {
        "StackId": "id",
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
    }
    absent = {"Error": {"Code": "ValidationError", "Message": "Stack with id x does not exist"}}

    def answer(params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        there = params["body"]["StackName"] == HOME.stack and params["context"]["client_region"] == HOME.region
        return (200, {"Stacks": [stack]}) if there else (400, absent)

    _answer(_events_of_every_client(), "cloudformation.DescribeStacks", answer)


def _load_function(verb: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{verb}_app", CONTROL / verb / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look up their types
    spec.loader.exec_module(module)
    return module


def _answer_functions_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    load = cache(lambda verb: _load_function(verb, monkeypatch))
    load("plan")  # its log goes where standard output is now; the others are loaded where they are needed
    variables = {"STACK": HOME.stack, "HOME_REGION": HOME.region, "TABLE": HOME.table, "BUCKET": HOME.bucket}

    def answer(params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        called = re.fullmatch(rf"/2015-03-31/functions/{HOME.stack}-(\w+)/invocations", params["url_path"])
        assert called is not None
        function, failed = load(called[1]), {}
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(f"ISOTHERM_{name}", value)
            try:
                said = function.handler(json.loads(params["body"]), Context())
            except Exception as fault:  # noqa: BLE001 - as Lambda does
                said = {"errorMessage": str(fault), "errorType": type(fault).__name__}
                failed = {"FunctionError": "Unhandled"}
        return 200, {"Payload": io.BytesIO(json.dumps(said).encode()), **failed}

    _answer(_events_of_every_client(), "lambda.Invoke", answer)
