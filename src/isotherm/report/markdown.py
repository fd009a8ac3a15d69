"""The campaign as Markdown, for pasting into an issue: the numbers of the page without its figures. No plotly, no rich.

Whatever came from input is escaped where it enters a table, so that it can neither break a row nor become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from isotherm.accounting import total
from isotherm.numerals import NOTHING, digits, dollars, interval, percent, probability
from isotherm.report.wording import (
    KIND_LABELS,
    METRIC_LABELS,
    accounting_line,
    groups,
    price_lines,
    shown_metrics,
    unit,
)
from isotherm.sample import Kind
from isotherm.summary import CampaignSummary, Cell, MetricSummary


def render_markdown(summary: CampaignSummary) -> str:
    """A campaign's results as GitHub-flavoured Markdown.

    Parameters
    ----------
    summary : CampaignSummary
        As read from `summary.json`.
    """
    parts = [f"## {_plain(summary.headline)}", _about(summary)]
    parts += [_list("Do not trust this: the accounts do not balance", summary.imbalances)] if summary.imbalances else []
    parts += [_list("Before you quote a number", summary.warnings)] if summary.warnings else []
    kinds: tuple[Kind, ...] = ("cold", "warm")
    for kind in kinds:
        for (region, memory_mb), cells in groups(summary.cells, kind).items():
            parts.append(f"### {KIND_LABELS[kind]}, {_plain(region)}, {memory_mb} MB")
            parts.append(_cells(summary, kind, cells))
            parts += [f"{_plain(cell.target)}: {_plain(cell.precision)}." for cell in cells if cell.precision]
            parts.append(_plain(accounting_line(total(cell.accounting for cell in cells))) + ".")
    if summary.startup_costs:
        said = [f"{cost.region}, {cost.memory_mb} MB: {cost.sentence}" for cost in summary.startup_costs]
        parts.append(_list("Cost of start-up", said))
    parts += _comparisons(summary)
    parts += _lanes(summary)
    parts += _price(summary)
    parts.append(_settings(summary))
    return "\n\n".join(parts) + "\n"


def _about(summary: CampaignSummary) -> str:
    return (
        f"Campaign `{_code(summary.campaign_id)}`, {_plain(summary.note or 'measured on AWS')}; "
        f"{summary.accounting.used:,} samples used; {_plain(accounting_line(summary.accounting))}."
    )


def _cells(summary: CampaignSummary, kind: Kind, cells: Sequence[Cell]) -> str:
    metrics = shown_metrics(summary, kind)
    heads = ["Target", "Used", *(f"{METRIC_LABELS[metric]}, {unit(metric)}" for metric in metrics)]
    heads += [f"{METRIC_LABELS[metrics[0]]} p95"] if metrics else []
    rows = []
    for cell in cells:
        found = [cell.metrics.get(metric) for metric in metrics]
        row = [cell.target, f"{cell.accounting.used:,}", *(_median(metric) for metric in found)]
        rows.append(row + ([digits(found[0].p95) if found[0] else NOTHING] if metrics else []))
    return _table(heads, rows) + f"\n\nMedians with their {percent(summary.confidence)} intervals."


def _median(metric: MetricSummary | None) -> str:
    if metric is None:
        return NOTHING
    return f"{digits(metric.median)} ({interval(metric.median_low, metric.median_high)})"


def _comparisons(summary: CampaignSummary) -> list[str]:
    if not summary.comparisons:
        return []
    rows = [
        [f"{c.region}, {c.memory_mb} MB, {c.kind}", METRIC_LABELS[c.metric], c.result.sentence, probability(c.p_holm)]
        for c in summary.comparisons
    ]
    return [f"### Against {_plain(summary.baseline)}", _table(["Where", "What", "In words", "p (Holm)"], rows)]


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
