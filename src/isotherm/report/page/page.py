"""The campaign as one HTML file: figures, tables, and how it was measured. Needs plotly, but no numpy, scipy or rich.

Whatever came from input (names, comments, reasons, error texts) is escaped where it enters the page, and the page's own
content security policy keeps the browser from asking any network for anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from isotherm.analysis.accounting import total
from isotherm.analysis.shortfall import shortfalls
from isotherm.analysis.summary import METRICS, CampaignSummary, MetricName, TargetComparison
from isotherm.analysis.trend_model import Trend
from isotherm.analysis.words.intervals import of_rounds
from isotherm.analysis.words.shortfall import shortfalls_in_a_line
from isotherm.campaign.model import Campaign
from isotherm.measurement.sample import Sample
from isotherm.numbers import NOTHING, count, data_size, digits, dollars, listed, percent, probability
from isotherm.pricing.price import Price
from isotherm.report.metrics import (
    METRIC_LABELS,
    NO_PLAN,
    compared,
    how_adjusted,
    platform_in_words,
    price_lines,
    where,
)
from isotherm.report.page.accounting import accounting_section, lanes_section
from isotherm.report.page.cells import kind_section
from isotherm.report.page.clients import clients_figures, clients_section
from isotherm.report.page.crisscross import crisscross_figures, crisscross_sections
from isotherm.report.page.document import html_document
from isotherm.report.page.figures import code_sizes, figure_data
from isotherm.report.page.http import http_figures, http_section
from isotherm.report.page.loads import load_facts, load_settings, loads_figures, loads_section
from isotherm.report.page.markup import (
    Column,
    Markup,
    Section,
    definitions,
    figure,
    notice,
    table,
    unbroken,
    with_interval,
)
from isotherm.report.page.trend import trend_figure_data, trend_section


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
    results = [
        loads_section(summary),
        *crisscross_sections(summary),
        clients_section(summary),
        http_section(summary),
        kind_section(summary, "cold"),
        kind_section(summary, "warm"),
        _axes_section(summary),
        _comparison_section(summary),
    ]
    parts = [
        _head(summary),
        _facts(summary),
        _notices(summary),
        *_results(section for section in results if section is not None),
        trend_section(trend) if trend and _has_calls(summary) else "",
        accounting_section(summary) if _has_calls(summary) else "",
        lanes_section(summary),
        _cost_section(summary),
        _settings_section(summary),
    ]
    body = "\n".join(part for part in parts if part)
    return html_document(
        title=f"{summary.name}: {summary.headline}",
        version=summary.version,
        body=body,
        footer=f"Made by Isotherm {escape(summary.version)} from campaign <code>{escape(summary.campaign_id)}</code>. "
        + ("Every sample is in <code>samples.csv.gz</code> beside it, every" if _has_calls(summary) else "Every")
        + " number of this page is in <code>summary.json</code>.",
        data=_figure_data(summary, samples, trend),
    )


def _results(sections: Iterable[Section]) -> list[str]:
    """The sections; whatever comes first of them is where the link for who hears the page leads."""
    return [section.html("results" if number == 0 else None) for number, section in enumerate(sections)]


def _has_calls(summary: CampaignSummary) -> bool:
    """Whether there are single calls to show: a load is counted, and has none."""
    return bool(summary.cells) or not summary.loads


def _figure_data(summary: CampaignSummary, samples: Iterable[Sample], trend: Trend | None) -> dict[str, Any]:
    data = figure_data(summary, samples)
    more = crisscross_figures(summary) | clients_figures(summary) | http_figures(summary)
    more |= loads_figures(summary)
    data = data | {"groups": data["groups"] | more}
    if trend is None or len(trend.sessions) < 2 or not _has_calls(summary):
        return data
    others = trend_figure_data(trend)
    targets = list(dict.fromkeys([*data["targets"], *others["targets"]]))
    return data | {"targets": targets, "groups": data["groups"] | others["groups"]}


def _head(summary: CampaignSummary) -> str:
    platform = platform_in_words(summary)
    finished = f" to {escape(summary.finished_at)}" if summary.finished_at else ""
    said = summary.campaign.comment if summary.campaign else NO_PLAN + "."
    comment = f'<p class="lead">{escape(said)}</p>' if said else ""
    lacks = shortfalls_in_a_line(shortfalls(summary))
    lacking = f'<p class="lacks" role="alert">{escape(lacks)}.</p>\n' if lacks else ""
    return f"""<header>
