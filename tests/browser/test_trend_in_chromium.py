"""The page of a trend, and the trend on a campaign's page, in a real Chromium: phone and desktop, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import LeftOut
from isotherm.report.page.page import render_page
from isotherm.report.page.trend import render_trend_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_sessions import made_up_session, made_up_sessions

from .chromium import DRAWN, EXECUTABLE, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]

TREND = build_trend(
    [*made_up_sessions(11, between=0.03), made_up_session(11, between=0.03, version="0.2.0")],
    left_out=[LeftOut(campaign_id="nightly-012", reason="it is still running")],
    timezone="Asia/Tokyo",
    version="0.1.0",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trend") / "trend.html"
    path.write_text(render_trend_page(TREND))
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_every_figure_draws_without_complaint_or_request(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width=width, dark=dark)
    browser.scroll_until_drawn(4)

    assert browser.evaluate(DRAWN) == 4
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.too_wide() == []


def test_the_marks_are_where_the_trend_says(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(4)
    drawn = browser.evaluate(
        "[...document.querySelector('.plot[data-figure=time]').data].map(trace => [trace.name, trace.x, trace.y])"
    )
    series = {s.target: s for s in TREND.series if (s.kind, s.metric) == ("cold", "startup_ms")}
    assert [name for name, _, _ in drawn] == list(series)
    for name, starts, medians in drawn:
        assert medians == pytest.approx([point.median for point in series[name].points], rel=1e-4)
        assert starts == [f"{session.started_at:%Y-%m-%d %H:%M:%S}" for session in TREND.sessions]
    # The session at which Isotherm changed is marked.
    lines = browser.evaluate("document.querySelector('.plot[data-figure=time]').layout.shapes.map(shape => shape.x0)")
    assert lines == [f"{TREND.sessions[11].started_at:%Y-%m-%d %H:%M:%S}"]


def test_hours_move_with_the_timezone_chosen(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(4)
    hours = (
        "[...new Set(document.querySelector('.plot[data-figure=hours]').data[1].x.map(Math.floor))]"
        ".sort((a, b) => a - b)"
    )
    assert browser.evaluate(hours) == [3, 9, 15, 21]
    browser.evaluate("document.querySelector('[data-zone] input:not(:checked)').click()")
    browser.wait_for(f"JSON.stringify({hours}) === '[0,6,12,18]'")
    title = "document.querySelector('.plot[data-figure=hours] .xtitle').textContent"
    assert browser.evaluate(title) == "Hour in which the session began, Asia/Tokyo"


def test_choosing_a_metric_redraws_both_figures(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(4)
    titles = "[...document.querySelector('.card').querySelectorAll('.ytitle')].map(node => node.textContent).join('|')"
    assert browser.evaluate(titles) == "Start-up, ms|Start-up, % from the mean"
    browser.evaluate("document.querySelector('.card input[value=client_ms]').click()")
    browser.wait_for(f"({titles}) === 'Client, ms|Client, % from the mean'")
    assert browser.complaints() == []


def test_a_campaigns_page_draws_those_of_its_name(browser: Browser, tmp_path: Path) -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=20, warm=20, rounds=2)
    samples = made_up_samples(plan)
    path = tmp_path / "index.html"
    path.write_text(render_page(build_summary(plan, samples, made_up_lanes(plan)), samples, TREND))
    browser.open(path, width=390)
    plots = browser.evaluate("document.querySelectorAll('.plot').length")
    browser.scroll_until_drawn(plots)
    assert browser.evaluate(DRAWN) == plots
    assert browser.evaluate("document.querySelectorAll('.plot[data-figure=hours]').length") == 2
    assert browser.complaints() == []
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
