"""What loads are called, and what is said of them: sentences from `LoadFacts`. Knows nothing of pages or terminals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from isotherm.analysis.summary import LoadFacts, LoadRow, LoadRun, RowImbalance
from isotherm.analysis.words.accounting import imbalance_in_words
from isotherm.campaign.lane import CallProtocol
from isotherm.campaign.model import Load
from isotherm.numbers import count, digits, interval, listed

#: What was loaded, as a table's heading and as a part of a sentence.
LOADED: Mapping[CallProtocol, str] = {
    "invoke": "Lambda by invoke",
    "http": "API Gateway",
    "server": "Server",
    "instance": "Server on EC2",
}
_LOADED_IN_A_SENTENCE: Mapping[CallProtocol, str] = {**LOADED, "server": "the server", "instance": "the one on EC2"}

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


def kinds_in_words(failed: Mapping[str, int]) -> str:
    """What failed, by kind: "10 connection refused, 2 throttled"."""
    return ", ".join(f"{number:,} {KIND_LABELS.get(kind, kind)}" for kind, number in failed.items())


def whole(run: LoadFacts) -> LoadRow:
    """The row of all its phases."""
    return run.rows[-1]


def is_reported(row: LoadRow) -> bool:
    """Whether anything is known of a row's requests."""
    return row.not_reported < row.planned


def peak_of(load: Load) -> str:
    """The phase with the most threads, or the highest rate; the first of several."""
    return max(load.phases, key=lambda phase: phase.share).name


def row_of(run: LoadFacts, phase: str) -> LoadRow | None:
    """A run's row of a phase."""
    return next((row for row in run.rows if row.name == phase), None)


def run_places(runs: Sequence[LoadFacts]) -> list[str]:
    """Whatever tells runs apart besides what was loaded: region, client and round, as far as these differ."""
    several = {field for field in ("region", "client_region", "round") if len({getattr(r, field) for r in runs}) > 1}
    names = []
    for run in runs:
        name = f" in {run.region}" if "region" in several else ""
        name += f" from {run.client_region}" if "client_region" in several and run.client_region else ""
        name += f", round {run.round + 1}" if "round" in several else ""
        names.append(name)
    return names


def run_names(runs: Sequence[LoadFacts]) -> list[str]:
    """What runs are called: what was loaded, and whatever else tells them apart."""
    return [LOADED[run.protocol] + place for run, place in zip(runs, run_places(runs), strict=True)]


def total_of(runs: Iterable[LoadFacts]) -> LoadRow:
    """Counts of all runs together; no times, since these belong to a single run."""
    rows = [whole(run) for run in runs]
    failed: dict[str, int] = {}
    for row in rows:
        for kind, number in row.failed.items():
            failed[kind] = failed.get(kind, 0) + number
    known = {kind: failed[kind] for kind in KIND_LABELS if kind in failed}
    return LoadRow(
        name="all",
        planned=sum(row.planned for row in rows),
        sent=sum(row.sent for row in rows),
        succeeded=sum(row.succeeded for row in rows),
        failed=known | failed,
        not_reported=sum(row.not_reported for row in rows),
        cold_starts=sum(row.cold_starts for row in rows),
    )


def accounts_of(row: LoadRow) -> str:
    """Where every planned request ended, in one line that can be checked by adding up."""
    failed = sum(row.failed.values())
    line = f"planned {row.planned:,} = {row.succeeded:,} succeeded + {failed:,} failed"
    line += f" ({kinds_in_words(row.failed)})" if failed else ""
    return line + (f" + {row.not_reported:,} not reported" if row.not_reported else "")