<div class="kicker"><b>Isotherm</b><span>{escape(summary.name)}</span>
<span>{escape(summary.created_at or "")}{finished}</span><span class="badge">{escape(platform)}</span></div>
{lacking}<h1>{unbroken(summary.headline)}.</h1>
{comment}</header>"""


def _facts(summary: CampaignSummary) -> str:
    price = summary.actual_price or summary.planned_price
    facts = (
        *(_call_facts(summary) if _has_calls(summary) else load_facts(summary)),
        ("Rounds", _rounds(summary), f"seed {summary.campaign.seed}" if summary.campaign else "of the samples"),
        *((("Price", dollars(price.usd), _price_aside(summary)),) if price else ()),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(aside)}</small></dd></div>"
        for name, value, aside in facts
    )
    return f'<dl class="facts">{cells}</dl>'


def _call_facts(summary: CampaignSummary) -> tuple[tuple[str, str, str], ...]:
    account = summary.accounting
    measuring = total(cell.accounting for cell in summary.cells if cell.kind != "prime")
    planned = f"{measuring.issued:,}" if measuring.planned is None else f"{measuring.planned:,} planned"
    due = account.issued - account.report_not_due - (account.report_unsaid or 0)
    return (
        ("Samples used", f"{account.used:,}", f"of {planned}"),
        ("Reports missing", f"{account.report_missing:,}", f"of {due:,} due"),
        ("Contested", f"{account.contested:,}", "kept out"),
        ("Compared", *compared(summary)),
    )


def _price_aside(summary: CampaignSummary) -> str:
    if summary.platform == "emulated":
        return "AWS would ask; nothing was spent"
    return "in the end" if summary.actual_price else "planned"


def _rounds(summary: CampaignSummary) -> str:
    """How many rounds were run; as a range where targets differ because precision spared some of them."""
    if summary.campaign is None:
        found = {metric.rounds or 1 for cell in summary.cells for metric in cell.metrics.values()}
        least, most = min(found, default=0), max(found, default=0)
        return f"{most}" if least == most else f"{least} to {most}"
    run: dict[tuple[str, str], set[int]] = {}
    for lane in summary.lanes:
        was_run = lane.status not in ("spared", "not_begun")
        run.setdefault((lane.target, lane.region), set()).update({lane.round} if was_run else ())
    least, most = min(map(len, run.values()), default=0), max(map(len, run.values()), default=0)
    return f"{most}" if least == most else f"{least} to {most}"


def _notices(summary: CampaignSummary) -> str:
    found = ""
    if summary.imbalances:
        found += notice("Do not trust this: the accounts do not balance", summary.imbalances, "notices bad")
    if summary.warnings:
        found += notice("Before you quote a number", summary.warnings, "notices")
    return found


def _axes_section(summary: CampaignSummary) -> Section | None:
    sizes = code_sizes(summary)
    cells = [
        cell
        for cell in summary.cells
        if cell.kind == "cold" and (cell.target, cell.region) in sizes and summary.start_metric in cell.metrics
    ]
    start = summary.start_metric
    if not cells or start is None:
        return None
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
            row.append(
                with_interval(found.median, found.median_low, found.median_high, of_rounds(found)) if found else NOTHING
            )
        rows.append(row)
    return Section(
        "Size and imports are two things",
        f"""
<p class="lead">How much a package holds and how much of it is imported may cost in different places. First: start-up
against the size of the archive. Then: the same start-ups against the time their imports took. Last: the overhead, the
client's time beyond what was spent inside, against the size.</p>
<div class="card"><div class="three">
{figure("", "size", "Start-up against package size", "Start-up against package size, medians with intervals.")}
{figure("", "imports", "Start-up against import time", "Start-up against import time, medians with intervals.")}
{figure("", "overhead", "Overhead against package size", "Overhead of cold starts against package size.")}
</div>
{table("Package size, imports, start-up and overhead of cold starts", columns, rows)}
</div>{_startup_costs(summary)}""",
    )


def _startup_costs(summary: CampaignSummary) -> str:
    if not summary.startup_costs:
        return ""
    columns = [
        Column("Where", numeric=False),
        Column("Time", numeric=False),
        Column("Against", numeric=False),
        Column("Slope", hint="ms for each"),
        Column("Points"),
        Column("In words", numeric=False, wide=True),
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
    caption = f"Cost of start-up: slopes with {percent(summary.confidence)} intervals"
    return f"""<div class="card"><h3>What a megabyte costs, and what an import</h3>
