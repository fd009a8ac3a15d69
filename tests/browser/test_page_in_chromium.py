"""The page in a real Chromium: it draws, asks nothing of the network, fits a phone, follows the reader's wishes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.report.page.page import render_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

from .chromium import DRAWN, EXECUTABLE, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]

PLOTS = 11


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = made_up_plan(cold=60, warm=60, rounds=3)
    samples = made_up_samples(plan, mishaps=0.03)
    summary = build_summary(
        plan, samples, made_up_lanes(plan, {"r01-pkg20-eu-west-1": "LaneAborted: <b>stopped</b> by a person"})
    )
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(summary, samples))
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_every_figure_draws_without_complaint_or_request(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width=width, dark=dark)
    browser.scroll_until_drawn(PLOTS)

    assert browser.evaluate(DRAWN) == PLOTS
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # Ink against paper, as drawn: dark on light or light on dark.
    ink, paper = browser.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        ".map(colour => colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b))"
    )
    assert (ink > 600 > 200 > paper) if dark else (ink < 200 < 600 < paper)
    label = browser.evaluate("getComputedStyle(document.querySelector('.plot .ytick text')).fill")
    assert (label == "rgb(232, 236, 243)") == dark


def test_no_table_or_figure_is_wider_than_its_place(browser: Browser, page: Path) -> None:
    browser.open(page, width=390)
    browser.scroll_until_drawn(PLOTS)
    assert browser.too_wide() == []


def test_choosing_a_metric_by_keyboard_redraws_both_figures(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(PLOTS)
    titles = (
        "[...document.querySelectorAll('.card')][0].querySelectorAll('.xtitle')[0].textContent + '|' + "
        "[...document.querySelectorAll('.card')][0].querySelectorAll('.xtitle')[1].textContent"
    )
    assert browser.evaluate(titles) == "Init, ms|Init, ms"

    browser.evaluate("document.querySelector('fieldset input').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
    browser.wait_for(f"({titles}) === 'Start-up, ms|Start-up, ms'")
    assert browser.complaints() == []


def test_the_interval_is_drawn_where_the_summary_says(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(PLOTS)
    drawn, told = browser.evaluate(
        """(() => {
          const data = JSON.parse(document.getElementById('figure-data').textContent);
          const node = document.querySelector('.plot[data-figure=box]');
          const group = data.groups[node.dataset.of], name = group.metrics[0].name;
          const bars = node.data.filter((trace) => trace.error_x);
          return [bars.map((t) => [t.x[0], t.x[0] - t.error_x.arrayminus[0], t.x[0] + t.error_x.array[0]]),
                  group.rows.map((r) => r.metrics[name]).map((m) => [m.median, m.low, m.high])];
        })()"""
    )
    assert len(drawn) == 5
    for ours, theirs in zip(drawn, told, strict=True):
        assert ours == pytest.approx(theirs)


def test_a_change_of_the_readers_theme_is_followed(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    browser.scroll_until_drawn(PLOTS)
    fill = "getComputedStyle(document.querySelector('.plot .ytick text')).fill"
    before = browser.evaluate(fill)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.wait_for(f"{fill} !== {before!r}")


def test_input_stays_text(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280)
    assert "LaneAborted: <b>stopped</b> by a person" in browser.evaluate("document.body.innerText")


def test_it_prints(browser: Browser, page: Path) -> None:
    browser.open(page, width=1280, dark=True)
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF")
    assert 4 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 40
    assert browser.complaints() == []


def test_without_script_the_tables_speak(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=page.as_uri())
        text, give_up_at = "", time.monotonic() + 20
        # Without scripts nothing tells when a page of five megabytes is read to its end.
        while "Where every planned call ended" not in text and time.monotonic() < give_up_at:
            document = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
            text = browser.call("DOM.getOuterHTML", nodeId=document)["outerHTML"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "Where every planned call ended" in text
