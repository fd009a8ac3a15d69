"""Every function of the template, run by `sam local invoke` with its event; the embedded stack stands in for AWS."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration.embedded import HOME, STACK, Embedded
from isotherm.local.build import build, sam_environment
from isotherm.local.checkout import Checkout
from isotherm.measurement.probe import probe_lines
from isotherm.platform_log import parse_events

from .engine import ROOT, RUNTIME, Engine

TARGETS = {"DefaultFunction": "default", "Pkg20Function": "pkg20", "Pkg50Function": "pkg50"} | {
    "Size20Function": "size20",
    "Size50Function": "size50",
}
CALLING = ("OuterFunction", "InnerFunction", "InnerDbFunction", "CustomersFunction")
MEASURES = ("PlanFunction", "PrepareFunction", "FireFunction", "CollectFunction", "RestoreFunction", "NotifyFunction")
REPORTING = ("AggregateFunction", "PublishFunction")
ELSEWHERE = ("RescueFunction", "WatchFunction", "DispatchFunction")

CAMPAIGN, TOUR, LANE, TARGET = "sam-local", f"from-{HOME}", f"r00-default-{HOME}", f"{STACK}-target_default"
SHOTS = 2 + 1 + 3  # cold, priming, warm
INVOKE_S = 180
TOUR_S = 120

needs_engine = pytest.mark.container


@dataclass(frozen=True)
class Invoked:
    """What a function answered, and what `sam local` showed of its log."""

    answer: Any
    log: str


@dataclass(frozen=True)
class SamLocal:
    """`sam local invoke`, on what was built for Lambda."""

    sam: Path
    template: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> Invoked:
        """Run a function with its event."""
        mine = {key: value for key, value in sam_environment().items() if not key.startswith(("AWS_", "ISOTHERM_"))}
        ended = subprocess.run(
            [
                str(self.sam), "local", "invoke", name,
                "--event", str(ROOT / "events" / f"{name}.json"),
                "--template-file", str(self.template),
                "--config-file", str(ROOT / "samconfig.toml"),
                "--runtime", RUNTIME,
                "--skip-pull-image",
            ],
            env=mine | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull} | self.variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=INVOKE_S,
            check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return Invoked(json.loads(ended.stdout.strip().splitlines()[-1]), ended.stderr)


@pytest.fixture(scope="session")
def alone(sam: Path, running_engine: Engine) -> SamLocal:  # noqa: ARG001 - it has to answer
    """`sam local` with neither endpoint nor credentials."""
    return SamLocal(sam, build(Checkout(ROOT, "tests"), runtime=RUNTIME, host=False).template)


@pytest.fixture(scope="session")
def invoke(alone: SamLocal, embedded: Embedded, seen_from_inside: str) -> SamLocal:
    """`sam local` with the embedded stack in AWS's place, as docs/sam-local.md says."""
    return SamLocal(alone.sam, alone.template, embedded.environment | {"ISOTHERM_ENDPOINT_URL": seen_from_inside})


def test_no_function_of_the_template_is_left_out() -> None:
    functions = re.findall(
        r"^  (\w+):\n    Type: AWS::Serverless::Function$", (ROOT / "template.yaml").read_text(), re.M
    )

    assert sorted(functions) == sorted([*TARGETS, *CALLING, *MEASURES, *REPORTING, *ELSEWHERE])
    assert sorted(functions) == sorted(path.stem for path in (ROOT / "events").glob("*Function.json"))


@needs_engine
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_answers_and_tells_of_its_start(alone: SamLocal, name: str) -> None:
    target = TARGETS[name]
    invoked = alone(name)

    assert invoked.answer == {"ok": True, "target": target}
    (probe,) = probe_lines(invoked.log)
    assert (probe.shot_id, probe.invocation_index) == (f"sam-local/{target}", 0)
    assert probe.package is not None
    assert probe.package["platform"] == "lambda"
    assert probe.package["archive"] == target.replace("size", "pkg")
    assert (probe.import_ms > 0) == target.startswith("pkg")
    reports = [event for event in parse_events(invoked.log) if event["event"] == "report"]
    assert [report["request_id"] for report in reports] == [probe.request_id]


@needs_engine
def test_inner_answers(alone: SamLocal) -> None:
    invoked = alone("InnerFunction")

    (probe,) = probe_lines(invoked.log)
    assert invoked.answer == {"ok": True, "target": "inner", "request_id": probe.request_id}
    assert probe.shot_id == "sam-local/inner"


@needs_engine
def test_inner_db_puts_an_item_into_the_stacks_table(invoke: SamLocal, embedded: Embedded) -> None:
    invoked = invoke("InnerDbFunction")

    (probe,) = probe_lines(invoked.log)
    assert invoked.answer == {"ok": True, "target": "inner_db", "request_id": probe.request_id}
    item = embedded.client("dynamodb").get_item(TableName=f"{STACK}-inner", Key={"id": {"S": probe.environment_id}})
    assert item["Item"]["mark"] == {"S": probe.request_id}


