"""What the probe inside a function wrote of one call. Reads its lines out of any log text."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any


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


def probe_lines(text: str) -> list[Probe]:
    """Every probe line in a log text or a single message, in order; anything else is passed over."""
    found = []
    for line in text.splitlines():
        start = line.find("{")
        if start < 0 or '"isotherm_probe"' not in line:
            continue
        try:
            record = json.loads(line[start:])
        except ValueError:
            continue
        probe = _probe(record)
        if probe is not None:
            found.append(probe)
    return found


_PROBE_FIELDS = [field.name for field in fields(Probe)]


def _probe(record: Any) -> Probe | None:
    if not isinstance(record, dict) or record.get("isotherm_probe") != 1:
        return None
    known: dict[str, Any] = {name: record[name] for name in _PROBE_FIELDS if name in record}
    try:
        return Probe(**known)
    except TypeError:  # a field is missing
        return None
