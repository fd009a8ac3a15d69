"""The terminal's view of a summary: cold and warm calls per target and region, with the accounting below."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.accounting import total
from isotherm.analysis.shortfall import shortfalls
from isotherm.analysis.summary import CampaignSummary, Cell, MetricName
from isotherm.analysis.words.shortfall import shortfalls_in_a_line
from isotherm.campaign.cell import Kind
from isotherm.numbers import NOTHING, capitalised, count, digits, dollars, interval, percent
from isotherm.report.metrics import (
    KIND_LABELS,
    METRIC_LABELS,
    CellGroup,
    accounting_line,
    are_targets,
    failure_lines,
    groups,
    price_lines,
    row_heading,
    row_names,
    shown_metrics,
)
from isotherm.report.terminal.comparisons import comparison_tables
from isotherm.report.terminal.frame import framed
from isotherm.report.terminal.loads import campaign_loads
from isotherm.report.terminal.regions import clients_tables, crisscross_tables, http_tables

_OF_CALLS: tuple[MetricName, ...] = ("init_duration_ms", "startup_ms", "client_ms", "billed_duration_ms", "duration_ms")


def campaign_tables(summary: CampaignSummary) -> Group:
    """What it lacks, headline, warnings, a table for each kind, region and memory size, lanes that failed, the price.

    Parameters
    ----------
    summary : CampaignSummary
        As read from `summary.json`.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    lacks = shortfalls_in_a_line(shortfalls(summary))
    parts: list[RenderableType] = [Text(f"{lacks}.", style="bold red")] if lacks else []
    parts += [Text(summary.headline, style="bold"), Text()]
    parts += [Text(f"! {sentence}", style="bold red") for sentence in summary.imbalances]
    parts += [Text(f"! {sentence}", style="yellow") for sentence in summary.warnings]
    parts += [*campaign_loads(summary), *crisscross_tables(summary), *clients_tables(summary), *http_tables(summary)]
    kinds: tuple[Kind, ...] = ("cold", "warm")
    for kind in kinds:
        for place, cells in groups(summary.cells, kind).items():
            names = row_names(cells)
            parts += [Text(), _table(summary, kind, place, cells)]
            parts.append(Text(accounting_line(total(cell.accounting for cell in cells)), style="dim"))
            said = [(name, cell.precision) for name, cell in zip(names, cells, strict=True) if cell.precision]
            parts += [Text(f"{name}: {precision}", style="dim") for name, precision in said]
    parts += comparison_tables(summary)
    if summary.startup_costs:
        parts += [Text(), Text("Cost of start-up", style="bold")]
        parts += [Text(f"{cost.region}, {cost.memory_mb} MB: {cost.sentence}") for cost in summary.startup_costs]
    if summary.cells or not summary.loads:
        medians = f"Medians in ms; the interval is of the first median, at {percent(summary.confidence)}"
        parts += [Text(), Text(f"{medians}; MB is memory used.")]
        parts += [Text("All calls: " + accounting_line(summary.accounting))]
    parts += [
        Text(f"Lane {lane.lane_key} failed: {lane.reason or 'no reason was given'}", style="red")
        for lane in summary.lanes
        if lane.status == "failed"
    ]
    parts += [Text(capitalised(line), style="red") for line in failure_lines(summary.failures)]
    if summary.contested:
        parts.append(Text("Contested: " + ", ".join(sample.shot_id for sample in summary.contested[:20])))
        if len(summary.contested) > 20:
            parts.append(Text(f"and {count(len(summary.contested) - 20, 'more')} in summary.json"))
    parts += [Text(), _price_table(summary), *(Text(note, style="dim") for note in _price_notes(summary))]
    return Group(*parts)


def _table(summary: CampaignSummary, kind: Kind, place: CellGroup, cells: list[Cell]) -> Table:
    metrics = shown_metrics(summary, kind)
    lead = metrics[0] if metrics else None
    methods = sorted({cell.coldness for cell in cells if cell.coldness})
    title = f"{KIND_LABELS[kind]}, {place}" + (f" ({' and '.join(methods)})" if methods else "")
    if summary.platform == "emulated":
        title += ", emulated"
    table = framed(title)
    if not are_targets(cells):  # names of calls are long; the page has every metric
        metrics = [metric for metric in metrics if metric in _OF_CALLS]
    table.add_column(row_heading(cells), overflow="fold")
    table.add_column("Used", justify="right", no_wrap=True)
    for metric in metrics:
        table.add_column(METRIC_LABELS[metric], justify="right", no_wrap=True)
        if metric == lead:
            table.add_column("interval", justify="right", no_wrap=True)
            table.add_column("p95", justify="right", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for cell, name in zip(cells, row_names(cells), strict=True):
        row = [name, f"{cell.accounting.used:,}"]
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
    if summary.platform == "emulated":
        title += ", what AWS would ask: nothing was spent"
    table = framed(title)
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
