"""The terminal's view of loads, from the command line or of a campaign: phases, failures by kind, what to believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.summary import CampaignSummary, LoadRow, LoadRun
from isotherm.analysis.words.loads import (
    LOADED,
    accounts_of,
    is_reported,
    kinds_in_words,
    run_names,
    run_places,
    total_of,
)
from isotherm.load.result import Ending, LoadResult, Row
from isotherm.numbers import count, digits
from isotherm.report.load_lines import NOT_REPORTED, how_loaded, latency, load_lines, load_notes, loop_in_words
from isotherm.report.terminal.frame import framed


def load_tables(result: LoadResult) -> Group:
    """The table, what failed, and why not to believe it where there is a reason.

    Parameters
    ----------
    result : LoadResult
        Of one run, or merged from shards.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    rows = result.rows()
    is_open = result.spec.loop == "open"
    parts: list[RenderableType] = [_table(rows, is_open=is_open)]
    partial = result.partial
    if partial is not None:
        ended = f"{partial.phase} {_ENDED_EARLY[partial.ending]}"
        parts.append(Text(f"! only a part: {ended}; {_THE_REST}", style="bold red"))
    parts += [Text(f"{row.name}: {failures(row)}", style="red") for row in rows if row.failed]
    for phase in result.phases:
        parts += [
            Text(f"! {phase.phase}: the generator did not keep up: {reason}", style="yellow") for reason in phase.late
        ]
        if phase.missing_shards:
            parts.append(Text(f"! {phase.phase}: shards without a result: {phase.missing_shards}", style="bold red"))
    parts.append(Text(_explanation(is_open=is_open), style="dim"))
    return Group(*parts)


_ENDED_EARLY: Mapping[Ending, str] = {
    "stopped": "was ended before all of it was sent",
    "gave_up": "was given up, since nothing was answered any more",
}
_THE_REST = "what was under way counts as answer took too long, the rest as not sent"


def failures(row: Row | LoadRow) -> str:
    """What failed, by kind: "12 of 400 requests failed: 10 connection refused, 2 throttled"."""
    failed = sum(row.failed.values())
    return f"{failed:,} of {count(row.planned, 'request')} failed: {kinds_in_words(row.failed)}"


def _table(rows: list[Row], *, is_open: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Phase", overflow="fold")
    titles = ["sent", "succeeded", "failed", "wall s", "per s"]
    titles += ["mean ms", "median", "p95", "p99", "p99.9", "max", "cold"]
    titles += ["late ms", "late p99"] if is_open else []
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        if row.name == "all":
            table.add_section()
        cells = [f"{row.sent:,}", f"{row.succeeded:,}", f"{sum(row.failed.values()):,}"]
        cells += [digits(row.wall_s), digits(row.throughput_per_s)]
        cells += [latency(row, name) for name in ("mean_ms", "median_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")]
        cells.append(f"{row.cold_starts:,}")
        cells += [digits(row.lateness_median_ms), digits(row.lateness_p99_ms)] if is_open else []
        table.add_row(row.name, *cells)
    return table


def _explanation(*, is_open: bool) -> str:
    failed = "A request that failed counts as longer than it waited; \u2265: too many failed to tell by how much."
    if is_open:
        return (
            "per s: requests that succeeded, per second of the planned time. Times count from the intended start.\n"
            f"{failed}\nlate: how long after its intended start the generator turned to a request, median."
        )
    return (
        "per s: requests that succeeded, per second of wall time. Times count from when a thread turned to its request."
        f"\n{failed}"
    )


def campaign_loads(summary: CampaignSummary) -> list[RenderableType]:
    """A campaign's loads: how they were made, all side by side, each phase by phase; nothing where there are none."""
    load = summary.load
    if load is None or not summary.loads:
        return []
    made = how_loaded(summary, load)
    total = total_of(summary.loads)
    aside = ", emulated" if summary.platform == "emulated" else ""
    parts: list[RenderableType] = [Text(), Text(f"Loop: {made['Loop']}"), Text(loop_in_words(load), style="dim")]
    names = run_names(summary.loads)
    for place, runs in _by_place(summary.loads).items():
        parts += [Text(), _side_by_side(summary, place + aside, runs)]
    parts.append(Text(f"All requests: {accounts_of(total)}"))
    parts += [Text(note, style="dim") for note in load_notes(summary)]
    for name, run in zip(names, summary.loads, strict=True):
        parts += [Text(), _phases(f"{name}, phase by phase{aside}", run)]
        parts += [Text(f"{row.name}: {failures(row)}", style="red") for row in run.rows[:-1] if row.failed]
        parts += [Text(f"! the generator did not keep up in {reason}", style="yellow") for reason in run.late]
    return [*parts, Text(f"Latency in ms counts {made['Latency']}.", style="dim")]


def _by_place(runs: Sequence[LoadRun]) -> dict[str, list[LoadRun]]:
    """What fits a terminal side by side: the protocols of one round in one place, by the words that tell it."""
    found: dict[str, list[LoadRun]] = {}
    for run, place in zip(runs, run_places(runs), strict=True):
        found.setdefault(place, []).append(run)
    return found


def _side_by_side(summary: CampaignSummary, aside: str, runs: Sequence[LoadRun]) -> Table:
    table = framed(f"Load{aside}")
    table.add_column("", no_wrap=True)
    table.add_column("", style="dim", no_wrap=True)
    for run in runs:
        table.add_column(LOADED[run.protocol], justify="right")
    for line in load_lines(summary, runs):
        table.add_row(line.label, line.unit, *line.values)
    return table


def _phases(title: str, run: LoadRun) -> Table:
    table = framed(title)
    table.add_column("Phase", overflow="fold")
    for heading in ("ok", "failed", "wall s", "per s", "median", "p95", "p99", "max", "cold"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in run.rows:
        if row is run.rows[-1]:
            table.add_section()
        known = is_reported(row)
        counts = [f"{row.succeeded:,}", f"{sum(row.failed.values()):,}"] if known else [NOT_REPORTED, NOT_REPORTED]
        times = [latency(row, name) for name in ("median_ms", "p95_ms", "p99_ms", "max_ms")]
        over = (digits(row.wall_s if known else None), digits(row.throughput_per_s))
        cold = f"{row.cold_starts:,}" if known else NOT_REPORTED
        table.add_row(row.name, *counts, *over, *times, cold)
    return table
