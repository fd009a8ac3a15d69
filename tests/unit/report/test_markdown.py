"""report.md: the summary's numbers, in tables that stay tables whatever a person typed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.bill import actual
from isotherm.analysis.summary import CampaignSummary
from isotherm.numbers import digits, dollars, interval, probability
from isotherm.report.markdown import render_markdown
from isotherm.report.metrics import METRIC_LABELS
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(cold=60, warm=60, rounds=3)
SAMPLES = made_up_samples(PLAN, mishaps=0.02)
LANES = made_up_lanes(PLAN)
SUMMARY = build_summary(PLAN, SAMPLES, LANES, actual_price=actual(PLAN, SAMPLES, LANES))


def tables(text: str) -> list[list[str]]:
    """Blocks of lines that are table rows."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def columns(row: str) -> int:
    return row.replace("\\|", "").count("|") - 1


def test_every_median_with_its_interval_is_there() -> None:
    text = render_markdown(SUMMARY)
    for cell in SUMMARY.cells:
        found = cell.metrics.get("client_ms")
        if found is not None:
            assert f"| {digits(found.median)} ({interval(found.median_low, found.median_high)}) |" in text
    assert text.startswith("## pkg50 starts ")
    assert all(cost.sentence in text for cost in SUMMARY.startup_costs)


def test_comparisons_have_absolute_values_beside_them() -> None:
    text = render_markdown(SUMMARY)
    for c in SUMMARY.comparisons:
        result = c.result
        row = [METRIC_LABELS[c.metric], c.other]
        row += [
            f"{digits(median)} ({digits(p95)})"
            for median, p95 in (
                (result.baseline_median, result.baseline_p95),
                (result.other_median, result.other_p95),
            )
        ]
        assert f"| {' | '.join(row)} | {result.sentence} | {probability(c.p_holm)} | 3 |" in text.replace("\\", "")


def test_planned_and_actual_dollars_stand_side_by_side() -> None:
    assert SUMMARY.actual_price is not None
    assert SUMMARY.planned_price is not None
    text = render_markdown(SUMMARY)
    assert f"| All |  |  | {dollars(SUMMARY.planned_price.usd)} |  | {dollars(SUMMARY.actual_price.usd)} |" in text


@settings(max_examples=30, deadline=None)
@given(evil=st.text(min_size=1, max_size=30) | st.sampled_from(["a|b", "<script>", "[x](y)", "`", "@a\n\n# h"]))
def test_no_input_breaks_a_table_or_becomes_markup(evil: str) -> None:
    lanes = [SUMMARY.lanes[0].model_copy(update={"status": "failed", "reason": evil}), *SUMMARY.lanes[1:]]
    cells = [SUMMARY.cells[0].model_copy(update={"target": evil}), *SUMMARY.cells[1:]]
    summary = SUMMARY.model_copy(update={"lanes": lanes, "cells": cells, "headline": evil, "warnings": [evil]})
    text = render_markdown(summary)

    for block in tables(text):
        assert len({columns(row) for row in block}) == 1
    assert "<script" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\]", "")


def test_a_campaign_without_samples_is_still_a_report() -> None:
    summary: CampaignSummary = build_summary(PLAN, [], [])
    text = render_markdown(summary)
    assert "no cold start could be used" in text
    assert "not issued" in text
