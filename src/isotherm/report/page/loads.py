"""Loads on the campaign's page: side by side, by percentile, over time, phase by phase. Escapes what comes from input.

Needs no numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Any

from isotherm.analysis.summary import CampaignSummary, LoadRun, LoadSecond
from isotherm.analysis.words.loads import (
    KIND_LABELS,
    LOADED,
    accounts_of,
    is_reported,
    kinds_in_words,
    run_names,
    total_of,
    whole,
)
from isotherm.load.histogram import Histogram
from isotherm.load.latency import Latency
from isotherm.numbers import capitalised, count, digits, listed
from isotherm.report.load_lines import (
    how_loaded,
    latency_in_words,
    load_lines,
    load_notes,
    loop_in_words,
    phase_cells,
    phase_heads,
    requests_in_words,
    with_unit,
)
from isotherm.report.page.figures import short
from isotherm.report.page.markup import Column, Markup, Section, choices, figure, table

Json = dict[str, Any]
Fact = tuple[str, str, str]

_GROUP = "load"
#: The row, and the choice, of all phases.
_ALL = "all"
#: Points of one line over time; of a longer load each point is of several seconds.
POINTS_OVER_TIME = 600
#: Points of a distribution for each time that the share beyond them halves, as HdrHistogram's own plots have them.
_POINTS_PER_HALVING = 5


def load_facts(summary: CampaignSummary) -> list[Fact]:
    """What matters first of a load, for the top of the page: name, value and a word beside it."""
    load, total = summary.load, total_of(summary.loads)
    if load is None:
        return []
    failed = sum(total.failed.values())
    if load.loop == "closed":
        loop = "Closed loop", count(load.threads or 0, "thread"), f"at the peak, {load.iterations:,} iterations each"
    else:
        loop = "Open loop", f"{load.rate_per_s:,.10g} per s", f"at the peak, {load.arrivals} arrivals"
    known = is_reported(total)
    facts = [
        ("Requests", f"{total.succeeded:,}" if known else "–", f"succeeded of {total.planned:,} planned"),  # noqa: RUF001
        ("Failed", f"{failed:,}" if known else "–", kinds_in_words(total.failed) or "of any kind"),  # noqa: RUF001
    ]
    facts += (
        [("Not reported", f"{total.not_reported:,}", "it is not known what became of them")]
        if total.not_reported
        else []
    )
    loaded = list(dict.fromkeys(LOADED[run.protocol] for run in summary.loads))
    return [*facts, loop, ("Loaded", f"{len(loaded)}", listed(loaded))]


def loads_section(summary: CampaignSummary) -> Section | None:
    """What a campaign's loads came to; None where there are none."""
    load = summary.load
    if load is None or not summary.loads:
        return None
    notes = [f"{capitalised(accounts_of(total_of(summary.loads)))}. {_verdict(summary)}", *load_notes(summary)]
    said = "".join(f'<p class="line">{escape(note)}</p>' for note in notes)
    made = capitalised(requests_in_words(load))
    fires = max(run.fires for run in summary.loads)
    shared = f", made by {count(fires, 'Fire function')} side by side" if fires > 1 else ""
    return Section(
        "Under load",
        f"""
<p class="lead">{escape(f"{made}{shared}. {loop_in_words(load)} Latency runs {latency_in_words(load)}.")}</p>
<div class="card"><h3>Side by side</h3>{_side_by_side(summary)}{said}</div>
{_percentiles(summary)}
{_over_time(summary)}
{_kinds(summary)}
{"".join(_run_card(summary, name, run) for name, run in _named(summary))}""",
    )


def load_settings(summary: CampaignSummary) -> dict[str, str]:
    """How loads were made, for the page's settings; none where there are none."""
    load = summary.load
    return how_loaded(summary, load) if load is not None else {}


