"""Reads every log line and log event that the AWS Lambda platform writes.

`parse_events` reads anything, exactly; `parse_reports` reads reports in bulk, into columns. Both always agree.
Importing this package imports nothing beyond the standard library; numpy is loaded when `parse_reports` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isotherm.platform_log.events import BASE_FIELDS, OTHER_FIELDS, Event
from isotherm.platform_log.reader import parse_events

if TYPE_CHECKING:
    from isotherm.platform_log.bulk import ReportTable, parse_reports

__all__ = ["BASE_FIELDS", "OTHER_FIELDS", "Event", "ReportTable", "parse_events", "parse_reports"]

_BULK = ("ReportTable", "parse_reports")


def __getattr__(name: str) -> Any:
    if name in _BULK:
        from isotherm.platform_log import bulk

        return getattr(bulk, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
