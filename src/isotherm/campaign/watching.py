"""Decides which tours will never report their end, and which campaigns need not be watched. Calls nothing."""

from __future__ import annotations

from collections.abc import Iterable

#: No campaign lives longer (TimeoutSeconds in campaign.asl.json).
CAMPAIGN_S = 7 * 86_400

#: No tour lives longer: the campaign waits two hours for it (TimeoutSeconds of DispatchTour in campaign.asl.json).
TOUR_S = 3 * 3600

#: What a tour's own end, or Rescue, may take to tell the campaign after the tour's execution has ended.
TELLING_S = 60.0

#: What Step Functions says of an execution that goes on.
_UNDER_WAY = "RUNNING"


def may_have_tours(age_s: float, *, over: bool) -> bool:
    """Whether a campaign may have tours that run.

    Parameters
    ----------
    age_s : float
        Seconds since it started.
    over : bool
        Its report is there, or it was found quiet before.
    """
    return not over and age_s <= CAMPAIGN_S


def is_quiet(age_s: float, silences_s: Iterable[float]) -> bool:
    """Whether a campaign of which no tour runs will have none any more.

    Between two tours of a campaign that goes on nothing takes as long as a tour may.

    Parameters
    ----------
    age_s : float
        Seconds since it started.
    silences_s : iterable of float
        Of each tour that ever began or ended, seconds since then.
    """
    return min([age_s, *silences_s]) > TOUR_S


def has_ended(status: str | None, ended_s: float | None) -> bool:
    """Whether an execution has ended, or is gone, for long enough that nothing is about to be told of it.

    Parameters
    ----------
    status : str or None
        What Step Functions says has become of it; None: there is none.
    ended_s : float or None
        Seconds since it ended, where that is known.
    """
    return status != _UNDER_WAY and (ended_s is None or ended_s >= TELLING_S)


def why_lost(region: str, status: str | None, ended_s: float | None = None) -> str | None:
    """Why a tour that has not told the campaign of its end will never do so; None where it still may.

    Parameters
    ----------
    region : str
        Where its execution ran.
    status : str or None
        What Step Functions says has become of that execution; None: there is none.
    ended_s : float, optional
        Seconds since it ended, where that is known.
    """
    if not has_ended(status, ended_s):
        return None
    how = "is gone" if status is None else f"ended as {status} and could not report it"
    return f"region {region} fell silent: the execution {how}"