def loads_figures(summary: CampaignSummary) -> Json:
    """Numbers for the figures of this section, by group."""
    load = summary.load
    if load is None or not summary.loads:
        return {}
    protocols = list(dict.fromkeys(run.protocol for run in summary.loads))
    curves = [_curves(run) for run in summary.loads]
    over_time = [_seconds(run) for run in summary.loads]
    latencies = [value for of_run in over_time for line in of_run["latency"] for value in line["y"] if value]
    rates = [value for of_run in over_time for value in of_run["succeeded"] if value]
    failing = [value for of_run in over_time for value in of_run["failed"] if value]
    shades: dict[str, int] = {}
    runs = []
    for (name, run), of_phase, of_time in zip(_named(summary), curves, over_time, strict=True):
        shade = shades[run.protocol] = shades.get(run.protocol, -1) + 1
        runs.append(
            {
                "name": name,
                "colour": protocols.index(run.protocol),
                "dash": shade,
                "curves": of_phase,
                "time": of_time,
                "failed": [whole(run).failed.get(kind, 0) for kind in total_of(summary.loads).failed],
            }
        )
    return {
        _GROUP: {
            "metrics": [
                {"name": phase, "label": label, "unit": "ms", "about": label} for phase, label in _phases(summary)
            ],
            "runs": runs,
            "kinds": [KIND_LABELS.get(kind, kind) for kind in total_of(summary.loads).failed],
            # The same axes for every run, or they could not be compared by eye.
            "most_per_s": max([*rates, *failing], default=1),
            "least_per_s": min(rates, default=1),
            "most_ms": max(latencies, default=1),
            "least_ms": min(latencies, default=1),
        }
    }


def _named(summary: CampaignSummary) -> list[tuple[str, LoadRun]]:
    return list(zip(run_names(summary.loads), summary.loads, strict=True))


def _verdict(summary: CampaignSummary) -> str:
    return "The sums do not agree; see the top of the page." if summary.imbalances else "The sums agree."


def _phases(summary: CampaignSummary) -> list[tuple[str, str]]:
    load = summary.load
    names = [phase.name for phase in load.phases] if load is not None else []
    return [*([(_ALL, "all phases")] if len(names) > 1 else []), *((name, name) for name in names)]


def _side_by_side(summary: CampaignSummary) -> Markup:
    columns = [Column("All phases", numeric=False), *(Column(name) for name in run_names(summary.loads))]
    rows = [[with_unit(line.label, line.unit), *line.values] for line in load_lines(summary, summary.loads)]
    return Markup(f'<div class="wraps">{table("What was loaded, side by side", columns, rows)}</div>')


def _percentiles(summary: CampaignSummary) -> str:
    if not any(run.latency_us for run in summary.loads):
        return ""
    options = [(name, label, f"Latency in {label}") for name, label in _phases(summary)]
    drawn = figure(
        _GROUP,
        "percentiles",
        "Latency by percentile, a line for each of what was loaded; the numbers are in the tables",
        "Latency that a share of the requests does not exceed. Each step to the right leaves a tenth of the requests "
        "beyond it: what happens rarely is seen as well as what is usual.",
    )
    return f'<div class="card"><h3>Latency by percentile</h3>{choices(_GROUP, "Of", options)}{drawn}</div>'


def _over_time(summary: CampaignSummary) -> str:
    drawn = [
        figure(_GROUP, f"pulse:{number}", f"{name}: throughput and latency, second by second", "")
        for number, (name, run) in enumerate(_named(summary))
        if run.seconds
    ]
    if not drawn:
        return ""
    longest = max(_width(run.seconds) for run in summary.loads)
    of_several = (
        f" Each point is of {longest} seconds: the mean rate, and the worst of their latencies." if longest > 1 else ""
    )
    return f"""<div class="card"><h3>Over time</h3>
<p class="line">Above: requests that succeeded in each second, and in red those that failed; the dashed line is the
throughput of the phase, whose first and last second are not whole ones. Below: median, p95 and p99 of what ended in
that second. The time between phases is left out. All panels have the same axes for throughput and latency; each is as
long as its load was.{of_several}</p>
<div class="three">{"".join(drawn)}</div></div>"""


def _kinds(summary: CampaignSummary) -> str:
    if not total_of(summary.loads).failed:
        return ""
    drawn = figure(_GROUP, "kinds", "Failures by kind; the numbers are in the first table", "")
    return f'<div class="card"><h3>Failures by kind</h3>{drawn}</div>'


def _run_card(summary: CampaignSummary, name: str, run: LoadRun) -> str:
    (first, _), *rest = phase_heads(summary)
    columns = [Column(first, numeric=False), *(Column(label, hint=hint) for label, hint in rest)]
    rows = [phase_cells(summary, row) for row in run.rows]
    lost = [row for row in run.rows[:-1] if row.failed]
    said = [f"{row.name}: {kinds_in_words(row.failed)}" for row in lost]
    failed = f'<p class="line">Failed in {escape("; in ".join(said))}.</p>' if said else ""
    phases = table(f"{name}, phase by phase", columns, rows, last_is_sum=len(rows) > 2)
    return f'<div class="card"><h3>{escape(name)}</h3>{phases}{failed}{_lateness(run)}</div>'


