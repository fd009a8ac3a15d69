"""Gathers the finished campaigns of one name: from the table which there are, from the bucket what they found."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from isotherm.analysis.trend_model import LeftOut, Session, UnreadableSession, read_session
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.aws.store.table import Table
from isotherm.report.file_names import SUMMARY

#: The most sessions that are looked at: a year of daily ones, or a month of one every four hours.
MOST_SESSIONS = 200
_READERS = 8


class Gathered(NamedTuple):
    """Sessions that can be read, campaigns left out with the reason, and the ids of those without a report (yet)."""

    sessions: list[Session]
    left_out: list[LeftOut]
    unfinished: list[str]


def gather(
    table: Table, bucket: Bucket, name: str, *, since: str = "", limit: int = MOST_SESSIONS, but: Collection[str] = ()
) -> Gathered:
    """The latest campaigns of a name.

    Parameters
    ----------
    table, bucket : Table, Bucket
        Of the home region.
    name : str
        Of the campaigns.
    since : str
        Leaves out what started before, ISO 8601 in UTC; empty for no such limit.
    limit : int
        Of campaigns looked at, the newest first.
    but : collection of str
        Ids that are passed over without a word.
    """
    listed = [record for record in table.campaigns_named(name, since, limit) if record.campaign_id not in but]
    finished = [record.campaign_id for record in listed if record.finished_at is not None]
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        bodies = list(pool.map(lambda campaign: bucket.read_if_there(report_key(campaign, SUMMARY)), finished))
    sessions, left_out = [], []
    for campaign_id, body in zip(finished, bodies, strict=True):
        if body is None:
            left_out.append(LeftOut(campaign_id=campaign_id, reason="its report was deleted"))
            continue
        try:
            session = read_session(body)
        except UnreadableSession as problem:
            left_out.append(LeftOut(campaign_id=campaign_id, reason=str(problem)))
            continue
        if session.no_trend:
            left_out.append(LeftOut(campaign_id=campaign_id, reason=session.no_trend))
        else:
            sessions.append(session)
    return Gathered(sessions, left_out, [record.campaign_id for record in listed if record.finished_at is None])
