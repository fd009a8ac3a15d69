"""Calls over HTTP on the campaign's page: where their time goes, and what API Gateway adds.

Escapes what comes from input; needs no numpy.
"""

from __future__ import annotations

from html import escape
from typing import Any

from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.words.cells import varying
from isotherm.numbers import digits, listed, percent, probability
from isotherm.report.metrics import METRIC_LABELS
from isotherm.report.page.figures import short
from isotherm.report.page.markup import Column, Section, figure, table, unbroken, with_interval
from isotherm.report.region_columns import (
    BY_ROUND,
    STAGES,
    added_by_http,
    call_name,
    measured_stages,
    statuses_in_words,
)

Json = dict[str, Any]

_GROUP = "http"


def http_section(summary: CampaignSummary) -> Section | None:
    """Stages, statuses and the comparison with plain invocations; None where nothing was called over HTTP."""
    if not summary.http:
        return None
    return Section(
        "Over HTTP, stage by stage",
        f"""
<p class="lead">Where the client's time goes, as means, since only means add up to the whole. A new connection is
resolved, opened and secured first; a kept one is not. "Way and gateway" is the wait for the first byte less the
function's own work: the network there and back, API Gateway, and Lambda around the handler. The thin bar is what the
function is billed.</p>
<div class="card">{_stages_figure()}
{_stages_table(summary)}</div>
{_added(summary)}""",
    )


def http_figures(summary: CampaignSummary) -> Json:
    """Numbers for the figure of this section, by group."""
    if not summary.http:
        return {}
    present = [
        name for name in STAGES if any(getattr(stages, name) is not None for _, _, stages in measured_stages(summary))
    ]
    return {
        _GROUP: {
            "metrics": [],
            "stages": [{"name": name, "label": STAGES[name]} for name in present],
            "rows": [
                {
                    "name": f"{name}, {connection} connection",
                    "brief": f"{name}, {connection}",
                    "calls": stages.calls,
                    **{stage: short(getattr(stages, stage) or 0.0) for stage in present},
                    "total": short(stages.total),
                    "billed": short(stages.billed),
                }
                for name, connection, stages in measured_stages(summary)
            ],
        }
    }


def _stages_figure() -> str:
    return figure(
        _GROUP, "stages", "Mean time of each stage of a call over HTTP; the numbers are in the table below", ""
    )


def _stages_table(summary: CampaignSummary) -> str:
    columns = [
        Column("Call", numeric=False),
        Column("Connection", numeric=False),
        Column("Calls"),
        *(Column(label, hint="mean, ms") for label in STAGES.values()),
        Column("Total", hint="mean, ms"),
        Column("Billed", hint="mean, ms"),
    ]
    rows = [
        [
            name,
            connection,
            f"{stages.calls:,}",
            *(digits(getattr(stages, stage)) for stage in STAGES),
            digits(stages.total),
            digits(stages.billed),
        ]
        for name, connection, stages in measured_stages(summary)
    ]
    mention = varying(summary.http)
    statuses = "; ".join(f"{call_name(cell, mention)}: {statuses_in_words(cell)}" for cell in summary.http)
    return f"""{table("Stages of calls over HTTP", columns, rows)}
<p class="line">{escape(f"Answers by HTTP status: {statuses}")}.</p>"""


def _added(summary: CampaignSummary) -> str:
    found = added_by_http(summary)
    if not found:
        return ""
    several = len({c.other for c in found}) > 1
    mention = varying(found) - (frozenset() if several else {"protocol"})
    columns = [
        Column("Call", numeric=False),
        Column("What", numeric=False),
        Column("Of", numeric=False),
        Column("By invoke", hint="ms"),
        Column("This way", hint="ms"),
        Column("Difference", hint="by round, ms"),
        Column("p", hint="Holm"),
    ]
    rows: list[list[str]] = [
        [
            call_name(c, mention),
            METRIC_LABELS[c.metric],
            f"{c.middle}s",
            digits(c.baseline_value),
            digits(c.other_value),
            with_interval(c.difference, c.low, c.high),
            probability(c.p_holm),
        ]
        for c in found
    ]
    said = [c.sentence for c in found if c.metric == "client_ms"]
    ways = listed(list(dict.fromkeys(_WAY[c.other] for c in found)))
    caption = f"Each way against a plain invocation, with {percent(summary.confidence)} intervals"
    return f"""<div class="card"><h3>What {escape(ways)} adds</h3>
<div class="finding">{"".join(f"<p>{unbroken(sentence)}.</p>" for sentence in said)}</div>
<p class="line">Client times leave the opening of connections out, on both sides. {escape(BY_ROUND)}</p>
{table(caption, columns, rows)}</div>"""


_WAY = {"invoke": "Lambda's own API", "http": "API Gateway", "server": "the server", "instance": "the server on EC2"}
