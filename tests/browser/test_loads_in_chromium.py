"""The page of a load in a real Chromium: every figure draws, fits, and shows the numbers that were counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from isotherm.analysis.summary import CampaignSummary
from isotherm.report.page.page import render_page
from unit.statistics.made_up_loads import closed_plan, open_plan, results_of, summary_of

from .chromium import DRAWN, EXECUTABLE, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]

#: Percentiles, failures by kind, and a panel for each run with a second.
PLOTS = {"closed": 5, "open": 7, "lost": 3}


@pytest.fixture(scope="module")
def summaries() -> dict[str, CampaignSummary]:
    """A closed loop with failures; an open one of two rounds; one of which nothing came from API Gateway."""
    closed = closed_plan()
    failed = {"http": Counter(throttled=60, timeout=20), "invoke": Counter(throttled=10)}
    lost = [("http", phase, shard) for phase in ("warmup", "loading", "peak", "cooldown") for shard in (0, 1)]
    return {
        "closed": summary_of(closed, results_of(closed, failed=failed)),
        "open": summary_of(open_plan(rounds=2), results_of(open_plan(rounds=2), late=["server"])),
        "lost": summary_of(closed, results_of(closed, lost=lost)),
    }


@pytest.fixture(scope="module")
def pages(summaries: dict[str, CampaignSummary], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, summary in summaries.items():
        found[name] = tmp_path_factory.mktemp(name) / "index.html"
        found[name].write_text(render_page(summary, []))
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", list(PLOTS))
def test_every_figure_draws_without_complaint_and_fits(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    browser.open(pages[name], width=width, dark=dark)
    browser.scroll_until_drawn(PLOTS[name])

    assert browser.evaluate("document.querySelectorAll('.plot').length") == browser.evaluate(DRAWN) == PLOTS[name]
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [pages[name].as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.too_wide() == []
    cut = browser.evaluate(
        """[...document.querySelectorAll('.plot')].flatMap(node => {
          const box = node.getBoundingClientRect();
          return [...node.querySelectorAll('.annotation-text, .gtitle, .legendtext, .xtitle')].filter(text => {
            const r = text.getBoundingClientRect();
            return r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1;
          }).map(text => text.textContent);
        })"""
    )
    assert cut == []


def test_panels_count_every_request_and_share_their_axes(
    browser: Browser, pages: dict[str, Path], summaries: dict[str, CampaignSummary]
) -> None:
    browser.open(pages["closed"], width=1280)
    browser.scroll_until_drawn(PLOTS["closed"])
    drawn = browser.evaluate(
        """[...document.querySelectorAll('.plot[data-figure^="pulse"]')].map(node => ({
          title: node.querySelector('.gtitle').textContent,
          succeeded: node.data[0].y.reduce((sum, value) => sum + (value || 0), 0),
          failed: node.data.filter(trace => trace.name === 'failed').flatMap(trace => trace.y)
            .reduce((sum, value) => sum + (value || 0), 0),
          axes: JSON.stringify([node.layout.yaxis.range, node.layout.yaxis2.range]),
          phases: [...node.querySelectorAll('.annotation-text')].map(text => text.textContent),
        }))"""
    )
    assert [panel["title"] for panel in drawn] == ["Lambda by invoke", "API Gateway", "Server"]
    assert [panel["succeeded"] for panel in drawn] == [r.rows[-1].succeeded for r in summaries["closed"].loads]
    assert [panel["failed"] for panel in drawn] == [10, 80, 0]
    assert len({panel["axes"] for panel in drawn}) == 1
    assert drawn[0]["phases"] == ["warmup", "loading", "peak", "cooldown"]


def test_percentiles_of_another_phase_are_drawn_when_asked_for(
    browser: Browser, pages: dict[str, Path], summaries: dict[str, CampaignSummary]
) -> None:
    browser.open(pages["closed"], width=1280)
    browser.scroll_until_drawn(PLOTS["closed"])
    slowest = (
        "[...document.querySelector('.plot[data-figure=percentiles]').data].map(trace => trace.y[trace.y.length - 1])"
    )
    every = browser.evaluate(slowest)
    assert every == pytest.approx([run.rows[-1].max_ms for run in summaries["closed"].loads], rel=1e-4)
    browser.evaluate("document.querySelector('input[value=warmup]').click()")
    browser.wait_for(f"({slowest})[0] !== {every[0]}")
    warmup = [run.rows[0].max_ms for run in summaries["closed"].loads]
    assert browser.evaluate(slowest) == pytest.approx(warmup, rel=1e-4)
    nines = browser.evaluate(
        "[...document.querySelectorAll('.plot[data-figure=percentiles] .xtick text')].map(text => text.textContent)"
    )
    assert nines == ["0", "50", "90"]
    assert browser.complaints() == []


@pytest.mark.parametrize("name", list(PLOTS))
def test_it_prints(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=1280, dark=True)
    assert browser.pdf().startswith(b"%PDF")
    assert browser.evaluate(DRAWN) == PLOTS[name]
    assert browser.complaints() == []
