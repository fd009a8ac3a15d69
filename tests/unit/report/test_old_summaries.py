"""Summaries as an earlier version stored them, with sentences and no facts beside: shown, compared and in a trend."""

from __future__ import annotations

import gzip
import io
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.comparison import Side, compare_campaigns
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import read_session
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from isotherm.report.terminal.comparison import comparison_tables
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

#: Reports of version 0.1.0, as it wrote them.
STORED = Path(__file__).parents[1] / "data"
NAMES = sorted(path.parent.name for path in STORED.glob("*/summary.json.gz"))


def stored(name: str) -> bytes:
    return gzip.decompress((STORED / name / "summary.json.gz").read_bytes())


def printed(shown: Any) -> str:
    text = io.StringIO()
    Console(file=text, width=10_000).print(shown)
    return text.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_of_an_old_summary_is_shown(name: str) -> None:
    summary = CampaignSummary.model_validate_json(stored(name))
    terminal, markdown, page = printed(campaign_tables(summary)), render_markdown(summary), render_page(summary, [])
    unmarked = unescape(page.replace('<span class="whole">', "").replace("</span>", "").replace("&nbsp;", " "))
    texts = [*summary.warnings, *(cell.precision for cell in summary.cells if cell.precision)]
    texts += [finding.sentence for finding in summary.client_findings]
    texts += [finding for found in summary.crisscross for finding in found.findings]
    for text in texts:
        assert text[1:] in terminal
        # Markdown escapes what could be markup of its own.
        assert text[1:] in markdown.replace("\\", "")
        assert text[1:] in unmarked


def test_an_old_summary_can_be_compared_and_be_part_of_a_trend() -> None:
    before = CampaignSummary.model_validate_json(stored("precision"))
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=60, warm=60, rounds=5)
    samples = made_up_samples(plan)
    after = build_summary(plan, samples, made_up_lanes(plan))
    found = compare_campaigns(Side("old", samples, before), Side("new", samples, after))
    assert found.settings_known
    assert {"precision.median", "max_rounds"} <= {differing.setting for differing in found.settings}
    assert all(change.result.shift == 0 for change in found.changes)

    later = after.model_copy(update={"campaign_id": "later", "created_at": "2026-11-22T03:00:00Z"})
    trend = build_trend(
        [read_session(stored("precision")), read_session(later.model_dump_json().encode())], version="1"
    )
    assert [held.lanes_failed for held in trend.sessions] == [1, 0]


def test_old_loads_can_be_compared() -> None:
    load = CampaignSummary.model_validate_json(stored("load"))
    found = compare_campaigns(Side("a", [], load), Side("b", [], load))
    assert {change.ratio for change in found.loads} == {1.0}
    assert "API Gateway" in "".join(map(printed, comparison_tables(found)))