<p class="line">Packages are placed at the sizes of their archives and at their targets' median import times. Slopes and
intervals are about these packages; others may cost otherwise.</p>
{table(caption, columns, rows)}</div>"""


def _comparison_section(summary: CampaignSummary) -> Section | None:
    if not summary.comparisons:
        return None
    columns = [
        Column("Target", numeric=False),
        Column("Where", numeric=False),
        Column("What", numeric=False),
        Column(summary.baseline, hint="median and p95, ms"),
        Column("This target", hint="median and p95, ms"),
        Column("Difference", hint="by round, ms"),
        Column("Ratio", hint="by round"),
        Column("Cliff's delta"),
        Column("p", hint="adjusted"),
        Column("Rounds", hint="of both"),
        Column("In words", numeric=False, wide=True),
    ]
    rows: list[list[str]] = [
        [
            c.other,
            where(c),
            f"{c.kind}, {METRIC_LABELS[c.metric].lower()}",
            _with_p95(c.result.baseline_median, c.result.baseline_p95),
            _with_p95(c.result.other_median, c.result.other_p95),
            _difference(c),
            with_interval(c.result.ratio, c.result.ratio_low, c.result.ratio_high),
            _delta(c),
            probability(c.p_holm),
            NOTHING if c.rounds is None else f"{c.rounds:,}",
            c.result.sentence,
        ]
        for c in summary.comparisons
    ]
    baseline = summary.baseline
    caption = f"Each target against {baseline}, with {percent(summary.confidence)} intervals; sure ones are in colour"
    return Section(
        f"Against {baseline}",
        f"""
<p class="lead">{escape(how_adjusted(summary))} A difference in ms is the ratio less 1, times {escape(baseline)}'s
median. Cliff's delta: how much more often a call of the target is the slower of the two than the faster; 1 is always,
0 is as often.</p>
<div class="card">{table(caption, columns, rows)}</div>""",
    )


def _with_p95(median: float | None, p95: float | None) -> str:
    return Markup(f"{digits(median)}<small>{digits(p95)}</small>")


def _difference(comparison: TargetComparison) -> str:
    result = comparison.result
    shown = with_interval(result.shift, result.shift_low, result.shift_high)
    if not comparison.is_sure:
        return shown
    return Markup(f'<span class="{"more" if (result.shift or 0.0) > 0 else "less"}">{shown}</span>')


def _delta(comparison: TargetComparison) -> str:
    delta = comparison.result.cliffs_delta
    if delta is None:
        return NOTHING
    # Romano et al. (2006): the usual names for the sizes of Cliff's delta.
    size = abs(delta)
    name = "negligible" if size < 0.147 else "small" if size < 0.33 else "medium" if size < 0.474 else "large"
    return Markup(f"{digits(delta)}<small>{name}</small>")


def _cost_section(summary: CampaignSummary) -> str:
    planned, actual = summary.planned_price, summary.actual_price
    if planned is None:
        return ""
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
    note = " Nothing was spent: the prices are what AWS would ask." if summary.platform == "emulated" else ""
    notes = "".join(f'<p class="line">{escape(said[0].upper() + said[1:])}.</p>' for said in (actual or planned).notes)
    return f"""<section><h2>What it cost</h2>
