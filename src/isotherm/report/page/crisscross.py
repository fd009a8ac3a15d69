"""Criss-crosses on the campaign's page: maps of the pairs, who pays for distance, every column of every pair.

Escapes what comes from input; needs no numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from isotherm.analysis.summary import METRICS, CampaignSummary, Cell, Crisscross, CrisscrossCell, MetricName, Sent
from isotherm.analysis.words.intervals import kind_of_intervals, of_rounds
from isotherm.numbers import NOTHING, capitalised, count, digits, interval, per_ms, percent, probability
from isotherm.report.page.figures import short
from isotherm.report.page.markup import (
    Column,
    Markup,
    Section,
    choices,
    figure,
    grouped_table,
    notice,
    table,
    unbroken,
    with_interval,
)
from isotherm.report.region_columns import (
    COLUMNS,
    Pair,
    cells_of_crisscross,
    crisscross_label,
    missing_pairs,
    sent_parts,
)
from isotherm.report.region_names import place_name
from isotherm.statistics.results import MetricSummary, Slope

Json = dict[str, Any]

#: What the maps can show, the most asked for first.
MAPPED: tuple[MetricName, ...] = (
    "inner_round_trip_ms",
    "client_ms",
    "billed_duration_ms",
    "inner_billed_duration_ms",
    "network_ms",
    "database_ms",
)
#: What is set against distance: label, outer's time, inner's time.
AGAINST: dict[str, tuple[str, MetricName, MetricName]] = {
    "billed": ("Billed", "billed_duration_ms", "inner_billed_duration_ms"),
    "actual": ("Actual", "duration_ms", "inner_duration_ms"),
}


def crisscross_sections(summary: CampaignSummary) -> list[Section]:
    """All criss-crosses of a campaign; none where no function called another."""
    return [_section(summary, number, found) for number, found in enumerate(summary.crisscross)]


def crisscross_figures(summary: CampaignSummary) -> Json:
    """Numbers for the figures of these sections, by group."""
    groups: Json = {}
    for number, found in enumerate(summary.crisscross):
        cells = cells_of_crisscross(summary, found)
        groups[_group(number)] = {
            "metrics": [
                {"name": name, "label": crisscross_label(name), "unit": "ms"}
                for name in _measured(cells.values(), MAPPED)
            ],
            "outer": found.target,
            "from": [{"code": region, "name": place_name(region)} for region in found.regions],
            "to": [{"code": region, "name": place_name(region)} for region in found.inner_regions],
            "maps": [_map(found, cells, inner) for inner in found.inner_targets],
        }
        groups[f"{_group(number)}-distance"] = {
            "metrics": [{"name": name, "label": label, "unit": "ms"} for name, (label, *_) in AGAINST.items()],
            "maps": [_distance(found, cells, inner) for inner in found.inner_targets],
        }
        for metric, (word, _) in _COSTS.items():
            costs = [cost for cost in found.database if cost.metric == metric]
            groups[f"{_group(number)}-{metric}"] = {
                "metrics": [],
                "title": f"{capitalised(word)} time added, ms",
                "rows": [
                    {
                        "name": place_name(cost.inner_region),
                        "mid": short(cost.difference),
                        "low": short(cost.low),
                        "high": short(cost.high),
                        "of": f"over {cost.blocks} regions and rounds" if cost.blocks else "calls of one round",
                        "baseline": False,
                    }
                    for cost in costs
                ],
            }
    return groups


#: What the database adds to: in a word, and whether its mean or its median is compared.
_COSTS: dict[MetricName, tuple[str, str]] = {
    "inner_duration_ms": ("actual", "median"),
    "inner_billed_duration_ms": ("billed", "mean"),
}


def _group(number: int) -> str:
    return f"crisscross-{number}"


def _measured(cells: Any, metrics: Sequence[MetricName]) -> list[MetricName]:
    there = {metric for cell in cells for metric in cell.metrics}
    return [metric for metric in metrics if metric in there]


def _map(found: Crisscross, cells: dict[Pair, Cell], inner: str) -> Json:
    missing = {(c.region, c.inner_region): c.missing for c in found.cells if c.inner == inner}
    return {
        "inner": inner,
        "values": {
            metric: [
                [_point(cells.get((start, inner, end)), metric) for end in found.inner_regions]
                for start in found.regions
            ]
            for metric in _measured([cell for key, cell in cells.items() if key[1] == inner], MAPPED)
        },
        "missing": [
            [missing.get((start, end), "this pair was not planned") for end in found.inner_regions]
            for start in found.regions
        ],
    }


def _point(cell: Cell | None, metric: MetricName) -> list[float | None] | None:
    found = cell.metrics.get(metric) if cell else None
    if found is None:
        return None
    return [short(found.median), short(found.median_low), short(found.median_high), found.n]


def _distance(found: Crisscross, cells: dict[Pair, Cell], inner: str) -> Json:
    points = []
    for (start, called, end), cell in cells.items():
        network = cell.metrics.get("network_ms")
        if called == inner and network is not None:
            means = {
                name: [short(of.mean) if (of := cell.metrics.get(metric)) else None for metric in metrics]
                for name, (_, *metrics) in AGAINST.items()
            }
            points.append({"way": f"{place_name(start)} to {place_name(end)}", "x": short(network.median), **means})
    slopes = {slope.time: slope.slope for slope in found.slopes if slope.inner == inner}
    return {
        "points": points,
        "lines": {
            name: [
                {
                    "name": f"{label.lower()} {who}",
                    "slope": slopes[metric].slope if metric in slopes else None,
                    "intercept": slopes[metric].intercept if metric in slopes else None,
                }
                for who, metric in zip((found.target, inner), metrics, strict=True)
            ]
            for name, (label, *metrics) in AGAINST.items()
        },
    }


def _section(summary: CampaignSummary, number: int, found: Crisscross) -> Section:
    several = len(summary.crisscross) > 1
    client = f", called from {found.client_region}" if found.client_region else ""
    title = "From region to region" + (f": {found.memory_mb} MB{client}" if several else "")
    lead = (
        f"{found.target} in one region calls a function in another, and waits. Rows: where {found.target} runs; "
        "columns: where it calls. Each field is the median of a pair's calls, one scale for all maps; its "
        f"{percent(summary.confidence)} interval shows where you point. Dotted: a region that calls itself."
    )
    said = "".join(f"<p>{unbroken(capitalised(finding))}.</p>" for finding in found.findings)
    cells = cells_of_crisscross(summary, found)
    return Section(
        title,
        f"""
