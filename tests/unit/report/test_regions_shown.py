"""Calls between regions on the page, in the terminal and in Markdown: every number there, nothing missing as zero."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.measurement.sample import Sample
from isotherm.numbers import digits, interval
from isotherm.report.files.exports import WRITERS, sample_rows
from isotherm.report.files.samples_csv import csv_text, read_csv, write_csv
from isotherm.report.markdown import render_markdown
from isotherm.report.page.crisscross import MAPPED, crisscross_figures
from isotherm.report.page.figures import figure_data
from isotherm.report.page.page import render_page
from isotherm.report.region_columns import (
    COLUMNS,
    cells_of_crisscross,
    cells_of_finding,
    comparisons_of,
    missing_pairs,
)
from isotherm.report.terminal.campaign import campaign_tables
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_regions import (
    SIX,
    clients_plan,
    crisscross_plan,
    http_plan,
    nested,
    plan_of,
    remote,
    samples_of,
    staged,
)

#: The columns of the first version, in its order.
FIRST_COLUMNS = (
    "campaign_id,shot_id,lane,target,region,round,step,kind,burst,index,version,memory_mb,concurrency,sent_at_ms,"
    "outcome,verdict,temperature,emulated,coldness,attempts,request_id,error_type,error_message,report_found,"
    "probe_found,platform_cold,probe_cold,proactive,client_ms,hold_ms,overhead_ms,init_duration_ms,"
    "restore_duration_ms,duration_ms,billed_duration_ms,memory_size_mb,max_memory_used_mb,environment_id,"
    "invocation_index,startup_ms,import_ms,work_ms"
)

NASTY = "</script><img src=x onerror=alert(2)>\"'&|`"

PLAN = crisscross_plan(warm=12)
SAMPLES = samples_of(PLAN, nested())
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))
PAGE = render_page(SUMMARY, SAMPLES)


class _Tables(HTMLParser):
    """Rows of every table, by its caption: the texts of their cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.scopes: set[str | None] = set()
        self._caption = ""
        self._open: str | None = None
        self.feed(page.partition('<script type="application/json"')[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "caption":
            self._caption, self._open = "", "caption"
        elif tag == "tr" and self._caption:
            self.tables[self._caption].append([])
        elif tag in ("td", "th") and self._caption:
            self.tables[self._caption][-1].append("")
            self._open = tag
        elif tag == "small" and self._open in ("td", "th"):
            self.tables[self._caption][-1][-1] += "|"
        if tag == "th":
            self.scopes.add(dict(attrs).get("scope"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self.tables[self._caption] = []
        if tag == self._open:
            self._open = None
        if tag == "table":
            self._caption = ""

    def handle_data(self, data: str) -> None:
        if self._open == "caption":
            self._caption += data
        elif self._open:
            self.tables[self._caption][-1][-1] += data

    def of(self, start: str) -> list[list[str]]:
        return next(rows for caption, rows in self.tables.items() if caption.startswith(start))


def _without(region: str) -> tuple[CampaignSummary, list[Sample]]:
    """The criss-cross with one region taken away: its own lanes failed, calls to it too."""
    dead = {key: f"RegionSilent: {NASTY}" for key, lane in PLAN.lanes.items() if lane.region == region}
    nothing: dict[str, Any] = dict.fromkeys(f for f in (*COLUMNS, "work_ms", "overhead_ms", "inner_work_ms"))
    kept = [
        replace(s, **nothing, outcome="function_error", verdict="failed", error_type="InnerFailed", error_message=NASTY)
        if s.inner_region == region
        else s
        for s in SAMPLES
        if s.lane not in dead
    ]
    return build_summary(PLAN, kept, made_up_lanes(PLAN, dead)), kept


def _printed(summary: CampaignSummary, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(campaign_tables(summary))
    return console.export_text()


def test_mean_and_sd_of_every_column_of_every_pair_stand_in_the_tables() -> None:
    found = SUMMARY.crisscross[0]
    cells = cells_of_crisscross(SUMMARY, found)
    page = _Tables(PAGE)
    for inner, columns in (("inner", 8), ("inner_db", 9)):
        means = page.of(f"outer calling {inner}: the mean of each column")[1:]
        medians = page.of(f"outer calling {inner}: medians, below them")[1:]
        assert len(means) == len(medians) == 6 * 7
        start = ""
        for of_means, of_medians in zip(means, medians, strict=True):
            if len(of_means) == 1:
                start = of_means[0].rpartition("|")[2]
                continue
            cell = cells[start, inner, of_means[0].rpartition("|")[2]]
            shown = [name for name in COLUMNS if name in cell.metrics]
            assert len(shown) == columns
            assert of_means[1] == "12"
            assert re.fullmatch(r"03:\d\d:\d\d\|\d+(\.\d+)? s", of_means[2])
            for name, mean, median in zip(shown, of_means[3:], of_medians[2:], strict=True):
                scale = 100 if name == "network_share" else 1
                metric = cell.metrics[name]
                assert metric.mean is not None
                assert metric.sd is not None
                assert metric.median is not None
                assert mean == f"{digits(metric.mean * scale)}|{digits(metric.sd * scale)}"
                assert median.startswith(f"{digits(metric.median * scale)}|")
    assert page.scopes == {"col", "row", "rowgroup"}


def test_the_maps_hold_the_medians_with_their_intervals() -> None:
    group = crisscross_figures(SUMMARY)["crisscross-0"]
    cells = cells_of_crisscross(SUMMARY, SUMMARY.crisscross[0])
    assert [metric["name"] for metric in group["metrics"]] == list(MAPPED)
    assert group["from"][0] == {"code": "ap-northeast-1", "name": "Tokyo"}
    for of_inner in group["maps"]:
        for name, rows in of_inner["values"].items():
            for start, row in zip(SIX, rows, strict=True):
                for end, (median, low, high, n) in zip(SIX, row, strict=True):
                    metric = cells[start, of_inner["inner"], end].metrics[name]
                    assert (median, low, high) == pytest.approx(
                        (metric.median, metric.median_low, metric.median_high), rel=1e-4
                    )
                    assert n == 12
    assert "database_ms" not in group["maps"][0]["values"]


def test_the_answer_comes_first_and_the_database_has_its_cost() -> None:
    # As on the page: no line break before a percent sign.
    text = PAGE.replace("&nbsp;", " ")
    for finding in SUMMARY.crisscross[0].findings:
        assert finding[1:] in text
    assert text.index("Every pair") < text.index("Who pays for distance") < text.index("What the database costs")
    assert text.index("What the database costs") < text.index("Every column: ") < text.index("Every call accounted for")
    rows = _Tables(PAGE).of("inner_db against inner by inner region")[1:]
    cost = SUMMARY.crisscross[0].database[0]
    assert len(rows) == 6
    assert rows[0][3] == f"{digits(cost.difference)}|{interval(cost.low, cost.high)}"


def test_what_is_missing_is_named_with_its_reason_and_is_never_zero() -> None:
    summary, samples = _without(SIX[3])
    page = render_page(summary, samples)
    rows = _Tables(page).of("outer calling inner: the mean of each column")
    lost = [row for row in rows if len(row) == 2]
    assert len(lost) == 11
    assert {row[1].partition(":")[0] for row in lost} == {"missing"}
    group = crisscross_figures(summary)["crisscross-0"]
    for of_inner in group["maps"]:
        for rows_of in of_inner["values"].values():
            assert [cell for cell in rows_of[3] if cell is not None] == []
            assert [row[3] for row in rows_of if row[3] is not None] == []
        assert of_inner["missing"][3][0] == f"lane failed: RegionSilent: {NASTY}"
        assert of_inner["missing"][0][0] is None
    assert missing_pairs(summary.crisscross[0]) == [
        "every pair from elsewhere to sa-east-1: none of 12 calls could be used: 12 InnerFailed",
        f"every pair from sa-east-1: lane failed: RegionSilent: {NASTY}",
    ]
    assert "22 of 72 cells missing" in page
    assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    text = _printed(summary, 500)
    assert "Missing, every pair from sa-east-1: lane failed: RegionSilent" in text
    assert "140 calls failed (InnerFailed), outer in ap-northeast-1 calling inner in sa-east-1, 128 MB, " in text


def test_a_pair_that_is_lost_alone_is_named_alone() -> None:
    kept = [
        replace(s, verdict="unexpected")
        if (s.region, s.inner, s.inner_region, s.kind) == (SIX[0], "inner_db", SIX[1], "warm")
        else s
        for s in SAMPLES
    ]
    summary = build_summary(PLAN, kept, made_up_lanes(PLAN))
    (said,) = missing_pairs(summary.crisscross[0])
    assert said.startswith(
        "ap-northeast-1 to ap-south-1 (inner_db): none of 12 calls could be used: 12 unexpected (cold"
    )


def test_a_criss_cross_without_a_sample_still_has_a_page() -> None:
    summary = build_summary(PLAN, [], [])
    page = render_page(summary, [])
    assert "72 of 72 cells missing" in page
    assert "nothing to say about distance" in render_markdown(summary)
    assert "no call of outer could be used" in _printed(summary)


def test_the_first_result_is_where_the_link_leads() -> None:
    assert PAGE.count('id="results"') == 1
    assert '<section id="results"><h2>From region to region</h2>' in PAGE


def test_clients_are_compared_with_words_marks_and_numbers() -> None:
    plan = clients_plan(warm=20)
    samples = samples_of(plan, remote())
    summary = build_summary(plan, samples, made_up_lanes(plan))
    page = render_page(summary, samples)
    for finding in summary.client_findings:
        assert (
            finding.sentence[1:]
            .replace("ap-northeast-1", '<span class="whole">ap-northeast-1</span>')
            .replace(" %", "&nbsp;%")
            in page
        )
    rows = _Tables(page).of("customers (post) in ap-northeast-1: each client against Tokyo")[1:]
    assert [row[0] for row in rows][:2] == ["Tokyo|ap-northeast-1", "Mumbai|ap-south-1"]
    assert rows[0][3] == "baseline"
    seen = next(c for c in summary.cell_comparisons if c.metric == "client_ms" and c.operation == "post")
    assert rows[1][9] == f"{digits(seen.difference)}|{interval(seen.low, seen.high)}"
    groups = figure_data(summary, samples)["groups"]
    assert list(groups) == ["warm-ap-northeast-1-128-post", "warm-ap-northeast-1-128-get"]
    assert [row["target"] for row in groups["warm-ap-northeast-1-128-get"]["rows"]][:2] == [
        "from ap-northeast-1",
        "from ap-south-1",
    ]
    assert "<h3>Warm calls in ap-northeast-1, 128 MB, post</h3>" in page
    assert "<dt>Clients</dt>" in page
    assert ">5 <small>clients of 1 region<" in page
    assert re.search(r">4 <small>seed 7<", page)  # rounds, not rounds times clients


def test_a_finding_about_clients_shows_the_calls_of_its_own_inner_function() -> None:
    here, there = SIX[0], SIX[5]
    document = {"name": "both", "targets": ["outer"], "regions": [here], "clients": [here, there], "rounds": 2}
    plan = plan_of({**document, "inner": {"targets": ["inner"], "regions": [here, there]}, "warm": {"samples": 8}})
    summary = build_summary(plan, samples_of(plan, nested()), made_up_lanes(plan))
    assert [finding.inner_region for finding in summary.client_findings] == [here, there]
    for finding in summary.client_findings:
        cells, against = cells_of_finding(summary, finding), comparisons_of(summary, finding)
        assert list(cells) == [here, there]
        assert {cell.inner_region for cell in cells.values()} == {finding.inner_region}
        assert {c.inner_region for c in against.values()} == {finding.inner_region}
        assert f"<h3>outer in {here} calling inner in {finding.inner_region}</h3>" in render_page(summary, [])
        # Version 0.1.0 wrote a finding without the inner function; there is something to show all the same.
        older = finding.model_copy(update={"inner": None, "inner_region": None})
        assert list(cells_of_finding(summary, older)) == [here, there]


def test_stages_of_calls_over_http_are_drawn_and_tabled() -> None:
    plan = http_plan(warm=30)
    samples = samples_of(plan, staged())
    summary = build_summary(plan, samples, made_up_lanes(plan))
    page = render_page(summary, samples)
    rows = _Tables(page).of("Stages of calls over HTTP")[1:]
    assert [(row[0], row[1]) for row in rows] == [("post", "new"), ("post", "kept"), ("get", "new"), ("get", "kept")]
    kept = summary.http[0].reused
    assert kept is not None
    assert rows[1][-2] == digits(kept.total)
    assert rows[1][3:6] == ["–"] * 3  # noqa: RUF001 - the dash of what is not there
    assert "Answers by HTTP status: post: 201: 30; get: 200: 30." in page
    assert "What API Gateway adds" in page
    assert "through API Gateway answers" in _printed(summary, 300)
    assert "post: 201: 30; get: 200: 30" in render_markdown(summary)


@pytest.mark.parametrize("campaign", ["crisscross", "clients", "http"])
def test_terminal_tables_fit_eighty_columns_and_markdown_stays_a_table(campaign: str) -> None:
    plan, truth = {
        "crisscross": (PLAN, nested()),
        "clients": (clients_plan(warm=12), remote()),
        "http": (http_plan(warm=12), staged()),
    }[campaign]
    summary = build_summary(plan, samples_of(plan, truth), made_up_lanes(plan))
    text = _printed(summary)
    assert "…" not in text.replace(" … ", "")
    assert max(map(len, text.splitlines())) <= 80
    blocks: list[set[int]] = [set()]
    for line in render_markdown(summary).splitlines():
        if line.startswith("|"):
            blocks[-1].add(line.replace("\\|", "").count("|"))
        elif blocks[-1]:
            blocks.append(set())
    assert all(len(widths) == 1 for widths in blocks if widths)


def test_plain_campaigns_are_shown_as_before() -> None:
    plan = made_up_plan(cold=10, warm=10)
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    body = render_page(summary, samples).partition('<script type="application/json"')[0]
    for word in (
        "From region to region",
        "Where the client is",
        "Over HTTP",
        "Why calls failed",
        "rowgroup",
        "Clients<",
    ):
        assert word not in body
    assert next(iter(figure_data(summary, samples)["groups"])) == "cold-us-east-1-128"
    assert 'data-of="cold-us-east-1-128" data-figure="box"' in body
    assert '<section id="results"><h2>Cold starts</h2>' in body


def test_every_field_of_a_nested_sample_is_exported_and_older_files_stay_readable() -> None:
    some = SAMPLES[::97]
    assert sorted(read_csv(write_csv(some)), key=lambda s: s.shot_id) == sorted(some, key=lambda s: s.shot_id)
    for name in ("csv", "jsonl"):
        assert b"inner_round_trip_ms" in WRITERS[name](sample_rows(some))
    older = gzip.decompress(write_csv(made_up_samples(made_up_plan(cold=10, warm=10)))).decode()
    rows = list(csv.DictReader(io.StringIO(older, newline="")))
    known = FIRST_COLUMNS.split(",")
    cut = csv_text(known, ([row[name] for name in known] for row in rows))
    read = read_csv(gzip.compress(cut.encode()))
    assert len(read) == len(rows)
    assert {(s.protocol, s.inner, s.client_region) for s in read} == {("invoke", None, None)}
