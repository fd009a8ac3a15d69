"""What page, terminal and Markdown share of loads: one table with a column for each run, and how they were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from isotherm.analysis.summary import CampaignSummary, LoadRow, LoadRun
from isotherm.analysis.words.loads import KIND_LABELS, is_reported, peak_of, row_of, total_of, whole
from isotherm.campaign.model import Load
from isotherm.load.result import Row
from isotherm.numbers import NOTHING, capitalised, count, digits, listed, percent

NOT_REPORTED = "not reported"

#: What throughput is divided by.
_OFFERED_FOR = {"closed": "wall time", "open": "the time for which requests were planned to arrive"}


class LoadLine(NamedTuple):
    """A line of the table: what it is, its unit, and a text for each run."""

    label: str
    unit: str
    values: list[str]


def load_lines(summary: CampaignSummary, runs: Sequence[LoadRun]) -> list[LoadLine]:
    """The table like the record's: wall times of the phases, requests by how they ended, throughput, latency."""
    load = summary.load
    if load is None:
        return []
    of_all = [whole(run) for run in runs]

    def line(
        label: str, unit: str, show: Callable[[LoadRow], str], rows: Sequence[LoadRow | None] = of_all
    ) -> LoadLine:
        return LoadLine(label, unit, [NOTHING if row is None else show(row) for row in rows])

    lines = [
        line(f"Wall time of {phase.name}", "s", _wall, [row_of(run, phase.name) for run in runs])
        for phase in load.phases
    ]
    lines += [
        line("Requests planned", "", lambda row: f"{row.planned:,}"),
        line("Succeeded", "", lambda row: _counted(row, row.succeeded)),
        line("Failed", "", lambda row: _counted(row, sum(row.failed.values()))),
    ]
    lines += [
        line(f"Failed: {KIND_LABELS.get(kind, kind)}", "", lambda row, kind=kind: _failed(row, kind))  # type: ignore[misc]
        for kind in total_of(runs).failed
    ]
    if any(row.not_reported for row in of_all):
        lines.append(line(capitalised(NOT_REPORTED), "", lambda row: f"{row.not_reported:,}"))
    peaks = [row_of(run, peak_of(load)) for run in runs]
    lines += [
        line("Wall time", "s", _wall),
        line("Throughput", "requests/s", lambda row: digits(row.throughput_per_s)),
        line("Throughput", "requests/ms", lambda row: _per_ms(row.throughput_per_s)),
        line(f"Throughput of {peak_of(load)}", "requests/s", lambda row: digits(row.throughput_per_s), peaks),
        line("Mean latency", "ms", lambda row: latency(row, "mean_ms")),
        line("Median latency", "ms", lambda row: latency(row, "median_ms")),
        line("p95", "ms", lambda row: latency(row, "p95_ms")),
        line("p99", "ms", lambda row: latency(row, "p99_ms")),
        line("p99.9", "ms", lambda row: latency(row, "p999_ms")),
        line("Maximum", "ms", lambda row: latency(row, "max_ms")),
        line("Cold starts met", "", lambda row: _counted(row, row.cold_starts)),
    ]
    if load.loop == "open":
        lines += [
            line("Sent late, median", "ms", lambda row: digits(row.lateness_median_ms)),
            line("Sent late, p99", "ms", lambda row: digits(row.lateness_p99_ms)),
        ]
    return lines


def latency(row: LoadRow | Row, name: str) -> str:
    """One of a row's latencies, in ms; "\u2265 30,000" where so many requests failed that it can be longer."""
    known = digits(getattr(row, name))
    return f"\u2265 {known}" if name in row.at_least else known


def with_unit(label: str, unit: str) -> str:
    """A heading with its unit, where it has one."""
    return f"{label}, {unit}" if unit else label


def phase_heads(summary: CampaignSummary) -> list[tuple[str, str]]:
    """Headings, with their units, of `phase_cells`."""
    heads = [("Phase", ""), ("Planned", ""), ("Sent", ""), ("Succeeded", ""), ("Failed", "")]
    heads += [(capitalised(NOT_REPORTED), "")] if total_of(summary.loads).not_reported else []
    heads += [("Wall time", "s"), ("Throughput", "per s")]
    heads += [(name, "ms") for name in ("Mean", "Median", "p95", "p99", "p99.9", "Max")]
    heads += [("Cold", "starts")]
    return heads + ([("Late, median", "ms"), ("Late, p99", "ms")] if _is_open(summary) else [])


