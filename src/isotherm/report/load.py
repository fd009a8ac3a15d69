"""The terminal's view of a load: a line for each phase and one for all, failures by kind, and whether to believe it."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.load.result import LoadResult, Row
from isotherm.numerals import count, digits

#: How each way to fail is called.
KIND_LABELS = {
    "not_sent": "not sent in time",
    "dns": "name without address",
    "unreachable": "unreachable",
    "refused": "connection refused",
    "connect_timeout": "connecting took too long",
    "tls": "TLS failed",
    "certificate": "certificate not trusted",
    "reset": "connection lost",
    "protocol": "no HTTP answer",
    "timeout": "answer took too long",
    "throttled": "throttled",
    "http_3xx": "HTTP 3xx",
    "http_4xx": "HTTP 4xx",
    "http_5xx": "HTTP 5xx",
    "function_error": "function error",
}


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
    parts += [Text(f"{row.name}: {failures(row)}", style="red") for row in rows if row.failed]
    for phase in result.phases:
        parts += [
            Text(f"! {phase.phase}: the generator did not keep up: {reason}", style="yellow") for reason in phase.late
        ]
        if phase.missing_shards:
            parts.append(Text(f"! {phase.phase}: shards without a result: {phase.missing_shards}", style="bold red"))
    parts.append(Text(_explanation(is_open=is_open), style="dim"))
    return Group(*parts)


def failures(row: Row) -> str:
    """What failed, by kind: "12 of 400 requests failed: 10 connection refused, 2 throttled"."""
    kinds = ", ".join(f"{number:,} {KIND_LABELS.get(kind, kind)}" for kind, number in row.failed.items())
    return f"{sum(row.failed.values()):,} of {count(row.planned, 'request')} failed: {kinds}"


def _table(rows: list[Row], *, is_open: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Phase", no_wrap=True)
    titles = ["sent", "succeeded", "failed", "wall s", "per s"]
    titles += ["mean ms", "median", "p95", "p99", "p99.9", "max", "cold"]
    titles += ["late ms", "late p99"] if is_open else []
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        if row.name == "all":
            table.add_section()
        cells = [f"{row.sent:,}", f"{row.succeeded:,}", f"{sum(row.failed.values()):,}"]
        values = [row.wall_s, row.throughput_per_s, row.mean_ms, row.median_ms, row.p95_ms, row.p99_ms, row.p999_ms]
        cells += [digits(value) for value in [*values, row.max_ms]]
        cells.append(f"{row.cold_starts:,}")
        cells += [digits(row.lateness_median_ms), digits(row.lateness_p99_ms)] if is_open else []
        table.add_row(row.name, *cells)
    return table


def _explanation(*, is_open: bool) -> str:
    text = "per s: requests that succeeded, per second of wall time. Times are of these, and of those given up waiting"
    if is_open:
        return f"{text}, from the intended start.\nlate: how long after that the generator turned to a request, median."
    return f"{text}; each from when its thread turned to it."
