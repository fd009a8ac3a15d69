"""The terminal's view of a summary: cold and warm calls per target and region, with the accounting below."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.accounting import total
from isotherm.numerals import NOTHING, count, digits, dollars, interval, percent
from isotherm.report.wording import (
    KIND_LABELS,
    METRIC_LABELS,
    accounting_line,
    groups,
    price_lines,
    shown_metrics,
)
from isotherm.sample import Kind
from isotherm.summary import CampaignSummary, Cell, MetricName


def campaign_tables(summary: CampaignSummary) -> Group:
    """Headline, warnings, one table for each kind, region and memory size, lanes that failed, and the price.

    Parameters
    ----------
    summary : CampaignSummary
        As read from `summary.json`.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    parts: list[RenderableType] = [Text(summary.headline, style="bold"), Text()]
    parts += [Text(f"! {sentence}", style="bold red") for sentence in summary.imbalances]
    parts += [Text(f"! {sentence}", style="yellow") for sentence in summary.warnings]
    kinds: tuple[Kind, ...] = ("cold", "warm")
    for kind in kinds:
        for (region, memory_mb), cells in groups(summary.cells, kind).items():
            parts += [Text(), _table(summary, kind, region, memory_mb, cells)]
            parts.append(Text(accounting_line(total(cell.accounting for cell in cells)), style="dim"))
            parts += [Text(f"{cell.target}: {cell.precision}", style="dim") for cell in cells if cell.precision]
    if summary.startup_costs:
        parts += [Text(), Text("Cost of start-up", style="bold")]
        parts += [Text(f"{cost.region}, {cost.memory_mb} MB: {cost.sentence}") for cost in summary.startup_costs]
    parts += [
        Text(),
        Text(
            f"Medians in ms; the interval is of the first median, at {percent(summary.confidence)}; MB is memory used."
        ),
        Text("All calls: " + accounting_line(summary.accounting)),
    ]
    parts += [
        Text(f"Lane {lane.lane_key} failed: {lane.reason or 'no reason was given'}", style="red")
        for lane in summary.lanes
        if lane.status == "failed"
    ]
    if summary.contested:
        parts.append(Text("Contested: " + ", ".join(sample.shot_id for sample in summary.contested[:20])))
        if len(summary.contested) > 20:
            parts.append(Text(f"and {count(len(summary.contested) - 20, 'more')} in summary.json"))
    parts += [Text(), _price_table(summary), *(Text(note, style="dim") for note in _price_notes(summary))]
    return Group(*parts)


def _table(summary: CampaignSummary, kind: Kind, region: str, memory_mb: int, cells: list[Cell]) -> Table:
    metrics = shown_metrics(summary, kind)
    lead = metrics[0] if metrics else None
    methods = sorted({cell.coldness for cell in cells if cell.coldness})
    title = f"{KIND_LABELS[kind]}, {region}, {memory_mb} MB" + (f" ({' and '.join(methods)})" if methods else "")
    if summary.note:
        title += ", emulated"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("Target", no_wrap=True)
    table.add_column("Used", justify="right", no_wrap=True)
    for metric in metrics:
        table.add_column(METRIC_LABELS[metric], justify="right", no_wrap=True)
        if metric == lead:
            table.add_column("interval", justify="right", no_wrap=True)
            table.add_column("p95", justify="right", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for cell in cells:
        row = [cell.target, f"{cell.accounting.used:,}"]
        for metric in metrics:
            row += _numbers(cell, metric, full=metric == lead)
        memory = cell.metrics.get("max_memory_used_mb")
        table.add_row(
            *(Text(text) for text in row),
            NOTHING if memory is None or memory.median is None else f"{memory.median:,.0f}",
        )
    return table


def _numbers(cell: Cell, metric: MetricName, *, full: bool) -> list[str]:
    found = cell.metrics.get(metric)
    if found is None:
        return [NOTHING] * (3 if full else 1)
    if not full:
        return [digits(found.median)]
    return [digits(found.median), interval(found.median_low, found.median_high, " … "), digits(found.p95)]


def _price_table(summary: CampaignSummary) -> Table:
    planned, in_the_end = summary.planned_price, summary.actual_price
    title = f"Dollars by service, prices of {planned.as_of}"
    if summary.note:
        title += ", what AWS would ask: nothing was spent"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for name in ("Service", "Unit"):
        table.add_column(name, no_wrap=True)
    for name in ("Planned", "USD", *(("Actual", "USD") if in_the_end else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for service, unit, before, after in price_lines(planned, in_the_end):
        row = [
            text
            for line in (before, after)
            for text in ((digits(line.quantity), dollars(line.usd)) if line else (NOTHING, NOTHING))
        ]
        table.add_row(Text(service), Text(unit), *(row if in_the_end else row[:2]))
    sums = ["", dollars(planned.usd), *(("", dollars(in_the_end.usd)) if in_the_end else ())]
    table.add_row("All", "", *sums, style="bold")
    return table


def _price_notes(summary: CampaignSummary) -> list[str]:
    return (summary.actual_price or summary.planned_price).notes
