"""analyse: the statistics of a campaign from a file of its samples alone, and a published report computed again."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from isotherm.report.files.exports import WRITERS, sample_rows
from isotherm.report.files.samples_csv import write_csv
from unit.cli.conftest import Isotherm
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

#: Each example is a whole campaign: a smaller one says no more, and looking for it takes minutes.
CAMPAIGNS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)

NEEDED = ("target", "region", "memory_mb", "kind", "round", "verdict")
HEADER = ",".join((*NEEDED, "client_ms\r\n"))

#: Of a campaign without a plan nothing is known of these, nor of what is said of them.
OF_THE_PLAN = {
    "campaign",
    "home_region",
    "stack",
    "created_at",
    "inventory",
    "lanes",
    "waves",
    "state_transitions",
    "planned_price",
    "version",
    "startup_costs",  # those per MB of archive, which a plan's inventory holds
    "warnings",
    "cautions",
}
PLANNED_OF_A_CELL = {"planned", "sent", "uncollected", "not_issued", "spared"}


def plan_of(**of: Any) -> Plan:
    """A plan whose order of targets and regions is that of its samples, and whose seed is the default."""
    plan = made_up_plan(targets=("default", "pkg20", "pkg50"), regions=("eu-west-1", "us-east-1"), **of)
    return plan.model_copy(update={"campaign": plan.campaign.model_copy(update={"seed": 1})})


def without_the_plan(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without all that samples do not hold."""
    found = {name: value for name, value in summary.items() if name not in OF_THE_PLAN}
    for account in (found["accounting"], *(cell["accounting"] for cell in found["cells"])):
        for name in PLANNED_OF_A_CELL:
            account.pop(name)
    return found


@settings(parent=CAMPAIGNS, max_examples=12)
@given(
    rounds=st.integers(1, 5),
    size=st.integers(1, 12),
    seed=st.integers(0, 1000),
    mishaps=st.sampled_from([0.0, 0.2]),
    emulated=st.booleans(),
    form=st.sampled_from(["csv", "jsonl", "parquet", "gzip"]),
)
def test_an_exported_campaign_is_analysed_as_it_was_aggregated(
    rounds: int, size: int, seed: int, mishaps: float, emulated: bool, form: str, isotherm: Isotherm, tmp_path: Path
) -> None:
    plan = plan_of(cold=size * rounds, warm=size * rounds, rounds=rounds, platform="emulated" if emulated else "aws")
    samples = made_up_samples(plan, seed=seed, mishaps=mishaps)
    file = tmp_path / f"samples.{form}"
    file.write_bytes(write_csv(samples) if form == "gzip" else WRITERS[form](sample_rows(samples)))

    code, out, err = isotherm("analyse", str(file), "--json", "--baseline", "default")

    assert (code, err) == (0, "")
    aggregated = json.loads(build_summary(plan, samples, made_up_lanes(plan)).model_dump_json())
    assert without_the_plan(json.loads(out)) == without_the_plan(aggregated)


def test_a_file_has_no_plan_and_none_is_made_up(isotherm: Isotherm, tmp_path: Path) -> None:
    plan = plan_of(cold=20, warm=20)
    (tmp_path / "s.csv.gz").write_bytes(write_csv(made_up_samples(plan, mishaps=0.1)))
    code, out, _ = isotherm("analyse", "s.csv.gz", "--json")
    found = json.loads(out)
    assert code == 0
    for name in ("campaign", "planned_price", "actual_price", "home_region", "stack", "created_at", "waves"):
        assert found[name] is None, name
    assert (found["lanes"], found["imbalances"], found["platform"]) == ([], [], "aws")
    assert {cell["accounting"]["planned"] for cell in found["cells"]} == {None}
    assert {cell["accounting"]["not_issued"] for cell in found["cells"]} == {0}


def rows_of(**changed: Any) -> list[dict[str, Any]]:
    """Rows of two targets in five rounds, in somebody else's file; `changed` columns in the third row, None: gone."""
    rows: list[dict[str, Any]] = [
        {
            "target": target,
            "region": "here",
            "memory_mb": 128,
            "kind": "warm",
            "round": number,
            "verdict": "used",
            "client_ms": 10 + number + place + call / 8,
        }
        for number in range(5)
        for place, target in enumerate(("a", "b"))
        for call in range(6)
    ]
    for name, value in changed.items():
        if value is None:
            for row in rows:
                row.pop(name, None)
        else:
            rows[2][name] = value
    return rows


