"""compare, export and trend on loads that lie on this disk: they have no samples, and single numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.load.histogram import Histogram
from isotherm.measurement.sample import Sample
from isotherm.report.files.samples_csv import write_csv
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_loads import closed_plan, open_plan, results_of, summary_of

LOST = [("http", "peak", 0), ("http", "peak", 1)]


def fetched(folder: Path, summary: CampaignSummary, samples: Any = ()) -> None:
    """A report's folder, as `isotherm report` leaves it."""
    folder.mkdir(parents=True)
    (folder / "samples.csv.gz").write_bytes(write_csv(samples))
    (folder / "summary.json").write_text(summary.model_dump_json())
    (folder / "index.html").write_text("<!doctype html>")


@pytest.fixture(scope="module")
def summaries() -> Mapping[str, tuple[CampaignSummary, list[Sample]]]:
    """A load, the same twice as slow, both of two rounds, an open one, one that lost shares, and no load at all."""
    closed, twice = closed_plan(), closed_plan(rounds=2)
    plan = made_up_plan(cold=10, warm=10)
    samples = made_up_samples(plan)
    loads = {
        "load": summary_of(closed),
        "slow": summary_of(closed, results_of(closed, slower=2)),
        "rounds": summary_of(twice),
        "slow-rounds": summary_of(twice, results_of(twice, slower=2)),
        "open": summary_of(open_plan()),
        "lost": summary_of(closed, results_of(closed, lost=LOST)),
        "nothing": summary_of(closed, {}),
    }
    no_load = build_summary(plan, samples, made_up_lanes(plan))
    return {"samples": (no_load, samples), **{name: (summary, []) for name, summary in loads.items()}}


@pytest.fixture
def reports(
    tmp_path: Path, summaries: Mapping[str, tuple[CampaignSummary, list[Sample]]]
) -> Mapping[str, CampaignSummary]:
    """All of them, fetched to this disk."""
    for name, (summary, samples) in summaries.items():
        fetched(tmp_path / ".isotherm" / "reports" / name, summary, samples)
    return {name: summary for name, (summary, _) in summaries.items()}


@pytest.mark.usefixtures("reports")
def test_two_loads_are_compared_phase_by_phase_without_intervals(isotherm: Callable[..., Any]) -> None:
    code, out, _ = isotherm("compare", "load", "slow")
    assert code == 0
    assert "same settings" in out
    assert "API Gateway, us-east-1" in out
    assert "One load is one observation" in out
    assert "Hodges-Lehmann" not in out
    code, out, _ = isotherm("compare", "load", "slow", "--json")
    changes = json.loads(out)["loads"]
    assert len(changes) == 3 * 5 * 3
    for change in changes:
        if change["measure"] == "throughput":
            assert 0.4 < change["ratio"] < 1
        elif change["measure"] == "p99" and change["phase"] in ("warmup", "cooldown"):
            assert (change["before"], change["ratio"]) == (None, None)  # of so few requests there is no p99
            continue
        else:
            assert change["ratio"] == pytest.approx(2, rel=0.01)
        assert change["apart"] is None
        assert change["before"]["rounds"] == 1


@pytest.mark.usefixtures("reports")
def test_rounds_are_shown_as_ranges_and_told_apart_only_where_none_overlap(isotherm: Callable[..., Any]) -> None:
    code, out, _ = isotherm("compare", "rounds", "slow-rounds")
    assert code == 0
    assert "at least 2 rounds on each side" in " ".join(out.split())
    changes = json.loads(isotherm("compare", "rounds", "slow-rounds", "--json")[1])["loads"]
    assert all(change["apart"] for change in changes if change["measure"] == "median")
    same = json.loads(isotherm("compare", "rounds", "rounds", "--json")[1])["loads"]
    assert not any(change["apart"] for change in same)


@pytest.mark.usefixtures("reports")
def test_a_closed_loop_s_latency_is_not_an_open_one_s(isotherm: Callable[..., Any]) -> None:
    code, out, _ = isotherm("compare", "load", "open")
    assert code == 0
    assert "load.loop: closed → open" in out
    assert "cannot be compared" in " ".join(out.split())


