"""Six regions as on record: criss-cross between all of them, and what is left when one of them goes away meanwhile."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .embedded import ROOT, Embedded, deployed_stack

EVENT: dict[str, Any] = json.loads((ROOT / "events" / "campaign-crisscross.json").read_text())
REGIONS: list[str] = EVENT["regions"]
INNERS = ("inner", "inner_db")
SAMPLES = 3

#: Every column of the record, by the name of the sample's field.
COLUMNS = (
    "sent_at_ms",
    "client_ms",
    "billed_duration_ms",
    "duration_ms",
    "inner_sent_at_ms",
    "inner_round_trip_ms",
    "inner_billed_duration_ms",
    "inner_duration_ms",
    "network_ms",
    "network_share",
)


@pytest.fixture(scope="module")
def six() -> Iterator[Embedded]:
    """An embedded stack of its own, deployed to the home region and the six on record."""
    with deployed_stack("tests-six-regions", *REGIONS) as stack:
        yield stack


@pytest.fixture(scope="module")
def folder(six: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the 36 pairs, with and without the database, run once for all tests here."""
    report = tmp_path_factory.mktemp("crisscross")
    campaign = {**EVENT, "warm": {"samples": SAMPLES}, "rounds": 1}
    ran = six.isotherm("run", "-", "--json", "--output", str(report), text=json.dumps(campaign), timeout=600)
    assert ran.code == 0, ran.err
    return report


@pytest.fixture(scope="module")
def samples(folder: Path) -> list[dict[str, str]]:
    text = gzip.decompress((folder / "samples.csv.gz").read_bytes()).decode()
    return [row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "warm"]


def test_every_pair_is_measured_with_and_without_the_database(samples: list[dict[str, str]]) -> None:
    pairs = Counter((row["region"], row["inner_region"], row["inner"]) for row in samples)
    assert pairs == {(a, b, inner): SAMPLES for a in REGIONS for b in REGIONS for inner in INNERS}


def test_every_column_is_filled(samples: list[dict[str, str]]) -> None:
    for row in samples:
        empty = [column for column in COLUMNS if not row[column]]
        assert empty == [], row["shot_id"]
        assert bool(row["database_ms"]) == (row["inner"] == "inner_db")


def test_the_columns_agree_with_one_another(samples: list[dict[str, str]]) -> None:
    for row in samples:
        value = {name: float(row[name]) for name in COLUMNS}
        assert value["inner_round_trip_ms"] < value["client_ms"]
        assert value["network_ms"] == pytest.approx(value["inner_round_trip_ms"] - value["inner_duration_ms"])
        assert value["sent_at_ms"] < value["inner_sent_at_ms"] < value["sent_at_ms"] + value["client_ms"]


def test_the_accounting_is_complete(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    account = summary["accounting"]
    calls = 36 * 2 * (SAMPLES + 1)
    assert account["planned"] == account["issued"] == account["answered"] == calls
    assert account["nested"] == account["inner_report_found"] == calls
    assert account["report_missing"] == 0
    assert summary["imbalances"] == []


def test_the_page_shows_the_pairs(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    for region in REGIONS:
        assert region in page


def test_nothing_is_held_afterwards(six: Embedded, folder: Path) -> None:
    assert folder.exists()
    assert six.leases() == []


@pytest.mark.usefixtures("folder")
def test_a_region_that_goes_away_in_the_middle_fails_by_name_and_the_others_complete(six: Embedded) -> None:
    campaign = {**EVENT, "inner": {"targets": ["inner"]}, "warm": {"samples": SAMPLES}, "rounds": 2}
    six.shorten_waits()
    name = six.start("region-away", campaign)
    deadline = time.monotonic() + 120
    while not any(item["status"]["S"] in ("succeeded", "failed") for item in six.lanes(name)):
        assert time.monotonic() < deadline, "no lane has ended"
        time.sleep(0.2)
    begun = {item["region"]["S"] for item in six.lanes(name) if item["status"]["S"] != "planned"}
    gone = next(region for region in REGIONS if region not in begun)
    # All of a sudden: no more functions of that region, for lanes of its own and for whoever calls them.
    functions = six.client("lambda", gone)
    for function in functions.list_functions()["Functions"]:
        functions.delete_function(FunctionName=function["FunctionName"])

    facts = six.wait(name, timeout_s=900)

    assert facts["status"] == "SUCCEEDED", facts
    summary = six.summary(name)
    status = {(lane["region"], lane["round"]): lane for lane in summary["lanes"]}
    for (region, number), lane in status.items():
        if region == gone:
            assert lane["status"] == "failed", (number, lane)
            assert lane["reason"]
        if region != gone:
            assert lane["status"] == "succeeded", lane
    assert summary["imbalances"] == []
    second = [
        cell for cell in summary["cells"] if cell["kind"] == "warm" and gone in (cell["region"], cell["inner_region"])
    ]
    # What the others asked of it counts as errors of their functions, what it was to ask itself as not issued.
    for cell in second:
        account = cell["accounting"]
        assert account["planned"] == SAMPLES == account["issued"] + account["uncollected"] + account["not_issued"]
        assert account["used"] < SAMPLES or cell["region"] in begun
    assert any(cell["accounting"]["function_errors"] for cell in second)
    assert any(cell["accounting"]["not_issued"] for cell in second)
