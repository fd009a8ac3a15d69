"""The terminal's view of targets against the baseline: medians side by side, differences, and which are sure."""

from __future__ import annotations

from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.summary import CampaignSummary, TargetComparison
from isotherm.numbers import count, digits, interval, percent, probability
from isotherm.report.metrics import KIND_LABELS, METRIC_LABELS, how_adjusted, where
from isotherm.report.terminal.frame import framed


def comparison_tables(summary: CampaignSummary) -> list[RenderableType]:
    """A table for each place and kind of call; none where one target was measured alone."""
    parts: list[RenderableType] = []
    for (kind, place), found in groupby(summary.comparisons, lambda c: (c.kind, where(c))):
        parts += [Text(), _table(f"{KIND_LABELS[kind]} against {summary.baseline}, {place}", list(found), summary)]
    if parts:
        said = (
            f"Differences in ms{_rounds(summary)} with {percent(summary.confidence)} intervals, sure ones in colour. "
        )
        parts.append(Text(said + how_adjusted(summary), style="dim"))
    return parts


def _rounds(summary: CampaignSummary) -> str:
    known = [c.rounds for c in summary.comparisons if c.rounds is not None]
    if not known:
        return ""
    least, most = min(known), max(known)
    return f" over {count(least, 'round')}" if least == most else f" over {least:,} to {count(most, 'round')}"


def _table(title: str, comparisons: list[TargetComparison], summary: CampaignSummary) -> Table:
    table = framed(title)
    table.add_column("Target", overflow="fold")
    table.add_column("What", no_wrap=True)
    # A heading may break over lines, since targets are called as people like; a number never does.
    for name in (f"{summary.baseline}\n(p95)", "Target\n(p95)", "Differ-\nence", "interval", "p"):
        table.add_column(name, justify="right", overflow="fold")
    for c in comparisons:
        result = c.result
        style = "" if not c.is_sure else "red" if (result.shift or 0.0) > 0 else "green"
        table.add_row(
            Text(c.other),
            Text(METRIC_LABELS[c.metric]),
            _whole(_median(result.baseline_median, result.baseline_p95)),
            _whole(_median(result.other_median, result.other_p95)),
            _whole(digits(result.shift), style),
            _whole(interval(result.shift_low, result.shift_high, " … "), style),
            _whole(probability(c.p_holm), style),
        )
    return table


def _median(median: float | None, p95: float | None) -> str:
    return digits(median) if p95 is None else f"{digits(median)} ({digits(p95)})"


def _whole(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True)
