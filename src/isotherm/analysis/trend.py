"""Statistics over the campaigns of one name: sessions in, `Trend` out. Knows nothing of where sessions are kept.

Sessions are comparable where their cells were measured under the same conditions. What the campaigns of a name differ
in is said, and what was measured otherwise is a series of its own. The statistics are `isotherm.statistics.sessions`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from isotherm.analysis.comparison import flat
from isotherm.analysis.summary import EMULATED_NOTE
from isotherm.analysis.trend_model import (
    DAY_S,
    Change,
    Conditions,
    FewSessions,
    Held,
    Hour,
    Hours,
    LeftOut,
    LongSessions,
    Overall,
    Overlaps,
    Point,
    Series,
    Session,
    SessionMetric,
    SessionsWithFailures,
    ShortSpan,
    Trend,
    TrendCaution,
    UnlikeSettings,
    WhatChanged,
    timezone_of,
)
from isotherm.analysis.words.trend import trend_cautions_in_words, trend_headline
from isotherm.campaign.cautions import Emulated
from isotherm.campaign.cell import CellKey, Kind, cell_key
from isotherm.numbers import NOTHING, count, listed
from isotherm.statistics.results import ENOUGH_SESSIONS, Slope, Spread
from isotherm.statistics.sessions import hour_effect_p, over_sessions, session_spread, standard_error
from isotherm.statistics.slopes import theil_sen
from isotherm.statistics.two_samples import holm

CONFIDENCE = 0.95
_KINDS: tuple[Kind, ...] = ("cold", "warm")

#: Fields of a campaign that tell which cells there are, how many calls they get or in which order, or are for people:
#: where only these differ, cells are measured alike.
_NO_CONDITION = frozenset(
    {
        "name", "comment", "targets", "regions", "memory_mb", "clients", "protocols", "inner", "rounds", "max_rounds",
        "precision", "seed", "report_deadline_s", "budget_usd", "dry_run", "cold.samples", "warm.samples",
    }
)  # fmt: skip


class MixedCampaigns(ValueError):
    """Sessions that no trend can hold together: of several names, or of AWS and the embedded stack."""


def build_trend(
    sessions: Iterable[Session],
    *,
    left_out: Iterable[LeftOut] = (),
    metrics: Iterable[str] | None = None,
    timezone: str = "UTC",
    version: str,
    confidence: float = CONFIDENCE,
) -> Trend:
    """What the campaigns of one name found over time, by hour of the day, and how far sessions differ.

    Parameters
    ----------
    sessions : iterable of Session
        Finished campaigns of one name and one platform, in any order; of those with the same id one is kept.
    left_out : iterable of LeftOut
        Campaigns of the name that are not among them, with the reason; handed through.
    metrics : iterable of str, optional
        Which metrics; by default those that `lead_metrics` names. Without any that was measured, all that were.
    timezone : str
        IANA name such as "Asia/Tokyo", by whose hours sessions are sorted besides UTC's.
    version : str
        Of Isotherm, as the trend's maker.
    confidence : float
        Coverage of every interval, in (0, 1).

    Returns
    -------
    Trend
        The same sessions in any order give the same trend.

    Raises
    ------
    MixedCampaigns
        Sessions of more than one name or platform.
    ValueError
        No session at all.
    ZoneInfoNotFoundError
        No such timezone.
    """
    kept = _distinct(sessions)
    _refuse_mixed(kept)
    zones = list(dict.fromkeys(["UTC", timezone]))
    wanted = None if metrics is None else set(metrics)
    conditions, of_session = _conditions(kept)
    points = _points(kept, wanted, of_session)
    days = [(session.created_at - kept[0].created_at).total_seconds() / DAY_S for session in kept]
    hours_of = {zone: [session.created_at.astimezone(timezone_of(zone)).hour for session in kept] for zone in zones}
    order = {cell_key(cell): None for session in reversed(kept) for cell in session.cells}
    found = [
        _series(*key, of_key, days, hours_of, confidence)
        for key, of_key in sorted(points.items(), key=lambda item: _reading_order(item[0], list(order), kept))
    ]
    found = _corrected(found)
    overall = _overall(found, kept)
    changes = _changes(kept)
    cautions = _cautions(kept, conditions, changes)
    return Trend(
        name=kept[0].name,
        platform=kept[0].platform,
        note=EMULATED_NOTE if kept[0].platform == "emulated" else None,
        headline=trend_headline(kept[0].name, kept[0].platform, len(kept), _span_s(kept), overall),
        confidence=confidence,
        timezone=timezone,
        version=version,
        sessions=[_held(session) for session in kept],
        left_out=sorted(left_out, key=lambda out: out.campaign_id),
        conditions=conditions,
        changes=changes,
        warnings=trend_cautions_in_words(cautions),
        cautions=cautions,
        overall=overall,
        series=found,
    )


def trend_at_the_end_of(
    ours: Session, others: Iterable[Session], left_out: Iterable[LeftOut], unfinished: Iterable[str], *, version: str
) -> Trend:
    """The trend as it is when a session has just ended: of this one and those that began before it.

    Parameters
    ----------
    ours : Session
        The one that has just ended.
    others : iterable of Session
        Those of its name whose reports are there, whenever they began.
    left_out : iterable of LeftOut
        Those of its name that cannot be part of a trend.
    unfinished : iterable of str
        Ids of those of its name that have no report (yet).
    version : str
        Of Isotherm, as the trend's maker.
    """
    missing = [LeftOut(campaign_id=one, reason="it had no report when this one was made") for one in unfinished]
    earlier = [session for session in others if session.created_at <= ours.created_at]
    return build_trend([*earlier, ours], left_out=[*left_out, *missing], version=version)


def lead_metrics(sessions: Sequence[Session], kind: Kind) -> list[str]:
    """The metrics that speak for a kind of call: start-up and client time of cold starts, client time of warm calls."""
    if kind == "warm":
        return ["client_ms"]
    starts = dict.fromkeys(session.start_metric for session in reversed(sessions) if session.start_metric)
    return [*starts, "client_ms"]


def _distinct(sessions: Iterable[Session]) -> list[Session]:
    """One session for each id, in the order in which they began."""
    kept: dict[str, Session] = {}
    for session in sessions:
        other = kept.get(session.campaign_id)
        if other is None or _preference(session) > _preference(other):
            kept[session.campaign_id] = session
    if not kept:
        raise ValueError("sessions: there is none")
    return sorted(kept.values(), key=lambda session: (session.created_at, session.campaign_id))


def _preference(session: Session) -> tuple[datetime, str]:
    """Of two copies the later one, and of those that differ otherwise always the same one."""
    return session.finished_at or session.created_at, session.model_dump_json()


def _refuse_mixed(sessions: Sequence[Session]) -> None:
    for what, values in (
        ("name", {session.name for session in sessions}),
        ("platform", {str(session.platform) for session in sessions}),
    ):
        if len(values) > 1:
            raise MixedCampaigns(
                f"{what}: {listed(sorted(values))} cannot be in one trend; campaigns of one name and of one place only"
            )


def _conditions(sessions: Sequence[Session]) -> tuple[list[Conditions], dict[Kind, list[int]]]:
    """Settings that differ between sessions, and the number of each session's conditions for each kind of call."""
    kinds = {cell.kind for session in sessions for cell in session.cells}
    asked = [{name: value for name, value in flat(s.campaign).items() if name not in _NO_CONDITION} for s in sessions]
    names = sorted({name for settings in asked for name in settings})
    differing = [name for name in names if len({settings.get(name) for settings in asked}) > 1]
    found: list[dict[str, str]] = []
    of_session: dict[Kind, list[int]] = {}
    members: dict[int, list[int]] = {}
    for kind in (kind for kind in _KINDS if kind in kinds):
        other = "warm." if kind == "cold" else "cold."
        ours = [name for name in differing if not name.startswith(other)]
        numbers = []
        for number, settings in enumerate(asked):
            values = {name: settings.get(name, NOTHING) for name in ours}
            if values not in found:
                found.append(values)
            place = found.index(values)
            numbers.append(place)
            if number not in members.setdefault(place, []):
                members[place].append(number)
        of_session[kind] = numbers
    conditions = [Conditions(settings=values, sessions=sorted(members[place])) for place, values in enumerate(found)]
    return conditions, of_session


