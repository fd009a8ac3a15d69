"""The sessions of a campaign's name: from the reports below a folder, or from wherever the others of a name are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from isotherm.analysis.trend_model import LeftOut, Session
    from isotherm.campaign.lane import Platform
    from isotherm.cli.options import Place

#: Sessions beyond these are too old to say how far sessions differ today.
_MOST = 30


class Below(NamedTuple):
    """What lies below a folder: the sessions of a name, those left out, how many bear the name, and all names there."""

    sessions: list[Session]
    left_out: list[LeftOut]
    matches: int
    names: list[str]


def sessions_below(folder: Path, name: str, platform: Platform, begin: datetime | None = None) -> Below:
    """The sessions of a name from every `summary.json` below a folder, in the order in which they began.

    Parameters
    ----------
    folder : Path
        Of reports, at any depth.
    name : str
        Of the campaigns.
    platform : str
        Those of another one are left out.
    begin : datetime, optional
        What began before does not count.

    Raises
    ------
    BadInput
        There is no such folder.
    """
    from isotherm.analysis.trend_model import LeftOut, UnreadableSession, read_session
    from isotherm.cli.errors import BadInput
    from isotherm.report.file_names import SUMMARY

    if not folder.is_dir():
        raise BadInput(f"--reports: there is no folder {folder}")
    sessions: list[Session] = []
    left_out, names, matches = [], [], 0
    for path in sorted(folder.rglob(SUMMARY)):
        try:
            session = read_session(path.read_bytes())
        except UnreadableSession as problem:
            left_out.append(LeftOut(campaign_id=str(path.parent.relative_to(folder)), reason=str(problem)))
            continue
        names.append(session.name)
        if session.name != name or (begin is not None and session.created_at < begin):
            continue
        matches += 1
        if session.platform != platform:
            other = "add --on aws to see these" if platform == "emulated" else "leave out --on aws to see these"
            left_out.append(
                LeftOut(campaign_id=session.campaign_id, reason=f"its platform is {session.platform}; {other}")
            )
            continue
        if session.no_trend:
            left_out.append(LeftOut(campaign_id=session.campaign_id, reason=session.no_trend))
            continue
        sessions.append(session)
    sessions.sort(key=lambda session: (session.created_at, session.campaign_id))
    return Below(sessions, left_out, matches, list(dict.fromkeys(names)))


def sessions_anywhere(place: Place, name: str, platform: Platform) -> list[Session]:
    """The latest sessions of a name: on the stack, or where that cannot be asked among the reports fetched before."""
    from isotherm.cli.errors import ending_of
    from isotherm.cli.reports import report_folder

    try:
        return place.campaigns().sessions(name, "", _MOST).sessions
    except Exception as problem:
        if ending_of(problem) is None:
            raise
    folder = report_folder(name, None).parent
    return sessions_below(folder, name, platform).sessions[-_MOST:] if folder.is_dir() else []