@needs_engine
def test_outer_calls_the_stacks_inner(invoke: SamLocal) -> None:
    invoked = invoke("OuterFunction")

    assert invoked.answer["inner"]["target"] == "inner"
    assert [probe.shot_id for probe in probe_lines(invoked.log)] == ["sam-local/outer"]


@needs_engine
def test_customers_creates_a_customer_in_the_stacks_table(invoke: SamLocal, embedded: Embedded) -> None:
    invoked = invoke("CustomersFunction")

    assert invoked.answer.get("statusCode") == 201, invoked.answer
    address = json.loads(invoked.answer["body"])["email_id"]
    (probe,) = probe_lines(invoked.log)
    assert probe.shot_id == "sam-local/customers"
    assert invoked.answer["headers"]["x-isotherm-call"] == f"{probe.environment_id}/0"
    item = embedded.client("dynamodb").get_item(TableName=f"{STACK}-customers", Key={"EmailID": {"S": address}})
    assert item["Item"]["LastName"] == {"S": "Kowalski"}


@needs_engine
def test_without_endpoint_and_credentials_a_control_function_says_what_it_lacks(alone: SamLocal) -> None:
    answer = alone("PlanFunction").answer

    assert answer["errorType"] == "NoAwsAccess"
    assert "set ISOTHERM_ENDPOINT_URL" in answer["errorMessage"]


# One campaign by hand. Each fixture is one step after the one it asks for, and keeps what was to be seen right then.


@dataclass(frozen=True)
class Step:
    """What a function answered, and how the stack was right after it."""

    answer: Any
    target: Any
    holders: list[str]
    lane: dict[str, str]


def _take(invoke: SamLocal, embedded: Embedded, name: str) -> Step:
    answer = invoke(name).answer
    (lane,) = embedded.lanes(CAMPAIGN)
    return Step(
        answer,
        embedded.configurations()[HOME, "default"],
        [lease["campaign_id"]["S"] for lease in embedded.leases()],
        {name: value["S"] for name, value in lane.items() if "S" in value},
    )


def _object(embedded: Embedded, key: str) -> bytes:
    body: bytes = embedded.client("s3").get_object(Bucket=_bucket(embedded), Key=key)["Body"].read()
    return body


def _bucket(embedded: Embedded) -> str:
    return f"{STACK}-{embedded.environment['AWS_ACCESS_KEY_ID']}-{HOME}"


@pytest.fixture(scope="module")
def before(embedded: Embedded) -> Any:
    """The target before anything was done to it."""
    return embedded.configurations()[HOME, "default"]


@pytest.fixture(scope="module")
def planned(invoke: SamLocal, embedded: Embedded, before: Any) -> Step:  # noqa: ARG001 - looked at first
    """The campaign is planned."""
    return _take(invoke, embedded, "PlanFunction")


@pytest.fixture(scope="module")
def prepared(invoke: SamLocal, embedded: Embedded, planned: Step) -> Step:  # noqa: ARG001 - goes before
    """A fresh version is published."""
    return _take(invoke, embedded, "PrepareFunction")


@pytest.fixture(scope="module")
def fired(invoke: SamLocal, embedded: Embedded, prepared: Step) -> Step:  # noqa: ARG001 - goes before
    """The calls are made."""
    return _take(invoke, embedded, "FireFunction")


@pytest.fixture(scope="module")
def collected(invoke: SamLocal, embedded: Embedded, fired: Step) -> Step:  # noqa: ARG001 - goes before
    """The samples are written."""
    return _take(invoke, embedded, "CollectFunction")


@pytest.fixture(scope="module")
def restored(invoke: SamLocal, embedded: Embedded, collected: Step) -> Step:  # noqa: ARG001 - goes before
    """The function is put back."""
    return _take(invoke, embedded, "RestoreFunction")


@pytest.fixture(scope="module")
def notified(invoke: SamLocal, embedded: Embedded, restored: Step) -> Step:  # noqa: ARG001 - goes before
    """The lane has ended."""
    return _take(invoke, embedded, "NotifyFunction")


@pytest.fixture(scope="module")
def aggregated(invoke: SamLocal, embedded: Embedded, notified: Step) -> Step:  # noqa: ARG001 - goes before
    """The statistics are there."""
    return _take(invoke, embedded, "AggregateFunction")


@pytest.fixture(scope="module")
def published(invoke: SamLocal, embedded: Embedded, aggregated: Step) -> Step:  # noqa: ARG001 - goes before
    """The page is there."""
    return _take(invoke, embedded, "PublishFunction")


@pytest.fixture(scope="module")
def rescued(invoke: SamLocal, embedded: Embedded, published: Step) -> Step:  # noqa: ARG001 - goes before
    """The campaign began once more, and its tour was stopped in the middle."""
    invoke("PlanFunction")
    again = _take(invoke, embedded, "PrepareFunction")
    assert again.holders == [CAMPAIGN]
    return _take(invoke, embedded, "RescueFunction")


