"""`isotherm serve` with the embedded stack's table behind it, called by hand and by a campaign."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from https.process import Server, start
from isotherm.load.customers import create_request, customer, read_request

from .embedded import CAMPAIGN_S, STACK, Embedded, command_line

PROGRAM = ("-c", "from isotherm.cli import main; main()", "serve")
LOG_GROUP = f"/isotherm/{STACK}/server"
SAMPLES = 5


@pytest.fixture
def server(embedded: Embedded, tmp_path: Path) -> Iterator[Server]:
    """The command, on a free port."""
    variables = {name: value for name, value in embedded.isotherm.environment.items() if name.startswith("ISOTHERM_")}
    running = start(tmp_path / "ca.pem", "--stack", STACK, program=PROGRAM, **variables)
    yield running
    running.process.kill()
    running.process.wait()


def _kept(embedded: Embedded) -> list[dict[str, object]]:
    """What lies in the log group of a stack's server."""
    pages = embedded.client("logs").get_paginator("filter_log_events").paginate(logGroupName=LOG_GROUP)
    return [json.loads(event["message"]) for page in pages for event in page["events"]]


def test_what_is_created_lies_in_the_stacks_table_and_shots_in_its_log(embedded: Embedded, server: Server) -> None:
    made = customer(1, 1)
    create = create_request(made)
    created = server.ask("POST", create.path, create.body, {"content-type": "application/json"})
    read = server.ask("GET", read_request(made.email_id).path, headers={"x-isotherm-shot": "by-hand/1"})
    line = server.line(read.headers["x-request-id"])

    assert (created.status, read.status) == (201, 200)
    assert server.event("serving")["customers"] == f"table {STACK}-customers"
    item = embedded.client("dynamodb").get_item(
        TableName=f"{STACK}-customers", Key={"EmailID": {"S": made.email_id}}, ConsistentRead=True
    )["Item"]
    assert item["LastName"] == {"S": made.last_name}
    assert read.document["last_name"] == made.last_name
    assert 0 < line["notes"]["database_ms"] <= line["work_ms"] <= line["duration_ms"]
    assert server.stop() == 0
    kept = _kept(embedded)
    assert line in kept
    assert created.headers["x-request-id"] not in {entry["request_id"] for entry in kept}  # it was not a shot


def test_a_campaign_finds_the_servers_own_time_of_every_call(
    embedded: Embedded, server: Server, event: Callable[[object], str]
) -> None:
    campaign = {"targets": ["customers"], "protocols": ["server"], "warm": {"samples": SAMPLES}, "rounds": 1}
    ran = embedded.isotherm(
        *("run", event(campaign), "--json"),
        *("--server", f"https://localhost:{server.port}", "--server-certificate", str(server.ca_file)),
        timeout=CAMPAIGN_S,
    )

    assert ran.code == 0, ran.err
    summary = embedded.summary(ran.document["campaign_id"])
    assert summary["accounting"]["report_missing"] == 0
    cells = [cell for cell in summary["cells"] if cell["kind"] == "warm"]
    assert {cell["operation"] for cell in cells} == {"post", "get"}
    for cell in cells:
        assert cell["protocol"] == "server"
        assert cell["accounting"]["used"] == SAMPLES
        duration, client = cell["metrics"]["duration_ms"], cell["metrics"]["client_ms"]
        assert duration["n"] == SAMPLES
        assert 0 < duration["median"] < client["median"]
    shots = [entry for entry in _kept(embedded) if str(entry["shot_id"]).startswith("r00-customers-")]
    assert {entry["environment_id"] for entry in shots} == {server.event("serving")["environment_id"]}


def test_without_the_stack_it_says_what_to_do() -> None:
    ran = command_line("not-up")("serve", "--self-signed", "--port", "0")

    assert ran.code == 1
    assert "the embedded stack is not up" in ran.err