<p class="lead">{escape(lead)}</p>
{_maps(number, found, cells)}
<div class="card"><h3>Who pays for distance</h3>
<div class="finding">{said}</div>
{_distances(summary, number, found)}</div>
{_database(summary, number, found)}
{_columns(summary, found, cells)}""",
    )


def _maps(number: int, found: Crisscross, cells: dict[Pair, Cell]) -> str:
    metrics = _measured(cells.values(), MAPPED)
    gaps = missing_pairs(found)
    lost = sum(cell.missing is not None for cell in found.cells)
    missing = notice(f"{lost} of {count(len(found.cells), 'cell')} missing", gaps, "notices") if gaps else ""
    if not metrics:
        return missing
    group = _group(number)
    buttons = choices(group, "Show", [(metric, crisscross_label(metric), METRICS[metric]) for metric in metrics])
    maps = "".join(
        figure(
            group,
            f"heat:{part}",
            f"{found.target} calling {inner}: a map of medians by region; the numbers are in the table below",
            f"{_with_or_without(found, cells, inner)}.",
        )
        for part, inner in enumerate(found.inner_targets)
    )
    return f'{missing}<div class="card"><h3>Every pair</h3>\n{buttons}\n<div class="pair">{maps}</div></div>'


def _with_or_without(found: Crisscross, cells: dict[Pair, Cell], inner: str) -> str:
    """Which function calls which, and whether the latter has a database."""
    has = any("database_ms" in cell.metrics for key, cell in cells.items() if key[1] == inner)
    return f"{found.target} calling {inner}, {'with' if has else 'without'} a database"


def _distances(summary: CampaignSummary, number: int, found: Crisscross) -> str:
    group = f"{_group(number)}-distance"
    buttons = choices(group, "Time", [(name, label, f"{label} time") for name, (label, *_) in AGAINST.items()])
    figures = "".join(
        figure(
            group,
            f"distance:{part}",
            f"Times of {found.target} and {inner} against the network time between them",
            f"{found.target} calling {inner}: each mark is a pair of regions.",
        )
        for part, inner in enumerate(found.inner_targets)
    )
    columns = [
        Column("Time of", numeric=False),
        Column("Calling", numeric=False),
        Column("Slope", hint="ms for each ms of network"),
        Column("Pairs"),
        Column("Depends on distance", numeric=False),
        Column("In words", numeric=False, wide=True),
    ]
    verdicts = {"rises": "yes", "falls": "yes, falling", "independent": "no", "unclear": "cannot be told"}
    rows: list[list[str]] = [
        [
            crisscross_label(slope.time).lower(),
            slope.inner,
            _slope(slope.slope),
            f"{slope.slope.n}",
            verdicts[slope.verdict],
            capitalised(slope.sentence),
        ]
        for slope in found.slopes
    ]
    caption = (
        f"Slopes by Theil and Sen with {percent(summary.confidence)} intervals, between pairs that share the function "
        "whose time it is"
    )
    how = (
        "Each mark is a pair: the median of its network times against the mean of a time, as what is paid is a sum. "
        "Network: the round trip less the inner function's own Duration."
    )
    return f"""{buttons}
