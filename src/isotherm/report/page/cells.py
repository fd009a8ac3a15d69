"""Cold starts and warm calls, place by place: figures, medians, every statistic. Escapes what comes from input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from isotherm.analysis.accounting import total
from isotherm.analysis.summary import METRICS, CampaignSummary, Cell, MetricName
from isotherm.analysis.words.intervals import TOO_FEW_FOR_P99, kind_of_intervals, of_rounds
from isotherm.campaign.cell import Kind
from isotherm.numbers import NOTHING, digits, listed
from isotherm.report.metrics import (
    KIND_LABELS,
    METRIC_LABELS,
    CellGroup,
    accounting_line,
    groups,
    row_heading,
    row_names,
    shown_metrics,
    unit,
)
from isotherm.report.page.figures import POINTS_SHOWN, group_id
from isotherm.report.page.markup import Column, Markup, Section, choices, figure, table, with_interval
from isotherm.statistics.results import TUKEY_FENCE, MetricSummary


def kind_section(summary: CampaignSummary, kind: Kind) -> Section | None:
    """Cold starts or warm calls: a card for each place; None where there are none."""
    grouped = groups(summary.cells, kind)
    if not grouped:
        return None
    leads = {
        "cold": _cold_lead(summary),
        "warm": "Calls that found their environment waiting: what start-up no longer costs.",
    }
    cards = "".join(_card(summary, kind, place, cells) for place, cells in grouped.items())
    return Section(
        KIND_LABELS[kind],
        f"""
<p class="lead">{escape(leads[kind])} Each dot is one call; the box spans the quartiles, its whiskers reach the
furthest call within {TUKEY_FENCE} interquartile ranges; the diamond is the median with its
{kind_of_intervals(_shown(summary, kind), summary.confidence)}.</p>
{cards}""",
    )


def _shown(summary: CampaignSummary, kind: Kind) -> list[MetricSummary]:
    return [metric for cell in summary.cells if cell.kind == kind for metric in cell.metrics.values()]


def _cold_lead(summary: CampaignSummary) -> str:
    methods = sorted({cell.coldness for cell in summary.cells if cell.coldness})
    meant = {
        "burst": "a fresh version called many times at once, each call held open until all were in",
        "forced": "a version published for one call alone",
    }
    how = (
        listed([f"{method} ({meant[method]})" if method in meant else method for method in methods]) if methods else ""
    )
    start = f"Start-up is {METRICS[summary.start_metric]}." if summary.start_metric else ""
    witnesses = "the probe" if summary.platform == "emulated" else "platform and probe"
    return f"Proved cold by {witnesses}. {'How made cold: ' + how + '. ' if how else ''}{start}"


def _card(summary: CampaignSummary, kind: Kind, place: CellGroup, cells: Sequence[Cell]) -> str:
    metrics = shown_metrics(summary, kind)
    title = f"{KIND_LABELS[kind]} in {place}"
    name = group_id(kind, place)
    figures = ""
    if metrics:
        buttons = choices(name, "Show", [(metric, METRIC_LABELS[metric], METRICS[metric]) for metric in metrics])
        largest = max(cell.accounting.used for cell in cells)
        shown = f" Of up to {largest:,} calls, {POINTS_SHOWN} are drawn, evenly by rank, with the lowest and highest."
        thinned = shown if largest > POINTS_SHOWN else ""
        box = figure(
            name,
            "box",
            f"{title}: distribution of each {row_heading(cells).lower()}",
            f"Distribution; numbers below.{thinned}",
        )
        ecdf = figure(name, "ecdf", f"{title}: share of calls within a time", "Share of calls done within a time.")
        figures = f"""{buttons}
