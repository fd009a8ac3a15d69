"""Loads in the headline, the warnings, the tables, Markdown and the page: made-up shards in, words and numbers out."""

from __future__ import annotations

import io
import json
import random
import re
from collections import Counter

import pytest
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.words.loads import run_names, total_of
from isotherm.campaign.plan import Plan
from isotherm.load.histogram import Histogram
from isotherm.load.latency import Latency
from isotherm.numbers import digits
from isotherm.report.load_lines import load_lines
from isotherm.report.markdown import render_markdown
from isotherm.report.page.loads import POINTS_OVER_TIME, loads_figures
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from unit.present import present
from unit.statistics.made_up_loads import closed_plan, open_plan, results_of, summary_of

PHASES = ["warmup", "loading", "peak", "cooldown"]
LOST = [("http", phase, number) for phase in PHASES for number in (0, 1)]


def _printed(summary: CampaignSummary, width: int = 80) -> str:
    printed = io.StringIO()
    Console(file=printed, width=width).print(campaign_tables(summary))
    return printed.getvalue()


def _table(page: str, caption: str) -> list[list[str]]:
    """Texts of the cells of the page's table with that caption, row by row."""
    (found,) = re.findall(rf"<caption><span>{re.escape(caption)}</span></caption>(.*?)</table>", page, re.DOTALL)
    return [
        [re.sub("<.*?>", " ", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", found, re.DOTALL)
    ]


def _lines(summary: CampaignSummary) -> dict[str, list[str]]:
    return {f"{line.label} {line.unit}".strip(): line.values for line in load_lines(summary, summary.loads)}


def test_the_headline_of_a_closed_loop_says_what_was_answered_and_what_was_reached_at_the_peak() -> None:
    summary = summary_of(closed_plan())
    invoke, http, server = (run.rows[2] for run in summary.loads)
    assert summary.headline == (
        "On this machine (emulated, not AWS), all 4,440 requests succeeded; at the peak the server answered "
        f"{digits(server.throughput_per_s)} requests a second, Lambda by invoke {digits(invoke.throughput_per_s)} and "
        f"API Gateway {digits(http.throughput_per_s)} (medians {digits(server.median_ms)}, {digits(invoke.median_ms)} "
        f"and {digits(http.median_ms)} ms)"
    )


def test_the_headline_of_an_open_loop_says_how_long_answers_took_at_which_rate() -> None:
    summary = summary_of(open_plan(protocols=["server"]))
    (run,) = summary.loads
    planned = run.rows[-1].planned
    assert f"all {planned} requests succeeded; at the peak, 40 requests a second, answers took" in summary.headline
    assert f"{digits(run.rows[2].median_ms)} ms from the server (medians; p99 " in summary.headline


def test_failures_are_said_by_kind() -> None:
    plan = closed_plan()
    failed = {"http": Counter(throttled=7, timeout=2), "server": Counter(timeout=1)}
    summary = summary_of(plan, results_of(plan, failed=failed))
    assert "4,430 of 4,440 requests succeeded and 10 failed (3 answer took too long, 7 throttled)" in summary.headline
    assert _lines(summary)["Failed: answer took too long"] == ["0", "2", "1"]
    assert "peak: 9 of 800 requests failed: 2 answer took too long, 7 throttled" in _printed(summary)
    page = render_page(summary, [])
    assert 'data-figure="kinds"' in page
    assert "Failed in peak: 2 answer took too long, 7 throttled." in page
    assert loads_figures(summary)["load"]["runs"][1]["failed"] == [2, 7]


def test_where_every_request_failed_there_is_no_throughput_to_boast_of() -> None:
    plan = closed_plan(
        protocols=["server"], load={"threads": 1, "iterations": 3, "phases": [{"name": "peak", "share": 1}]}
    )
    summary = summary_of(plan, results_of(plan, failed={"server": Counter(refused=6)}))
    assert summary.headline.endswith("none of 6 requests succeeded and 6 failed (6 connection refused)")
    assert 'data-figure="percentiles"' in render_page(summary, [])
    assert _lines(summary)["Median latency ms"] == ["–"]  # noqa: RUF001
    assert _lines(summary)["Throughput requests/s"] == ["0"]


def test_what_answered_nothing_is_named() -> None:
    plan = closed_plan()
    results = results_of(plan)
    for (key, number), shards in results.items():
        if plan.lanes[key].steps[number].protocol == "server":
            for shard in shards:
                shard.failed, shard.succeeded = Counter(refused=shard.planned), 0
    summary = summary_of(plan, results)
    assert "(1,480 connection refused); the server answered none; at the peak Lambda by invoke" in summary.headline


def test_a_share_that_was_lost_is_a_warning_and_counts_as_not_reported() -> None:
    plan = closed_plan()
    summary = summary_of(plan, results_of(plan, lost=[("http", "peak", 1)]))
    assert "4,040 of 4,440 requests succeeded and 400 are not reported" in summary.headline
    assert any(said.startswith("API Gateway: 400 of 1,480 requests are not reported") for said in summary.warnings)
    assert _lines(summary)["Not reported"] == ["0", "400", "0"]
    for shown in (_printed(summary), render_markdown(summary), render_page(summary, [])):
        words = " ".join(shown.split())
        assert "lanned 4,440 = 4,040 succeeded + 0 failed + 400 not reported" in words
        assert "it is not known what became of these" in words


def test_a_load_whose_every_share_was_lost_has_no_zeros() -> None:
    plan = closed_plan()
    summary = summary_of(plan, results_of(plan, lost=LOST))
    lines = _lines(summary)
    assert [lines[name][1] for name in ("Succeeded", "Failed", "Cold starts met")] == ["not reported"] * 3
    assert {lines[name][1] for name in ("Wall time s", "Throughput requests/s", "Median latency ms")} == {"–"}  # noqa: RUF001
    rows = _table(render_page(summary, []), "API Gateway, phase by phase")
    assert rows[1][:6] == ["warmup", "80", "not reported", "not reported", "not reported", "80"]
    assert "API Gateway" not in summary.headline

    nothing = summary_of(plan, {})
    assert "nothing is reported of 4,440 planned requests: nothing to say about the load" in nothing.headline
    page = render_page(nothing, [])
    assert "data-figure" not in page.partition("<script")[0]
    assert ">0<" not in page.partition("<h2>What it cost")[0]


def test_a_generator_that_was_late_is_a_warning_that_names_load_and_phases() -> None:
    plan = open_plan()
    summary = summary_of(plan, results_of(plan, late=["server"]))
    assert (
        "The generator did not keep up, and its own slowness is in the numbers: Server in warmup, loading, peak and "
        "cooldown."
    ) in summary.warnings
    page = render_page(summary, [])
    assert page.count("The generator did not keep up; its own slowness") == 1
    assert page.count("The generator kept up: sent late by") == 2
    assert "In peak: 1 % of the sends were more than 5.0 ms late" in page


def test_sums_that_do_not_agree_come_first_and_loud() -> None:
    plan = closed_plan()
    results = results_of(plan)
    ((lane_key, lane),) = plan.lanes.items()
    peak = next(step for step in lane.steps if step.load and (step.protocol, step.load.phase) == ("http", "peak"))
    results[lane_key, peak.step][0].succeeded += 1
    summary = summary_of(plan, results)
    assert summary.imbalances == [
        "API Gateway, peak: planned 800 is not succeeded 801 + failed 0 + not reported 0",
        "API Gateway, all: planned 1480 is not succeeded 1481 + failed 0 + not reported 0",
    ]
    page = render_page(summary, [])
    assert page.index("Do not trust this") < page.index("Under load")
    assert "The sums do not agree" in page


def test_loads_are_in_reading_order_whatever_order_they_were_made_in() -> None:
    orders = set()
    for seed in range(3):
        plan = closed_plan(regions=("us-east-1", "ap-south-1"), rounds=2, seed=seed)
        results = list(results_of(plan).items())
        random.Random(seed).shuffle(results)  # noqa: S311 - an order, not a secret
        summary = summary_of(plan, dict(results))
        assert run_names(summary.loads)[:4] == [
            "Lambda by invoke in us-east-1, round 1",
            "Lambda by invoke in us-east-1, round 2",
            "API Gateway in us-east-1, round 1",
            "API Gateway in us-east-1, round 2",
        ]
        orders.add(tuple(place for place, _ in results))
        assert " in us-east-1" in summary.headline
    assert len(orders) == 3


def test_rounds_are_told_as_a_range() -> None:
    summary = summary_of(closed_plan(rounds=2, protocols=["server"]))
    first, second = (run.rows[2].throughput_per_s or 0 for run in summary.loads)
    if digits(first) != digits(second):
        assert f"{digits(min(first, second))} to {digits(max(first, second))} requests a second" in summary.headline


def test_the_table_has_the_record_s_rows() -> None:
    summary = summary_of(closed_plan())
    rows = _table(render_page(summary, []), "What was loaded, side by side")
    assert rows[0] == ["All phases", "Lambda by invoke", "API Gateway", "Server"]
    assert [row[0] for row in rows[1:]] == [
        *(f"Wall time of {phase}, s" for phase in PHASES),
        "Requests planned",
        "Succeeded",
        "Failed",
        "Wall time, s",
        "Throughput, requests/s",
        "Throughput, requests/ms",
        "Throughput of peak, requests/s",
        "Mean latency, ms",
        "Median latency, ms",
        "p95, ms",
        "p99, ms",
        "p99.9, ms",
        "Maximum, ms",
        "Cold starts met",
    ]
    of_all = summary.loads[0].rows[-1]
    shown = {row[0]: row[1] for row in rows}
    assert shown["Requests planned"] == "1,480"
    assert shown["Throughput, requests/ms"] == f"{(of_all.throughput_per_s or 0) / 1000:.3g}"
    assert shown["p99, ms"] == digits(of_all.p99_ms)
    assert shown["Cold starts met"] == "2"


def test_terminal_and_markdown_show_the_same_numbers() -> None:
    summary = summary_of(open_plan())
    printed, markdown = _printed(summary), render_markdown(summary)
    for run in summary.loads:
        for row in run.rows:
            assert re.search(rf"{row.name} .* {re.escape(digits(row.p99_ms))} ", printed)
            assert f" {digits(row.p999_ms)} |" in markdown
    assert "Sent late, p99" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "| All phases | Lambda by invoke | API Gateway | Server |" in markdown


@pytest.mark.parametrize(
    ("plan", "said"), [(closed_plan(), "their wait is not counted"), (open_plan(), "meant to be sent")]
)
def test_the_loop_is_explained_wherever_it_is_shown(plan: Plan, said: str) -> None:
    summary = summary_of(plan)
    for shown in (_printed(summary), render_markdown(summary), render_page(summary, [])):
        assert said in " ".join(shown.split())
    page = render_page(summary, [])
    assert "made by 2 Fire functions side by side" in page
    assert ("arriving at random (Poisson) whatever becomes" in page) == (
        plan.campaign.load is not None and plan.campaign.load.loop == "open"
    )


def test_a_load_s_page_has_no_empty_sections() -> None:
    page = render_page(summary_of(closed_plan()), [])
    for absent in ("Samples used", "Contested", "Every call accounted for", "Cold starts</h2>", "0 GB-seconds",
                   "Cold starts</dt>", "What the columns are", "samples.csv.gz", "no call could be used"):  # fmt: skip
        assert absent not in page, absent
    assert '<section id="results"><h2>Under load' in page
    assert "Medians in ms" not in _printed(summary_of(closed_plan()))


def test_the_curve_goes_through_the_quantiles_to_the_slowest() -> None:
    summary = summary_of(closed_plan())
    run = loads_figures(summary)["load"]["runs"][2]
    for phase in PHASES:
        histogram = Histogram.decode(summary.loads[2].latency_us[phase])
        latency = Latency(histogram, Histogram())
        points = run["curves"][phase]
        assert points[-1] == pytest.approx([histogram.total, (histogram.highest or 0) / 1000], rel=1e-4)
        assert [point[1] for point in points] == sorted(point[1] for point in points)
        at_half = next(point for point in points if point[0] == 2)
        assert at_half[1] == pytest.approx(present(latency.quantile(0.5)).us / 1000, rel=1e-4)
    assert run["curves"]["all"][-1][0] == total_of(summary.loads).planned / 3


def test_a_second_in_which_nothing_ended_has_no_throughput_and_no_latency() -> None:
    summary = summary_of(open_plan(protocols=["server"]))
    (run,) = summary.loads
    holed = run.model_copy(update={"seconds": [s for s in run.seconds if (s.phase, s.at_s) != ("peak", 2)]})
    time = loads_figures(summary.model_copy(update={"loads": [holed]}))["load"]["runs"][0]["time"]
    peak = next(phase for phase in time["phases"] if phase["name"] == "peak")
    place = time["at"].index(peak["from"] + 2.5)
    assert time["succeeded"][place] == 0
    assert [line["y"][place] for line in time["latency"]] == [None] * 3


def test_a_long_load_sends_no_more_points_than_can_be_seen_and_loses_no_request_and_no_peak() -> None:
    summary = summary_of(open_plan(protocols=["server"]))
    (run,) = summary.loads
    second = run.seconds[0].model_copy(update={"phase": "peak", "sent": 10, "succeeded": 9, "failed": 1})
    long = [second.model_copy(update={"at_s": at, "p99_ms": 900.0 if at == 1234 else 3.0}) for at in range(5000)]
    figures = loads_figures(summary.model_copy(update={"loads": [run.model_copy(update={"seconds": long})]}))
    time = figures["load"]["runs"][0]["time"]
    assert len(time["at"]) <= POINTS_OVER_TIME + 1
    assert set(time["succeeded"]) == {9, None}
    assert max(value for value in time["latency"][2]["y"] if value) == 900
    assert len(json.dumps(figures)) < 60_000


def test_whatever_comes_from_input_is_escaped() -> None:
    nasty = "</script><img src=x onerror=alert(1)>"
    summary = summary_of(closed_plan())
    runs = [run.model_copy(update={"late": [f"peak: {nasty}"], "region": nasty}) for run in summary.loads[:1]]
    runs.append(summary.loads[1])
    page = render_page(summary.model_copy(update={"loads": runs}), [])
    assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "alert(1)" in page


def test_a_failed_lane_of_a_load_leaves_requests_not_reported() -> None:
    plan = closed_plan()
    summary = build_summary(plan, [], [], loads=summary_of(plan, {}).loads)
    assert any("failed; what they lack is counted as not reported." in said for said in summary.warnings)