_Key = tuple[CellKey, str, int]
_Measured = list[tuple[int, SessionMetric, float]]


def _points(
    sessions: Sequence[Session], wanted: set[str] | None, of_session: Mapping[Kind, Sequence[int]]
) -> dict[_Key, _Measured]:
    """What each session measured of each cell and metric under the same conditions; with that session's confidence."""
    leads = {kind: lead_metrics(sessions, kind) for kind in _KINDS}
    found: dict[_Key, _Measured] = {}
    for number, session in enumerate(sessions):
        for cell in session.cells:
            if cell.kind not in _KINDS:
                continue
            names = leads[cell.kind] if wanted is None else wanted
            for metric in cell.metrics.keys() & set(names):
                measured = cell.metrics[metric]
                if measured.n and measured.median is not None and measured.mean is not None:
                    key = (cell_key(cell), metric, of_session[cell.kind][number])
                    found.setdefault(key, []).append((number, measured, session.confidence))
    return found


def _reading_order(key: _Key, order: Sequence[CellKey], sessions: Sequence[Session]) -> tuple[Any, ...]:
    """By kind, metric (first those that speak for the kind), conditions, then as the latest session has its cells."""
    cell, metric, conditions = key
    leads = lead_metrics(sessions, cell.kind)
    place = leads.index(metric) if metric in leads else len(leads)
    return _KINDS.index(cell.kind), place, metric, conditions, order.index(cell)


