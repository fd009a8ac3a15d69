"""Says what size and imports cost at start-up."""

from __future__ import annotations

from collections.abc import Mapping

from isotherm.analysis.summary import StartupCost, StartupSlope
from isotherm.numbers import digits, percent

_TIMES: Mapping[str, str] = {"start": "start-up", "rest": "start-up less its imports", "overhead": "client overhead"}
_UNITS: Mapping[str, str] = {"archive_mb": "MB of archive", "import_ms": "ms of imports"}


def startup_cost(found: StartupSlope, confidence: float) -> StartupCost:
    """The slope with its sentence; `confidence` is that of its interval."""
    return StartupCost(**dict(found), sentence=startup_slope_in_words(found, confidence))


def startup_slope_in_words(found: StartupSlope, confidence: float) -> str:
    """What each unit adds to which time, with its interval, and what else is in it."""
    slope = found.slope
    text = f"{digits(slope.slope)} ms of {_TIMES[found.time]} for each {_UNITS[found.per]}"
    if slope.low is not None and slope.high is not None:
        text += f" ({percent(confidence)} interval {digits(slope.low)} to {digits(slope.high)})"
    else:
        text += " (too few samples for an interval)"
    if found.per == "import_ms":
        text += (
            ", between packages of one size" if found.held else "; larger packages import more here, so size is in it"
        )
    return text
