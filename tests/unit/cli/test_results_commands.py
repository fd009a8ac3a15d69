"""compare, export, list and report on results that lie on this disk, and on a table that is moto's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.aws.clients import Home
from isotherm.measurement.sample import Sample
from isotherm.report.files.samples_csv import write_csv
from unit.disks import fill, small_disk
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=20, warm=20, rounds=2)
SAMPLES = made_up_samples(PLAN)


def fetched(folder: Path, samples: list[Sample]) -> Path:
    """A report's folder, as `isotherm report` leaves it."""
    folder.mkdir(parents=True)
    (folder / "samples.csv.gz").write_bytes(write_csv(samples))
    (folder / "summary.json").write_text(build_summary(PLAN, samples, made_up_lanes(PLAN)).model_dump_json())
    (folder / "index.html").write_text("<!doctype html>")
    return folder


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Reports of campaigns a, b (as a, but pkg50 answers 30 % later when warm), and none (no used samples)."""
    made = tmp_path / ".isotherm" / "reports"
    fetched(made / "a", SAMPLES)
    late = [
        replace(s, client_ms=(s.client_ms or 0) * 1.3) if (s.target, s.kind) == ("pkg50", "warm") else s
        for s in SAMPLES
    ]
    fetched(made / "b", late)
    fetched(made / "none", [replace(s, verdict="contested") for s in SAMPLES])
    return made


@pytest.mark.usefixtures("reports")
def test_comparing_shows_what_changed_and_succeeds(isotherm: Callable[..., Any]) -> None:
    code, out, _ = isotherm("compare", "a", "b")
    assert code == 0
    assert out.index("same settings") < out.index("Warm calls, us-east-1, 128 MB")
    code, out, _ = isotherm("compare", "a", "b", "--json")
    changes = json.loads(out)["changes"]
    (late,) = [c for c in changes if (c["target"], c["kind"]) == ("pkg50", "warm")]
    assert late["result"]["ratio"] == pytest.approx(1.3)


def test_paths_are_as_good_as_ids(isotherm: Callable[..., Any], reports: Path) -> None:
    for before, after in (
        (reports / "a", reports / "b"),
        (reports / "a" / "summary.json", reports / "b" / "samples.csv.gz"),
    ):
        code, out, _ = isotherm("compare", str(before), str(after), "--json")
        assert code == 0
        assert len(json.loads(out)["changes"]) == 6


@pytest.mark.parametrize(("limit", "code"), [("5%", 1), ("25", 1), ("35%", 0)])
@pytest.mark.usefixtures("reports")
def test_a_regression_beyond_the_limit_fails(isotherm: Callable[..., Any], limit: str, code: int) -> None:
    ran, _, err = isotherm("compare", "a", "b", "--fail-on-regression", limit)
    assert ran == code
    if code:
        assert "1 median slower by more than" in err
        assert "pkg50 in us-east-1, 128 MB, warm, client time: 30 %" in err
    assert isotherm("compare", "b", "a", "--fail-on-regression", limit)[0] == 0


@pytest.mark.parametrize("limit", ["five", "-1%", "nan", ""])
@pytest.mark.usefixtures("reports")
def test_what_is_no_percentage_is_bad_input(isotherm: Callable[..., Any], limit: str) -> None:
    code, _, err = isotherm("compare", "a", "b", f"--fail-on-regression={limit}")
    assert code == 2
    assert "give one such as 5%" in err


def test_a_cell_that_is_gone_cannot_pass(isotherm: Callable[..., Any], reports: Path) -> None:
    fetched(reports / "half", [s for s in SAMPLES if s.target == "default"])
    assert isotherm("compare", "a", "half")[0] == 0
    code, _, err = isotherm("compare", "a", "half", "--fail-on-regression", "5%")
    assert code == 1
    assert "pkg50 in us-east-1, 128 MB, cold: used samples only before" in err


@pytest.mark.usefixtures("reports")
def test_no_used_samples_are_said(isotherm: Callable[..., Any]) -> None:
    code, out, err = isotherm("compare", "a", "none")
    assert code == 1
    assert out == ""
    assert f"none has no used samples: {len(SAMPLES)} samples, all contested; run it again" in err


@pytest.mark.parametrize("command", [["compare", "a", "absent"], ["export", "absent"], ["list"]])
@pytest.mark.usefixtures("reports")
def test_what_is_not_here_is_looked_for_on_the_stack(isotherm: Callable[..., Any], command: list[str]) -> None:
    code, _, err = isotherm(*command)
    assert code == 1
    assert "isotherm local up" in err


def test_files_that_are_not_what_they_should_be_are_bad_input(
    isotherm: Callable[..., Any], reports: Path, tmp_path: Path
) -> None:
    assert isotherm("compare", "a", "./absent.json")[0] == 2
    (tmp_path / "odd.csv").write_text("what,ever\n1,2\n")
    code, _, err = isotherm("compare", "a", "odd.csv")
    assert code == 2
    assert "'ever'" in err
    (reports / "b" / "summary.json").write_text('{"campaign_id": 3}')
    code, _, err = isotherm("compare", "a", "b")
    assert code == 2
    assert "is not a summary of this version" in err
    (reports / "a" / "samples.csv.gz").unlink()
    code, _, err = isotherm("compare", str(reports / "a"), "b")
    assert code == 1
    assert "samples.csv.gz is missing" in err


@pytest.mark.usefixtures("reports")
def test_exports_hold_every_sample(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    assert isotherm("export", "a", "--format", "csv", "-o", "out.csv")[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert {row["shot_id"] for row in rows} == {s.shot_id for s in SAMPLES}

    code, out, _ = isotherm("export", "a", "--format", "jsonl", "-o", "-")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert sorted(lines, key=lambda line: line["shot_id"]) == [
        asdict(s) for s in sorted(SAMPLES, key=lambda s: s.shot_id)
    ]

    code, out, _ = isotherm("export", "a", "--json")
    assert json.loads(out) == {"file": "samples.csv", "format": "csv", "samples": len(SAMPLES)}
    assert isotherm("export", "a", "--json", "-o", "-")[0] == 2
    assert isotherm("export", "a", "--format", "xml")[0] == 2


def test_comparisons_are_exported_with_both_medians_and_the_adjusted_p(
    isotherm: Callable[..., Any], reports: Path, tmp_path: Path
) -> None:
    code, out, _ = isotherm("export", "a", "--of", "comparisons", "--json")
    summary = CampaignSummary.model_validate_json((reports / "a" / "summary.json").read_bytes())
    assert code == 0
    assert json.loads(out) == {"file": "comparisons.csv", "format": "csv", "comparisons": len(summary.comparisons)}
    rows = list(csv.DictReader((tmp_path / "comparisons.csv").read_text().splitlines()))
    for row, found in zip(rows, summary.comparisons, strict=True):
        assert (row["baseline"], row["target"], row["metric"]) == (found.baseline, found.other, found.metric)
        assert (row["is_sure"], row["rounds"], row["p_holm"]) == ("false", "2", "")
        assert float(row["baseline_median"]) == found.result.baseline_median
        assert float(row["other_p95"]) == found.result.other_p95
        assert float(row["shift"]) == found.result.shift


@pytest.mark.usefixtures("reports")
def test_a_full_disk_is_named_and_what_to_do(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        code, _, err = isotherm("export", "a", "-o", str(disk / "out.csv"))
    assert code == 1
    assert err.endswith(f"{disk / 'out.csv'} cannot be written (No space left on device): free some room there\n")


@pytest.mark.usefixtures("reports")
def test_parquet_reads_back_as_it_was(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `parquet`")
    assert isotherm("export", "a", "--format", "parquet")[0] == 0
    rows = parquet.read_table(tmp_path / "samples.parquet").to_pylist()
    back = sorted((Sample(**row) for row in rows), key=lambda s: s.shot_id)
    assert back == sorted(SAMPLES, key=lambda s: s.shot_id)


@pytest.mark.usefixtures("reports")
def test_without_pyarrow_parquet_says_how_to_get_it(
    isotherm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isotherm.report.files.exports.importlib.util.find_spec", lambda _: None)
    code, _, err = isotherm("export", "a", "--format", "parquet")
    assert code == 1
    assert "parquet needs pyarrow" in err
    assert "isotherm[parquet]" in err


def test_a_report_writes_markdown_beside_its_page(isotherm: Callable[..., Any], reports: Path) -> None:
    code, _, err = isotherm("report", "a")
    assert code == 0
    assert "report.md" in err
    text = (reports / "a" / "report.md").read_text()
    assert text.startswith("## whether pkg50 starts later or earlier than default in us-east-1 cannot be told from 2 ")
    assert "### Cold starts, us-east-1, 128 MB" in text


def test_the_latest_campaigns_are_listed_first(home: Home) -> None:
    from isotherm.aws.store.records import CampaignRecord
    from isotherm.aws.store.table import Table

    table = Table(home)
    for number in range(4):
        started_at = f"2026-11-0{number + 1}T00:00:00Z"
        table.put_campaign(CampaignRecord(campaign_id=f"c{number}", started_at=started_at, name="c", lanes=number))
    table.finish_campaign("c2", "c2 was quick")
    found = table.campaigns(3)
    assert [record.campaign_id for record in found] == ["c3", "c2", "c1"]
    assert found[1].headline == "c2 was quick"
    assert found[0].headline is None