<div class="pair">{figures}</div>
<p class="line">{escape(how)}</p>
{table(caption, columns, rows)}"""


def _slope(slope: Slope) -> str:
    if slope.low is None or slope.high is None:
        return per_ms(slope.slope)
    return Markup(f"{per_ms(slope.slope)}<small>{per_ms(slope.low)} to {per_ms(slope.high)}</small>")


def _database(summary: CampaignSummary, number: int, found: Crisscross) -> str:
    if not found.database:
        return ""
    with_database = found.database[0].with_database
    without = found.database[0].without
    columns = [
        Column("Region", numeric=False),
        *(
            column
            for word, middle in _COSTS.values()
            for column in (
                Column(f"{without}, {word}", hint=f"{middle}, ms"),
                Column(f"{with_database}, {word}", hint=f"{middle}, ms"),
                Column("Difference", hint="ms"),
                Column("p", hint="Holm"),
            )
        ),
    ]
    by_place = {(cost.inner_region, cost.metric): cost for cost in found.database}
    rows = []
    for region in dict.fromkeys(cost.inner_region for cost in found.database):
        row: list[str] = [_region(region)]
        for metric in _COSTS:
            cost = by_place.get((region, metric))
            row += (
                [NOTHING] * 4
                if cost is None
                else [
                    digits(cost.without_value),
                    digits(cost.with_value),
                    with_interval(cost.difference, cost.low, cost.high),
                    probability(cost.p_holm),
                ]
            )
        rows.append(row)
    figures = "".join(
        figure(
            f"{_group(number)}-{metric}",
            "dots",
            f"{capitalised(word)} time added by {with_database} over {without}, by region",
            f"{with_database} over {without}, between calls of one outer region in one round.",
        )
        for metric, (word, _) in _COSTS.items()
    )
    caption = (
        f"{with_database} against {without} by inner region, between calls of one outer region in one round, with "
        f"{percent(summary.confidence)} intervals"
    )
    return f"""<div class="card"><h3>What the database costs</h3>
