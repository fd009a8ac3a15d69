"""The dimensions of a cell stand in one place, and what was written before some of them came is read all the same."""

from __future__ import annotations

import ast
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.shape import OfCell
from isotherm.analysis.summary import CampaignSummary, Cell
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import Series, SessionCell, Trend, UnreadableSession, read_session
from isotherm.analysis.words.cells import cell_name, row_name
from isotherm.campaign.cell import DIMENSIONS, CellKey, InCell, cell_key
from isotherm.measurement.sample import Sample
from isotherm.report.files.samples_csv import read_csv, write_csv

SOURCES = Path(__file__).parents[2] / "src"
#: Reports of version 0.1.0, as it wrote them.
STORED = Path(__file__).parent / "data"
STORED_SUMMARIES = sorted(STORED.glob("*/summary.json.gz"))

#: Classes with fields of a cell's names that are about no one cell, and what they are.
NOT_OF_ONE_CELL = {
    "Lane": "where the value of a dimension comes from",
    "Step": "the same",
    "Tour": "lanes that one client calls",
    "_Setting": "what the planner makes steps of",
    "CrisscrossFacts": "all pairs of regions, as called from one client",
    "CrisscrossPair": "a pair of regions in that table, which has the other dimensions",
    "Pair": "a pair of regions as a point on a line",
    "DatabaseDifference": "the inner functions of one region, called from all others",
    "LoadFacts": "a load, which has phases and no cells",
    "LoadChange": "the same, before and after",
    "_Key": "what loads are compared by",
}


def _declared() -> dict[tuple[str, Path], set[str]]:
    """By class and file, the fields and properties that it declares under the names of dimensions."""
    found: dict[tuple[str, Path], set[str]] = {}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names = {line.name for line in node.body if isinstance(line, ast.FunctionDef)}
                names |= {
                    line.target.id
                    for line in node.body
                    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                }
                found[node.name, path] = names & set(DIMENSIONS)
    return found


def test_the_dimensions_of_a_cell_are_declared_in_one_place() -> None:
    """Whatever names a client's or an inner region, or four dimensions or more, is about a cell: let it be `InCell`."""
    declared = {place: fields for place, fields in _declared().items() if fields}
    assert declared.pop(("InCell", SOURCES / "isotherm" / "campaign" / "cell.py")) == set(DIMENSIONS)
    found = {
        name for (name, _), fields in declared.items() if len(fields) > 3 or fields & {"client_region", "inner_region"}
    }
    assert found == NOT_OF_ONE_CELL.keys()


@pytest.mark.parametrize("model", [OfCell, Cell, SessionCell, Series])
def test_a_part_of_a_document_that_is_about_a_cell_has_its_dimensions_as_fields(model: type[OfCell]) -> None:
    assert tuple(model.model_fields)[: len(DIMENSIONS)] == DIMENSIONS
    assert all(model.model_fields[name].is_required() == (name in DIMENSIONS[:4]) for name in DIMENSIONS)


def test_a_key_tells_cells_apart_by_every_dimension_and_by_nothing_else() -> None:
    cell = CellKey("outer", "us-west-1", 128, "warm", "eu-west-2", "http", "get", "inner", "ap-south-1")
    assert cell_key(cell) == cell
    others = [CellKey(**{**_fields_of(cell), name: None}) for name in DIMENSIONS]
    assert len({cell, *others}) == 1 + len(DIMENSIONS)
    assert cell_key(SessionCell(**_fields_of(cell), metrics={})) == cell


