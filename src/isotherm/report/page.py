"""The campaign as one HTML file: figures, tables, and how it was measured. Needs plotly, but no numpy, scipy or rich.

Whatever came from input (names, comments, reasons, error texts) is escaped where it enters the page, and the page's own
content security policy keeps the browser from asking any network for anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from isotherm.accounting import total
from isotherm.campaign import Price
from isotherm.numerals import NOTHING, count, data_size, digits, dollars, listed, percent, probability
from isotherm.report.document import html_document
from isotherm.report.figures import POINTS_SHOWN, code_sizes, figure_data, group_id
from isotherm.report.markup import Column, Markup, definitions, figure, notice, table, unbroken, with_interval
from isotherm.report.trend_page import trend_figure_data, trend_section
from isotherm.report.wording import (
    KIND_LABELS,
    METRIC_LABELS,
    accounting_line,
    groups,
    price_lines,
    shown_metrics,
    unit,
)
from isotherm.sample import Kind, Sample
from isotherm.summary import METRICS, CampaignSummary, Cell, MetricName, TargetComparison
from isotherm.trend import Trend

CONTESTED_SHOWN = 100
# Columns of the accounting that are there even when all zero; the others are named below as zero everywhere.
_ALWAYS_SHOWN = ("planned", "issued", "answered", "report_found", "report_missing", "contested", "used")


def render_page(summary: CampaignSummary, samples: Iterable[Sample], trend: Trend | None = None) -> str:
    """One self-contained HTML page: opened from a disk, it asks nothing of any network.

    Parameters
    ----------
    summary : CampaignSummary
        What is shown; every number of the tables comes from here.
    samples : iterable of Sample
        Raw samples, for the dots and curves. At most `POINTS_SHOWN` of a cell are put into the page, which says so.
    trend : Trend, optional
        Of the campaigns of this name up to this one; shown where there are others.

    Returns
    -------
    str
        HTML 5, UTF-8; about 5 MB, nearly all of it plotly's script.
    """
    parts = [
        _head(summary),
        _facts(summary),
        _notices(summary),
        _kind_section(summary, "cold"),
        _kind_section(summary, "warm"),
        _axes_section(summary),
        _comparison_section(summary),
        trend_section(trend) if trend else "",
        _accounting_section(summary),
        _lanes_section(summary),
        _cost_section(summary),
        _settings_section(summary),
    ]
    body = "\n".join(part for part in parts if part)
    return html_document(
        title=f"{summary.campaign.name}: {summary.headline}",
        version=summary.version,
        body=body,
        footer=f"Made by Isotherm {escape(summary.version)} from campaign <code>{escape(summary.campaign_id)}</code>. "
        "Every sample is in <code>samples.csv.gz</code> beside it, every number of this page in "
        "<code>summary.json</code>.",
        data=_figure_data(summary, samples, trend),
    )


def _figure_data(summary: CampaignSummary, samples: Iterable[Sample], trend: Trend | None) -> dict[str, Any]:
    data = figure_data(summary, samples)
    if trend is None or len(trend.sessions) < 2:
        return data
    others = trend_figure_data(trend)
    targets = list(dict.fromkeys([*data["targets"], *others["targets"]]))
    return data | {"targets": targets, "groups": data["groups"] | others["groups"]}


def _head(summary: CampaignSummary) -> str:
    platform = summary.note or "measured on AWS"
    finished = f" to {escape(summary.finished_at)}" if summary.finished_at else ""
    comment = f'<p class="lead">{escape(summary.campaign.comment)}</p>' if summary.campaign.comment else ""
    return f"""<header>
