"""How the tests here command the embedded stack, and how they look at it from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME, SATELLITE = "us-east-1", "ap-south-1"
REGIONS = (HOME, SATELLITE)
TARGETS = ("default", "pkg20", "pkg50", "size20", "size50")
STACK = "isotherm"

START_S = 600
CAMPAIGN_S = 300
LOG_S = 30


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """The command `isotherm`, on an embedded stack of its own."""

    environment: dict[str, str]

    def __call__(self, *arguments: str, text: str | None = None, timeout: float = CAMPAIGN_S) -> Ran:
        ended = subprocess.run(
            [str(PROGRAM), *arguments],
            input=text,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def begin(self, *arguments: str, text: str | None = None) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        process = subprocess.Popen(
            [str(PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=ROOT,
            text=True,
            # Where the tests run in the background of a shell, it has interrupts ignored, and we would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        if text is not None:
            assert process.stdin is not None
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
        return process


PROGRAM = Path(sysconfig.get_path("scripts")) / "isotherm"


def command_line(local_name: str) -> CommandLine:
    """The command with an embedded stack under this name, and nothing of the user's AWS configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ISOTHERM_"))}
    return CommandLine(environment | {"ISOTHERM_CHECKOUT": str(ROOT), "ISOTHERM_LOCAL": local_name, "COLUMNS": "120"})


@dataclass(frozen=True)
class Embedded:
    """The session's stack: how to command it and how to ask it things."""

    isotherm: CommandLine
    environment: dict[str, str]
    campaign_machine_arn: str

    def client(self, service: str, region: str = HOME) -> Any:
        """A plain boto3 client, as any other tool would make it."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def output(self, name: str, region: str = HOME) -> str:
        """What the stack of a region says under a name."""
        (stack,) = self.client("cloudformation", region).describe_stacks(StackName=STACK)["Stacks"]
        (value,) = [output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == name]
        return str(value)

    def execution_arn(self, campaign_id: str) -> str:
        """ARN of a campaign's execution."""
        return f"{self.campaign_machine_arn.replace(':stateMachine:', ':execution:')}:{campaign_id}"

    def shorten_waits(self, scale: float = 0.05) -> None:
        """From now on, state machines wait a twentieth of the time before they retry; they retry as often as ever.

        Where a region is gone, a lane would retry in vain for two minutes before it gives up.
        """
        change = {"stepfunctions._SFN_WAIT_SCALE": scale}
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_ministack/config"
        with urllib.request.urlopen(url, json.dumps(change).encode(), timeout=LOG_S) as answer:  # noqa: S310 - loopback
            assert json.load(answer) == {"applied": change}

    def start(self, name: str, document: object) -> str:
        """Start an execution as from the console; returns its name."""
        self.client("stepfunctions").start_execution(
            stateMachineArn=self.campaign_machine_arn, name=name, input=json.dumps(document)
        )
        return name

    def wait(self, name: str, timeout_s: float = CAMPAIGN_S) -> dict[str, Any]:
        """Wait for an execution's end; returns what DescribeExecution says."""
        states = self.client("stepfunctions")
        deadline = time.monotonic() + timeout_s
        while True:
            facts: dict[str, Any] = states.describe_execution(executionArn=self.execution_arn(name))
            if facts["status"] != "RUNNING":
                return facts
            assert time.monotonic() < deadline, f"execution {name} still runs after {timeout_s} s"
            time.sleep(0.5)

    def summary(self, campaign_id: str) -> dict[str, Any]:
        """The campaign's summary.json."""
        bucket = f"{STACK}-{self.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
        body = self.client("s3").get_object(Bucket=bucket, Key=f"reports/{campaign_id}/summary.json")["Body"].read()
        document: dict[str, Any] = json.loads(body)
        return document

    def objects(self) -> set[str]:
        """Keys of all that is in the results bucket."""
        bucket = f"{STACK}-{self.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}

    def lanes(self, campaign_id: str) -> list[dict[str, Any]]:
        """Progress items of a campaign's lanes, as DynamoDB returns them."""
        return self._rows(campaign_id, "lane#")

    def tours(self, campaign_id: str) -> list[dict[str, Any]]:
        """Items of a campaign's tours, as DynamoDB returns them."""
        return self._rows(campaign_id, "tour#")

    def _rows(self, campaign_id: str, prefix: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client("dynamodb").query(
            TableName=f"{STACK}-samples",
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"campaign#{campaign_id}"}, ":sk": {"S": prefix}},
            ConsistentRead=True,
        )["Items"]
        return items

    def configurations(self) -> dict[tuple[str, str], Any]:
        """What a campaign may change of each target in each region: memory, variables, published versions."""
        found = {}
        for region in REGIONS:
            functions = self.client("lambda", region)
            for target in (*TARGETS, "inner"):
                name = f"{STACK}-target_{target}"
                configuration = functions.get_function_configuration(FunctionName=name)
                versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
                found[region, target] = {
                    "memory": configuration["MemorySize"],
                    "variables": configuration["Environment"]["Variables"],
                    "versions": sorted(version["Version"] for version in versions),
                }
        return found

    def tour_arn(self, campaign_id: str, tour: str) -> str:
        """Where a tour of a campaign runs, or ran."""
        item = self.client("dynamodb").get_item(
            TableName=f"{STACK}-samples", Key={"pk": {"S": f"campaign#{campaign_id}"}, "sk": {"S": f"tour#{tour}"}}
        )["Item"]
        return str(item["execution_arn"]["S"])

    def leases(self) -> list[dict[str, Any]]:
        """Functions that some campaign still holds."""
        items: list[dict[str, Any]] = self.client("dynamodb").scan(
            TableName=f"{STACK}-samples",
            FilterExpression="sk = :lease",
            ExpressionAttributeValues={":lease": {"S": "lease"}},
        )["Items"]
        return items