#: Run against a copy of the sources in which cells are told apart by the moon.
WITH_ANOTHER_DIMENSION = """
import json
import sys
from dataclasses import replace

from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.comparison import Side, compare_campaigns
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import read_session
from isotherm.analysis.words.cells import cell_name, row_name, varying
from isotherm.campaign.cell import cell_key
from isotherm.campaign.stopping import Timing
from isotherm.report.files.samples_csv import read_csv, write_csv
from isotherm.report.page.page import render_page

plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",))
ours = made_up_samples(plan)
both = [*ours, *(replace(s, shot_id=s.shot_id + ".full", moon="full") for s in ours)]
assert {s.moon for s in read_csv(write_csv(both))} == {"new", "full"}
assert "moon" in Timing.__dataclass_fields__

alone, summary = (build_summary(plan, of, made_up_lanes(plan)) for of in (ours, both))
assert CampaignSummary.model_validate_json(summary.model_dump_json()) == summary
assert len(summary.cells) == 2 * len(alone.cells)
assert len(summary.comparisons) == 2 * len(alone.comparisons)
for naming in (cell_name, row_name):
    names = {(cell.kind, naming(cell, varying(summary.cells))) for cell in summary.cells}
    assert len(names) == len(summary.cells), names
assert "default moon full" in render_page(summary, both)

trend = build_trend([read_session(summary.model_dump_json().encode())], version="0.1.0")
assert {cell_key(series) for series in trend.series} == {cell_key(cell) for cell in summary.cells if cell.metrics}
changes = compare_campaigns(Side("a", both, summary), Side("b", both, summary)).changes
assert len({cell_key(change) for change in changes}) == len([cell for cell in summary.cells if cell.kind != "prime"])

stored = CampaignSummary.model_validate_json(sys.stdin.read())
assert {cell.moon for cell in stored.cells} == {"new"}
assert len(stored.cells) == len({cell_key(cell) for cell in stored.cells}) > 1
"""


