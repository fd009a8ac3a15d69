"""What a campaign lacks is said first, wherever it is shown, and not at all where it lacks nothing."""

from __future__ import annotations

import io
from html import unescape

import pytest
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.shortfall import shortfalls
from isotherm.analysis.summary import CampaignSummary, CutShort
from isotherm.analysis.words.shortfall import shortfalls_in_words
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=4, warm=4, rounds=3)
SAMPLES = made_up_samples(PLAN)
FIRST, *OTHERS = PLAN.lanes
STOPPED = CutShort(ended_as="ABORTED", error="CampaignStopped", cause="stopped on request")


def cut_short(how: CutShort) -> CampaignSummary:
    """A campaign of which one lane had its turn."""
    ran = [lane for lane in made_up_lanes(PLAN) if lane.lane_key == FIRST]
    others = [lane.model_copy(update={"status": "not_begun"}) for lane in made_up_lanes(PLAN) if lane.lane_key != FIRST]
    samples = [sample for sample in SAMPLES if sample.lane == FIRST]
    return build_summary(PLAN, samples, [*ran, *others], partial=how)


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (
            cut_short(STOPPED),
            "Partial: the campaign was stopped before its end (CampaignStopped: stopped on request), 5 of 6 lanes not "
            "begun.",
        ),
        (
            cut_short(CutShort(ended_as="TIMED_OUT")),
            "Partial: the campaign ran out of time before its end, 5 of 6 lanes not begun.",
        ),
        (build_summary(PLAN, SAMPLES, made_up_lanes(PLAN, {FIRST: "throttled"})), "1 of 6 lanes failed."),
        (
            build_summary(PLAN, [], made_up_lanes(PLAN, dict.fromkeys(PLAN.lanes, "throttled"))),
            "Nothing could be used: no call was made; 6 of 6 lanes failed.",
        ),
    ],
)
def test_it_comes_first(summary: CampaignSummary, line: str) -> None:
    text = io.StringIO()
    Console(file=text, width=10_000).print(campaign_tables(summary))
    assert text.getvalue().startswith(f"{line}\n")
    assert render_markdown(summary).startswith(f"**{line}**\n\n## ")
    page = unescape(render_page(summary, []))
    assert page.index(line) < page.index("<h1>")


def test_of_a_whole_campaign_nothing_is_said() -> None:
    whole = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))
    assert shortfalls(whole) == []
    assert 'class="lacks"' not in render_page(whole, [])
    assert render_markdown(whole).startswith("## ")


def test_each_reason_is_said_once_with_its_lanes() -> None:
    reasons = {FIRST: "it was throttled", **dict.fromkeys(OTHERS, "somebody has the function")}
    said = shortfalls_in_words(shortfalls(build_summary(PLAN, [], made_up_lanes(PLAN, reasons))))
    one, two, three, *_ = OTHERS
    assert said.endswith(f"{FIRST}: it was throttled; {one}, {two}, {three} and 2 more: somebody has the function")