<div class="kicker"><b>Isotherm</b><span>{escape(summary.campaign.name)}</span>
<span>{escape(summary.created_at)}{finished}</span><span class="badge">{escape(platform)}</span></div>
<h1>{unbroken(summary.headline)}.</h1>
{comment}</header>"""


def _facts(summary: CampaignSummary) -> str:
    account = summary.accounting
    measuring = total(cell.accounting for cell in summary.cells if cell.kind != "prime")
    price = summary.actual_price or summary.planned_price
    regions = {cell.region for cell in summary.cells}
    targets = {cell.target for cell in summary.cells}
    facts = (
        ("Samples used", f"{account.used:,}", f"of {measuring.planned:,} planned"),
        ("Reports missing", f"{account.report_missing:,}", f"of {account.issued - account.report_not_due:,} due"),
        ("Contested", f"{account.contested:,}", "kept out"),
        (
            "Compared",
            f"{len(targets)}",
            f"{'target' if len(targets) == 1 else 'targets'} in {count(len(regions), 'region')}",
        ),
        ("Rounds", _rounds(summary), f"seed {summary.campaign.seed}"),
        ("Price", dollars(price.usd), _price_aside(summary)),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(aside)}</small></dd></div>"
        for name, value, aside in facts
    )
    return f'<dl class="facts">{cells}</dl>'


def _price_aside(summary: CampaignSummary) -> str:
    if summary.platform == "emulated":
        return "AWS would ask; nothing was spent"
    return "in the end" if summary.actual_price else "planned"


def _rounds(summary: CampaignSummary) -> str:
    """How many rounds were run; as a range where targets differ because precision spared some of them."""
    run: dict[tuple[str, str], int] = {}
    for lane in summary.lanes:
        place = (lane.target, lane.region)
        run[place] = run.get(place, 0) + (lane.status != "spared")
    least, most = min(run.values(), default=0), max(run.values(), default=0)
    return f"{most}" if least == most else f"{least} to {most}"


def _notices(summary: CampaignSummary) -> str:
    found = ""
    if summary.imbalances:
        found += notice("Do not trust this: the accounts do not balance", summary.imbalances, "notices bad")
    if summary.warnings:
        found += notice("Before you quote a number", summary.warnings, "notices")
    return found


def _kind_section(summary: CampaignSummary, kind: Kind) -> str:
    grouped = groups(summary.cells, kind)
    if not grouped:
        return ""
    leads = {
        "cold": _cold_lead(summary),
        "warm": "Calls that found their environment waiting: what start-up no longer costs.",
    }
    cards = "".join(_card(summary, kind, region, memory_mb, cells) for (region, memory_mb), cells in grouped.items())
    anchor = ' id="results"' if kind == "cold" or not groups(summary.cells, "cold") else ""
    return f"""<section{anchor}><h2>{KIND_LABELS[kind]}</h2>
<p class="lead">{escape(leads[kind])} Each dot is one call; the box spans the quartiles, its whiskers reach the
furthest call within 1.5 interquartile ranges; the diamond is the median with its {percent(summary.confidence)}
interval.</p>
{cards}</section>"""


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


def _card(summary: CampaignSummary, kind: Kind, region: str, memory_mb: int, cells: Sequence[Cell]) -> str:
    metrics = shown_metrics(summary, kind)
    title = f"{KIND_LABELS[kind]} in {region}, {memory_mb} MB"
    name = group_id(kind, region, memory_mb)
    figures = ""
    if metrics:
        choices = "".join(
            f'<label title="{escape(METRICS[metric])}"><input type="radio" name="{escape(name)}" value="{metric}"'
            f"{' checked' if index == 0 else ''}><span>{escape(METRIC_LABELS[metric])}</span></label>"
            for index, metric in enumerate(metrics)
        )
        largest = max(cell.accounting.used for cell in cells)
        shown = f" Of up to {largest:,} calls, {POINTS_SHOWN} are drawn, evenly by rank, with the lowest and highest."
        thinned = shown if largest > POINTS_SHOWN else ""
        box = figure(name, "box", f"{title}: distribution of each target", f"Distribution; numbers below.{thinned}")
        ecdf = figure(name, "ecdf", f"{title}: share of calls within a time", "Share of calls done within a time.")
        figures = f"""<fieldset data-group="{escape(name)}"><legend>Show</legend>{choices}</fieldset>
