"""Says how the sessions of one name differ, and what to be careful of in that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from isotherm.analysis.summary import EMULATED_NOTE
from isotherm.analysis.trend_model import (
    DAY_S,
    FewSessions,
    LongSessions,
    Overall,
    Overlaps,
    Series,
    SessionsWithFailures,
    ShortSpan,
    TrendCaution,
    UnlikeSettings,
    WhatChanged,
)
from isotherm.campaign.cautions import Emulated
from isotherm.campaign.lane import Platform
from isotherm.numbers import NOTHING, capitalised, count, digits, rough_percent
from isotherm.statistics.results import ENOUGH_SESSIONS


def trend_headline(name: str, platform: Platform, sessions: int, span_s: float, overall: Sequence[Overall]) -> str:
    """How wide sessions spread beyond their rounds in the metric that speaks for the campaign, or why it is not known.

    Parameters
    ----------
    name : str
        The campaigns'.
    platform : "aws" or "emulated"
        Where they were measured.
    sessions : int
        How many there are, within `span_s` seconds.
    overall : sequence of Overall
        The spreads over all cells of a kind, the one that speaks first.
    """
    prefix = "On this machine (emulated, not AWS), " if platform == "emulated" else ""
    if sessions < ENOUGH_SESSIONS:
        return f"{prefix}{name} has {count(sessions, 'session')} so far; three show how sessions differ"
    over = f"over {count(sessions, 'session')} of {name} in {_span(span_s)}"
    if not overall:
        return f"{prefix}{over}, no cell was measured often enough to say how sessions differ"
    # Start-up speaks for a campaign that has cold starts, client time for one that has none.
    lead = overall[0]
    what = "rounds" if lead.beyond == "rounds" else "calls"
    words = f"{over}, session means scatter {digits(lead.factor)} times as wide as the {what} inside sessions predict"
    if lead.relative_sd is not None:
        words += f", by {rough_percent(lead.relative_sd)} from session to session"
    if lead.beyond == "calls":
        words += f"{_of_cells(lead)}; whether sessions or rounds differ cannot be told without several rounds in each"
    elif lead.cells > 1:
        words += f" (median of {lead.cells} cells; {lead.apart or 'none'} by more than chance)"
    else:
        words += ", more than chance makes them" if lead.apart else ", which chance alone may do"
    return prefix + (words if prefix else capitalised(words))


def spread_in_words(series: Series) -> str:
    """Whether the sessions of a series differ beyond their rounds, or why that cannot be told."""
    beyond = series.beyond_rounds
    if beyond is not None:
        if not beyond.apart:
            return "sessions may be alike: their spread is within what chance makes of so few"
        return (
            f"sessions differ by more than chance: an interval from one session is about {digits(beyond.factor)} times "
            "too narrow"
        )
    match series.not_beyond_rounds:
        case "one_round":
            return "sessions of a single round do not tell how sessions differ from how rounds do"
        case "unknown_scatter":
            return "not every session says how its rounds scatter, so sessions are not told from rounds"
        case "no_scatter":
            return "no session's rounds scatter, so no scatter is predicted between sessions"
        case "few_sessions" | None:
            return series.missing or NOTHING


def _of_cells(lead: Overall) -> str:
    return f" (median of {lead.cells} cells)" if lead.cells > 1 else ""


def trend_cautions_in_words(found: Iterable[TrendCaution]) -> list[str]:
    """A sentence for each caution, in order."""
    return [_in_words(caution) for caution in found]


def _in_words(caution: TrendCaution) -> str:
    match caution:
        case Emulated():
            return f"{capitalised(EMULATED_NOTE)}."
        case FewSessions():
            return (
                f"{count(caution.sessions, 'session')}: {caution.lacking} more needed before anything can be said "
                "about how sessions differ."
            )
        case ShortSpan():
            return (
                f"All sessions began within {_span(caution.span_s)}: their spread is not the spread from day to day, "
                "which is wider."
            )
        case UnlikeSettings():
            return (
                "Campaigns of this name were not all asked for alike, and are kept apart where it matters: "
                f"{'; '.join(_setting(name, values) for name, values in caution.settings.items())}."
            )
        case WhatChanged():
            several = f" (and {count(caution.more, 'more change')})" if caution.more else ""
            return (
                "What was measured changed on the way, so part of the spread may be the change's: from session "
                f"{caution.first.session + 1} on, {caution.first.what}{several}."
            )
        case SessionsWithFailures():
            sessions = count(caution.sessions, "session")
            return f"{sessions} had lanes that failed; what the others measured is in."
        case Overlaps():
            return (
                f"{count(caution.sessions, 'session')} began while the one before still ran ({caution.later} during "
                f"{caution.earlier}): they may have measured each other."
            )
        case LongSessions():
            sessions = count(caution.sessions, "session")
            return f"{sessions} lasted more than an hour; each is placed in the hour in which it began."
    assert_never(caution)


def _setting(name: str, values: dict[str, int]) -> str:
    return f"{name} is " + ", ".join(f"{value} in {count(number, 'session')}" for value, number in values.items())


def _span(seconds: float) -> str:
    for size, unit in ((DAY_S, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds / size
            return f"{digits(number)} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:.0f} s"
