"""Clients in many places on the campaign's page: whether billed time depends on where the client is.

Escapes what comes from input; needs no numpy.
"""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from isotherm.analysis.summary import CampaignSummary, Cell, CellComparison, ClientFinding, MetricName
from isotherm.analysis.words.intervals import of_rounds
from isotherm.numbers import NOTHING, capitalised, digits, percent, probability
from isotherm.report.metrics import KIND_LABELS
from isotherm.report.page.figures import short
from isotherm.report.page.markup import Column, Markup, Section, figure, table, unbroken, with_interval
from isotherm.report.region_columns import BY_ROUND, cells_of_finding, comparisons_of, finding_title
from isotherm.report.region_names import place_name

Json = dict[str, Any]


class _Panel(NamedTuple):
    """One figure of a finding: a metric, what it is called, and its middle."""

    metric: MetricName
    label: str
    middle: str

    @property
    def title(self) -> str:
        """What the axis says."""
        return f"{self.label}, ms ({self.middle})"


_PANELS = (
    _Panel("billed_duration_ms", "Billed", "mean"),
    _Panel("duration_ms", "Duration", "median"),
    _Panel("client_ms", "Client", "median"),
)


def clients_section(summary: CampaignSummary) -> Section | None:
    """Each function that several clients called; None where none was."""
    if not summary.client_findings:
        return None
    cards = "".join(_card(summary, number, finding) for number, finding in enumerate(summary.client_findings))
    confidence = percent(summary.confidence)
    return Section(
        "Where the client is",
        f"""
<p class="lead">The same function, called from several regions. Two questions about what it is billed: is a client
told apart from the baseline (corrected by Holm for all comparisons here)? And if not, how large could a difference be
that went unseen: the farthest end of the {confidence} intervals of all differences between the clients' mean billed
times? {escape(BY_ROUND)} Marks are means or medians with {confidence} intervals; the diamond is the baseline.</p>
{cards}""",
    )


def clients_figures(summary: CampaignSummary) -> Json:
    """Numbers for the figures of this section, by group."""
    groups: Json = {}
    for number, finding in enumerate(summary.client_findings):
        cells = cells_of_finding(summary, finding)
        for panel in _PANELS:
            groups[_group(number, panel)] = {
                "metrics": [],
                "title": panel.title,
                "rows": [_row(cells.get(client), client, finding, panel) for client in finding.clients],
            }
    return groups


def _group(number: int, panel: _Panel) -> str:
    return f"clients-{number}-{panel.metric}"


def _row(cell: Cell | None, client: str, finding: ClientFinding, panel: _Panel) -> Json:
    found = cell.metrics.get(panel.metric) if cell else None
    ends = (panel.middle, f"{panel.middle}_low", f"{panel.middle}_high")
    middle, low, high = (short(getattr(found, name)) if found else None for name in ends)
    return {
        "name": place_name(client),
        "mid": middle,
        "low": low,
        "high": high,
        "of": f"{panel.middle} of {found.n if found else 0}",
        "baseline": client == finding.baseline,
    }


def _card(summary: CampaignSummary, number: int, finding: ClientFinding) -> str:
    several = len({(f.memory_mb, f.kind) for f in summary.client_findings}) > 1
    title = finding_title(finding, KIND_LABELS[finding.kind] if several else None)
    cells, against = cells_of_finding(summary, finding), comparisons_of(summary, finding)
    panels = [panel for panel in _PANELS if any(panel.metric in cell.metrics for cell in cells.values())]
    figures = "".join(
        figure(_group(number, panel), "dots", f"{title}: {panel.title} by client", "") for panel in panels
    )
    columns = [
        Column("Client", numeric=False),
        Column("Used"),
        Column("Billed", hint="mean, ms; sd"),
        *(
            column
            for panel in panels
            for column in (
                *((Column(panel.label, hint="median, ms"),) if panel.middle == "median" else ()),
                Column("Difference", hint="by round, ms"),
                Column("p", hint="Holm"),
            )
        ),
    ]
    rows = []
    for client in finding.clients:
        cell = cells[client]
        billed = cell.metrics.get("billed_duration_ms")
        row: list[str] = [
            _client(client),
            f"{cell.accounting.used:,}",
            Markup(f"{digits(billed.mean)}<small>{digits(billed.sd)}</small>") if billed else NOTHING,
        ]
        for panel in panels:
            found, comparison = cell.metrics.get(panel.metric), against.get((client, panel.metric))
            if panel.middle == "median":
                row.append(
                    with_interval(found.median, found.median_low, found.median_high, of_rounds(found))
                    if found
                    else NOTHING
                )
            row += ["baseline", ""] if client == finding.baseline else _difference(comparison)
        rows.append(row)
    caption = (
        f"{title}: each client against {place_name(finding.baseline)}, with {percent(summary.confidence)} intervals"
    )
    return f"""<div class="card"><h3>{escape(title)}</h3>
<div class="finding"><p>{unbroken(capitalised(finding.sentence))}.</p></div>
<div class="three">{figures}</div>
{table(caption, columns, rows)}</div>"""


def _client(client: str) -> str:
    name = place_name(client)
    return client if name == client else Markup(f"{escape(name)}<small>{escape(client)}</small>")


def _difference(comparison: CellComparison | None) -> list[str]:
    if comparison is None:
        return [NOTHING, NOTHING]
    return [with_interval(comparison.difference, comparison.low, comparison.high), probability(comparison.p_holm)]
