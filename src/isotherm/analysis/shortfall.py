"""In what a campaign fell short of what was planned: facts alone, found in its summary, an old one's too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from isotherm.analysis.summary import CampaignSummary, CutShort


@dataclass(frozen=True, slots=True)
class EndedEarly:
    """The campaign's execution ended before it had a report; `not_begun` of its `lanes` had not had their turn."""

    how: CutShort
    not_begun: int
    lanes: int


@dataclass(frozen=True, slots=True)
class NothingUsed:
    """Not one call, and not one request of a load, can be used; `issued` calls or requests were made for it."""

    issued: int


@dataclass(frozen=True, slots=True)
class LanesLost:
    """Some of the `lanes` failed: keys of those that did by their reason (None: there is none), in the plan's order."""

    reasons: dict[str | None, list[str]]
    lanes: int

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(map(len, self.reasons.values()))


@dataclass(frozen=True, slots=True)
class CallsLost:
    """Calls were sent, or may have been, of which there is no sample."""

    calls: int


Shortfall = EndedEarly | NothingUsed | LanesLost | CallsLost


def shortfalls(summary: CampaignSummary) -> list[Shortfall]:
    """All that a campaign lacks, the gravest first; empty where it is whole."""
    found: list[Shortfall] = []
    status = Counter(lane.status for lane in summary.lanes)
    if summary.partial is not None:
        found.append(EndedEarly(summary.partial, status["not_begun"], len(summary.lanes)))
    if is_useless(summary):
        requests = sum(run.rows[-1].sent for run in summary.loads)
        found.append(NothingUsed(summary.accounting.issued + requests))
    if status["failed"]:
        found.append(LanesLost(reasons_of_failure(summary), len(summary.lanes)))
    if summary.accounting.uncollected:
        found.append(CallsLost(summary.accounting.uncollected))
    return found


def is_useless(summary: CampaignSummary) -> bool:
    """Whether there is nothing in it that says anything of the targets."""
    return not summary.accounting.used and not any(run.rows[-1].succeeded for run in summary.loads)


def reasons_of_failure(summary: CampaignSummary) -> dict[str | None, list[str]]:
    """Keys of the lanes that failed, by reason."""
    reasons: dict[str | None, list[str]] = {}
    for lane in summary.lanes:
        if lane.status == "failed":
            reasons.setdefault(lane.reason, []).append(lane.lane_key)
    return reasons
