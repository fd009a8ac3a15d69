"""What page, terminal and Markdown share of calls between regions: columns, names, and which cells a finding is of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from isotherm.analysis.summary import (
    CampaignSummary,
    Cell,
    CellComparison,
    ClientFinding,
    Crisscross,
    HttpCell,
    MetricName,
    Sent,
    Stages,
)
from isotherm.analysis.words.cells import call_in_words, row_name, varying
from isotherm.campaign.cell import InCell, cell_key
from isotherm.numbers import NOTHING, digits, listed
from isotherm.report.metrics import METRIC_LABELS
from isotherm.report.region_names import place_name

#: How cells are compared that differ in one thing alone: `isotherm.analysis.contrasts.comparisons_across`.
BY_ROUND = (
    "Differences are taken round by round and their intervals over rounds, so that the luck of a round does not pass "
    "for a difference."
)

Pair = tuple[str, str, str]
"""Outer region, inner target, inner region."""

#: The columns of the record, in the order in which a call meets them.
COLUMNS: tuple[MetricName, ...] = (
    "client_ms",
    "billed_duration_ms",
    "duration_ms",
    "inner_round_trip_ms",
    "inner_billed_duration_ms",
    "inner_duration_ms",
    "database_ms",
    "network_ms",
    "network_share",
)
#: The stages in the order in which a call passes them.
STAGES: dict[str, str] = {
    "dns": "DNS",
    "connect": "Connect",
    "tls": "TLS",
    "wait": "Way and gateway",
    "work": "Function's work",
    "body": "Body",
}
#: Where one function calls another, whose time it is has to be said.
_OF_OUTER: dict[str, str] = {
    "client_ms": "Total at the client",
    "billed_duration_ms": "Billed outer",
    "duration_ms": "Actual outer",
    "inner_round_trip_ms": "Round trip",
    "inner_duration_ms": "Actual inner",
}


def crisscross_label(metric: MetricName) -> str:
    """The label of a metric where one function calls another."""
    return _OF_OUTER.get(metric, METRIC_LABELS[metric])


def finding_title(finding: ClientFinding, kind: str | None = None) -> str:
    """What a finding about clients is about."""
    return call_in_words(finding) + (f", {finding.memory_mb} MB, {kind.lower()}" if kind else "")


def call_name(cell: InCell, mention: Collection[str]) -> str:
    """A call as a table of several places names it: what was asked, where, and by which way, as far as these vary."""
    key = cell_key(cell)
    named = row_name(replace(key, client_region=key.client_region and place_name(key.client_region)), mention)
    return f"{named} in {cell.region}" if "region" in mention else named


def cells_of_crisscross(summary: CampaignSummary, found: Crisscross) -> dict[Pair, Cell]:
    """The summary's cells of a criss-cross, by outer region, inner target and inner region."""
    return {
        (cell.region, cell.inner or "", cell.inner_region or ""): cell for cell in summary.cells if found.holds(cell)
    }


def sent_in_words(sent: Sent | None) -> str:
    """Mean of the times sent, in UTC, and their standard deviation in seconds."""
    if sent is None:
        return NOTHING
    return " ± ".join(sent_parts(sent))


def sent_parts(sent: Sent) -> tuple[str, str]:
    """The mean of the times sent and their standard deviation, as tables show them."""
    mean = datetime.fromtimestamp(sent.mean_at_ms / 1000, UTC)
    return f"{mean:%H:%M:%S}", f"{digits(sent.sd_s)} s"


def missing_pairs(crisscross: Crisscross) -> list[str]:
    """Pairs of regions without a used sample, in a sentence for each reason."""
    found: dict[str, dict[tuple[str, str], set[str]]] = {}
    missing: dict[tuple[str, str], set[str]] = {}
    for cell in crisscross.cells:
        if cell.missing:
            for pairs in (found.setdefault(cell.missing, {}), missing):
                pairs.setdefault((cell.region, cell.inner_region), set()).add(cell.inner)
    every = set(crisscross.inner_targets)
    lost = {pair for pair, inner in missing.items() if inner == every}
    return [f"{_pairs_named(crisscross, pairs, lost)}: {reason}" for reason, pairs in found.items()]


def _pairs_named(
    crisscross: Crisscross, pairs: Mapping[tuple[str, str], set[str]], lost: Collection[tuple[str, str]]
) -> str:
    """Pairs as briefly as can be: those of a region that is lost as a whole by that region."""
    starts = {start for start, _ in pairs}
    ends = {end for _, end in pairs}
    rows = {r for r in starts if all((r, end) in lost and (r, end) in pairs for end in crisscross.inner_regions)}
    columns = {c for c in ends if len(starts - rows) > 1 and all((r, c) in lost for r in crisscross.regions)}
    named = [f"every pair from {row}" for row in crisscross.regions if row in rows]
    named += [f"every pair from elsewhere to {end}" for end in crisscross.inner_regions if end in columns]
    targets = set(crisscross.inner_targets)
    named += [
        f"{start} to {end}" + ("" if inner == targets else f" ({listed(sorted(inner))})")
        for (start, end), inner in pairs.items()
        if start not in rows and end not in columns
    ]
    return listed(named)


def cells_of_finding(summary: CampaignSummary, finding: ClientFinding) -> dict[str, Cell]:
    """The summary's cells that a finding is about, by client."""
    return {
        cell.client_region: cell for cell in summary.cells if cell.client_region is not None and finding.is_about(cell)
    }


def comparisons_of(summary: CampaignSummary, finding: ClientFinding) -> dict[tuple[str, MetricName], CellComparison]:
    """The comparisons across clients that a finding is about, by client and metric."""
    return {
        (c.other, c.metric): c for c in summary.cell_comparisons if c.across == "client_region" and finding.is_about(c)
    }


def measured_stages(summary: CampaignSummary) -> list[tuple[str, str, Stages]]:
    """Stages of each cell over HTTP, as call and connection (new or kept)."""
    mention = varying(summary.http)
    return [
        (call_name(cell, mention), connection, stages)
        for cell in summary.http
        for connection, stages in (("new", cell.new), ("kept", cell.reused))
        if stages is not None
    ]


def statuses_in_words(cell: HttpCell) -> str:
    """How many answers of each status, as in "201: 58, 429: 2"."""
    return ", ".join(f"{status}: {calls:,}" for status, calls in cell.statuses.items()) or NOTHING


def added_by_http(summary: CampaignSummary) -> list[CellComparison]:
    """The comparisons between protocols."""
    return [c for c in summary.cell_comparisons if c.across == "protocol"]