<div class="pair">{box}{ecdf}</div>"""
    return f"""<div class="card"><h3>{escape(title)}</h3>
{figures}
{_results_table(summary, title, metrics, cells)}
<p class="line">{escape(_account_of(cells))}</p>
{_precisions(cells)}{_full_table(title, cells)}</div>"""


def _precisions(cells: Iterable[Cell]) -> str:
    said = "; ".join(f"{cell.target} {cell.precision}" for cell in cells if cell.precision)
    return f'<p class="line">Precision: {escape(said)}.</p>\n' if said else ""


def _account_of(cells: Iterable[Cell]) -> str:
    return accounting_line(total(cell.accounting for cell in cells))


def _results_table(
    summary: CampaignSummary, title: str, metrics: Sequence[MetricName], cells: Sequence[Cell]
) -> Markup:
    columns = [Column("Target", numeric=False), Column("Used", hint="of planned")]
    columns += [Column(METRIC_LABELS[m], hint=f"median, {unit(m)}") for m in metrics]
    lead = metrics[0] if metrics else None
    if lead:
        columns += [Column(f"{METRIC_LABELS[lead]} {q}", hint=unit(lead)) for q in ("p95", "mean")]
    columns.append(Column("Memory", hint="used, MB"))
    rows = []
    for cell in cells:
        row: list[str] = [cell.target, f"{cell.accounting.used:,} of {cell.accounting.planned:,}"]
        for metric in metrics:
            found = cell.metrics.get(metric)
            row.append(with_interval(found.median, found.median_low, found.median_high) if found else NOTHING)
        if lead:
            found = cell.metrics.get(lead)
            row.append(with_interval(found.p95, found.p95_low, found.p95_high) if found else NOTHING)
            row.append(Markup(f"{digits(found.mean)}<small>sd {digits(found.sd)}</small>") if found else NOTHING)
        memory = cell.metrics.get("max_memory_used_mb")
        row.append(NOTHING if memory is None or memory.median is None else f"{memory.median:,.0f}")
        rows.append(row)
    return table(f"{title}. Below each value: its {percent(summary.confidence)} interval.", columns, rows)


def _full_table(title: str, cells: Sequence[Cell]) -> str:
    columns = [Column("Target", numeric=False), Column("Metric", numeric=False)]
    columns += [
        Column(name)
        for name in ("n", "median", "mean", "sd", "cv", "MAD", "p90", "p95", "p99", "min", "max", "outliers")
    ]
    columns += [Column("between rounds", hint="share of variance"), Column("round factor")]
    rows: list[list[str]] = []
    for cell in cells:
        for name, m in cell.metrics.items():
            rows.append(
                [
                    cell.target,
                    f"{METRIC_LABELS[name]}, {unit(name)}",
                    f"{m.n:,}",
                    with_interval(m.median, m.median_low, m.median_high),
                    with_interval(m.mean, m.mean_low, m.mean_high),
                    digits(m.sd),
                    digits(m.cv),
                    digits(m.mad),
                    with_interval(m.p90, m.p90_low, m.p90_high),
                    with_interval(m.p95, m.p95_low, m.p95_high),
                    with_interval(m.p99, m.p99_low, m.p99_high),
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


def _axes_section(summary: CampaignSummary) -> str:
    sizes = code_sizes(summary)
    cells = [
        cell
        for cell in summary.cells
        if cell.kind == "cold" and (cell.target, cell.region) in sizes and summary.start_metric in cell.metrics
    ]
    start = summary.start_metric
    if not cells or start is None:
        return ""
    shown: tuple[MetricName, ...] = ("import_ms", start, "overhead_ms")
    columns = [
        Column("Target", numeric=False),
        Column("Region", numeric=False),
        Column("Memory", hint="MB"),
        Column("Package", hint="archive"),
        *(Column(METRIC_LABELS[metric], hint="median, ms") for metric in shown),
    ]
    rows = []
    for cell in cells:
        row: list[str] = [
            cell.target,
            cell.region,
            f"{cell.memory_mb:,}",
            data_size(sizes[cell.target, cell.region]),
        ]
        for metric in shown:
            found = cell.metrics.get(metric)
            row.append(with_interval(found.median, found.median_low, found.median_high) if found else NOTHING)
        rows.append(row)
    return f"""<section><h2>Size and imports are two things</h2>
