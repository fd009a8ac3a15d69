"""Rows of CloudWatch Logs Insights, whose discovered fields can stand in for a REPORT line that was not selected."""

from __future__ import annotations

from typing import Any

from isotherm.platform_log.events import Event
from isotherm.platform_log.pattern import Pattern

# Insights counts memory in bytes of which 1,000,000 make the MB of the REPORT line.
_BYTES_PER_MB = 1_000_000
_NAMES = {
    "@requestId": "request_id",
    "@duration": "duration_ms",
    "@billedDuration": "billed_duration_ms",
    "@initDuration": "init_duration_ms",
    "@restoreDuration": "restore_duration_ms",
    "@billedRestoreDuration": "billed_restore_duration_ms",
    "@xrayTraceId": "xray_trace_id",
    "@xraySegmentId": "xray_segment_id",
}
_MEMORY = {"@memorySize": "memory_size", "@maxMemoryUsed": "max_memory_used"}
_NUMBER = Pattern(r"[0-9]{1,15}(?:\.[0-9]{1,9})?(?:[eE][+-]?[0-9]{1,2})?")


def is_pair(value: Any) -> bool:
    """Whether an object is one field of a row in a GetQueryResults answer.

    Parameters
    ----------
    value : object
        Any JSON value.

    Returns
    -------
    bool
        True for ``{"field": "@name", "value": ...}``.
    """
    return isinstance(value, dict) and value.keys() == {"field", "value"} and isinstance(value["field"], str)


class Rows:
    """Puts the fields of an answer that is not whole together to rows: a field that comes again begins a new row."""

    __slots__ = ("_row",)

    def __init__(self) -> None:
        self._row: dict[str, Any] = {}

    def add(self, pair: dict[str, Any]) -> dict[str, Any]:
        """Add a field.

        Parameters
        ----------
        pair : dict
            Object for which `is_pair` holds.

        Returns
        -------
        dict
            The row this field ends, empty if it belongs to the row at hand.
        """
        finished = self.finish() if pair["field"] in self._row else {}
        self._row[pair["field"]] = pair["value"]
        return finished

    def finish(self) -> dict[str, Any]:
        """End the row at hand.

        Returns
        -------
        dict
            The row, empty if there was none.
        """
        row, self._row = self._row, {}
        return row


def row_of(pairs: list[Any]) -> dict[str, Any]:
    """Row for a list of fields.

    Parameters
    ----------
    pairs : list
        Any JSON list.

    Returns
    -------
    dict
        Values by field, empty if the list is not a row.
    """
    if pairs and all(is_pair(pair) for pair in pairs):
        return {pair["field"]: pair["value"] for pair in pairs}
    return {}


def row_event(row: dict[str, Any]) -> Event | None:
    """Event for the discovered fields of a row.

    Parameters
    ----------
    row : dict
        Values by field; Insights writes numbers as strings.

    Returns
    -------
    Event or None
        An ``insights_fields`` event with memory in the MB of the REPORT line, None if the row measures nothing.
    """
    fields: dict[str, Any] = {"event": "insights_fields"}
    for key, name in _NAMES.items():
        if key in row:
            fields[name] = _number(row[key]) if name.endswith("_ms") else str(row[key])
    for key, name in _MEMORY.items():
        amount = _number(row.get(key))
        if amount is not None:
            megabytes = amount / _BYTES_PER_MB
            fields[f"{name}_mb"] = int(megabytes) if megabytes == int(megabytes) else megabytes
            fields[f"{name}_bytes_insights"] = int(amount)
    measures = any(value is not None for name, value in fields.items() if name.endswith(("_ms", "_mb")))
    return Event(fields) if measures else None


def _number(value: Any) -> int | float | None:
    text = str(value)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return int(number) if number == int(number) else number