@pytest.fixture(scope="module")
def dispatched(invoke: SamLocal, embedded: Embedded, rescued: Step) -> Step:  # noqa: ARG001 - goes before
    """The campaign was planned anew, and its tour started on the stack."""
    invoke("PlanFunction")
    return _take(invoke, embedded, "DispatchFunction")


@needs_engine
def test_plan_admits_the_campaign_and_records_it(embedded: Embedded, planned: Step) -> None:
    assert planned.answer["status"] == "admitted"
    assert planned.answer["waves"] == [[TOUR]]
    assert planned.lane["status"] == "planned"
    plan = json.loads(_object(embedded, f"plans/{CAMPAIGN}.json"))
    assert plan["platform"] == "emulated"
    assert plan["lanes"][LANE]["function_name"] == TARGET


@needs_engine
def test_prepare_publishes_a_fresh_version_of_a_function_it_holds(prepared: Step, before: Any) -> None:
    assert prepared.answer == {"shards": [0], "steps": 1}
    assert len(prepared.target["versions"]) == len(before["versions"]) + 1
    assert prepared.holders == [CAMPAIGN]


@needs_engine
def test_fire_makes_every_planned_call_and_writes_it_down(embedded: Embedded, fired: Step) -> None:
    assert fired.answer == {"issued": SHOTS, "planned": SHOTS}
    assert fired.lane["phase"] == "firing"
    # In parts: a burst, the priming call, and the row of warm calls after it.
    prefix = f"raw/{CAMPAIGN}/{LANE}/s0-0."
    listed = embedded.client("s3").list_objects_v2(Bucket=_bucket(embedded), Prefix=prefix)["Contents"]
    parts = [_object(embedded, item["Key"]) for item in listed]
    assert len(parts) == 3
    shots = [shot for part in parts for shot in gzip.decompress(part).splitlines()]
    assert [json.loads(shot)["outcome"] for shot in shots] == ["answered"] * SHOTS


@needs_engine
def test_collect_finds_a_report_for_every_call(embedded: Embedded, collected: Step) -> None:
    assert (collected.answer["samples"], collected.answer["missing"]) == (SHOTS, 0)
    written = embedded.client("dynamodb").query(
        TableName=f"{STACK}-samples",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"campaign#{CAMPAIGN}#{LANE}"}, ":sk": {"S": "sample#"}},
    )
    assert written["Count"] == SHOTS


@needs_engine
def test_restore_leaves_the_function_as_it_was(restored: Step, before: Any) -> None:
    assert restored.answer == {"undone": 0}  # Prepare has put it back, and Fire deleted its version
    assert restored.target == before
    assert restored.holders == []


@needs_engine
def test_notify_records_that_the_lane_succeeded(notified: Step) -> None:
    assert notified.answer == {"status": "succeeded"}
    assert notified.lane["status"] == "succeeded"


@needs_engine
def test_aggregate_writes_a_summary_of_every_call(embedded: Embedded, aggregated: Step) -> None:
    assert aggregated.answer["samples"] == SHOTS
    accounting = embedded.summary(CAMPAIGN)["accounting"]
    assert (accounting["issued"], accounting["answered"]) == (SHOTS, SHOTS)


@needs_engine
def test_publish_writes_a_page_that_says_what_it_answers(embedded: Embedded, published: Step) -> None:
    assert published.answer["lanes_failed"] == 0
    assert published.answer["page"].endswith(f"/reports/{CAMPAIGN}/index.html")
    page = _object(embedded, f"reports/{CAMPAIGN}/index.html").decode()
    assert published.answer["headline"] in page


@needs_engine
def test_rescue_puts_back_the_function_of_a_tour_that_was_stopped(rescued: Step, before: Any) -> None:
    assert (rescued.answer["tour"], rescued.answer["failed"]) == (TOUR, 1)
    assert rescued.answer["undone"] > 0
    assert (rescued.lane["status"], rescued.lane["reason"]) == ("failed", "the execution was stopped")
    assert rescued.target == before
    assert rescued.holders == []


@needs_engine
def test_dispatch_has_the_stack_itself_measure_the_lane(embedded: Embedded, dispatched: Step, before: Any) -> None:
    assert dispatched.answer["status"] == "started"
    states = embedded.client("stepfunctions")
    deadline = time.monotonic() + TOUR_S
    while (
        status := states.describe_execution(executionArn=dispatched.answer["execution_arn"])["status"]
    ) == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.5)

    assert status == "SUCCEEDED"
    (lane,) = embedded.lanes(CAMPAIGN)
    assert lane["status"] == {"S": "succeeded"}
    assert embedded.configurations()[HOME, "default"] == before


@needs_engine
def test_watch_finds_no_tour_that_was_lost(invoke: SamLocal, dispatched: Step) -> None:
    assert dispatched.answer["status"] == "started"
    assert invoke("WatchFunction").answer == {"lost": [], "ended": []}