<div class="pair">{figures}</div>
{table(caption, columns, rows)}</div>"""


def _region(region: str) -> str:
    """A region as people say it, its code below."""
    name = place_name(region)
    return region if name == region else Markup(f"{escape(name)}<small>{escape(region)}</small>")


def _columns(summary: CampaignSummary, found: Crisscross, cells: dict[Pair, Cell]) -> str:
    tables = "".join(
        f"<h3>Every column: {escape(_with_or_without(found, cells, inner))}</h3>"
        + _means_table(found, cells, inner)
        + f"<details><summary>Medians with intervals</summary>{_medians_table(summary, found, cells, inner)}</details>"
        for inner in found.inner_targets
    )
    return f'<div class="card">{tables}</div>'


def _means_table(found: Crisscross, cells: dict[Pair, Cell], inner: str) -> Markup:
    shown = _measured([cell for key, cell in cells.items() if key[1] == inner], COLUMNS)
    columns = [Column("To", numeric=False), Column("Calls", hint="used"), Column("Time sent", hint="UTC; sd")]
    columns += [Column(crisscross_label(metric), hint=_unit(metric)) for metric in shown]

    def row(cell: Cell, entry: CrisscrossCell) -> list[str]:
        return [f"{entry.used:,}", _when(entry.sent), *(_mean(cell.metrics.get(metric), metric) for metric in shown)]

    caption = f"{found.target} calling {inner}: the mean of each column, below it the standard deviation"
    return grouped_table(caption, columns, _by_region(found, cells, inner, row))


def _medians_table(summary: CampaignSummary, found: Crisscross, cells: dict[Pair, Cell], inner: str) -> Markup:
    shown = _measured([cell for key, cell in cells.items() if key[1] == inner], COLUMNS)
    columns = [Column("To", numeric=False), Column("Calls", hint="used")]
    columns += [Column(crisscross_label(metric), hint=_unit(metric)) for metric in shown]

    def row(cell: Cell, entry: CrisscrossCell) -> list[str]:
        return [f"{entry.used:,}", *(_median(cell.metrics.get(metric), metric) for metric in shown)]

    medians = [measured for cell in cells.values() for m in shown if (measured := cell.metrics.get(m)) is not None]
    caption = (
        f"{found.target} calling {inner}: medians, below them the {kind_of_intervals(medians, summary.confidence)}"
    )
    return grouped_table(caption, columns, _by_region(found, cells, inner, row))


def _by_region(
    found: Crisscross,
    cells: dict[Pair, Cell],
    inner: str,
    row: Callable[[Cell, CrisscrossCell], list[str]],
) -> list[tuple[str, list[list[str]]]]:
    groups: dict[str, list[list[str]]] = {}
    for entry in found.cells:
        if entry.inner == inner:
            cell = cells[entry.region, inner, entry.inner_region]
            said = [f"missing: {entry.missing}"] if entry.missing else row(cell, entry)
            groups.setdefault(entry.region, []).append([_region(entry.inner_region), *said])
    return [
        (Markup(f"From {escape(place_name(region))} <small>{escape(region)}</small>"), rows)
        for region, rows in groups.items()
    ]


def _unit(metric: MetricName) -> str:
    return "%" if metric == "network_share" else "ms"


def _as_shown(value: float | None, metric: MetricName) -> str:
    return digits(value * 100 if value is not None and metric == "network_share" else value)


def _mean(found: MetricSummary | None, metric: MetricName) -> str:
    if found is None or found.mean is None:
        return NOTHING
    return Markup(f"{_as_shown(found.mean, metric)}<small>{_as_shown(found.sd, metric)}</small>")


def _median(found: MetricSummary | None, metric: MetricName) -> str:
    if found is None or found.median is None:
        return NOTHING
    scale = 100.0 if metric == "network_share" else 1.0
    low, high = (None if end is None else end * scale for end in (found.median_low, found.median_high))
    return Markup(f"{_as_shown(found.median, metric)}<small>{interval(low, high)}{of_rounds(found)}</small>")


def _when(sent: Sent | None) -> str:
    """Mean of the times sent, below it their scatter."""
    return NOTHING if sent is None else Markup("{}<small>{}</small>".format(*sent_parts(sent)))
