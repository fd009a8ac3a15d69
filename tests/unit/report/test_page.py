"""The page as text: self-contained, escaped, with a table for every figure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.campaign.plan import Plan
from isotherm.numbers import digits, interval
from isotherm.report.page.figures import POINTS_SHOWN, figure_data, thinned
from isotherm.report.page.page import render_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class _Outline(HTMLParser):
    """Tags with their attributes, outside scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


def _made(plan: Plan, mishaps: float = 0.0) -> tuple[CampaignSummary, str]:
    samples = made_up_samples(plan, mishaps=mishaps)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    return summary, render_page(summary, samples)


@pytest.fixture(scope="module")
def outline() -> _Outline:
    parser = _Outline()
    parser.feed(_made(made_up_plan(cold=20, warm=20), 0.05)[1])
    return parser


def test_nothing_is_fetched_from_anywhere(outline: _Outline) -> None:
    for tag, attributes in outline.tags:
        for name in ("src", "href", "data", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    policies = [a["content"] for a in outline.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none';")
    assert "http" not in policies[0]


def test_headings_tables_and_figures_can_be_heard(outline: _Outline) -> None:
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption") > 8
    assert all(attributes.get("scope") in ("col", "row") for attributes in outline.of("th"))
    plots = [a for a in outline.of("div") if a.get("class") == "plot"]
    assert len(plots) == 11
    assert all(plot.get("role") == "img" and plot.get("aria-label") for plot in plots)
    scrolls = [a for a in outline.of("div") if a.get("class") == "scroll"]
    assert len(scrolls) == tags.count("table")
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolls)
    assert next(outline.of("html")).get("lang") == "en"


def test_whatever_comes_from_input_is_escaped() -> None:
    plan = made_up_plan(cold=10, warm=10)
    campaign = plan.campaign.model_copy(update={"name": NASTY, "comment": NASTY})
    plan = plan.model_copy(update={"campaign": campaign, "warnings": [NASTY], "campaign_id": NASTY})
    samples = made_up_samples(plan)
    lanes = [lane.model_copy(update={"status": "failed", "reason": NASTY}) for lane in made_up_lanes(plan)]
    summary = build_summary(plan, samples, lanes, packages={"default": {NASTY: NASTY}})
    cells = [cell.model_copy(update={"target": NASTY}) for cell in summary.cells]
    summary = summary.model_copy(update={"cells": cells, "headline": NASTY, "baseline": NASTY})
    page = render_page(summary, samples)

    assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 3 + _plotly_mentions()


def _plotly_mentions() -> int:
    from plotly.offline import get_plotlyjs

    # plotly's own text must not end the script it is put in.
    assert "</script" not in get_plotlyjs().lower()
    return int(get_plotlyjs().count("<script"))


def test_numbers_of_the_tables_are_those_of_the_summary() -> None:
    summary, page = _made(made_up_plan(cold=60, warm=20))
    for cell in summary.cells:
        for found in cell.metrics.values():
            assert found.median is not None
    pkg50 = next(c for c in summary.comparisons if c.other == "pkg50" and c.metric == "init_duration_ms")
    assert pkg50.result.sentence in page
    headline = summary.headline.replace("us-east-1", '<span class="whole">us-east-1</span>').replace(" %", "&nbsp;%")
    assert f"<h1>{headline}" in page


def test_differences_stand_beside_absolute_values_and_sure_ones_are_marked() -> None:
    summary, page = _made(made_up_plan(regions=("us-east-1",), cold=60, warm=60, rounds=6))
    assert {c.is_sure for c in summary.comparisons} == {True, False}
    for c in summary.comparisons:
        result = c.result
        medians = "".join(
            f'<td class="n">{digits(median)}<small>{digits(p95)}</small></td>'
            for median, p95 in (
                (result.baseline_median, result.baseline_p95),
                (result.other_median, result.other_p95),
            )
        )
        shift = f"{digits(result.shift)}<small>{interval(result.shift_low, result.shift_high)}</small>"
        if c.is_sure:
            shift = f'<span class="{"more" if (result.shift or 0) > 0 else "less"}">{shift}</span>'
        assert f'{medians}<td class="n">{shift}</td>' in page


def test_accounts_that_do_not_balance_come_first_and_loud() -> None:
    plan = made_up_plan(cold=10, warm=10)
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan)).model_copy(
        update={"imbalances": ["issued 3 is not answered 1 + failed 1"]}
    )
    page = render_page(summary, samples)
    assert 'class="notices bad"' in page
    assert page.index("issued 3 is not answered 1 + failed 1") < page.index("<h2>Cold starts</h2>")
    assert "The sums do not agree" in page


def test_accounts_that_are_zero_everywhere_are_named_and_not_shown() -> None:
    _, clean = _made(made_up_plan(cold=10, warm=10))
    assert (
        "Zero everywhere: uncollected, not issued, spared, function errors, timeouts, throttled, client errors,"
        in clean
    )
    assert ">timeouts</th>" not in clean
    assert ">missing</th>" in clean
    _, eventful = _made(made_up_plan(cold=100, warm=100), 0.2)
    assert ">timeouts</th>" in eventful


def test_an_empty_campaign_still_has_a_page() -> None:
    plan = made_up_plan(cold=10, warm=10)
    summary = build_summary(plan, [], [])
    page = render_page(summary, [])
    assert "no cold start could be used" in page
    assert "no outcome was reported" in page


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=1500), st.integers(2, 300))
def test_thinning_keeps_shape_and_extremes(values: list[float], limit: int) -> None:
    ordered = sorted(values)
    kept = thinned(ordered, limit)
    assert len(kept) == min(limit, len(ordered))
    assert kept == sorted(kept)
    assert (kept[0], kept[-1]) == (ordered[0], ordered[-1])
    middle = kept[len(kept) // 2]
    rank = sum(v < middle for v in ordered) / len(ordered), sum(v <= middle for v in ordered) / len(ordered)
    assert rank[0] - 1 / len(kept) <= 0.5 + 1 / len(ordered)
    assert rank[1] + 1 / len(kept) >= 0.5 - 1 / len(ordered)


def test_a_large_campaign_sends_no_more_than_can_be_seen() -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=3000, warm=3000, concurrency=100)
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    data = figure_data(summary, samples)
    for group in data["groups"].values():
        for row in group["rows"]:
            for found in row["metrics"].values():
                assert found["n"] == 3000
                assert len(found["values"]) == POINTS_SHOWN
    assert len(json.dumps(data)) < 60_000
    assert f"Of up to 3,000 calls, {POINTS_SHOWN} are drawn" in render_page(summary, samples)
