"""What intervals of cells speak of is said wherever they stand: other rounds too, or these alone."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.words.intervals import TOO_FEW_FOR_P99, kind_of_intervals, median_interval
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from isotherm.statistics.describe import summarize
from isotherm.statistics.results import MetricSummary
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

ALONE = "interval of these rounds alone (an interval at 95 % needs 3 rounds of 3 samples)"


def _summary(rounds: int) -> CampaignSummary:
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=40, warm=40, rounds=rounds)
    return build_summary(plan, made_up_samples(plan), made_up_lanes(plan))


def _terminal(summary: CampaignSummary) -> str:
    console = Console(width=200)
    with console.capture() as printed:
        console.print(campaign_tables(summary))
    return printed.get()


@pytest.mark.parametrize("rounds", [2, 4])
def test_every_report_says_whether_intervals_hold_for_other_rounds(rounds: int) -> None:
    summary, alone = _summary(rounds), rounds == 2
    page, markdown, terminal = render_page(summary, []), render_markdown(summary), _terminal(summary)

    for text in (page, markdown, terminal):
        assert (ALONE in text) == alone
    assert ("to " in page and " of these rounds</small>" in page) == alone
    assert bool(re.search(r"\(\S+ to \S+ of these rounds\)", markdown)) == alone
    assert bool(re.search(r"\S+ … \S+ \*", terminal)) == alone
    assert "its 95 % interval" not in terminal if alone else "its 95 % interval; MB" in terminal
    # Of 40 samples.
    assert TOO_FEW_FOR_P99 in page


def test_cells_of_both_kinds_are_told_apart() -> None:
    of_rounds = summarize([10.0, 11.0, 12.0] * 3, blocks=[0, 0, 0, 1, 1, 1, 2, 2, 2])
    of_these = summarize([10.0, 11.0, 12.0, 10.5, 11.5, 12.5], blocks=[0, 0, 0, 1, 1, 1])
    assert kind_of_intervals([of_rounds], 0.95) == kind_of_intervals([MetricSummary(n=0)], 0.95) == "95 % interval"
    assert kind_of_intervals([of_these], 0.95) == ALONE
    assert kind_of_intervals([of_these, of_rounds], 0.9, "where a * is") == (
        "90 % interval, or that of these rounds alone where a * is (fewer than 3 rounds of 3 samples)"
    )
    assert median_interval(of_these, 0.95) == "10.0 to 12.5 in these rounds"
    assert median_interval(of_rounds, 0.95).startswith("95 % interval ")


def test_an_open_end_is_said() -> None:
    """Of 40 samples nothing bounds the p95 from above."""
    summary = _summary(4)
    found = summary.cells[0].metrics["client_ms"]
    assert found.p95_high is None
    assert found.p95_low is not None
    assert re.search(r"<small>over [\d.,]+</small>", render_page(summary, []))