def await_lane(embedded: Embedded, campaign_id: str, phase: str, key: str | None = None) -> dict[str, Any]:
    """A lane of the campaign that is in this phase now."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for item in embedded.lanes(campaign_id):
            facts = {name: next(iter(value.values())) for name, value in item.items()}
            if facts.get("phase") == phase and facts["status"] == "running" and key in (None, facts["sk"]):
                return facts
        time.sleep(0.2)
    raise AssertionError(f"no lane of {campaign_id} came to {phase}")


def messages_of(embedded: Embedded, region: str, target: str) -> list[str]:
    """The log of a target in a region."""
    pages = (
        embedded.client("logs", region)
        .get_paginator("filter_log_events")
        .paginate(logGroupName=f"/aws/lambda/{STACK}-target_{target}")
    )
    return [event["message"] for page in pages for event in page["events"]]


def probes_of(embedded: Embedded, region: str, target: str, shot_id: str) -> list[dict[str, Any]]:
    """The probe lines of a shot in the log of a target, which may take a moment to get there."""
    deadline = time.monotonic() + LOG_S
    while True:
        lines = [json.loads(text) for text in messages_of(embedded, region, target) if '"isotherm_probe"' in text]
        found = [line for line in lines if line["shot_id"] == shot_id]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


@contextmanager
def deployed_stack(local_name: str, *deploy: str, up: Sequence[str] = ()) -> Iterator[Embedded]:
    """An embedded stack under a name of its own, deployed to as the arguments of `isotherm deploy` say."""
    isotherm = command_line(local_name)
    started = isotherm("local", "up", *up, "--json", timeout=START_S)
    skip_without_tools(started)
    assert started.code == 0, started.err
    try:
        deployed = isotherm("deploy", *deploy, "--json", timeout=START_S)
        skip_without_tools(deployed)
        assert deployed.code == 0, deployed.err
        environment = started.document["environment"]
        account = environment["AWS_ACCESS_KEY_ID"]
        yield Embedded(isotherm, environment, f"arn:aws:states:{HOME}:{account}:stateMachine:{STACK}-campaign")
    finally:
        isotherm("local", "down", "--yes")


def skip_without_tools(ran: Ran) -> None:
    """Skip where the embedded stack's tools cannot be installed."""
    if ran.code != 0 and "is not installed yet and cannot be" in ran.err:
        pytest.skip(f"the embedded stack's tools cannot be installed here: {ran.err.splitlines()[0]}")
