"""The campaign as Markdown, for pasting into an issue: the numbers of the page without its figures. No plotly, no rich.

Whatever came from input is escaped where it enters a table, so that it can neither break a row nor become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from isotherm.analysis.accounting import total
from isotherm.analysis.shortfall import shortfalls
from isotherm.analysis.summary import CampaignSummary, Cell, CellComparison, Crisscross, MetricName
from isotherm.analysis.words.cells import varying
from isotherm.analysis.words.loads import accounts_of, run_names, total_of
from isotherm.analysis.words.shortfall import shortfalls_in_a_line
from isotherm.campaign.cell import Kind
from isotherm.numbers import NOTHING, capitalised, digits, dollars, interval, percent, probability
from isotherm.printable import printable
from isotherm.report.load_lines import (
    how_loaded,
    load_lines,
    load_notes,
    loop_in_words,
    phase_cells,
    phase_heads,
    with_unit,
)
from isotherm.report.metrics import (
    KIND_LABELS,
    METRIC_LABELS,
    accounting_line,
    failure_lines,
    groups,
    how_adjusted,
    price_lines,
    row_heading,
    row_names,
    shown_metrics,
    unit,
    where,
)
from isotherm.report.region_columns import (
    COLUMNS,
    STAGES,
    Pair,
    added_by_http,
    call_name,
    cells_of_crisscross,
    crisscross_label,
    measured_stages,
    missing_pairs,
    sent_in_words,
    statuses_in_words,
)
from isotherm.statistics.results import MetricSummary


def render_markdown(summary: CampaignSummary) -> str:
    """A campaign's results as GitHub-flavoured Markdown.

    Parameters
    ----------
    summary : CampaignSummary
        As read from `summary.json`.
    """
    lacks = shortfalls_in_a_line(shortfalls(summary))
    parts = [f"**{_plain(lacks)}.**"] if lacks else []
    parts += [f"## {_plain(summary.headline)}", _about(summary)]
    parts += [_list("Do not trust this: the accounts do not balance", summary.imbalances)] if summary.imbalances else []
    parts += [_list("Before you quote a number", summary.warnings)] if summary.warnings else []
    parts += [*_loads(summary), *_crisscrosses(summary), *_clients(summary), *_http(summary)]
    kinds: tuple[Kind, ...] = ("cold", "warm")
    for kind in kinds:
        for place, cells in groups(summary.cells, kind).items():
            parts.append(f"### {KIND_LABELS[kind]}, {_plain(str(place))}")
            parts.append(_cells(summary, kind, cells))
            named = zip(row_names(cells), cells, strict=True)
            parts += [f"{_plain(name)}: {_plain(cell.precision)}." for name, cell in named if cell.precision]
            parts.append(_plain(accounting_line(total(cell.accounting for cell in cells))) + ".")
    if summary.startup_costs:
        said = [f"{cost.region}, {cost.memory_mb} MB: {cost.sentence}" for cost in summary.startup_costs]
        parts.append(_list("Cost of start-up", said))
    parts += _comparisons(summary)
    parts += _lanes(summary)
    parts += [_list("Why calls failed", failure_lines(summary.failures))] if summary.failures else []
    parts += _price(summary)
    parts.append(_settings(summary))
    return printable("\n\n".join(parts) + "\n")


def _about(summary: CampaignSummary) -> str:
    if summary.loads and not summary.cells:
        said = f"Campaign `{_code(summary.campaign_id)}`, {_plain(summary.note or 'measured on AWS')}"
        return f"{said}; {_plain(accounts_of(total_of(summary.loads)))}."
    return (
        f"Campaign `{_code(summary.campaign_id)}`, {_plain(summary.note or 'measured on AWS')}; "
        f"{summary.accounting.used:,} samples used; {_plain(accounting_line(summary.accounting))}."
    )


def _cells(summary: CampaignSummary, kind: Kind, cells: Sequence[Cell]) -> str:
    metrics = shown_metrics(summary, kind)
    heads = [row_heading(cells), "Used", *(f"{METRIC_LABELS[metric]}, {unit(metric)}" for metric in metrics)]
    heads += [f"{METRIC_LABELS[metrics[0]]} p95"] if metrics else []
    rows = []
    for cell, name in zip(cells, row_names(cells), strict=True):
        found = [cell.metrics.get(metric) for metric in metrics]
        row = [name, f"{cell.accounting.used:,}", *(_median(metric) for metric in found)]
        rows.append(row + ([digits(found[0].p95) if found[0] else NOTHING] if metrics else []))
    return _table(heads, rows) + f"\n\nMedians with their {percent(summary.confidence)} intervals."


def _median(metric: MetricSummary | None) -> str:
    if metric is None:
        return NOTHING
    return f"{digits(metric.median)} ({interval(metric.median_low, metric.median_high)})"


def _loads(summary: CampaignSummary) -> list[str]:
    load = summary.campaign.load
    if load is None or not summary.loads:
        return []
    made, names = how_loaded(summary, load), run_names(summary.loads)
    lines = [[with_unit(line.label, line.unit), *line.values] for line in load_lines(summary, summary.loads)]
    notes = _plain(" ".join([loop_in_words(load), *load_notes(summary)]))
    parts = ["### Under load", f"Loop: {_plain(made['Loop'])}.", _table(["All phases", *names], lines), notes]
    heads = [with_unit(label, unit_of) for label, unit_of in phase_heads(summary)]
    for name, run in zip(names, summary.loads, strict=True):
        parts += [
            f"#### {_plain(name)}, phase by phase",
            _table(heads, [phase_cells(summary, row) for row in run.rows]),
        ]
        parts += [f"The generator did not keep up in {_plain('; in '.join(run.late))}."] if run.late else []
    return [*parts, f"Latency: {_plain(made['Latency'])}."]


def _crisscrosses(summary: CampaignSummary) -> list[str]:
    parts = []
    for found in summary.crisscross:
        cells = cells_of_crisscross(summary, found)
        client = f", called from {found.client_region}" if found.client_region else ""
        parts.append(f"### From region to region, {found.memory_mb} MB{_plain(client)}")
        parts.append("\n".join(f"- {_plain(capitalised(finding))}." for finding in found.findings))
        missing = missing_pairs(found)
        parts += [_list("Pairs that are missing", missing)] if missing else []
        for inner in found.inner_targets:
            title = f"{found.target} calling {inner}: round trip, median in ms"
            parts += [f"#### {_plain(title)}", _map(found, cells, inner)]
        if found.database:
            parts += [
                "#### What the database costs",
                _table(
                    ["Region", "What", "In words", "p (Holm)"],
                    [
                        [cost.inner_region, METRIC_LABELS[cost.metric], cost.sentence, probability(cost.p_holm)]
                        for cost in found.database
                    ],
                ),
            ]
        slopes = [
            [crisscross_label(slope.time), slope.inner, f"{slope.slope.n}", capitalised(slope.sentence)]
            for slope in found.slopes
        ]
        parts += ["#### Against the network time of the pair", _table(["Time", "Calling", "Pairs", "In words"], slopes)]
        for inner in found.inner_targets:
            title = f"{found.target} calling {inner}: mean ± standard deviation, in ms"
            parts += [f"#### {_plain(title)}", _columns(found, cells, inner)]
    return parts


def _map(found: Crisscross, cells: Mapping[Pair, Cell], inner: str) -> str:
    rows = []
    for start in found.regions:
        medians = [cells[start, inner, end].metrics.get("inner_round_trip_ms") for end in found.inner_regions]
        rows.append([start, *(digits(median.median) if median else NOTHING for median in medians)])
    return _table(["From, to", *map(_plain, found.inner_regions)], rows)


def _columns(found: Crisscross, cells: Mapping[Pair, Cell], inner: str) -> str:
    measured = {metric for key, cell in cells.items() if key[1] == inner for metric in cell.metrics}
    shown = [metric for metric in COLUMNS if metric in measured]
    heads = ["From", "To", "Calls", "Time sent, UTC"]
    heads += [crisscross_label(metric) + (", %" if metric == "network_share" else "") for metric in shown]
    rows = []
    for entry in found.cells:
        if entry.inner == inner:
            metrics = cells[entry.region, inner, entry.inner_region].metrics
            row = [entry.region, entry.inner_region, f"{entry.used:,}", sent_in_words(entry.sent)]
            rows.append(row + [_mean(metrics.get(metric), metric) for metric in shown])
    return _table(heads, rows)


def _mean(found: MetricSummary | None, metric: MetricName) -> str:
    if found is None or found.mean is None:
        return NOTHING
    scale = 100.0 if metric == "network_share" else 1.0
    return f"{digits(found.mean * scale)} ± {digits(None if found.sd is None else found.sd * scale)}"


def _clients(summary: CampaignSummary) -> list[str]:
    if not summary.client_findings:
        return []
    said = "\n".join(f"- {_plain(capitalised(finding.sentence))}." for finding in summary.client_findings)
    compared = [c for c in summary.cell_comparisons if c.across == "client_region"]
    return ["### Where the client is", said, _across(compared)]


def _http(summary: CampaignSummary) -> list[str]:
    if not summary.http:
        return []
    heads = ["Call", "Connection", "Calls", *STAGES.values(), "Total", "Billed"]
    rows = [
        [
            name,
            kept,
            f"{s.calls:,}",
            *(digits(getattr(s, stage)) for stage in STAGES),
            digits(s.total),
            digits(s.billed),
        ]
        for name, kept, s in measured_stages(summary)
    ]
    mention = varying(summary.http)
    statuses = "; ".join(f"{call_name(cell, mention)}: {statuses_in_words(cell)}" for cell in summary.http)
    added = added_by_http(summary)
    return [
        "### Over HTTP, stage by stage",
        _table(heads, rows) + f"\n\nMeans in ms. Answers by HTTP status: {_plain(statuses)}.",
        *(["#### Against a plain invocation", _across(added)] if added else []),
    ]


def _across(comparisons: Iterable[CellComparison]) -> str:
    rows = [
        [f"{c.region}, {c.memory_mb} MB, {c.kind}", METRIC_LABELS[c.metric], c.sentence, probability(c.p_holm)]
        for c in comparisons
    ]
    return _table(["Where", "What", "In words", "p (Holm)"], rows)


def _comparisons(summary: CampaignSummary) -> list[str]:
    if not summary.comparisons:
        return []
    rows = [
        [
            f"{where(c)}, {c.kind}",
            METRIC_LABELS[c.metric],
            c.other,
            _with_p95(c.result.baseline_median, c.result.baseline_p95),
            _with_p95(c.result.other_median, c.result.other_p95),
            c.result.sentence,
            probability(c.p_holm),
            NOTHING if c.rounds is None else f"{c.rounds:,}",
        ]
        for c in summary.comparisons
    ]
    baseline = _plain(summary.baseline)
    headings = ["Where", "What", "Target", f"{baseline} (p95)", "Target's (p95)", "In words", "p, adjusted", "Rounds"]
    return [f"### Against {baseline}", _table(headings, rows), how_adjusted(summary)]


def _with_p95(median: float | None, p95: float | None) -> str:
    return digits(median) if p95 is None else f"{digits(median)} ({digits(p95)})"


def _lanes(summary: CampaignSummary) -> list[str]:
    failed = [lane for lane in summary.lanes if lane.status == "failed"]
    said = [f"{lane.lane_key}: {lane.reason or 'no reason was given'}" for lane in failed]
    return [_list("Lanes that failed", said)] if failed else []


def _price(summary: CampaignSummary) -> list[str]:
    planned, actual = summary.planned_price, summary.actual_price
    heads = ["Service", "Unit", "Planned", "USD", *(("Actual", "USD") if actual else ())]
    rows = []
    for service, unit_of, *lines in price_lines(planned, actual):
        row = [service, unit_of]
        for line in lines if actual else lines[:1]:
            row += [digits(line.quantity), dollars(line.usd)] if line else [NOTHING, NOTHING]
        rows.append(row)
    rows.append(["All", "", "", dollars(planned.usd), *(("", dollars(actual.usd)) if actual else ())])
    spent = " Nothing was spent: this is what AWS would ask." if summary.platform == "emulated" else ""
    notes = "".join(f" {_plain(note[0].upper() + note[1:])}." for note in (actual or planned).notes)
    return ["### Price", _table(heads, rows), f"Prices of {_plain(planned.as_of)}.{spent}{notes}"]


def _settings(summary: CampaignSummary) -> str:
    asked = summary.campaign.model_dump_json(exclude_none=True, exclude_defaults=True)
    runtimes = sorted({f"{t.runtime} on {t.architecture}" for region in summary.inventory for t in region.targets})
    return (
        f"<details><summary>How it was measured</summary>\n\nIsotherm {_plain(summary.version)}, "
        f"{_plain(', '.join(runtimes))}, from {_plain(summary.created_at)} to "
        f"{_plain(summary.finished_at or NOTHING)}.\n\n```json\n{asked.replace('`', chr(39))}\n```\n\n</details>"
    )


def _list(title: str, sentences: Iterable[str]) -> str:
    return f"### {title}\n\n" + "\n".join(f"- {_plain(sentence)}" for sentence in sentences)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_plain(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown leaves alone: one line, no markup, no cell's end."""
    return re.sub(r"([\\`*_\[\]<>|#@~])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return text.replace("`", "'")
