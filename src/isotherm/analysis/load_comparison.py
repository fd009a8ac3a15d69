"""What changed from one campaign's loads to another's: throughput, median and p99 of each phase. Knows no intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from isotherm.analysis.comparison_model import LoadChange, Range
from isotherm.analysis.summary import LoadRow, LoadRun
from isotherm.analysis.words.loads import LOADED, is_reported
from isotherm.campaign.lane import CallProtocol


class _Key(NamedTuple):
    region: str
    client_region: str | None
    protocol: CallProtocol
    target: str


_MEASURES = {
    "throughput_per_s": ("throughput", "requests/s"),
    "median_ms": ("median", "ms"),
    "p99_ms": ("p99", "ms"),
}


def load_changes(before: Iterable[LoadRun], after: Iterable[LoadRun]) -> list[LoadChange]:
    """Throughput, median and p99 of each phase of each load that both sides have, and of all its phases."""
    ours, theirs = _by_key(before), _by_key(after)
    return [
        _change(key, phase, field, _rows(ours[key], phase), _rows(theirs[key], phase))
        for key in ours
        if key in theirs
        for phase in _phases(ours[key])
        if phase in _phases(theirs[key])
        for field in _MEASURES
    ]


def loads_of_one_side(before: Iterable[LoadRun], after: Iterable[LoadRun]) -> tuple[list[str], list[str]]:
    """Loads, and phases of loads, that one side alone has, by name."""
    ours, theirs = _by_key(before), _by_key(after)
    return _missing(ours, theirs), _missing(theirs, ours)


def _missing(there: Mapping[_Key, list[LoadRun]], elsewhere: Mapping[_Key, list[LoadRun]]) -> list[str]:
    found = []
    for key, runs in there.items():
        place = _place(key.protocol, key.region, key.client_region)
        gone = [phase for phase in _phases(runs) if phase not in _phases(elsewhere.get(key, []))]
        found += [f"{place}, {phase}" for phase in gone] if key in elsewhere else [place]
    return found


def place_of(change: LoadChange) -> str:
    """What was loaded, and where, in words."""
    return _place(change.protocol, change.region, change.client_region)


def _place(protocol: CallProtocol, region: str, client_region: str | None) -> str:
    return f"{LOADED[protocol]}, {region}" + (f", from {client_region}" if client_region else "")


def _by_key(runs: Iterable[LoadRun]) -> dict[_Key, list[LoadRun]]:
    found: dict[_Key, list[LoadRun]] = {}
    for run in runs:
        found.setdefault(_Key(run.region, run.client_region, run.protocol, run.target), []).append(run)
    return found


def _phases(runs: Sequence[LoadRun]) -> list[str]:
    return list(dict.fromkeys(row.name for run in runs for row in run.rows))


def _rows(runs: Iterable[LoadRun], phase: str) -> list[LoadRow]:
    return [row for run in runs for row in run.rows if row.name == phase and is_reported(row)]


def _change(key: _Key, phase: str, field: str, ours: Sequence[LoadRow], theirs: Sequence[LoadRow]) -> LoadChange:
    measure, unit = _MEASURES[field]
    before, after = _range(ours, field), _range(theirs, field)
    several = before is not None and after is not None and min(before.rounds, after.rounds) > 1
    return LoadChange(
        **key._asdict(),
        phase=phase,
        measure=measure,
        unit=unit,
        before=before,
        after=after,
        ratio=after.mid / before.mid if before and after and before.mid else None,
        apart=before.high < after.low or after.high < before.low if several and before and after else None,
    )


def _range(rows: Iterable[LoadRow], field: str) -> Range | None:
    values = [value for row in rows if (value := getattr(row, field)) is not None]
    if not values:
        return None
    return Range(rounds=len(values), mid=median(values), low=min(values), high=max(values))