def _series(
    cell: CellKey,
    metric: str,
    conditions: int,
    measured: _Measured,
    days: Sequence[float],
    hours_of: Mapping[str, Sequence[int]],
    confidence: float,
) -> Series:
    points = [
        Point(
            session=number,
            n=m.n,
            median=m.median,
            median_low=m.median_low,
            median_high=m.median_high,
            mean=m.mean,
        )
        for number, m, _ in measured
        if m.median is not None and m.mean is not None
    ]
    medians = [point.median for point in points]
    spread, missing = _against_calls(measured, confidence)
    return Series(
        **asdict(cell),
        metric=metric,
        conditions=conditions,
        points=points,
        median=over_sessions(medians, confidence),
        mean=over_sessions([point.mean for point in points], confidence),
        spread=spread,
        beyond_rounds=_against_rounds(measured, confidence) if spread else None,
        drift=_drift([days[point.session] for point in points], medians, confidence),
        hours=[_by_hour(zone, [of[p.session] for p in points], medians, confidence) for zone, of in hours_of.items()],
        missing=missing,
    )


def _against_calls(measured: _Measured, confidence: float) -> tuple[Spread | None, str | None]:
    """The spread over what single calls predict; or what is missing for it."""
    usable = [m for _, m, _ in measured if m.n > 1 and m.sd is not None and m.mean is not None]
    lacking = ENOUGH_SESSIONS - len(usable)
    if lacking > 0:
        alone = f", {len(measured) - len(usable)} more of a single call" if len(usable) < len(measured) else ""
        return None, (
            f"{count(len(usable), 'session')} measured it{alone}; {lacking} more needed to say how sessions differ"
        )
    if not any(m.sd for m in usable):
        return None, "no session has scatter inside it, so none is predicted between them"
    return session_spread(
        [m.mean for m in usable if m.mean is not None],
        [m.sd / math.sqrt(m.n) for m in usable if m.sd is not None],
        [m.n - 1 for m in usable],
        confidence,
    ), None


def _against_rounds(measured: _Measured, confidence: float) -> Spread | None:
    """The spread over what the rounds inside sessions predict, by the standard errors behind the means' intervals."""
    means, errors, freedoms = [], [], []
    for _, m, of_session in measured:
        if m.rounds is None or m.rounds < 2 or m.mean is None or m.mean_low is None or m.mean_high is None:
            return None
        means.append(m.mean)
        errors.append(standard_error(m.mean_low, m.mean_high, m.rounds - 1, of_session))
        freedoms.append(m.rounds - 1)
    return session_spread(means, errors, freedoms, confidence) if any(errors) else None


def _drift(days: Sequence[float], medians: Sequence[float], confidence: float) -> Slope | None:
    """Median of the slopes between sessions, per day; None where all began within a day, which says nothing of days."""
    if len(days) < ENOUGH_SESSIONS or days[-1] - days[0] < 1:
        return None
    return theil_sen(days, medians, confidence)


def _by_hour(zone: str, hours: Sequence[int], medians: Sequence[float], confidence: float) -> Hours:
    grouped: dict[int, list[float]] = {}
    for hour, median in zip(hours, medians, strict=True):
        grouped.setdefault(hour, []).append(median)
    repeated = sum(len(values) > 1 for values in grouped.values())
    missing = None
    if len(grouped) < 2:
        missing = "all sessions began in one hour of the day"
    elif repeated < 2:
        missing = "an hour cannot be told from a session until two hours have two sessions or more"
    return Hours(
        timezone=zone,
        hours=[
            Hour(hour=hour, sessions=len(grouped[hour]), median=over_sessions(grouped[hour], confidence))
            for hour in sorted(grouped)
        ],
        p_value=None if missing else hour_effect_p(medians, hours),
        p_holm=None,
        missing=missing,
    )


