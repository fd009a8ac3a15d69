"""`isotherm serve` with the embedded stack's table behind it."""

from __future__ import annotations

import json
from pathlib import Path

from https.process import start
from isotherm.customers import create_request, customer, read_request

from .embedded import STACK, Embedded, command_line


def test_what_is_created_lies_in_the_stacks_table(embedded: Embedded, tmp_path: Path) -> None:
    made = customer(1, 1)
    create = create_request(made)
    variables = {name: value for name, value in embedded.isotherm.environment.items() if name.startswith("ISOTHERM_")}
    program = ("-c", "from isotherm.cli import main; main()", "serve")
    server = start(tmp_path / "ca.pem", "--stack", STACK, program=program, **variables)
    try:
        created = server.ask("POST", create.path, create.body, {"content-type": "application/json"})
        read = server.ask("GET", read_request(made.email_id).path, headers={"x-isotherm-shot": "lane/1"})
        line = server.line(read.headers["x-request-id"])

        assert (created.status, read.status) == (201, 200)
        assert server.event("serving")["customers"] == f"table {STACK}-customers"
        kept = embedded.client("dynamodb").get_item(
            TableName=f"{STACK}-customers", Key={"EmailID": {"S": made.email_id}}, ConsistentRead=True
        )["Item"]
        assert kept["LastName"] == {"S": made.last_name}
        assert json.loads(read.body)["last_name"] == made.last_name
        assert 0 < line["notes"]["database_ms"] <= line["work_ms"] <= line["duration_ms"]
        assert server.stop() == 0
        events = embedded.client("logs").filter_log_events(logGroupName=f"/isotherm/{STACK}/server")["events"]
        assert [json.loads(event["message"]) for event in events] == [line]  # of the shot, and no other
    finally:
        server.process.kill()
        server.process.wait()


def test_without_the_stack_it_says_what_to_do() -> None:
    ran = command_line("not-up")("serve", "--self-signed", "--port", "0")

    assert ran.code == 1
    assert "the embedded stack is not up" in ran.err