def written(rows: list[dict[str, Any]], path: Path) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def test_six_columns_and_one_time_are_enough(isotherm: Isotherm, tmp_path: Path) -> None:
    code, out, err = isotherm("analyse", written(rows_of(), tmp_path / "theirs.csv"), "--json")
    found = json.loads(out)
    assert code == 0
    assert "--platform" in err
    assert (found["campaign_id"], found["platform"], found["baseline"]) == ("theirs", "unknown", "a")
    assert [(cell["target"], cell["accounting"]["used"]) for cell in found["cells"]] == [("a", 30), ("b", 30)]
    assert found["accounting"]["report_unsaid"] == 60
    assert (found["accounting"]["report_missing"], found["billed"]["unreported"]) == (0, 0)
    assert found["comparisons"][0]["other"] == "b"


@pytest.mark.parametrize("name", ["[/]", "[b]a[/b]", ":snake:", "<b>a</b>"])
def test_names_are_shown_as_they_are_wherever_they_stand(name: str, isotherm: Isotherm, tmp_path: Path) -> None:
    """Also in titles and headings, where the baseline's stands."""
    rows = [{**row, "target": name if row["target"] == "a" else "b"} for row in rows_of()]
    code, out, err = isotherm("analyse", written(rows, tmp_path / "s.csv"))
    assert (code, "Traceback" in err) == (0, False)
    assert f"Warm calls against {name}, here, 128 MB" in out
    # A heading of two lines, with its baseline in the first.
    lines = out.splitlines()
    (second,) = (number for number, line in enumerate(lines) if "interval" in line and "What" in line)
    assert f" {name} " in lines[second - 1]


def test_no_terminal_obeys_a_name(isotherm: Isotherm, tmp_path: Path) -> None:
    rows = [{**row, "target": "\x1b[31ma" if row["target"] == "a" else "b"} for row in rows_of()]
    code, out, _ = isotherm("analyse", written(rows, tmp_path / "s.csv"))
    assert code == 0
    assert "\x1b" not in out
    assert "\N{REPLACEMENT CHARACTER}[31ma" in out


def test_another_baseline(isotherm: Isotherm, tmp_path: Path) -> None:
    file = written(rows_of(), tmp_path / "s.csv")
    code, out, _ = isotherm("analyse", file, "--json", "--baseline", "b")
    assert (code, json.loads(out)["baseline"]) == (0, "b")
    assert [(c["baseline"], c["other"]) for c in json.loads(out)["comparisons"]] == [("b", "a")]
    code, _, err = isotherm("analyse", file, "--baseline", "c")
    assert (code, err) == (2, 'isotherm: --baseline: "c" is not among the targets: a, b\n')


def test_the_file_or_the_person_says_where_it_was_measured(isotherm: Isotherm, tmp_path: Path) -> None:
    silent = written(rows_of(), tmp_path / "silent.csv")
    emulated = written([{**row, "emulated": "true"} for row in rows_of()], tmp_path / "emulated.csv")
    mixed = written([{**row, "emulated": row["round"] == 1} for row in rows_of()], tmp_path / "mixed.csv")
    assert json.loads(isotherm("analyse", silent, "--platform", "aws", "--json").out)["platform"] == "aws"
    assert json.loads(isotherm("analyse", emulated, "--json").out)["platform"] == "emulated"
    assert isotherm("analyse", emulated).out.startswith("On this machine (emulated, not AWS)")
    code, _, err = isotherm("analyse", emulated, "--platform", "aws")
    assert code == 2
    assert "--platform: aws is not what the column emulated says" in err
    code, _, err = isotherm("analyse", mixed)
    assert code == 2
    assert "emulated: samples of AWS and of an emulation" in err


@pytest.mark.parametrize("column", NEEDED)
def test_a_needed_column_that_is_missing_is_named(column: str, isotherm: Isotherm, tmp_path: Path) -> None:
    rows = rows_of(**{column: None})
    code, out, err = isotherm("analyse", written(rows, tmp_path / "s.csv"))
    assert (code, out) == (2, "")
    assert err.startswith(f"isotherm: SAMPLES: {tmp_path / 's.csv'}: {column}: no such column")
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, err = isotherm("analyse", "s.jsonl")
    assert (code, out) == (2, "")
    assert f"s.jsonl: line 1, {column}: nothing there" in err