@pytest.mark.usefixtures("reports")
def test_a_phase_that_was_lost_has_no_number(isotherm: Callable[..., Any]) -> None:
    changes = json.loads(isotherm("compare", "load", "lost", "--json")[1])["loads"]
    lost = [c for c in changes if (c["protocol"], c["phase"]) == ("http", "peak")]
    assert [(c["after"], c["ratio"]) for c in lost] == [(None, None)] * 3


@pytest.mark.parametrize(
    ("arguments", "ended", "said"),
    [
        (("load", "samples"), 1, "load is a load and samples is not: compare a load with a load, or samples with"),
        (("load", "nothing"), 1, "nothing is a load of which nothing is reported; run it again"),
        (("load", "slow", "--fail-on-regression", "5%"), 3, "loads are single observations, without intervals"),
    ],
)
@pytest.mark.usefixtures("reports")
def test_what_cannot_be_told_fails_and_says_why(
    isotherm: Callable[..., Any], arguments: tuple[str, ...], ended: int, said: str
) -> None:
    code, _, err = isotherm("compare", *arguments)
    assert code == ended
    assert said in err


def test_phases_are_exported_with_a_column_for_each_kind_of_failure(
    isotherm: Callable[..., Any], reports: Mapping[str, CampaignSummary], tmp_path: Path
) -> None:
    code, out, _ = isotherm("export", "lost", "--json")
    assert code == 0
    assert json.loads(out) == {"file": "phases.csv", "format": "csv", "phases": 15}
    rows = list(csv.DictReader(io.StringIO((tmp_path / "phases.csv").read_text())))
    (lost,) = [row for row in rows if (row["protocol"], row["phase"]) == ("http", "peak")]
    assert (lost["planned"], lost["not_reported"]) == ("800", "800")
    unknown = ("sent", "succeeded", "failed", "failed_throttled", "wall_s", "cold_starts", "median_ms", "latency_us")
    assert [lost[name] for name in unknown] == [""] * len(unknown)
    (peak,) = [row for row in rows if (row["protocol"], row["phase"]) == ("server", "peak")]
    assert (peak["succeeded"], peak["failed"], peak["failed_throttled"]) == ("800", "0", "0")
    assert float(peak["median_ms"]) == reports["lost"].loads[2].rows[2].median_ms
    assert Histogram.decode(peak["latency_us"]).total == 800


def test_seconds_are_exported_when_asked_for(
    isotherm: Callable[..., Any], reports: Mapping[str, CampaignSummary]
) -> None:
    code, out, _ = isotherm("export", "open", "--of", "seconds", "--format", "jsonl", "-o", "-")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == sum(len(run.seconds) for run in reports["open"].loads)
    assert sum(line["succeeded"] for line in lines) == sum(run.rows[-1].succeeded for run in reports["open"].loads)
    assert {line["protocol"] for line in lines} == {"invoke", "http", "server"}


@pytest.mark.parametrize(("of", "what"), [("samples", "load"), ("phases", "samples"), ("seconds", "nothing")])
@pytest.mark.usefixtures("reports")
def test_what_is_not_there_is_not_exported(isotherm: Callable[..., Any], of: str, what: str) -> None:
    code, _, err = isotherm("export", what, "--of", of)
    assert code == 1
    assert f"{what} has no {of} to export" in err


@pytest.mark.usefixtures("reports")
def test_parquet_has_numbers(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `parquet`")
    assert isotherm("export", "load", "--format", "parquet")[0] == 0
    rows = parquet.read_table(tmp_path / "phases.parquet").to_pylist()
    assert sum(row["succeeded"] for row in rows if row["phase"] != "all") == 4440


@pytest.mark.usefixtures("reports")
def test_a_trend_of_loads_says_what_there_is_instead(isotherm: Callable[..., Any], tmp_path: Path) -> None:
    code, _, err = isotherm("trend", "load", "--reports", str(tmp_path / ".isotherm" / "reports"))
    assert code == 1
    assert "and 6 others: it is a load, and trends are of samples; isotherm compare shows how two loads differ" in err


@pytest.mark.usefixtures("reports")
def test_a_load_has_no_targets_to_compare(isotherm: Callable[..., Any]) -> None:
    code, _, err = isotherm("compare", "load", "--targets", "old,new")
    assert code == 2
    assert "--targets: load has no samples of targets, as loads have none" in err
