"""The page of a trend as text: self-contained, escaped, a table for every figure; and the trend in a terminal."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import LeftOut, Trend
from isotherm.numbers import digits
from isotherm.report.page.page import render_page
from isotherm.report.page.trend import render_trend_page
from isotherm.report.terminal.trend import trend_tables
from unit.present import present
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_sessions import made_up_session, made_up_sessions

SESSIONS = made_up_sessions(8, between=0.05, regions=("us-east-1", "ap-south-1"))
TREND = build_trend(SESSIONS, version="0.1.0", timezone="Asia/Tokyo")


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="figure-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def printed(trend: Trend, width: int = 140) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(trend_tables(trend))
    return console.export_text()


def test_every_series_has_its_points_and_hours_in_the_page() -> None:
    data = data_of(render_trend_page(TREND))
    assert data["targets"] == ["default", "pkg50"]
    assert sorted(data["groups"]) == [
        f"trend-{kind}-{region}-128-0" for kind in ("cold", "warm") for region in ("ap-south-1", "us-east-1")
    ]
    group = data["groups"]["trend-cold-us-east-1-128-0"]
    assert [metric["name"] for metric in group["metrics"]] == ["startup_ms", "client_ms"]
    assert group["zones"] == ["UTC", "Asia/Tokyo"]
    assert group["hours"][0][:4] == [3, 9, 15, 21]
    assert group["hours"][1][:4] == [12, 18, 0, 6]
    for row in group["rows"]:
        for of in row["metrics"].values():
            assert [point[0] for point in of["points"]] == list(range(8))
            assert [sum(hour[1] for hour in hours) for hours in of["hours"]] == [8, 8]


def test_the_page_is_complete_without_script_and_asks_no_network() -> None:
    page = render_trend_page(TREND)
    text = page[: page.index('<script type="application/json"')]
    for words in ("how sessions differ", "By hour, in numbers", "Asia/Tokyo", "nightly-007", "over rounds"):
        assert words in text
    # Plotly's own script is passed over: it has addresses in it that the page's policy keeps it from.
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in page


def test_what_came_from_input_is_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    sessions = [
        made_up_session(n, targets={hostile: 90.0}, version=hostile + str(n % 2), campaign_id=f"{hostile}{n}")
        for n in range(4)
    ]
    trend = build_trend(sessions, version=hostile, left_out=[LeftOut(campaign_id="x", reason=hostile)])
    page = render_trend_page(trend)
    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page


def test_sessions_are_listed_with_what_changed() -> None:
    sessions = [*SESSIONS, made_up_session(8, version="0.2.0", lanes=[{"status": "failed"}, {"status": "succeeded"}])]
    page = render_trend_page(build_trend(sessions, version="0.1.0"))
    row = re.search(r"<tr><th scope=\"row\">9</th>.*?</tr>", page)
    assert row
    assert "1 of 2" in row[0]
    assert "Isotherm: 0.1.0 → 0.2.0" in row[0]


def test_too_few_sessions_say_so_on_the_page() -> None:
    page = render_trend_page(build_trend(SESSIONS[:2], version="0.1.0"))
    assert "2 sessions measured it; 1 more needed" in page
    assert "1 more sessions needed" not in page


def test_a_campaigns_page_shows_those_of_its_name_only_when_there_are_others() -> None:
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=4, warm=4, rounds=1)
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    title = "This campaign among those of its name"
    assert title not in render_page(summary, samples)
    assert title not in render_page(summary, samples, build_trend(SESSIONS[:1], version="0.1.0"))
    page = render_page(summary, samples, TREND)
    assert title in page
    data = data_of(page)
    assert {"cold-us-east-1-128", "trend-cold-us-east-1-128-0"} <= set(data["groups"])
    assert data["targets"] == ["default", "pkg50"]


def test_a_terminal_shows_spread_and_hours() -> None:
    text = printed(TREND)
    assert "Cold starts, us-east-1, 128 MB: start-up, ms" in text
    assert "By hour of the day, Asia/Tokyo: median (sessions)" in text
    assert text.count("pkg50") >= 8
    first = TREND.series[0]
    spread, after = present(first.beyond_rounds), present(first.next_session)
    for number in (spread.factor, 100 * present(spread.relative_sd), present(after.low), present(after.high)):
        assert digits(number) in text
    narrow = printed(TREND, width=80)
    assert "default" in narrow
    assert "…" not in narrow.replace(" … ", "")
    many = build_trend(made_up_sessions(24, every=SESSIONS[1].created_at - SESSIONS[0].created_at), version="0")
    assert "By hour" in printed(many)