<div class="pair">{box}{ecdf}</div>"""
    return f"""<div class="card"><h3>{escape(title)}</h3>
{figures}
{_results_table(summary, title, metrics, cells)}
<p class="line">{escape(_account_of(cells))}</p>
{_precisions(cells)}{_full_table(title, cells)}</div>"""


def _precisions(cells: Sequence[Cell]) -> str:
    said = "; ".join(f"{name} {cell.precision}" for cell, name in _named(cells) if cell.precision)
    return f'<p class="line">Precision: {escape(said)}.</p>\n' if said else ""


def _named(cells: Sequence[Cell]) -> list[tuple[Cell, str]]:
    return list(zip(cells, row_names(cells), strict=True))


def _account_of(cells: Iterable[Cell]) -> str:
    return accounting_line(total(cell.accounting for cell in cells))


def _results_table(
    summary: CampaignSummary, title: str, metrics: Sequence[MetricName], cells: Sequence[Cell]
) -> Markup:
    columns = [
        Column(row_heading(cells), numeric=False),
        Column("Used", hint="of planned" if summary.campaign else "of all"),
    ]
    columns += [Column(METRIC_LABELS[m], hint=f"median, {unit(m)}") for m in metrics]
    lead = metrics[0] if metrics else None
    if lead:
        columns += [Column(f"{METRIC_LABELS[lead]} {q}", hint=unit(lead)) for q in ("p95", "mean")]
    columns.append(Column("Memory", hint="used, MB"))
    rows = []
    for cell, name in _named(cells):
        whole = cell.accounting.issued if cell.accounting.planned is None else cell.accounting.planned
        row: list[str] = [name, f"{cell.accounting.used:,} of {whole:,}"]
        for metric in metrics:
            found = cell.metrics.get(metric)
            row.append(_median(found) if found else NOTHING)
        if lead:
            found = cell.metrics.get(lead)
            row.append(with_interval(found.p95, found.p95_low, found.p95_high, of_rounds(found)) if found else NOTHING)
            row.append(Markup(f"{digits(found.mean)}<small>sd {digits(found.sd)}</small>") if found else NOTHING)
        memory = cell.metrics.get("max_memory_used_mb")
        row.append(NOTHING if memory is None or memory.median is None else f"{memory.median:,.0f}")
        rows.append(row)
    shown = [found for cell in cells for metric in metrics if (found := cell.metrics.get(metric)) is not None]
    return table(f"{title}. Below each value: its {kind_of_intervals(shown, summary.confidence)}.", columns, rows)


def _median(found: MetricSummary) -> str:
    return with_interval(found.median, found.median_low, found.median_high, of_rounds(found))


def _full_table(title: str, cells: Sequence[Cell]) -> str:
    columns = [Column(row_heading(cells), numeric=False), Column("Metric", numeric=False)]
    columns += [
        Column(name)
        for name in ("n", "median", "mean", "sd", "cv", "MAD", "p90", "p95", "p99", "min", "max", "outliers")
    ]
    columns += [Column("between rounds", hint="share of variance"), Column("round factor")]
    rows: list[list[str]] = []
    for cell, name in _named(cells):
        for metric, m in cell.metrics.items():
            rows.append(
                [
                    name,
                    f"{METRIC_LABELS[metric]}, {unit(metric)}",
                    f"{m.n:,}",
                    _median(m),
                    with_interval(m.mean, m.mean_low, m.mean_high),
                    digits(m.sd),
                    digits(m.cv),
                    digits(m.mad),
                    with_interval(m.p90, m.p90_low, m.p90_high, of_rounds(m)),
                    with_interval(m.p95, m.p95_low, m.p95_high, of_rounds(m)),
                    with_interval(m.p99, m.p99_low, m.p99_high, of_rounds(m)) if m.p99 is not None else TOO_FEW_FOR_P99,
                    digits(m.min),
                    digits(m.max),
                    f"{m.outliers:,}",
                    NOTHING if m.between_rounds is None else f"{100 * m.between_rounds:.0f} %",
                    digits(m.round_factor),
                ]
            )
    if not rows:
        return ""
    every = table(f"Every statistic of {title[0].lower()}{title[1:]}", columns, rows)
    return f"<details><summary>Every statistic</summary>{every}</details>"
