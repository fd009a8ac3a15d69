"""The terminal's view of targets against the baseline: medians side by side, differences, and which are sure."""

from __future__ import annotations

from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.summary import CampaignSummary, TargetComparison
from isotherm.numbers import NOTHING, digits, interval, percent, probability
from isotherm.report.metrics import KIND_LABELS, METRIC_LABELS, how_adjusted, where
from isotherm.report.terminal.frame import framed


def comparison_tables(summary: CampaignSummary) -> list[RenderableType]:
    """A table for each place and kind of call; none where one target was measured alone."""
    parts: list[RenderableType] = []
    for (kind, place), found in groupby(summary.comparisons, lambda c: (c.kind, where(c))):
        parts += [Text(), _table(f"{KIND_LABELS[kind]} against {summary.baseline}, {place}", list(found), summary)]
    if parts:
        said = f"Differences in ms with {percent(summary.confidence)} intervals, sure ones in colour. "
        parts.append(Text(said + how_adjusted(summary), style="dim"))
    return parts


def _table(title: str, comparisons: list[TargetComparison], summary: CampaignSummary) -> Table:
    table = framed(title)
    for name in ("Target", "What"):
        table.add_column(name, no_wrap=True)
    for name in (summary.baseline, "p95", "Target", "p95", "Difference", "interval", "p", "Rounds"):
        table.add_column(name, justify="right", no_wrap=True)
    for c in comparisons:
        result = c.result
        style = "" if not c.is_sure else "red" if (result.shift or 0.0) > 0 else "green"
        table.add_row(
            Text(c.other),
            Text(METRIC_LABELS[c.metric]),
            *(digits(value) for value in (result.baseline_median, result.baseline_p95)),
            *(digits(value) for value in (result.other_median, result.other_p95)),
            Text(digits(result.shift), style=style),
            Text(interval(result.shift_low, result.shift_high, " … "), style=style),
            Text(probability(c.p_holm), style=style),
            NOTHING if c.rounds is None else f"{c.rounds:,}",
        )
    return table
