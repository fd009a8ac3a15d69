"""compare, export, list and report on results that lie on this disk, and on a table that is moto's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
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


@pytest.mark.usefixtures("reports")
def test_one_campaign_each_cannot_tell_and_says_how_it_could_be_told(isotherm: Callable[..., Any]) -> None:
    """Both directions, also one in which everything is three times as slow."""
    for before, after in (("a", "b"), ("b", "a")):
        code, _, err = isotherm("compare", before, after, "--fail-on-regression", "5%")
        assert code == 3
        assert "isotherm compare ID --targets OLD,NEW" in err
        assert "3 sessions of package-size before the change" in err


def test_reports_made_of_samples_alone_have_no_further_sessions(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    for name, factor in (("made-a", 1.0), ("made-b", 1.5)):
        samples = [replace(s, client_ms=(s.client_ms or 0) * factor) for s in SAMPLES]
        (tmp_path / f"{name}.csv.gz").write_bytes(write_csv(samples))
        made = isotherm("analyse", f"{name}.csv.gz", "--output", name)
        assert made[0] == 0
    code, _, err = isotherm("compare", "made-a", "made-b", "--reports", ".", "--fail-on-regression", "5%")
    assert (code, "sessions" in err) == (3, True)


def nightly(tmp_path: Path, factors: Sequence[float]) -> list[Path]:
    """Reports of as many nights, whose times are these times as long; rounds enough for an interval."""
    made = []
    for night, factor in enumerate(factors):
        plan = made_up_plan(
            targets=("default",), regions=("us-east-1",), cold=30, warm=30, rounds=5, campaign_id=f"night-{night}"
        )
        plan = plan.model_copy(update={"created_at": f"2026-11-{10 + night}T03:00:00Z"})
        samples = [
            replace(s, client_ms=s.client_ms and s.client_ms * factor) for s in made_up_samples(plan, seed=night)
        ]
        folder = tmp_path / "nights" / plan.campaign_id
        folder.mkdir(parents=True)
        (folder / "samples.csv.gz").write_bytes(write_csv(samples))
        (folder / "summary.json").write_text(build_summary(plan, samples, made_up_lanes(plan)).model_dump_json())
        made.append(folder)
    return made


@pytest.mark.parametrize(("slower", "limit", "code"), [(3.0, "5%", 99), (3.0, "400%", 0), (1.05, "5%", 3)])
def test_sessions_of_the_name_tell_what_one_campaign_each_cannot(
    isotherm: Callable[..., Any], tmp_path: Path, slower: float, limit: str, code: int
) -> None:
    *_, before, after = nightly(tmp_path, [1.0, 1.01, 0.99, 1.02, 0.98, 1.0, slower])
    arguments = ["compare", str(before), str(after), "--fail-on-regression", limit]
    assert isotherm(*arguments).code == 3
    told = isotherm(*arguments, "--reports", str(tmp_path / "nights"), "--json")
    assert told.code == code
    found = json.loads(told.out)
    assert found["sessions"] == 6
    assert found["limit"] == float(limit.rstrip("%")) / 100
    assert {change["answer"] for change in found["changes"] if change["metric"] == "client_ms"} == {
        {99: "worse", 0: "not worse", 3: "undecided"}[code]
    }
    if code == 99:
        assert found["regressions"] == [
            "default in us-east-1, 128 MB, cold, client time",
            "default in us-east-1, 128 MB, warm, client time",
        ]
        assert "worse, asked about a slow-down of 5 %: default in us-east-1" in told.err
    table = isotherm("compare", str(before), str(after), "--reports", str(tmp_path / "nights")).out
    assert ("worse" in table.replace("not worse", "").split("Medians in ms")[0]) == (slower == 3.0)


def test_two_sessions_are_too_few_and_what_came_after_is_not_counted(
    isotherm: Callable[..., Any], tmp_path: Path
) -> None:
    nights = nightly(tmp_path, [1.0, 1.01, 3.0, 3.01, 2.99])
    reports = ("--reports", str(tmp_path / "nights"))
    arguments = ["compare", str(nights[1]), str(nights[2]), "--fail-on-regression", "5%", *reports]
    code, _, err = isotherm(*arguments)
    assert code == 3
    assert "2 sessions of package-size besides B are too few: 3 are needed" in err


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("arguments", [("a", "odd"), ("odd", "--targets", "default,pkg50")])
def test_times_that_are_not_numbers_are_bad_input(
    isotherm: Callable[..., Any], reports: Path, arguments: tuple[str, ...], value: float
) -> None:
    folder = fetched(reports / "odd", SAMPLES)
    odd = [replace(s, client_ms=value) if s.kind == "warm" and s.index == 3 else s for s in SAMPLES]
    (folder / "samples.csv.gz").write_bytes(write_csv(odd))
    code, out, err = isotherm("compare", *arguments)
    assert (code, out) == (2, "")
    assert f"client_ms: {value} of sample " in err


def test_a_summary_without_a_time_is_bad_input(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    *_, before, after = nightly(tmp_path, [1.0, 1.0])
    text = (after / "summary.json").read_text()
    (after / "summary.json").write_text(text.replace("2026-11-11T03:00:00Z", "yesterday"))
    code, out, err = isotherm("compare", str(before), str(after), "--reports", str(tmp_path / "nights"))
    assert (code, out) == (2, "")
    assert "created_at" in err


@pytest.fixture
def versions(tmp_path: Path) -> Callable[..., Path]:
    """A report of two targets in 12 rounds; `pkg50` is `default` again, so many times as slow."""

    def made(slower: float, rounds: int = 12, planned: int | None = None) -> Path:
        plan = made_up_plan(
            targets=("default", "pkg50"), regions=("us-east-1",), cold=5 * rounds, warm=5 * rounds, rounds=rounds
        )
        if planned:
            changed = plan.campaign.model_copy(update={"rounds": planned})
            plan = plan.model_copy(update={"campaign": changed})
        samples = [s for s in made_up_samples(plan) if s.target == "default"]
        rng = np.random.default_rng(3)
        samples += [
            replace(
                s,
                target="pkg50",
                shot_id=f"{s.shot_id}.new",
                client_ms=s.client_ms and s.client_ms * slower * rng.normal(1, 0.01),
                init_duration_ms=s.init_duration_ms and s.init_duration_ms * slower * rng.normal(1, 0.01),
            )
            for s in samples
        ]
        folder = tmp_path / "versions"
        folder.mkdir()
        (folder / "samples.csv.gz").write_bytes(write_csv(samples))
        (folder / "summary.json").write_text(build_summary(plan, samples, made_up_lanes(plan)).model_dump_json())
        return folder

    return made


@pytest.mark.parametrize(("slower", "answer", "code"), [(3.0, "worse", 99), (1.0, "not worse", 0), (1.12, "worse", 99)])
def test_two_targets_of_one_campaign_are_told_apart_by_its_rounds(
    isotherm: Callable[..., Any], versions: Callable[..., Path], slower: float, answer: str, code: int
) -> None:
    folder = versions(slower)
    told = isotherm("compare", str(folder), "--targets", "default,pkg50", "--fail-on-regression", "5%", "--json")
    assert told.code == code
    found = json.loads(told.out)
    assert [(test["kind"], test["metric"]) for test in found["tests"]] == [
        ("cold", "init_duration_ms"),
        ("cold", "client_ms"),
        ("warm", "client_ms"),
    ]
    for test in found["tests"]:
        assert test["test"]["answer"] == answer
        assert test["test"]["max_rounds"] == 12
        assert test["test"]["rounds"] < 12
        assert test["test"]["ratio"] == pytest.approx(slower, rel=0.03)
        assert test["test"]["alpha"] == pytest.approx(0.05 / 3)
    assert len(found["regressions"]) == (3 if code else 0)
    code, out, _ = isotherm("compare", str(folder), "--targets", "default, pkg50")
    assert code == 0
    assert out.index("pkg50 against default") < out.index("Warm calls, us-east-1, 128 MB")


def test_too_few_rounds_are_undecided_and_say_how_many_would_do(
    isotherm: Callable[..., Any], versions: Callable[..., Path]
) -> None:
    folder = versions(1.04, rounds=2, planned=20)
    code, _, err = isotherm("compare", str(folder), "--targets", "default,pkg50", "--fail-on-regression", "5%")
    assert code == 3
    assert "cannot be told after 2 rounds of at most 20: 3 rounds of 3 samples on each side are needed" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a",), "B: is missing; name a second campaign, or two targets of this one with --targets OLD,NEW"),
        (("a", "b", "--targets", "default,pkg50"), "--targets: two targets are compared in one campaign; leave out B"),
        (("a", "--targets", "default"), "--targets: 'default' is not two targets; give the old one and the new one"),
        (("a", "--targets", "pkg50,pkg50"), "of default and pkg50"),
        (("a", "--targets", "default,pkg5"), "--targets: a has no used samples of 'pkg5'; it has default and pkg50"),
        (("a", "--targets", "default,pkg50", "--reports", "."), "--reports: targets of one campaign need no other"),
        (("a", "--targets", "default,pkg50", "--fail-on-regression", "0"), "--fail-on-regression: 0 % cannot be told"),
        (("a", "b", "--reports", "./absent"), "--reports: there is no folder absent"),
    ],
)
@pytest.mark.usefixtures("reports")
def test_what_cannot_be_asked_for_is_refused_by_name(
    isotherm: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = isotherm("compare", *arguments)
    assert (code, out) == (2, "")
    assert said in err


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
    assert code == 3
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