def loads_in_a_sentence(load: Load, runs: Sequence[LoadFacts]) -> str:
    """How many requests succeeded, and at the peak how many a second (closed loop) or how fast (open loop).

    The first region and client speak for the campaign, over all their rounds; the others are in the tables.
    """
    row = total_of(runs)
    if not is_reported(row):
        return f"nothing is reported of {count(row.planned, 'planned request')}: nothing to say about the load"
    said = _counts(row)
    here = [run for run in runs if (run.region, run.client_region) == (runs[0].region, runs[0].client_region)]
    peaks = _peaks(load, here)
    if not peaks:
        return said
    said += "".join(f"; {_LOADED_IN_A_SENTENCE[protocol]} answered none" for protocol in _silent(here))
    names = [_LOADED_IN_A_SENTENCE[protocol] for protocol in peaks]
    medians = [_over_rounds([row.median_ms for row in rows]) for rows in peaks.values()]
    where = f" in {runs[0].region}" if len({run.region for run in runs}) > 1 else ""
    if load.loop == "closed":
        per_s = [_over_rounds([row.throughput_per_s for row in rows]) for rows in peaks.values()]
        first, *others = zip(names, per_s, strict=True)
        answered = [
            f"{first[0]} answered {first[1]} requests a second{where}",
            *(f"{name} {rate}" for name, rate in others),
        ]
        each = "median" if len(medians) == 1 else "medians"
        return f"{said}; at the peak {listed(answered)} ({each} {listed(medians)} ms)"
    answers = [f"{median} ms from {name}" for name, median in zip(names, medians, strict=True)]
    p99 = listed([_p99(rows) for rows in peaks.values()])
    rate = f"{(load.rate_per_s or 0) * max(phase.share for phase in load.phases):,.10g}"
    return f"{said}; at the peak, {rate} requests a second{where}, answers took {listed(answers)} (medians; p99 {p99})"


def _counts(row: LoadRow) -> str:
    failed = sum(row.failed.values())
    if not failed and not row.not_reported:
        return f"all {count(row.planned, 'request')} succeeded"
    who = (
        f"{row.succeeded:,} of {count(row.planned, 'request')}"
        if row.succeeded
        else f"none of {row.planned:,} requests"
    )
    said = [f"{who} succeeded"]
    said += [f"{failed:,} failed ({kinds_in_words(row.failed)})"] if failed else []
    said += (
        [f"{row.not_reported:,} {'is' if row.not_reported == 1 else 'are'} not reported"] if row.not_reported else []
    )
    return listed(said)


def _peaks(load: Load, runs: Iterable[LoadFacts]) -> dict[CallProtocol, list[LoadRow]]:
    """The rows of the peak by protocol, the fastest first; without runs that have no answer there."""
    peak = peak_of(load)
    found: dict[CallProtocol, list[LoadRow]] = {}
    for run in runs:
        row = row_of(run, peak)
        if row is not None and row.succeeded and row.median_ms is not None:
            found.setdefault(run.protocol, []).append(row)
    return dict(sorted(found.items(), key=lambda of: min(row.median_ms or 0 for row in of[1])))


def _silent(runs: Sequence[LoadFacts]) -> list[CallProtocol]:
    """Protocols whose requests were reported, but of which not one succeeded."""
    answered = {run.protocol for run in runs if whole(run).succeeded}
    known = dict.fromkeys(run.protocol for run in runs if is_reported(whole(run)))
    return [protocol for protocol in known if protocol not in answered]


def _p99(rows: Sequence[LoadRow]) -> str:
    if all(row.p99_ms is None for row in rows):
        return "unknown of so few"
    at_least = "at least " if any("p99_ms" in row.at_least for row in rows) else ""
    return f"{at_least}{_over_rounds([row.p99_ms for row in rows])} ms"


def _over_rounds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    low, high = digits(min(known, default=None)), digits(max(known, default=None))
    return low if low == high else interval(min(known), max(known))


def load_run(found: LoadFacts) -> LoadRun:
    """The load with its sentences."""
    said = {
        "imbalances": [row_imbalance_in_words(imbalance) for imbalance in found.unbalanced],
        "late": [f"{late.phase}: {late.reason}" for late in found.lateness],
    }
    return LoadRun(**{**dict(found), **said})


def row_imbalance_in_words(found: RowImbalance) -> str:
    """A row whose requests do not agree with the plan, or among themselves."""
    if found.sum is not None:
        return f"{found.row}: {imbalance_in_words(found.sum)}"
    return f"{found.row}: {found.planned} requests are accounted for, of {found.in_plan} that the plan holds"


def load_imbalances(runs: Sequence[LoadFacts]) -> list[str]:
    """Each sum of a load that does not agree, with what was loaded."""
    return [
        f"{name}, {row_imbalance_in_words(imbalance)}"
        for name, run in zip(run_names(runs), runs, strict=True)
        for imbalance in run.unbalanced
    ]
