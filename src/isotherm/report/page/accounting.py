"""Where every call of a campaign ended, and why, on its page. Escapes what comes from input."""

from __future__ import annotations

from html import escape

from isotherm.analysis.summary import CampaignSummary
from isotherm.numbers import NOTHING, count, digits, listed
from isotherm.report.metrics import accounting_line, where
from isotherm.report.page.markup import Column, table

CONTESTED_SHOWN = 100
#: A table of more rows scrolls in a box of its own.
LONG = 40

# Columns of the accounting that are there even when all zero; the others are named below as zero everywhere.
_ALWAYS_SHOWN = ("planned", "issued", "answered", "report_found", "report_missing", "contested", "used")


def accounting_section(summary: CampaignSummary) -> str:
    """Where every planned call of every cell ended, why calls failed, and what is contested."""
    names = {
        "planned": "planned",
        "issued": "issued",
        "uncollected": "uncollected",
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
        "unusable": "unusable",
        "used": "used",
    }
    if summary.accounting.nested:
        names |= {
            "nested": "nested calls",
            "inner_report_found": "inner reports found",
            "inner_report_missing": "inner missing",
        }
    columns = [Column("Target", numeric=False), Column("Where", numeric=False), Column("Calls", numeric=False)]
    names = {field: name for field, name in names.items() if getattr(summary.accounting, field) is not None}
    zero = [field for field in names if field not in _ALWAYS_SHOWN and not getattr(summary.accounting, field)]
    shown = [field for field in names if field not in zero]
    columns += [Column(names[field]) for field in shown]
    rows = [
        [
            cell.target,
            where(cell),
            cell.kind,
            *(f"{getattr(cell.accounting, field):,}" for field in shown),
        ]
        for cell in summary.cells
    ]
    rows.append(["All", "", "", *(f"{getattr(summary.accounting, field):,}" for field in shown)])
    absent = f". Zero everywhere: {listed([names[field] for field in zero])}" if zero else ""
    verdict = "The sums agree." if not summary.imbalances else "The sums do not agree; see the top of the page."
    caption = f"Where every planned call ended{absent}"
    every = table(caption, columns, rows, last_is_sum=True, tall=len(rows) > LONG)
    return f"""<section><h2>Every call accounted for</h2>
<p class="lead">{escape(accounting_line(summary.accounting))}. {verdict}</p>
<div class="card">{every}</div>
{_failures(summary)}{_contested(summary)}</section>"""


def _failures(summary: CampaignSummary) -> str:
    if not summary.failures:
        return ""
    columns = [Column("Target", numeric=False), Column("Where", numeric=False), Column("Calls", numeric=False)]
    columns += [Column("Failed"), Column("As", numeric=False), Column("Why", numeric=False)]
    columns.append(Column("Reason", numeric=False, wide=True))
    rows = [
        [
            failure.target,
            where(failure),
            failure.kind,
            f"{failure.calls:,}",
            failure.outcome.replace("_", " "),
            failure.reason,
            failure.example or NOTHING,
        ]
        for failure in summary.failures
    ]
    why = table("Why calls failed, with the message met most often", columns, rows, tall=len(rows) > LONG)
    return f'<div class="card">{why}</div>'


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
            "contradicted" if sample.report_contested else _temperature(sample.platform_cold),
            _temperature(sample.probe_cold),
            digits(sample.init_duration_ms),
            sample.request_id or NOTHING,
        ]
        for sample in summary.contested[:CONTESTED_SHOWN]
    ]
    caption = "Contested: platform and probe disagree on coldness, or the report is contradicted "
    caption += f"({count(len(summary.contested), 'sample')}"
    caption += f", the first {CONTESTED_SHOWN} shown)" if len(summary.contested) > CONTESTED_SHOWN else ")"
    return f'<div class="card">{table(caption, columns, rows)}</div>'


def _temperature(cold: bool | None) -> str:
    return NOTHING if cold is None else "cold" if cold else "warm"


def lanes_section(summary: CampaignSummary) -> str:
    """Lanes that failed, with their reasons; empty where none did."""
    failed = [lane for lane in summary.lanes if lane.status == "failed"]
    if not failed:
        return ""
    columns = [Column(name, numeric=False) for name in ("Lane", "Target", "Region", "Round")]
    columns.append(Column("Reason", numeric=False, wide=True))
    rows: list[list[str]] = [
        [lane.lane_key, lane.target, lane.region, f"{lane.round + 1}", lane.reason or "no reason was given"]
        for lane in failed
    ]
    return f"""<section><h2>Lanes that failed</h2>
<p class="lead">{len(failed)} of {count(len(summary.lanes), "lane")}; the results of the others are above.</p>
<div class="card">{table("Lanes that failed, with their reasons", columns, rows)}</div></section>"""