def phase_cells(summary: CampaignSummary, row: LoadRow) -> list[str]:
    """One phase of a run as a row of a table, or all its phases."""
    failed = sum(row.failed.values())
    cells = [row.name, f"{row.planned:,}", *(_counted(row, number) for number in (row.sent, row.succeeded, failed))]
    cells += [f"{row.not_reported:,}"] if total_of(summary.loads).not_reported else []
    times = [latency(row, name) for name in ("mean_ms", "median_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")]
    cells += [_wall(row), digits(row.throughput_per_s), *times, _counted(row, row.cold_starts)]
    return cells + ([digits(row.lateness_median_ms), digits(row.lateness_p99_ms)] if _is_open(summary) else [])


def requests_in_words(load: Load) -> str:
    """How many requests a load makes, and how they follow one another."""
    if load.loop == "closed":
        return (
            f"{count(load.threads or 0, 'thread')} at the peak, "
            f"each {count(load.iterations or 0, 'iteration')} of one post and one get in each phase, "
            "one request at a time"
        )
    how = "at random (Poisson)" if load.arrivals == "poisson" else "at equal gaps"
    return (
        f"{load.rate_per_s:,.10g} requests a second at the peak, for {load.duration_s:,.10g} s in each "
        f"phase, arriving {how} whatever becomes of those before"
    )


def latency_in_words(load: Load) -> str:
    """From when to when latency counts."""
    begin = (
        "from the moment a thread turns to a request"
        if load.loop == "closed"
        else "from the time at which a request was meant to be sent"
    )
    return f"{begin} to the end of its answer"


def how_loaded(summary: CampaignSummary, load: Load) -> dict[str, str]:
    """How a load was made: its loop, phases, generators, and what its latency counts from."""
    spec = load.spec(seed=0)  # of which the shares of phases do not depend
    if load.loop == "closed":
        shares = [
            f"{phase.name} {percent(phase.share)} ({count(spec.phase_threads(phase), 'thread')})"
            for phase in spec.phases
        ]
    else:
        shares = [
            f"{phase.name} {percent(phase.share)} ({spec.phase_rate(phase):,.4g} a second)" for phase in spec.phases
        ]
    fires = max((run.fires for run in summary.loads), default=load.fires)
    return {
        "Loop": f"{load.loop}: {requests_in_words(load)}",
        "Phases": listed(shares),
        "Generators": f"{count(fires, 'Fire function')}{' side by side' if fires > 1 else ''}",
        "Latency": f"{latency_in_words(load)}; a request that failed counts as longer than it waited (Kaplan-Meier)",
        "Given up after": f"{load.timeout_s:,.10g} s",
        "Throughput": f"requests that succeeded, per second of {_OFFERED_FOR[load.loop]}",
        "Wall time": "from the agreed begin of a phase to the end of its last request; of all phases their sum",
        "Quantiles": "median-unbiased (Hyndman and Fan's definition 8), to 0.1 %; \u2265: at least, because too many "
        "requests failed; none for a p99 of fewer than 368 requests",
    }


def loop_in_words(load: Load) -> str:
    """What a reader must know of the loop before the numbers."""
    if load.loop == "closed":
        return (
            "A closed loop: each thread waits for its answer before it makes the next request. So it hides its own "
            "delays: while an answer is late, the requests that would have come meanwhile are never made, and their "
            "wait is not counted. An open loop shows what users would have experienced."
        )
    return (
        "An open loop: requests come at their rate whatever becomes of those before, and latency counts from the time "
        "at which each was meant to be sent, so waiting for a slow answer is in it."
    )


def load_notes(summary: CampaignSummary) -> list[str]:
    """What to keep in mind when reading the table."""
    notes = []
    if total_of(summary.loads).not_reported:
        notes.append(
            "Not reported: it is not known what became of these. Throughput is at least what is shown; times are of "
            "the rest."
        )
    if {"invoke", "http"} <= {run.protocol for run in summary.loads}:
        notes.append(
            "Lambda by invoke and API Gateway reach the same function, one load after the other: the later one finds "
            "the environments that the former started."
        )
    if summary.campaign is not None and summary.campaign.rounds == 1:
        notes.append("One load is one observation: there is no interval. Rounds say how far loads differ.")
    return notes


def _is_open(summary: CampaignSummary) -> bool:
    return summary.load is not None and summary.load.loop == "open"


def _counted(row: LoadRow, number: int) -> str:
    return f"{number:,}" if is_reported(row) else NOT_REPORTED


def _failed(row: LoadRow, kind: str) -> str:
    return _counted(row, row.failed.get(kind, 0))


def _wall(row: LoadRow) -> str:
    return digits(row.wall_s) if is_reported(row) else NOTHING


def _per_ms(per_s: float | None) -> str:
    return NOTHING if per_s is None else f"{per_s / 1000:.3g}"
