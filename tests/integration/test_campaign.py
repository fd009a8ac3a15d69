"""A whole campaign of two targets in two regions, from the command line, and what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from .embedded import HOME, REGIONS, SATELLITE, Embedded, Ran

CAMPAIGN: dict[str, Any] = {
    "name": "two-by-two",
    "targets": ["default", "pkg50"],
    "regions": list(REGIONS),
    "cold": {"samples": 4, "method": "burst", "concurrency": 2},
    "warm": {"samples": 3},
    "rounds": 2,
    "budget_usd": 0.5,
}
CELLS = 2 * 2
COLD, WARM, PRIMES = CELLS * 4, CELLS * 3, CELLS * 2


@pytest.fixture(scope="module")
def ran(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The campaign, run once for all tests here; every function is as before afterwards."""
    folder = tmp_path_factory.mktemp("report")
    before = embedded.configurations()
    ended = embedded.isotherm("run", "-", "--json", "--output", str(folder), text=json.dumps(CAMPAIGN))
    assert ended.code == 0, ended.err
    assert embedded.configurations() == before
    assert embedded.leases() == []
    return ended


@pytest.fixture(scope="module")
def summary(ran: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(ran.document["summary"]).read_text())
    return document


def test_every_shot_is_accounted_for(summary: dict[str, Any]) -> None:
    account = summary["accounting"]

    assert account["planned"] == COLD + WARM + PRIMES
    assert account["planned"] == account["issued"] == account["answered"] + account["failed"]
    assert account["failed"] == 0
    assert account["report_missing"] == 0
    assert summary["imbalances"] == []


def test_every_cell_has_its_samples_cold_and_warm(summary: dict[str, Any]) -> None:
    cells = {(cell["target"], cell["region"], cell["kind"]): cell["accounting"] for cell in summary["cells"]}
    for target in CAMPAIGN["targets"]:
        for region in REGIONS:
            assert cells[target, region, "cold"]["issued"] == 4
            assert cells[target, region, "warm"]["issued"] == 3
    assert (
        sum(cell["used"] for (_, _, kind), cell in cells.items() if kind == "cold")
        >= COLD - summary["accounting"]["contested"]
    )


def test_cold_starts_were_seen_cold_by_the_probe(summary: dict[str, Any]) -> None:
    cold = [cell["accounting"] for cell in summary["cells"] if cell["kind"] == "cold"]

    assert sum(cell["cold_verified"] + cell["contested"] for cell in cold) == COLD


def test_what_is_imported_costs_start_up_time(summary: dict[str, Any]) -> None:
    startup = {
        (cell["target"], cell["region"]): cell["metrics"]["import_ms"]["median"]
        for cell in summary["cells"]
        if cell["kind"] == "cold"
    }
    for region in REGIONS:
        assert startup["pkg50", region] > 2 * startup["default", region]


def test_results_are_marked_as_emulated(summary: dict[str, Any]) -> None:
    assert summary["platform"] == "emulated"
    assert summary["note"]


def test_all_lanes_succeeded_in_their_own_region(summary: dict[str, Any]) -> None:
    assert {(lane["region"], lane["status"]) for lane in summary["lanes"]} == {
        (HOME, "succeeded"),
        (SATELLITE, "succeeded"),
    }
    assert len(summary["lanes"]) == CELLS * CAMPAIGN["rounds"]


def test_raw_samples_are_all_there(ran: Ran) -> None:
    text = gzip.decompress(Path(ran.document["samples"]).read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert len(rows) == COLD + WARM + PRIMES
    assert len({row["shot_id"] for row in rows}) == len(rows)


def test_the_page_stands_alone(ran: Ran) -> None:
    page = Path(ran.document["page"]).read_text()

    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "pkg50" in page
    assert ' src="http' not in page


def test_report_shows_the_tables_again(embedded: Embedded, ran: Ran, tmp_path: Path) -> None:
    again = embedded.isotherm("report", ran.document["campaign_id"], "--output", str(tmp_path))

    assert again.code == 0, again.err
    for word in ("default", "pkg50", HOME, SATELLITE, "planned"):
        assert word in again.out
    assert "index.html" in again.err


def test_report_as_json_is_the_summary(embedded: Embedded, ran: Ran, summary: dict[str, Any], tmp_path: Path) -> None:
    again = embedded.isotherm("report", ran.document["campaign_id"], "--json", "--output", str(tmp_path))

    assert again.document == summary


def test_progress_said_what_it_waited_for(ran: Ran) -> None:
    assert "campaign two-by-two-" in ran.err
    assert "of 8 lanes" in ran.err


def test_following_a_campaign_that_has_ended_shows_its_results(embedded: Embedded, ran: Ran, tmp_path: Path) -> None:
    again = embedded.isotherm("follow", ran.document["campaign_id"], "--output", str(tmp_path))

    assert again.code == 0, again.err
    assert "pkg50" in again.out


def test_stopping_a_campaign_that_has_ended_only_checks(embedded: Embedded, ran: Ran) -> None:
    stopped = embedded.isotherm("stop", ran.document["campaign_id"], "--json")

    assert stopped.code == 0, stopped.err
    assert stopped.document["was"] == "SUCCEEDED"
    assert len(stopped.document["restored"]) == CELLS


def test_a_campaign_that_never_was_is_told_as_such(embedded: Embedded) -> None:
    for command in ("follow", "stop", "report"):
        ran = embedded.isotherm(command, "never-was")
        assert ran.code == 1
        assert ran.err == "isotherm: ID: there is no campaign never-was on stack isotherm\n"