def test_a_further_dimension_is_one_line(tmp_path: Path) -> None:
    """With it, samples, files, summaries, trends, comparisons and names keep cells apart, and older files are read."""
    shutil.copytree(SOURCES / "isotherm", tmp_path / "isotherm", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "isotherm" / "campaign" / "cell.py"
    last = "    inner_region: str | None = None\n"
    text = module.read_text(encoding="utf-8")
    assert text.count(last) == 1
    module.write_text(text.replace(last, f'{last}    moon: Literal["new", "full"] = "new"\n'))
    paths = os.pathsep.join(map(str, (tmp_path, Path(__file__).parents[1])))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITH_ANOTHER_DIMENSION],
        env={**os.environ, "PYTHONPATH": paths},
        input=_stored(STORED / "targets" / "summary.json.gz"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def _fields_of(cell: InCell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in DIMENSIONS}


def _stored(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("path", STORED_SUMMARIES, ids=lambda path: path.parent.name)
def test_a_stored_summary_is_read_and_says_the_same_when_it_is_written_again(path: Path) -> None:
    written = json.loads(_stored(path))
    again = json.loads(CampaignSummary.model_validate_json(_stored(path)).model_dump_json())
    for finding in again["client_findings"]:
        # Of these, which are about cells of all clients, version 0.1.0 said no more than what it needed.
        assert [finding.pop(name) for name in ("client_region", "inner", "inner_region")] == [None, None, None]
    assert _without_what_came_later(again, written) == written


def _without_what_came_later(read: Any, written: Any) -> Any:
    """What was read, without fields that the document did not have: they are None or empty, nothing is made up."""
    if isinstance(written, dict):
        assert {name for name, value in read.items() if name not in written and value not in (None, [], {})} == set()
        return {name: _without_what_came_later(read[name], value) for name, value in written.items()}
    if isinstance(written, list):
        return [_without_what_came_later(one, other) for one, other in zip(read, written, strict=True)]
    return read


def test_stored_summaries_have_every_part_that_is_about_a_cell() -> None:
    kept = [CampaignSummary.model_validate_json(_stored(path)) for path in STORED_SUMMARIES]
    for part in ("cells", "comparisons", "cell_comparisons", "client_findings", "http", "failures"):
        assert any(getattr(summary, part) for summary in kept), part
    for summary in kept:
        assert len({cell_key(cell) for cell in summary.cells}) == len(summary.cells)
    keys = [cell_key(cell) for summary in kept for cell in summary.cells]
    for name in DIMENSIONS:
        assert len({getattr(key, name) for key in keys}) > 1 or name == "memory_mb", name


@pytest.mark.parametrize("path", STORED_SUMMARIES, ids=lambda path: path.parent.name)
def test_a_trend_finds_the_cells_of_a_stored_summary(path: Path) -> None:
    cells = CampaignSummary.model_validate_json(_stored(path)).cells
    trend = build_trend([read_session(_stored(path))], version="0.1.0")
    measured = {cell_key(cell) for cell in cells if cell.metrics}
    assert {cell_key(series) for series in trend.series} == measured


def test_a_stored_trend_says_the_same_when_it_is_made_or_written_again() -> None:
    folder = STORED / "clients_over_http"
    stored = json.loads(_stored(folder / "trend.json.gz"))
    made = build_trend([read_session(_stored(folder / "summary.json.gz"))], version="0.1.0")
    assert len(made.cautions) == len(made.warnings)
    known = [series.model_copy(update={"not_beyond_rounds": None}) for series in made.series]
    for trend in (made.model_copy(update={"cautions": [], "series": known}), Trend.model_validate(stored)):
        assert _without_what_came_later(json.loads(trend.model_dump_json()), stored) == stored


def test_stored_samples_are_read_whatever_the_order_of_their_columns() -> None:
    samples = read_csv((STORED / "clients_over_http" / "samples.csv.gz").read_bytes())
    assert {(s.client_region, s.protocol) for s in samples} == {
        (client, protocol) for client in ("ap-northeast-1", "eu-west-2") for protocol in ("invoke", "http")
    }
    assert sorted(read_csv(write_csv(samples)), key=_identity) == sorted(samples, key=_identity)


def _identity(sample: Sample) -> str:
    return sample.shot_id


def _session(**cell: Any) -> bytes:
    document = json.loads(_stored(STORED / "targets" / "summary.json.gz"))
    first = next(of for of in document["cells"] if of["kind"] == "warm")
    return json.dumps({**document, "cells": [{**first, **cell}]}).encode()


def test_a_trend_reads_cells_of_older_and_newer_versions() -> None:
    """Dimensions an older version lacked have their defaults; a protocol of a newer one stays what it is called."""
    document = json.loads(_session())
    document["cells"] = [{name: document["cells"][0][name] for name in ("target", "region", "memory_mb", "kind")}]
    (older,) = read_session(json.dumps(document).encode()).cells
    assert cell_key(older) == CellKey(older.target, older.region, older.memory_mb, "warm")

    session = read_session(_session(protocol="carrier-pigeon", operation="coo", luggage=3))
    trend = build_trend([session], version="0.1.0")
    (series,) = trend.series
    assert (series.protocol, series.operation) == ("carrier-pigeon", "coo")
    assert row_name(series) == f"{series.target} (coo) by carrier-pigeon"
    assert Trend.model_validate_json(trend.model_dump_json()) == trend


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "tepid"}, "cells.0.kind: Input should be 'cold', 'warm' or 'prime'"),
        ({"protocol": 4}, "cells.0.protocol: Input should be 'invoke', 'http', 'server' or 'instance'"),
        ({"memory_mb": "much"}, "cells.0.memory_mb: Input should be a valid integer"),
    ],
)
def test_a_cell_that_no_version_can_have_written_makes_a_session_unreadable(changed: Any, said: str) -> None:
    with pytest.raises(UnreadableSession) as caught:
        read_session(_session(**changed))
    assert said in str(caught.value)


def test_a_row_of_a_trend_is_called_by_all_that_makes_its_cell_unusual() -> None:
    plain = CellKey("customers", "us-east-1", 128, "warm")
    far = CellKey("customers", "us-east-1", 128, "warm", "eu-west-2", "http", "get")
    nested = CellKey("outer", "us-east-1", 128, "warm", inner="inner_db", inner_region="ap-south-1")
    assert row_name(plain) == "customers"
    assert row_name(far) == "customers (get) through API Gateway from eu-west-2"
    assert row_name(nested) == "outer calling inner_db in ap-south-1"
    for cell in (plain, far, nested):
        assert cell_name(cell).startswith(row_name(cell).split()[0])
