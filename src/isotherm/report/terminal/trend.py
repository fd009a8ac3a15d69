"""The terminal's view of a trend: how far sessions differ, and what they found by hour of the day."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.trend_model import Series, Trend
from isotherm.analysis.words.cells import row_name
from isotherm.campaign.cell import Kind
from isotherm.numbers import NOTHING, count, digits, interval, percent, probability, rough_percent
from isotherm.report.metrics import KIND_LABELS, metric_label, unit
from isotherm.report.terminal.frame import framed
from isotherm.statistics.results import Estimate

#: Hours side by side that a terminal has room for; where there are more, cells are side by side, or the page shows it.
HOURS_SHOWN = 8
CELLS_SHOWN = 5


def trend_tables(trend: Trend) -> Group:
    """Headline, warnings, sessions, and for each kind, metric and set of conditions the spread and the hours.

    Parameters
    ----------
    trend : Trend
        As `isotherm.analysis.trend.build_trend` makes it.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    parts: list[RenderableType] = [Text(trend.headline, style="bold"), Text()]
    parts += [Text(f"! {sentence}", style="yellow") for sentence in trend.warnings]
    parts += [Text(f"left out: {out.campaign_id}: {out.reason}", style="yellow") for out in trend.left_out]
    first, last = trend.sessions[0], trend.sessions[-1]
    parts.append(
        Text(
            f"{count(len(trend.sessions), 'session')}, from {first.started_at:%Y-%m-%d %H:%M} to "
            f"{last.started_at:%Y-%m-%d %H:%M} UTC"
        )
    )
    for series in _grouped(trend).values():
        parts += [Text(), _spread_table(trend, series)]
        parts += _hours(trend, series)
    parts += [
        Text(),
        Text(
            f"Median: mean of the sessions' medians, each session counting once; intervals at "
            f"{percent(trend.confidence)}, over sessions."
        ),
        Text(
            "Factor: how many times as wide the means of sessions scatter as the rounds inside them predict; 1 is no "
            "difference between sessions, and sd is the difference as a share of the mean. Next: where the median of "
            "one further session is expected. p is corrected (Holm) for all cells shown; the page has intervals of the "
            "factors."
        ),
    ]
    return Group(*parts)


_Place = tuple[Kind, str, int, str, int]


def _grouped(trend: Trend) -> dict[_Place, list[Series]]:
    """Series that belong into one table: of one kind, region, memory size, metric and set of conditions."""
    found: dict[_Place, list[Series]] = {}
    for series in trend.series:
        place = (series.kind, series.region, series.memory_mb, series.metric, series.conditions)
        found.setdefault(place, []).append(series)
    return found


def _title(trend: Trend, one: Series) -> str:
    title = f"{KIND_LABELS[one.kind]}, {one.region}, {one.memory_mb} MB: {metric_label(one.metric).lower()}"
    title += f", {unit(one.metric)}"
    settings = trend.conditions[one.conditions].settings
    if settings:
        title += " (" + ", ".join(f"{name} {value}" for name, value in settings.items()) + ")"
    return title + (", emulated" if trend.platform == "emulated" else "")


def _spread_table(trend: Trend, series: Sequence[Series]) -> Table:
    table = framed(_title(trend, series[0]))
    table.add_column("Target", overflow="fold")
    for name in ("Sessions", "Median", "interval", "Next", "Factor", "p", "sd"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in series:
        row = [row_name(one), f"{len(one.points)}", *_estimate(one.median)]
        row.append(interval(one.next_session.low, one.next_session.high, " … ") if one.next_session else NOTHING)
        spread = one.beyond_rounds
        if spread is None:
            row += [NOTHING] * 3
        else:
            row += [digits(spread.factor), probability(spread.p_holm), rough_percent(spread.relative_sd)]
        table.add_row(*(Text(text) for text in row))
    return table


def _estimate(estimate: Estimate) -> list[str]:
    return [digits(estimate.value), interval(estimate.low, estimate.high, " … ")]


def _hours(trend: Trend, series: Sequence[Series]) -> list[RenderableType]:
    """The same by hour of the day in the chosen timezone, where sessions began in several hours."""
    chosen = [(one, one.hours[-1]) for one in series]
    hours = sorted({hour.hour for _, of in chosen for hour in of.hours})
    if len(hours) < 2:
        return []
    named = [f"{hour:02d}:00" for hour in hours]
    values = {
        (number, hour.hour): f"{digits(hour.median.value)} ({hour.sessions})"
        for number, (_, of) in enumerate(chosen)
        for hour in of.hours
    }
    names = [row_name(one) for one, _ in chosen]
    table = framed(f"By hour of the day, {trend.timezone}: median (sessions)")
    if len(hours) <= HOURS_SHOWN:
        table.add_column("Target", overflow="fold")
        for name in (*named, "p"):
            table.add_column(name, justify="right", no_wrap=True)
        for number, (_, of) in enumerate(chosen):
            row = [values.get((number, hour), NOTHING) for hour in hours]
            table.add_row(Text(names[number]), *row, probability(of.p_holm))
    elif len(chosen) <= CELLS_SHOWN:
        table.add_column("Hour", no_wrap=True)
        for name in names:
            table.add_column(name, justify="right")
        for name, hour in zip(named, hours, strict=True):
            table.add_row(name, *(values.get((number, hour), NOTHING) for number in range(len(chosen))))
        table.add_row("p", *(probability(of.p_holm) for _, of in chosen))
    else:
        return [Text(f"By hour of the day ({len(hours)} hours, {len(chosen)} cells): on the page.", style="dim")]
    missing = {of.missing for _, of in chosen if of.missing}
    return [Text(), table, *(Text(f"No p: {reason}.", style="dim") for reason in sorted(missing))]
