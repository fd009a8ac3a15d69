"""The terminal's view of what lies between regions: criss-crosses, clients in many places, calls over HTTP."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.summary import CampaignSummary, Cell, CellComparison, ClientFinding, Crisscross, MetricName
from isotherm.numbers import NOTHING, capitalised, digits, interval, percent, probability
from isotherm.report.metrics import KIND_LABELS
from isotherm.report.region_columns import (
    COLUMNS,
    STAGES,
    Pair,
    added_by_http,
    cells_of_crisscross,
    cells_of_finding,
    comparisons_of,
    finding_title,
    measured_stages,
    missing_pairs,
    statuses_in_words,
)
from isotherm.report.region_names import place_name
from isotherm.report.terminal.frame import framed

#: Headings as narrow as their numbers: all columns fit a terminal of 80.
_HEADS: dict[MetricName, str] = {
    "client_ms": "Seen",
    "billed_duration_ms": "Bill.\nouter",
    "duration_ms": "Act.\nouter",
    "inner_round_trip_ms": "Round\ntrip",
    "inner_billed_duration_ms": "Bill.\ninner",
    "inner_duration_ms": "Act.\ninner",
    "database_ms": "DB",
    "network_ms": "Net",
    "network_share": "Net\n%",
}


def crisscross_tables(summary: CampaignSummary) -> list[RenderableType]:
    """Findings, a map of round trips, what the database costs, and mean and standard deviation of every column."""
    parts: list[RenderableType] = []
    for found in summary.crisscross:
        cells = cells_of_crisscross(summary, found)
        aside = f", {found.memory_mb} MB" + (f", called from {found.client_region}" if found.client_region else "")
        for inner, finding in zip(found.inner_targets, found.findings, strict=True):
            parts += [Text(), _map(found, cells, inner, aside + _emulated(summary)), Text(capitalised(finding) + ".")]
        parts += [Text(f"Missing, {sentence}", style="red") for sentence in missing_pairs(found)]
        if found.database:
            parts += [Text(), _database(summary, found)]
        for inner in found.inner_targets:
            parts += [Text(), _columns(found, cells, inner, _emulated(summary))]
    return parts


def _emulated(summary: CampaignSummary) -> str:
    return ", emulated" if summary.platform == "emulated" else ""


def _map(found: Crisscross, cells: dict[Pair, Cell], inner: str, aside: str) -> Table:
    table = framed(f"{found.target} calling {inner}: round trip, medians in ms{aside}")
    table.add_column("From, to")
    for region in found.inner_regions:
        table.add_column(place_name(region), justify="right")
    for start in found.regions:
        row = [place_name(start)]
        for end in found.inner_regions:
            cell = cells.get((start, inner, end))
            median = cell.metrics.get("inner_round_trip_ms") if cell else None
            row.append(digits(median.median) if median else NOTHING)
        table.add_row(*map(Text, row))
    return table


def _database(summary: CampaignSummary, found: Crisscross) -> Table:
    first = found.database[0]
    table = framed(f"What the database costs: {first.with_database} over {first.without}, ms{_emulated(summary)}")
    table.add_column("Region", no_wrap=True)
    for heading in ("Actual", "interval", "p", "Billed", "interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows: dict[str, list[str]] = {}
    for cost in found.database:
        ends = interval(cost.low, cost.high, " … ")
        rows.setdefault(cost.inner_region, []).extend([digits(cost.difference), ends, probability(cost.p_holm)])
    for region, texts in rows.items():
        table.add_row(Text(place_name(region)), *(texts + [NOTHING] * (6 - len(texts))))
    return table


def _columns(found: Crisscross, cells: dict[Pair, Cell], inner: str, aside: str) -> Table:
    measured = {metric for key, cell in cells.items() if key[1] == inner for metric in cell.metrics}
    shown = [metric for metric in COLUMNS if metric in measured]
    table = framed(f"{found.target} calling {inner}: mean in ms, standard deviation below{aside}")
    table.add_column("From, to", no_wrap=True)
    for metric in shown:
        table.add_column(_HEADS[metric], justify="right", no_wrap=True)
    for start in found.regions:
        table.add_row(Text(place_name(start), style="bold"))
        for entry in found.cells:
            if (entry.region, entry.inner) == (start, inner):
                cell = cells[start, inner, entry.inner_region]
                texts = ["missing"] if entry.missing else [_mean(cell, metric) for metric in shown]
                table.add_row(Text(f" {place_name(entry.inner_region)}"), *map(Text, texts))
        table.add_section()
    return table


def _mean(cell: Cell, metric: MetricName) -> str:
    found = cell.metrics.get(metric)
    if found is None or found.mean is None:
        return NOTHING
    scale = 100.0 if metric == "network_share" else 1.0
    return f"{digits(found.mean * scale)}\n{digits(None if found.sd is None else found.sd * scale)}"


def clients_tables(summary: CampaignSummary) -> list[RenderableType]:
    """One table for each function and way that several clients called, with its finding below."""
    parts: list[RenderableType] = []
    for finding in summary.client_findings:
        parts += [Text(), _clients(summary, finding), Text(capitalised(finding.sentence) + ".")]
    return parts


def _clients(summary: CampaignSummary, finding: ClientFinding) -> Table:
    """Mean billed times and median times that clients saw, each with its difference from the baseline, in ms."""
    cells, against = cells_of_finding(summary, finding), comparisons_of(summary, finding)
    table = framed(f"By client: {finding_title(finding, KIND_LABELS[finding.kind])}, ms{_emulated(summary)}")
    table.add_column("Client", no_wrap=True)
    for heading in ("Used", "Billed", "more", "interval", "p", "Seen", "later"):
        table.add_column(heading, justify="right", no_wrap=True)
    for client in finding.clients:
        cell = cells[client]
        billed, seen = cell.metrics.get("billed_duration_ms"), cell.metrics.get("client_ms")
        row = [place_name(client), f"{cell.accounting.used:,}"]
        row.append(digits(billed.mean) if billed else NOTHING)
        row += _shift(against.get((client, "billed_duration_ms")))
        row.append(digits(seen.median) if seen else NOTHING)
        row.append(_shift(against.get((client, "client_ms")))[0])
        table.add_row(*map(Text, row))
    return table


def _shift(comparison: CellComparison | None) -> list[str]:
    if comparison is None:
        return [NOTHING] * 3
    ends = interval(comparison.low, comparison.high, " … ")
    return [digits(comparison.difference), ends, probability(comparison.p_holm)]


def http_tables(summary: CampaignSummary) -> list[RenderableType]:
    """Stages of calls over HTTP, their statuses, and what the way adds to a plain invocation."""
    if not summary.http:
        return []
    table = framed(f"Over HTTP, stage by stage, means in ms{_emulated(summary)}")
    for heading in ("Call", "Conn."):
        table.add_column(heading)
    for heading in ("Calls", *_SHORT.values(), "Total", "Billed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, connection, stages in measured_stages(summary):
        times = [digits(getattr(stages, stage)) for stage in STAGES]
        row = [name, connection, f"{stages.calls:,}", *times, digits(stages.total), digits(stages.billed)]
        table.add_row(*map(Text, row))
    statuses: dict[str, None] = dict.fromkeys(statuses_in_words(cell) for cell in summary.http)
    lines = [c.sentence for c in added_by_http(summary) if c.metric == "client_ms"]
    return [
        Text(),
        table,
        Text(f"Answers by HTTP status: {'; '.join(statuses)}."),
        *(Text(f"{line}.") for line in lines),
        Text(f"Intervals at {percent(summary.confidence)}.", style="dim"),
    ]


_SHORT = {"dns": "DNS", "connect": "TCP", "tls": "TLS", "wait": "Way", "work": "Work", "body": "Body"}