<p class="lead">How much a package holds and how much of it is imported may cost in different places. First: start-up
against the size of the archive. Then: the same start-ups against the time their imports took. Last: the overhead, the
client's time beyond what was spent inside, against the size.</p>
<div class="card"><div class="three">
{figure("", "size", "Start-up against package size", "Start-up against package size, medians with intervals.")}
{figure("", "imports", "Start-up against import time", "Start-up against import time, medians with intervals.")}
{figure("", "overhead", "Overhead against package size", "Overhead of cold starts against package size.")}
</div>
{table("Package size, imports, start-up and overhead of cold starts", columns, rows)}
</div>{_startup_costs(summary)}</section>"""


def _startup_costs(summary: CampaignSummary) -> str:
    if not summary.startup_costs:
        return ""
    columns = [
        Column("Where", numeric=False),
        Column("Time", numeric=False),
        Column("Against", numeric=False),
        Column("Slope", hint="ms for each"),
        Column("Points"),
        Column("In words", numeric=False),
    ]
    times = {"start": "start-up", "rest": "start-up less imports", "overhead": "overhead"}
    axes = {"archive_mb": "archive, MB", "import_ms": "imports, ms"}
    rows: list[list[str]] = [
        [
            f"{cost.region}, {cost.memory_mb} MB",
            times[cost.time],
            axes[cost.per],
            with_interval(cost.slope.slope, cost.slope.low, cost.slope.high),
            f"{cost.slope.n:,}",
            cost.sentence,
        ]
        for cost in summary.startup_costs
    ]
    caption = f"Cost of start-up: Theil-Sen slopes with {percent(summary.confidence)} intervals"
    return f"""<div class="card"><h3>What a megabyte costs, and what an import</h3>
<p class="line">Each point is one cold start, placed at its package's size and its target's median import time. The
intervals are about the scatter of these starts; other packages may cost otherwise.</p>
{table(caption, columns, rows)}</div>"""


def _comparison_section(summary: CampaignSummary) -> str:
    if not summary.comparisons:
        return ""
    columns = [
        Column("Target", numeric=False),
        Column("Where", numeric=False),
        Column("What", numeric=False),
        Column("Difference", hint="shift, ms"),
        Column("Ratio", hint="of medians"),
        Column("Cliff's delta"),
        Column("p", hint="Holm"),
        Column("In words", numeric=False),
    ]
    rows: list[list[str]] = [
        [
            c.other,
            f"{c.region}, {c.memory_mb} MB",
            f"{c.kind}, {METRIC_LABELS[c.metric].lower()}",
            with_interval(c.result.shift, c.result.shift_low, c.result.shift_high),
            with_interval(c.result.ratio, c.result.ratio_low, c.result.ratio_high),
            _delta(c),
            probability(c.p_holm),
            c.result.sentence,
        ]
        for c in summary.comparisons
    ]
    baseline = summary.baseline
    caption = f"Each target against {baseline}, with {percent(summary.confidence)} intervals"
    return f"""<section><h2>Against {escape(baseline)}</h2>
<p class="lead">Difference: Hodges-Lehmann shift, the median of all differences between a call of the target and one of
{escape(baseline)}. p: Mann-Whitney, corrected (Holm) for the {len(rows)} comparisons made here. Cliff's delta: how much
more often a call of the target is the slower of the two than the faster; 1 is always, 0 is as often.</p>
<div class="card">{table(caption, columns, rows)}</div></section>"""


def _delta(comparison: TargetComparison) -> str:
    delta = comparison.result.cliffs_delta
    if delta is None:
        return NOTHING
    # Romano et al. (2006): the usual names for the sizes of Cliff's delta.
    size = abs(delta)
    name = "negligible" if size < 0.147 else "small" if size < 0.33 else "medium" if size < 0.474 else "large"
    return Markup(f"{digits(delta)}<small>{name}</small>")


def _accounting_section(summary: CampaignSummary) -> str:
    names = {
        "planned": "planned",
        "issued": "issued",
        "not_issued": "not issued",
        "spared": "spared",
        "answered": "answered",
        "function_errors": "function errors",
        "timeouts": "timeouts",
        "throttles": "throttled",
        "client_errors": "client errors",
        "report_found": "reports found",
        "report_missing": "missing",
        "report_not_due": "not due",
        "duplicates": "duplicates",
        "cold_verified": "proved cold",
        "contested": "contested",
        "unexpected": "unexpected",
        "proactive": "proactive",
        "unwitnessed": "unwitnessed",
        "primed": "priming",
        "used": "used",
    }
    columns = [Column("Target", numeric=False), Column("Where", numeric=False), Column("Calls", numeric=False)]
    zero = [field for field in names if field not in _ALWAYS_SHOWN and not getattr(summary.accounting, field)]
    shown = [field for field in names if field not in zero]
    columns += [Column(names[field]) for field in shown]
    rows = [
        [
            cell.target,
            f"{cell.region}, {cell.memory_mb} MB",
            cell.kind,
            *(f"{getattr(cell.accounting, field):,}" for field in shown),
        ]
        for cell in summary.cells
    ]
    rows.append(["All", "", "", *(f"{getattr(summary.accounting, field):,}" for field in shown)])
    absent = f". Zero everywhere: {listed([names[field] for field in zero])}" if zero else ""
    verdict = "The sums agree." if not summary.imbalances else "The sums do not agree; see the top of the page."
    return f"""<section><h2>Every call accounted for</h2>
