"""The policies suffice and are needed: a campaign with every call checked against them.

One region only: MiniStack gives the same stack the same role names in every region, so the second one's policies would
replace the first one's. On AWS role names are unique.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .embedded import HOME, START_S, Ran, command_line, skip_without_tools

CAMPAIGN = {
    "name": "policies",
    "targets": ["default", "pkg20"],
    "memory_mb": [256],
    "cold": {"samples": 3, "concurrency": 2},
    "warm": {"samples": 2},
    "rounds": 1,
}


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    """A campaign on a stack that enforces IAM."""
    isotherm = command_line("policies")
    started = isotherm("local", "up", "--enforce-iam", "--json", timeout=START_S)
    skip_without_tools(started)
    assert started.code == 0, started.err
    try:
        deployed = isotherm("deploy", "--json", timeout=START_S)
        assert deployed.code == 0, deployed.err
        yield isotherm("run", "-", "--json", text=json.dumps(CAMPAIGN))
    finally:
        isotherm("local", "down")


def test_a_campaign_needs_no_permission_that_the_template_does_not_give(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    summary = json.loads(Path(ran.document["summary"]).read_text())
    assert [(lane["region"], lane["status"]) for lane in summary["lanes"]] == [(HOME, "succeeded")] * 2
    accounting = summary["accounting"]
    assert accounting["planned"] == accounting["answered"] == accounting["report_found"] == 2 * (3 + 2 + 1)