<p class="lead">{_billed(summary)}.{note}</p>
<div class="card">{table(_price_caption(planned), columns, rows, last_is_sum=True)}{notes}</div></section>"""


def _billed(summary: CampaignSummary) -> str:
    if not _has_calls(summary):
        return (
            "A load's calls are billed by their number and by assumed times: the reports of single calls are not read"
        )
    billed = summary.billed
    unreported = f"; {billed.unreported:,} more ran, or may have, without a report" if billed.unreported else ""
    seconds = f"{digits(billed.billed_ms / 1000)} s, or {digits(billed.gb_seconds)} GB-seconds"
    return f"Reports bill {seconds}, for {count(billed.reports, 'call')}{unreported}"


def _price_caption(price: Price) -> str:
    return f"Dollars by service; prices as of {price.as_of} ({price.source})"


def _settings_section(summary: CampaignSummary) -> str:
    campaign = summary.campaign
    if campaign is None:
        return _analysis_section(summary)
    settings = {
        "Platform": summary.note or "AWS",
        "Campaign": f"{campaign.name} ({summary.campaign_id})",
        "Planned at": summary.created_at or NOTHING,
        "Finished at": summary.finished_at or NOTHING,
        "Isotherm": f"{summary.version}, stack {summary.stack}, home region {summary.home_region}",
        "Targets": listed(list(campaign.targets)),
        "Regions": listed(sorted({region.region for region in summary.inventory})) if summary.inventory else NOTHING,
        "Memory": listed([f"{size} MB" for size in campaign.memory_mb]) if campaign.memory_mb else "as deployed",
        **_routes(campaign),
        **(_call_settings(campaign) if _has_calls(summary) else load_settings(summary)),
        "Rounds": f"{campaign.rounds}, {_interleaved(summary)} in an order drawn from seed {campaign.seed}",
        **_enough(summary, campaign),
        "Waves": f"{summary.waves}, regions of a wave side by side",
        "Budget": dollars(campaign.budget_usd),
        "State transitions": f"{summary.state_transitions or 0:,}",
        **(_statistics(summary) if _has_calls(summary) else {}),
    }
    return f"""<section><h2>How it was measured</h2>
<div class="card"><h3>Settings</h3>{definitions(settings)}</div>
<div class="card"><h3>Functions</h3>{_functions_table(summary)}{_packages(summary)}</div>
{_columns(summary)}</section>"""


def _analysis_section(summary: CampaignSummary) -> str:
    """What is known of samples without a plan."""
    settings = {
        "Platform": platform_in_words(summary),
        "Samples of": summary.campaign_id,
        "Isotherm": summary.version,
        "Rounds": _rounds(summary),
        **_statistics(summary),
    }
    return f"""<section><h2>How it was analysed</h2>
<div class="card"><h3>Settings</h3>{definitions(settings)}</div>
{_columns(summary)}</section>"""


def _columns(summary: CampaignSummary) -> str:
    metrics = {METRIC_LABELS[name]: about for name, about in METRICS.items() if _is_measured(summary, name)}
    return f'<div class="card"><h3>What the columns are</h3>{definitions(metrics)}</div>' if metrics else ""


def _interleaved(summary: CampaignSummary) -> str:
    return "targets interleaved" if _has_calls(summary) else "protocols one after another"


def _call_settings(campaign: Campaign) -> dict[str, str]:
    cold, warm = campaign.cold, campaign.warm
    starts = f"{cold.samples:,} of each cell, {cold.method}, {cold.concurrency} at once" if cold.samples else "none"
    return {
        "Cold starts": starts,
        "Warm calls": f"{warm.samples:,} of each cell, {warm.concurrency} at once, after priming",
        "Report deadline": f"{campaign.report_deadline_s} s",
    }


def _statistics(summary: CampaignSummary) -> dict[str, str]:
    return {
        "Quantiles": "Hyndman and Fan's definition 8, median-unbiased; numpy's method median_unbiased, R's type 8",
        "Intervals": f"{percent(summary.confidence)}; of quantiles by exact binomial order statistics, "
        "of means by resampling whole rounds",
        "Left out": "nothing trimmed; contested, unexpected, proactive, unwitnessed and unusable samples are counted, "
        "not used",
    }


def _routes(campaign: Campaign) -> dict[str, str]:
    """How functions were called, where that is not the plain way."""
    found = {}
    if campaign.clients:
        found["Clients"] = listed(list(campaign.clients))
    if list(campaign.protocols) != ["invoke"]:
        found["Protocols"] = listed(list(campaign.protocols))
    if campaign.inner is not None:
        where_to = f" in {listed(list(campaign.inner.regions))}" if campaign.inner.regions else " in the same regions"
        found["Called in turn"] = listed(list(campaign.inner.targets)) + where_to
    return found


def _enough(summary: CampaignSummary, campaign: Campaign) -> dict[str, str]:
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
    columns = [*(Column(name, numeric=False) for name in ("Target", "What")), Column("Value", numeric=False, wide=True)]
    return f"<details><summary>What is in the packages</summary>{table('Packages', columns, rows)}</details>"