<p class="lead">{escape(accounting_line(summary.accounting))}. {verdict}</p>
<div class="card">{table(f"Where every planned call ended{absent}", columns, rows, last_is_sum=True)}</div>
{_contested(summary)}</section>"""


def _contested(summary: CampaignSummary) -> str:
    if not summary.contested:
        return ""
    columns = [
        Column("Shot", numeric=False),
        Column("Target", numeric=False),
        Column("Region", numeric=False),
        Column("Asked for", numeric=False),
        Column("Platform says", numeric=False),
        Column("Probe says", numeric=False),
        Column("Init", hint="ms"),
        Column("Request id", numeric=False),
    ]
    rows: list[list[str]] = [
        [
            sample.shot_id,
            sample.target,
            sample.region,
            sample.kind,
            _temperature(sample.platform_cold),
            _temperature(sample.probe_cold),
            digits(sample.init_duration_ms),
            sample.request_id or NOTHING,
        ]
        for sample in summary.contested[:CONTESTED_SHOWN]
    ]
    caption = f"Contested: platform and probe disagree on coldness ({count(len(summary.contested), 'sample')}"
    caption += f", the first {CONTESTED_SHOWN} shown)" if len(summary.contested) > CONTESTED_SHOWN else ")"
    return f'<div class="card">{table(caption, columns, rows)}</div>'


def _temperature(cold: bool | None) -> str:
    return NOTHING if cold is None else "cold" if cold else "warm"


def _lanes_section(summary: CampaignSummary) -> str:
    failed = [lane for lane in summary.lanes if lane.status == "failed"]
    if not failed:
        return ""
    columns = [Column(name, numeric=False) for name in ("Lane", "Target", "Region", "Round", "Reason")]
    rows: list[list[str]] = [
        [lane.lane_key, lane.target, lane.region, f"{lane.round + 1}", lane.reason or "no reason was given"]
        for lane in failed
    ]
    return f"""<section><h2>Lanes that failed</h2>
<p class="lead">{len(failed)} of {count(len(summary.lanes), "lane")}; the results of the others are above.</p>
<div class="card">{table("Lanes that failed, with their reasons", columns, rows)}</div></section>"""


def _cost_section(summary: CampaignSummary) -> str:
    planned, actual = summary.planned_price, summary.actual_price
    columns = [
        Column("Service", numeric=False),
        Column("Unit", numeric=False),
        Column("Planned quantity"),
        Column("Planned"),
    ]
    if actual is not None:
        columns += [Column("Actual quantity"), Column("Actual")]
    rows = []
    for service, unit_of, before, after in price_lines(planned, actual):
        row = [service, unit_of]
        for line in (before, after) if actual is not None else (before,):
            row += [digits(line.quantity), dollars(line.usd)] if line else [NOTHING, NOTHING]
        rows.append(row)
    whole = ["All", "", "", dollars(planned.usd)]
    rows.append(whole + (["", dollars(actual.usd)] if actual is not None else []))
    billed = summary.billed
    unreported = f"; {billed.unreported:,} more ran, or may have, without a report" if billed.unreported else ""
    note = " Nothing was spent: the prices are what AWS would ask." if summary.platform == "emulated" else ""
    notes = "".join(f'<p class="line">{escape(said[0].upper() + said[1:])}.</p>' for said in (actual or planned).notes)
    return f"""<section><h2>What it cost</h2>
