"""Calls between regions in a real Chromium: maps, distance, clients and stages draw, fit and say what is so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.report.page.page import render_page
from isotherm.report.region_columns import COLUMNS
from unit.statistics.made_up import made_up_lanes
from unit.statistics.made_up_regions import (
    SIX,
    clients_plan,
    crisscross_plan,
    http_plan,
    nested,
    remote,
    samples_of,
    staged,
)

from .chromium import EXECUTABLE, Browser, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]

DRAWN = "[...document.querySelectorAll('.plot')].filter(plot => plot.querySelector('.main-svg')).length"
#: Two maps, two of distance, two of the database; three by client and two of distributions for each operation; stages
#: and two of distributions for each operation.
PLOTS = {"crisscross": 6, "clients": 10, "http": 5}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A criss-cross one region of which is silent, clients, and calls over HTTP."""
    plan = crisscross_plan(warm=12)
    dead = {key: "RegionSilent: <b>no</b> answer" for key, lane in plan.lanes.items() if lane.region == SIX[3]}
    nothing: dict[str, Any] = dict.fromkeys(COLUMNS)
    samples = [
        replace(s, **nothing, outcome="function_error", verdict="failed", error_type="InnerFailed")
        if s.inner_region == SIX[3]
        else s
        for s in samples_of(plan, nested())
        if s.lane not in dead
    ]
    made = {"crisscross": (plan, samples, made_up_lanes(plan, dead))}
    plan = clients_plan(warm=30)
    made["clients"] = (plan, samples_of(plan, remote()), made_up_lanes(plan))
    plan = http_plan(warm=30)
    made["http"] = (plan, samples_of(plan, staged()), made_up_lanes(plan))
    found = {}
    for name, (of_plan, of_samples, lanes) in made.items():
        found[name] = tmp_path_factory.mktemp(name) / "index.html"
        found[name].write_text(render_page(build_summary(of_plan, of_samples, lanes), of_samples))
    return found


def _draw_all(browser: Browser, name: str) -> None:
    """Scroll through the page, as a reader does."""
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    for _ in range(60):
        if browser.evaluate(DRAWN) == PLOTS[name]:
            return
        browser.evaluate("scrollBy(0, 700)")
        browser.evaluate("new Promise(done => setTimeout(done, 60))")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", ["crisscross", "clients", "http"])
def test_every_figure_draws_without_complaint_and_fits(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    browser.open(pages[name], width=width, dark=dark)
    _draw_all(browser, name)

    assert browser.evaluate(DRAWN) == PLOTS[name]
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [pages[name].as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.too_wide() == []


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_a_map_names_every_region_and_prints_every_median(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["crisscross"], width=width)
    _draw_all(browser, "crisscross")
    told, names, texts, missing = browser.evaluate(
        """(() => {
          const data = JSON.parse(document.getElementById('figure-data').textContent).groups['crisscross-0'];
          const node = document.querySelector('.plot[data-figure="heat:0"]');
          const words = (axis) => [...node.querySelectorAll('.' + axis + 'tick text')].map(t => t.textContent);
          return [data.maps[0].values.inner_round_trip_ms.flat().filter(cell => cell).map(cell => cell[0]),
                  [words('x').length, words('y').length],
                  [...node.querySelectorAll('.textpoint text')].map(t => t.textContent),
                  node.querySelectorAll('.points path').length];
        })()"""
    )
    assert names == [6, 6]
    assert len(told) == 25
    assert [float(text.replace(",", "")) for text in texts] == pytest.approx(told, rel=0.006)
    assert missing == 11
    inside = browser.evaluate(
        """[...document.querySelectorAll('.plot[data-figure^="heat"]')].every(node => {
          const box = node.querySelector('.main-svg').getBoundingClientRect();
          return [...node.querySelectorAll('.xtick text, .ytick text')].every(text => {
            const r = text.getBoundingClientRect();
            return r.left >= box.left - 1 && r.right <= box.right + 1 && r.top >= box.top - 1;
          });
        })"""
    )
    assert inside


def test_another_metric_redraws_both_maps_on_one_scale(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["crisscross"], width=1280)
    _draw_all(browser, "crisscross")
    scales = (
        "JSON.stringify([...document.querySelectorAll('.plot[data-figure^=heat]')]"
        ".map(node => [node.data[0].zmin, node.data[0].zmax]))"
    )
    before = browser.evaluate(scales)
    browser.evaluate("document.querySelector('input[value=inner_billed_duration_ms]').click()")
    browser.wait_for(f"({scales}) !== {before!r}")
    first, second = browser.evaluate(f"JSON.parse({scales})")
    assert first == second
    browser.evaluate("document.querySelector('input[value=database_ms]').click()")
    browser.wait_for(
        "document.querySelector('.plot[data-figure=\"heat:0\"]').textContent.includes('inner has no database')"
    )
    assert browser.complaints() == []


def test_pointing_at_a_pair_tells_its_interval_and_at_a_gap_its_reason(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["crisscross"], width=1280)
    _draw_all(browser, "crisscross")
    found = browser.evaluate(
        """(() => {
          const node = document.querySelector('.plot[data-figure="heat:1"]');
          return [node.data[1].customdata[1], node.data[2].customdata.find(text => text.includes('RegionSilent'))];
        })()"""
    )
    assert found[0].startswith("outer in Tokyo (ap-northeast-1)<br>to inner_db in Mumbai (ap-south-1)<br>Round trip: ")
    assert "ms (median of 12)<br>95 % interval " in found[0]
    # Escaped for plotly, whose texts know some tags.
    assert "&lt;b&gt;no&lt;/b&gt;" in found[1]
    assert "RegionSilent: <b>no</b> answer" in browser.evaluate("document.body.innerText")


def test_the_line_of_a_slope_goes_through_its_points(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["crisscross"], width=1280)
    _draw_all(browser, "crisscross")
    gaps = browser.evaluate(
        """(() => {
          const node = document.querySelector('.plot[data-figure="distance:0"]');
          const points = node.data[0], line = node.data[1];
          const at = (x) => line.y[0] + (line.y[1] - line.y[0]) * (x - line.x[0]) / (line.x[1] - line.x[0]);
          return points.x.map((x, i) => Math.abs(points.y[i] - at(x)));
        })()"""
    )
    assert len(gaps) == 25
    assert sorted(gaps)[12] < 5


def test_headings_of_a_tall_table_stay_in_sight(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["crisscross"], width=390)
    top, left = browser.evaluate(
        """(() => {
          const box = document.querySelector('.tall');
          box.scrollTop = 300; box.scrollLeft = 200;
          const of = (node) => node.getBoundingClientRect();
          const row = [...box.querySelectorAll('tbody th[scope=row]')][8];
          return [of(box.querySelector('thead th')).top - of(box).top, of(row).left - of(box).left];
        })()"""
    )
    assert abs(top) < 2
    assert abs(left) < 2


@pytest.mark.parametrize("name", ["crisscross", "clients", "http"])
def test_it_prints(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=1280, dark=True)
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF")
    assert 3 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 40
    assert browser.complaints() == []