@pytest.mark.parametrize(
    ("column", "value", "accepted"),
    [
        ("memory_mb", "lots", "a whole number from 0 on"),
        ("memory_mb", "128.5", "a whole number from 0 on"),
        ("memory_mb", "-1", "a whole number from 0 on"),
        ("memory_mb", "NaN", "a whole number from 0 on"),
        ("round", "first", "a whole number from 0 on"),
        ("round", "1e400", "a whole number from 0 on"),
        ("kind", "lukewarm", "one of cold, warm, prime"),
        ("verdict", "good", "one of used, contested"),
        ("client_ms", "12,5", "a number (with a point, as in 12.5)"),
        ("client_ms", "1_000", "a number (with a point, as in 12.5)"),
        ("client_ms", "fast", "a number (with a point, as in 12.5)"),
        ("emulated", "perhaps", "true or false"),
        ("outcome", "lost", "one of answered, function_error"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    column: str, value: str, accepted: str, isotherm: Isotherm, tmp_path: Path
) -> None:
    code, out, err = isotherm("analyse", written(rows_of(**{column: value}), tmp_path / "s.csv"))
    assert (code, out) == (2, "")
    assert f"s.csv: line 4, {column}: {value!r} is not {accepted}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("value", [True, [1], {"a": 1}])
def test_a_number_of_another_type_is_refused(value: object, isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_of(client_ms=value)))
    code, _, err = isotherm("analyse", "s.jsonl")
    assert code == 2
    assert f"line 3, client_ms: {value} is not a number" in err


@pytest.mark.parametrize("value", ["NaN", "inf", "-Infinity", "1e999", "1e308", "-1e16"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_number_that_nobody_measured_spoils_its_sample_alone(
    value: str, form: str, isotherm: Isotherm, tmp_path: Path
) -> None:
    rows = rows_of(client_ms=float(value))
    if form == "csv":
        written(rows_of(client_ms=value), tmp_path / "s.csv")
    else:
        (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = isotherm("analyse", f"s.{form}", "--json", "--output", "made")
    found = json.loads(out)
    assert code == 0
    assert (found["accounting"]["used"], found["accounting"]["unusable"]) == (59, 1)
    assert found["cells"][0]["metrics"]["client_ms"]["n"] == 29
    assert {"kind": "unusable", "samples": 1} in found["cautions"]
    assert any("1 sample unusable" in said for said in found["warnings"])
    assert found["imbalances"] == []


def test_numbers_as_text_empty_cells_and_unknown_columns(isotherm: Isotherm, tmp_path: Path) -> None:
    rows = [
        {**row, "round": f"{row['round']}.0", "client_ms": f" {row['client_ms']}", "who": "me"} for row in rows_of()
    ]
    rows[0]["client_ms"] = ""
    code, out, err = isotherm("analyse", written(rows, tmp_path / "s.csv"), "--json")
    assert code == 0
    assert "columns that are not read: who" in err
    assert json.loads(out)["cells"][0]["metrics"]["client_ms"]["n"] == 29
    (tmp_path / "s.jsonl").write_text("".join(json.dumps({**row, "client_ms": "7.5"}) + "\n" for row in rows))
    assert json.loads(isotherm("analyse", "s.jsonl", "--json").out)["cells"][0]["metrics"]["client_ms"]["median"] == 7.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing in it"),
        ("target,region,memory_mb,kind,round,verdict,client_ms\r\n", "there is no row"),
        ("target,region,memory_mb,kind,round,verdict\r\na,b,128,warm,0,used\r\n", "no column holds a measured number"),
        ("target,region,memory_mb,kind,round,verdict,client_ms\r\na,b,128,warm\r\n", "line 2: 4 values for the 7"),
        ("target;region;kind\r\na;b;warm\r\n", "line 1: columns are separated by semicolons"),
        ("target,target\r\n", "line 1, target: two columns"),
        ("\r\ntarget,target\r\n", "line 2, target: two columns"),
        ("target,region,,\r\n", "line 1: column 3 has no name"),
        (HEADER + '"a,here,128,warm,0,used,4\r\n' * 4, "line 3: not CSV"),
        (HEADER + '"a,here,128,warm,0,used,4\r\n', "line 2: not CSV"),
        ('{"target": "\\ud800"}\n', "line 1, target: '\\ud800' is not text"),
        ('{"target": "a"\n', "line 1: not a JSON object"),
        ('{"target": "a"}\n7\n', "line 1, region"),
        ('[{"target": "a"}]\n', "line 1: not a JSON object; one object a line"),
        ("\udcff\udcfe", "not UTF-8"),
        ("PAR1 and nothing more", "Parquet that is broken"),
    ],
)
def test_what_is_no_file_of_samples_is_refused(text: str, said: str, isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(text.encode("utf-8", "surrogateescape"))
    code, out, err = isotherm("analyse", "s")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_pipe_is_as_good_as_a_file(isotherm: Isotherm, tmp_path: Path) -> None:
    """As a shell makes them: isotherm analyse <(zcat samples.csv.gz)."""
    data = Path(written(rows_of(), tmp_path / "samples.csv")).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,), daemon=True)
    writer.start()
    code, out, _ = isotherm("analyse", "pipe", "--json")
    assert code == 0
    assert json.loads(out)["accounting"]["used"] == 60
    writer.join()
    assert "nothing in it" in isotherm("analyse", "/dev/null").err


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs a file of which reading fails")
def test_a_file_that_cannot_be_read_is_refused(isotherm: Isotherm) -> None:
    code, out, err = isotherm("analyse", "/proc/self/mem")
    assert (code, out) == (2, "")
    assert err.startswith("isotherm: SAMPLES: /proc/self/mem cannot be read: ")


def test_a_gzip_file_that_is_cut_off_is_refused(isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "s.csv.gz").write_bytes(gzip.compress(Path(written(rows_of(), tmp_path / "s.csv")).read_bytes())[:-20])
    code, _, err = isotherm("analyse", "s.csv.gz")
    assert code == 2
    assert "broken or cut off" in err


def test_what_is_not_there_is_refused(isotherm: Isotherm, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert isotherm("analyse", "nowhere.csv") == (2, "", "isotherm: SAMPLES: there is no file or folder nowhere.csv\n")
    assert "empty has none of samples.csv.gz" in isotherm("analyse", "empty").err
    written(rows_of(), tmp_path / "s.csv")
    assert "is not a report's folder" in isotherm("analyse", "s.csv", "--verify").err


def test_standard_input_is_as_good_as_a_file(
    isotherm: Isotherm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(written(rows_of(), tmp_path / "samples.csv")).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert isotherm("analyse", "-", "--json").out == isotherm("analyse", "samples.csv", "--json").out


@pytest.mark.parametrize(
    "rows",
    [
        rows_of()[:1],
        [row for row in rows_of() if row["round"] == 0],
        [{**row, "client_ms": 7} for row in rows_of()],
        [row for row in rows_of() if (row["target"] == "a") == (row["round"] < 2)],
        [{**row, "verdict": "failed"} for row in rows_of()],
        [{**row, "kind": "prime", "verdict": "primed"} for row in rows_of()],
        [{**row, "kind": "cold"} for row in rows_of()],
        [{**row, "client_ms": "nan"} for row in rows_of()],
        [{**row, "client_ms": -5} for row in rows_of()],
        [{**row, "client_ms": 1e300} for row in rows_of()],
    ],
    ids=["one", "one round", "tied", "other rounds", "failed", "primes", "cold", "nan", "negative", "huge"],
)
def test_too_little_is_a_result_that_says_so(rows: list[dict[str, Any]], isotherm: Isotherm, tmp_path: Path) -> None:
    file = written(rows, tmp_path / "s.csv")
    code, out, err = isotherm("analyse", file, "--output", "made")
    assert code == 0
    assert "Traceback" not in err
    found = json.loads((tmp_path / "made" / "summary.json").read_text())
    assert found["headline"]
    assert found["accounting"]["issued"] == len(rows)
    said = " ".join(out.split())
    if not found["accounting"]["used"]:
        assert said.startswith("Nothing could be used: ")
        said = said.partition(". ")[2]
    assert said.startswith(" ".join(found["headline"].split()))
    if {row["round"] for row in rows} == {0}:
        assert {"kind": "few_rounds", "rounds": 1} in found["cautions"]
    for name in ("index.html", "report.md", "samples.csv.gz"):
        assert (tmp_path / "made" / name).stat().st_size


def test_the_client_s_time_speaks_where_nothing_else_was_measured(isotherm: Isotherm, tmp_path: Path) -> None:
    cold = written([{**row, "kind": "cold", "round": 0} for row in rows_of()], tmp_path / "cold.csv")
    found = json.loads(isotherm("analyse", cold, "--json").out)
    assert found["start_metric"] is None
    assert {"a", "b"} < set(found["headline"].replace(",", " ").split())
    for row in (durations := rows_of()):
        row["duration_ms"] = row.pop("client_ms")
    for kind in ("warm", "cold"):
        other = written([{**row, "kind": kind} for row in durations], tmp_path / "durations.csv")
        assert json.loads(isotherm("analyse", other, "--json").out)["headline"].startswith(
            "no client time was measured"
        )


def test_a_report_s_folder_keeps_what_was_planned(isotherm: Isotherm, tmp_path: Path) -> None:
    plan = made_up_plan(cold=20, warm=20)
    folder = published(tmp_path / "report", plan, made_up_samples(plan))
    found = json.loads(isotherm("analyse", str(folder), "--json").out)
    assert found == json.loads((folder / "summary.json").read_text())
    assert "is the folder that is read" in isotherm("analyse", str(folder), "--output", str(folder)).err


def published(folder: Path, plan: Plan, samples: list[Sample]) -> Path:
    folder.mkdir()
    (folder / "samples.csv.gz").write_bytes(write_csv(samples))
    (folder / "summary.json").write_text(build_summary(plan, samples, made_up_lanes(plan)).model_dump_json())
    return folder


@settings(parent=CAMPAIGNS, max_examples=8)
@given(seed=st.integers(0, 1000), emulated=st.booleans(), lost=st.booleans())
def test_a_published_campaign_is_the_same_when_computed_again(
    seed: int, emulated: bool, lost: bool, isotherm: Isotherm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan = made_up_plan(cold=20, warm=20, rounds=2, platform="emulated" if emulated else "aws")
    samples = made_up_samples(plan, seed=seed, mishaps=0.1)
    folder = published(tmp_path_factory.mktemp("campaign") / "report", plan, samples[:-30] if lost else samples)
    code, out, err = isotherm("analyse", str(folder), "--verify")
    assert (code, err) == (0, "")
    assert out == "The summary computed again is the same as the published one.\n"


def test_what_differs_from_a_published_campaign_is_named(isotherm: Isotherm, tmp_path: Path) -> None:
    plan = made_up_plan(cold=20, warm=20)
    samples = made_up_samples(plan)
    folder = published(tmp_path / "report", plan, samples)
    document = json.loads((folder / "summary.json").read_text())
    document["cells"][1]["metrics"]["client_ms"]["median"] += 1
    (folder / "summary.json").write_text(json.dumps(document))
    code, out, err = isotherm("analyse", str(folder), "--verify", "--json")
    (entry,) = json.loads(out)["differing"]
    assert code == 1
    assert entry["path"] == "cells[1].metrics.client_ms.median"
    assert entry["published"] == pytest.approx(entry["recomputed"] + 1)
    assert "1 other value than in summary.json, and 0 fields that only one of the two has" in err
    assert "cells[1].metrics.client_ms.median" in "".join(isotherm("analyse", str(folder), "--verify").out.split())


def test_samples_that_were_changed_show(isotherm: Isotherm, tmp_path: Path) -> None:
    plan = made_up_plan(cold=20, warm=20)
    samples = made_up_samples(plan)
    folder = published(tmp_path / "report", plan, samples)
    (folder / "samples.csv.gz").write_bytes(write_csv([replace(samples[0], client_ms=1e6), *samples[1:]]))
    code, out, _ = isotherm("analyse", str(folder), "--verify", "--json")
    assert code == 1
    assert "cells[0].metrics.client_ms.max" in {entry["path"] for entry in json.loads(out)["differing"]}


def test_a_campaign_of_an_earlier_version_is_said_to_be_one(isotherm: Isotherm, tmp_path: Path) -> None:
    plan = made_up_plan(cold=20, warm=20)
    folder = published(tmp_path / "report", plan, made_up_samples(plan))
    document = json.loads((folder / "summary.json").read_text())
    for cell in document["cells"]:
        for metric in cell["metrics"].values():
            del metric["round_factor"]
    (folder / "summary.json").write_text(json.dumps(document))
    code, out, err = isotherm("analyse", str(folder), "--verify", "--json")
    assert code == 1
    assert json.loads(out)["new_fields"] == ["round_factor"]
    assert "published by an earlier version with other statistics: it lacks round_factor" in " ".join(err.split())