<p class="lead">Reports bill {digits(billed.billed_ms / 1000)} s, or {digits(billed.gb_seconds)} GB-seconds, for
{count(billed.reports, "call")}{unreported}.{note}</p>
<div class="card">{table(_price_caption(planned), columns, rows, last_is_sum=True)}{notes}</div></section>"""


def _price_caption(price: Price) -> str:
    return f"Dollars by service; prices as of {price.as_of} ({price.source})"


def _settings_section(summary: CampaignSummary) -> str:
    campaign = summary.campaign
    cold, warm = campaign.cold, campaign.warm
    settings = {
        "Platform": summary.note or "AWS",
        "Campaign": f"{campaign.name} ({summary.campaign_id})",
        "Planned at": summary.created_at,
        "Finished at": summary.finished_at or NOTHING,
        "Isotherm": f"{summary.version}, stack {summary.stack}, home region {summary.home_region}",
        "Targets": listed(list(campaign.targets)),
        "Regions": listed(sorted({region.region for region in summary.inventory})) if summary.inventory else NOTHING,
        "Memory": listed([f"{size} MB" for size in campaign.memory_mb]) if campaign.memory_mb else "as deployed",
        "Cold starts": f"{cold.samples:,} of each cell, {cold.method}, {cold.concurrency} at once",
        "Warm calls": f"{warm.samples:,} of each cell, {warm.concurrency} at once, after priming",
        "Rounds": f"{campaign.rounds}, targets interleaved in an order drawn from seed {campaign.seed}",
        **_enough(summary),
        "Waves": f"{summary.waves}, lanes of a wave side by side",
        "Report deadline": f"{campaign.report_deadline_s} s",
        "Budget": dollars(campaign.budget_usd),
        "State transitions": f"{summary.state_transitions:,}",
        "Quantiles": "Hyndman and Fan's definition 7: linear interpolation, as numpy, R and spreadsheets do",
        "Intervals": f"{percent(summary.confidence)}; of quantiles by exact binomial order statistics, "
        "of means by resampling whole rounds",
        "Left out": "nothing trimmed; contested, unexpected, proactive and unwitnessed samples are counted, not used",
    }
    metrics = {METRIC_LABELS[name]: about for name, about in METRICS.items() if _is_measured(summary, name)}
    return f"""<section><h2>How it was measured</h2>
<div class="card"><h3>Settings</h3>{definitions(settings)}</div>
<div class="card"><h3>Functions</h3>{_functions_table(summary)}{_packages(summary)}</div>
<div class="card"><h3>What the columns are</h3>{definitions(metrics)}</div></section>"""


def _enough(summary: CampaignSummary) -> dict[str, str]:
    campaign = summary.campaign
    if campaign.precision is None:
        return {}
    asked = f"interval of the median at most {percent(campaign.precision.median)} of it wide"
    if campaign.precision.p95 is not None:
        asked += f", that of the p95 at most {percent(campaign.precision.p95)}"
    spared = sum(lane.status == "spared" for lane in summary.lanes)
    return {
        "Precision": f"{asked}; looked at after each round from {campaign.rounds} on, at most {campaign.most_rounds}",
        "Spared": f"{count(spared, 'lane')} of {len(summary.lanes):,}: precise enough before their round",
    }


def _is_measured(summary: CampaignSummary, metric: MetricName) -> bool:
    return any(metric in cell.metrics for cell in summary.cells)


def _functions_table(summary: CampaignSummary) -> Markup:
    columns = [Column(name, numeric=False) for name in ("Target", "Region", "Function", "Runtime", "Architecture")]
    columns += [Column("Memory", hint="deployed, MB"), Column("Timeout", hint="s"), Column("Package", hint="archive")]
    columns += [Column("Code SHA-256", numeric=False)]
    rows: list[list[str]] = [
        [
            t.target,
            t.region,
            t.function_name,
            t.runtime,
            t.architecture,
            f"{t.memory_mb:,}",
            f"{t.timeout_s:,}",
            data_size(t.code_size_bytes),
            Markup(f"<code>{escape(t.code_sha256[:12])}</code>"),
        ]
        for region in summary.inventory
        for t in region.targets
    ]
    return table("Functions measured, as their regions described them", columns, rows)


def _packages(summary: CampaignSummary) -> str:
    if not summary.packages:
        return ""
    rows = [
        [target, name, value if isinstance(value, str) else json.dumps(value, sort_keys=True)]
        for target, content in summary.packages.items()
        for name, value in content.items()
    ]
    columns = [Column(name, numeric=False) for name in ("Target", "What", "Value")]
    return f"<details><summary>What is in the packages</summary>{table('Packages', columns, rows)}</details>"
