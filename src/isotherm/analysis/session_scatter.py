"""How far the sessions of a campaign's name differ, for judging one of them against another. Knows no words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from isotherm.analysis.comparison_model import COMPARED, Scatter, SessionScatter
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend import build_trend
from isotherm.analysis.trend_model import Session, read_session
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.statistics.results import ENOUGH_SESSIONS


def session_scatter(before: CampaignSummary, after: CampaignSummary, others: Iterable[Session]) -> SessionScatter:
    """How far sessions of the name of `before` differ.

    Parameters
    ----------
    before, after : CampaignSummary
        Of the two that are compared. `after` is not counted, nor what began after both: a change is to be judged by
        how sessions differ without it.
    others : iterable of Session
        Finished campaigns of the name; `before` may be among them or not.

    Raises
    ------
    UnreadableSession
        One of the two has no time at which it began, or lacks something else that a trend needs.
    """
    ours, theirs = (read_session(side.model_dump_json().encode()) for side in (before, after))
    end = max(ours.created_at, theirs.created_at)
    kept = [
        session
        for session in others
        if session.name == ours.name
        and session.platform == ours.platform
        and session.campaign_id not in {ours.campaign_id, theirs.campaign_id}
        and session.created_at <= end
    ]
    trend = build_trend([*kept, ours], metrics=COMPARED, version=before.version)
    number = next(place for place, held in enumerate(trend.sessions) if held.campaign_id == ours.campaign_id)
    found: dict[tuple[CellKey, str], Scatter] = {}
    for series in trend.series:
        # Sessions under other conditions say nothing of these.
        if number not in {point.session for point in series.points}:
            continue
        sessions, sd = len(series.points), None
        # Over rounds where they are known: how far rounds differ is in the two sessions' own errors already.
        spread = series.beyond_rounds or series.spread
        if spread and series.mean.value > 0:
            sessions, sd = spread.sessions, spread.between_sd / series.mean.value
        elif sessions >= ENOUGH_SESSIONS and series.median.value > 0:  # calls of a session do not scatter at all
            sd = float(np.std([point.median for point in series.points], ddof=1)) / series.median.value
        found[cell_key(series), series.metric] = Scatter(sd, sessions)
    return SessionScatter(ours.name, len(trend.sessions), found)
