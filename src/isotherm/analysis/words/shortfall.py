"""Says in what a campaign fell short of what was planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from isotherm.analysis.shortfall import CallsLost, EndedEarly, LanesLost, NothingUsed, Shortfall
from isotherm.numbers import capitalised, count, listed

_ENDED = {"ABORTED": "was stopped", "FAILED": "failed", "TIMED_OUT": "ran out of time"}

#: Lanes that failed for one reason are named up to this many.
LANES_NAMED = 3


def shortfalls_in_a_line(found: Iterable[Shortfall]) -> str:
    """All of it in one sentence without its full stop, for where it is to be read first; empty where nothing lacks."""
    return capitalised("; ".join(_in_brief(one) for one in found))


def shortfalls_in_words(found: Iterable[Shortfall]) -> str:
    """All of it, with every reason why lanes failed."""
    said = []
    for one in found:
        said.append(_in_brief(one))
        if isinstance(one, LanesLost):
            said += reasons_in_words(one.reasons)
    return "; ".join(said)


def reasons_in_words(reasons: Mapping[str | None, list[str]]) -> list[str]:
    """Each reason once, after the lanes that failed for it."""
    return [f"{_named(lanes)}: {reason or 'no reason was given'}" for reason, lanes in reasons.items()]


def _named(lanes: list[str]) -> str:
    more = len(lanes) - LANES_NAMED
    if more <= 1:  # "and 1 more" is not shorter than its name
        return listed(lanes)
    return f"{', '.join(lanes[:LANES_NAMED])} and {more} more"


def _in_brief(found: Shortfall) -> str:
    match found:
        case EndedEarly():
            why = ": ".join(part for part in (found.how.error, found.how.cause) if part)
            said = f"partial: the campaign {_ENDED[found.how.ended_as]} before its end" + (f" ({why})" if why else "")
            return f"{said}, {found.not_begun} of {count(found.lanes, 'lane')} not begun" if found.not_begun else said
        case NothingUsed():
            made = f"none of the {count(found.issued, 'call')} gave a result" if found.issued else "no call was made"
            return f"nothing could be used: {made}"
        case LanesLost():
            return f"{found.failed} of {count(found.lanes, 'lane')} failed"
        case CallsLost():
            return f"{count(found.calls, 'call')} sent, or possibly sent, and not collected"
    assert_never(found)