def _corrected(found: Sequence[Series]) -> list[Series]:
    """The same with p-values that hold for all series together; each question is corrected on its own."""
    spreads = holm([s.spread.p_value if s.spread else None for s in found])
    rounds = holm([s.beyond_rounds.p_value if s.beyond_rounds else None for s in found])
    zones = len(found[0].hours) if found else 0
    of_zones = [holm([s.hours[zone].p_value for s in found]) for zone in range(zones)]
    return [
        s.model_copy(
            update={
                "spread": s.spread and replace(s.spread, p_holm=spread),
                "beyond_rounds": s.beyond_rounds and replace(s.beyond_rounds, p_holm=of_rounds),
                "hours": [h.model_copy(update={"p_holm": p}) for h, p in zip(s.hours, of_hours, strict=True)],
            }
        )
        for s, spread, of_rounds, *of_hours in zip(found, spreads, rounds, *of_zones, strict=True)
    ]


def _overall(found: Sequence[Series], sessions: Sequence[Session]) -> list[Overall]:
    """How wide sessions spread in the metric that speaks for each kind of call."""
    overall = []
    for kind in _KINDS:
        for metric in lead_metrics(sessions, kind):
            spreads = [s.spread for s in found if (s.kind, s.metric) == (kind, metric) and s.spread]
            if spreads:
                factors = [spread.factor for spread in spreads]
                overall.append(
                    Overall(
                        kind=kind,
                        metric=metric,
                        cells=len(spreads),
                        apart=sum(spread.apart for spread in spreads),
                        factor=float(np.median(factors)),
                        factor_p90=float(np.quantile(factors, 0.9)),
                    )
                )
    return overall


#: How lanes end of which a session lacks the samples.
_LOST = ("failed", "not_begun")


def _held(session: Session) -> Held:
    return Held(
        campaign_id=session.campaign_id,
        started_at=session.created_at,
        finished_at=session.finished_at,
        version=session.version,
        lanes=len(session.lanes),
        lanes_failed=sum(lane.status in _LOST for lane in session.lanes),
    )


def _changes(sessions: Sequence[Session]) -> list[Change]:
    """What changed from one session to the next in the functions both measured, and in Isotherm."""
    found = []
    known: dict[str, str] = {}
    for number, session in enumerate(sessions):
        now = {"Isotherm": session.version, "home region": session.home_region, "stack": session.stack}
        for region in session.inventory:
            for f in region.targets:
                where = f"{f.target} in {f.region}"
                now[f"runtime of {where}"] = f"{f.runtime} on {f.architecture}"
                now[f"code of {where}"] = f.code_sha256[:12]
        # Against the last session that had it: a target may be left out of a session in between.
        found += [
            Change(session=number, what=f"{what}: {known[what]} → {value}")
            for what, value in now.items()
            if known.get(what, value) != value
        ]
        known |= now
    return found


def _cautions(
    sessions: Sequence[Session], conditions: Sequence[Conditions], changes: Sequence[Change]
) -> list[TrendCaution]:
    found: list[TrendCaution] = []
    if sessions[0].platform == "emulated":
        found.append(Emulated())
    lacking = ENOUGH_SESSIONS - len(sessions)
    if lacking > 0:
        found.append(FewSessions(sessions=len(sessions), lacking=lacking))
    span_s = _span_s(sessions)
    if len(sessions) > 1 and span_s < DAY_S:
        found.append(ShortSpan(span_s=span_s))
    found += _unlike_settings(conditions)
    if changes:
        found.append(WhatChanged(first=changes[0], more=len(changes) - 1))
    failed = sum(any(lane.status in _LOST for lane in s.lanes) for s in sessions)
    if failed:
        found.append(SessionsWithFailures(sessions=failed))
    found += _overlaps(sessions)
    long = sum(s.finished_at is not None and (s.finished_at - s.created_at).total_seconds() > 3600 for s in sessions)
    if long:
        found.append(LongSessions(sessions=long))
    return found


def _unlike_settings(conditions: Sequence[Conditions]) -> list[TrendCaution]:
    names = dict.fromkeys(name for c in conditions for name in c.settings)
    settings: dict[str, dict[str, int]] = {}
    for name in names:
        values: dict[str, set[int]] = {}
        for c in conditions:
            if name in c.settings:
                values.setdefault(c.settings[name], set()).update(c.sessions)
        settings[name] = {value: len(of) for value, of in values.items()}
    return [UnlikeSettings(settings=settings)] if settings else []


def _overlaps(sessions: Sequence[Session]) -> list[TrendCaution]:
    pairs = [
        (earlier.campaign_id, later.campaign_id)
        for earlier, later in pairwise(sessions)
        if earlier.finished_at and later.created_at < earlier.finished_at
    ]
    return [Overlaps(sessions=len(pairs), earlier=pairs[0][0], later=pairs[0][1])] if pairs else []


def _span_s(sessions: Sequence[Session]) -> float:
    """Seconds from the begin of the first session to that of the last."""
    return (sessions[-1].created_at - sessions[0].created_at).total_seconds()