def _lateness(run: LoadRun) -> str:
    if run.late:
        items = "".join(f"<li>In {escape(reason)}.</li>" for reason in run.late)
        return (
            f'<p class="line">The generator did not keep up; its own slowness is in these numbers:</p><ul>{items}</ul>'
        )
    row = whole(run)
    if row.lateness_p99_ms is None:
        return '<p class="line">The generator kept up.</p>' if is_reported(row) else ""
    late = f"{digits(row.lateness_median_ms)} ms, p99 {digits(row.lateness_p99_ms)} ms"
    return f'<p class="line">The generator kept up: sent late by {late} (median and p99, in the latency).</p>'


def _curves(run: LoadRun) -> dict[str, list[list[float | None]]]:
    """Of each phase and of all: latency in ms at 1 / (1 - q), which tells rare ones apart."""
    every = Latency(Histogram(), Histogram())
    phases = {}
    for phase, text in run.latency_us.items():
        failed_after = run.failed_after_us.get(phase)
        failed = Histogram() if failed_after is None else Histogram.decode(failed_after)
        phases[phase] = of = Latency(Histogram.decode(text), failed)
        every.answered.add(of.answered)
        every.failed.add(of.failed)
    return {phase: _curve(latency) for phase, latency in {_ALL: every, **phases}.items() if latency.total}


def _curve(latency: Latency) -> list[list[float | None]]:
    """Points up to the one request that took longest, or to where too many failed to know any further."""
    total = latency.total
    ranks, step = [1.0], 0
    while ranks[-1] < total:
        step += 1
        ranks.append(min(2 ** (step / _POINTS_PER_HALVING), float(total)))
    found = []
    for rank in ranks:
        reading = latency.quantile(1 - 1 / rank)
        if reading is None or reading.at_least:
            break
        found.append((rank, reading.us))
    else:
        highest = latency.highest
        found += [] if highest is None else [(float(total), highest.us)]
    return [[short(rank), short(us / 1000)] for rank, us in found]


def _width(seconds: Sequence[LoadSecond]) -> int:
    """How many seconds a point is of."""
    return max(1, -(-sum(_length(of) for _, of in _by_phase(seconds)) // POINTS_OVER_TIME))


def _by_phase(seconds: Iterable[LoadSecond]) -> list[tuple[str, list[LoadSecond]]]:
    return [(phase, list(of)) for phase, of in groupby(seconds, key=lambda second: second.phase)]


def _length(seconds: Sequence[LoadSecond]) -> int:
    return seconds[-1].at_s + 1


def _seconds(run: LoadRun) -> Json:
    """A run's seconds, its phases one after the other; a second in which nothing ended has no latency."""
    width = _width(run.seconds)
    rates = {row.name: row.throughput_per_s for row in run.rows}
    at: list[float | None] = []
    succeeded: list[float | None] = []
    failed: list[float | None] = []
    quantiles: dict[str, list[float | None]] = {"median_ms": [], "p95_ms": [], "p99_ms": []}
    phases, begin = [], 0
    for phase, seconds in _by_phase(run.seconds):
        known = {second.at_s: second for second in seconds}
        length = _length(seconds)
        for first in range(0, length, width):
            there = range(first, min(first + width, length))
            of = [known[second] for second in there if second in known]
            at.append(begin + first + len(there) / 2)
            succeeded.append(short(sum(second.succeeded for second in of) / len(there)))
            failed.append(short(sum(second.failed for second in of) / len(there)))
            for name, values in quantiles.items():
                values.append(short(max((v for s in of if (v := getattr(s, name)) is not None), default=None)))
        # A gap, as no line leads from one phase to the next.
        for gap in (at, succeeded, failed, *quantiles.values()):
            gap.append(None)
        phases.append({"name": phase, "from": begin, "to": begin + length, "per_s": short(rates.get(phase))})
        begin += length
    labels = {"median_ms": "median", "p95_ms": "p95", "p99_ms": "p99"}
    return {
        "phases": phases,
        "at": at,
        "succeeded": succeeded,
        "failed": failed,
        "latency": [{"name": labels[name], "y": values} for name, values in quantiles.items()],
    }
