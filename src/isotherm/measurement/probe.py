"""What the probe inside a function wrote of one call. Reads its lines out of any log text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any

from isotherm.platform_log.jsonevents import is_quantity


@dataclass(frozen=True, slots=True)
class Probe:
    """What the function said of itself in its one log line. `_at_ms` are epoch milliseconds, durations milliseconds.

    `notes` is what a handler added: of a call to another function, of a database. `duration_ms` is in the line of
    our own server alone: its time for the whole request.
    """

    shot_id: str | None
    request_id: str
    environment_id: str
    invocation_index: int
    process_start_at_ms: float | None
    import_begin_at_ms: float
    import_ms: float
    handler_begin_at_ms: float
    work_ms: float
    hold_ms: float
    package: dict[str, object] | None = None
    notes: dict[str, Any] | None = None
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ProbeLines:
    """The probe lines of a text, in order, and those that are none although they say so (docs/measuring.md, rule 29).

    `odd` are lines as they were written; `odd_shots` are the shots that such a line names, where that can be read.
    """

    probes: list[Probe]
    odd: list[str]
    odd_shots: list[str]


def read_probe_lines(text: str) -> ProbeLines:
    """Every probe line in a log text or a single message, and every odd one; anything else is passed over."""
    found = ProbeLines([], [], [])
    for line in text.splitlines():
        start = line.find("{")
        if start < 0 or '"isotherm_probe"' not in line:
            continue
        try:
            record = json.loads(line[start:])
        except RecursionError:
            found.odd.append(line)
            continue
        except ValueError:  # cut, or somebody else's
            continue
        if not isinstance(record, dict) or record.get("isotherm_probe") != 1:
            continue
        known = {name: record[name] for name in _PROBE_FIELDS if name in record}
        if _fits(known):
            found.probes.append(Probe(**known))
            continue
        found.odd.append(line)
        if _is_text(known.get("shot_id")):
            found.odd_shots.append(known["shot_id"])
    return found


def probe_lines(text: str) -> list[Probe]:
    """Every probe line in a log text or a single message, in order; anything else is passed over."""
    return read_probe_lines(text).probes


def is_number(value: object) -> bool:
    """Whether a value is a number that can be measured: finite, no truth value, not beyond what a float holds well."""
    return is_quantity(value) and -_MOST <= value <= _MOST  # type: ignore[operator]  # a number, as was just asked


#: Larger than any epoch time in milliseconds, and any duration.
_MOST = 1e15

#: No id is longer.
_LONGEST_TEXT = 500

#: A package's facts are a few numbers and lists of names: so deep, and so long as JSON.
_DEEPEST = 6
_LARGEST_PACKAGE = 20_000


def _is_text(value: object) -> bool:
    # Printable: a lone surrogate could not be written to any file.
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()


def _is_length(value: object) -> bool:
    return is_number(value) and value >= 0  # type: ignore[operator]  # a number, as was just asked


def _is_index(value: object) -> bool:
    return isinstance(value, int) and _is_length(value)


def _is_package(value: object) -> bool:
    return isinstance(value, dict) and _is_plain(value, _DEEPEST) and len(json.dumps(value)) <= _LARGEST_PACKAGE


def _is_plain(value: object, depth: int) -> bool:
    """Whether a value of JSON can be stored anywhere: every number finite, all text writable, nothing too deep."""
    if isinstance(value, dict):
        return depth > 0 and all(_is_text(name) and _is_plain(of, depth - 1) for name, of in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(of, depth - 1) for of in value)
    return value is None or isinstance(value, bool) or _is_text(value) or is_number(value)


def _are_notes(value: object) -> bool:
    """Whether the notes that are read here are what they should be; others are the handler's own business."""
    return isinstance(value, dict) and all(value.get(name) is None or fits(value[name]) for name, fits in _NOTES)


def _or_none(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or fits(value)


_NOTES: tuple[tuple[str, Callable[[object], bool]], ...] = (
    ("database_ms", _is_length),
    ("inner_round_trip_ms", _is_length),
    ("inner_sent_at_ms", is_number),
    ("inner_request_id", _is_text),
)

#: What each field of a line has to be.
_CHECKS: dict[str, Callable[[object], bool]] = {
    "shot_id": _or_none(_is_text),
    "request_id": _is_text,
    "environment_id": _is_text,
    "invocation_index": _is_index,
    "process_start_at_ms": _or_none(is_number),
    "import_begin_at_ms": is_number,
    "import_ms": _is_length,
    "handler_begin_at_ms": is_number,
    "work_ms": _is_length,
    "hold_ms": _is_length,
    "package": _or_none(_is_package),
    "notes": _or_none(_are_notes),
    "duration_ms": _or_none(_is_length),
}
_PROBE_FIELDS = [field.name for field in fields(Probe)]
_REQUIRED = frozenset(field.name for field in fields(Probe) if field.default is MISSING)


def _fits(known: dict[str, Any]) -> bool:
    return known.keys() >= _REQUIRED and all(_CHECKS[name](value) for name, value in known.items())
