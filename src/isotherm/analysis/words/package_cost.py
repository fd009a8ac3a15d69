"""Says what size and imports cost at start-up, or why it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping

from isotherm.analysis.summary import StartupCost, StartupSlope
from isotherm.numbers import count, digits, percent
from isotherm.statistics.fewest import FEWEST_ROUNDS

_TIMES: Mapping[str, str] = {"start": "start-up", "rest": "start-up less its imports", "overhead": "client overhead"}
_UNITS: Mapping[str, str] = {"archive_mb": "MB of archive", "import_ms": "ms of imports"}
_HELD: Mapping[str, str] = {"archive_mb": "at equal imports", "import_ms": "at equal size"}


def startup_cost(found: StartupSlope, confidence: float) -> StartupCost:
    """The slope with its sentence; `confidence` is that of its interval."""
    return StartupCost(**dict(found), sentence=startup_slope_in_words(found, confidence))


def startup_slope_in_words(found: StartupSlope, confidence: float) -> str:
    """What each unit adds to which time, with its interval and between which packages; or why that cannot be told."""
    unit, these = _UNITS[found.per], f"these {count(found.packages or 0, 'package')}"
    slope = found.slope
    if slope.slope is None:
        return f"what each of the {unit} adds cannot be told from {these}: {_reason(found)}"
    text = f"{digits(slope.slope)} ms of {_TIMES[found.time]} for each {unit} between {these}, {_HELD[found.per]}"
    if slope.low is not None and slope.high is not None:
        return (
            f"{text} ({percent(confidence)} interval {digits(slope.low)} to {digits(slope.high)}, over "
            f"{count(found.rounds or 0, 'round')})"
        )
    return f"{text} (how sure that is cannot be told: {_reason(found)})"


def _reason(found: StartupSlope) -> str:
    apart = f"{digits(found.contrast)} {_UNITS[found.per]}"
    match found.why:
        case "alike":
            return f"they differ by only {apart}"
        case "together":
            return f"size and imports rise together, and apart from that they differ by only {apart}"
        case "unsure_imports":
            return "their import times scatter too much for their differences"
        case "few_rounds":
            return f"{count(found.rounds or 0, 'round')} measured all of them, and {FEWEST_ROUNDS} are needed"
        case "tied":
            return "all rounds found exactly the same"
        case None:
            return "nothing is known of it"
