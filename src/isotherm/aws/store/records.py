"""Rows of the table as records: what is kept of a campaign, and how far each of its lanes is.

A field's name is its attribute's name in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

LaneStatus = Literal["planned", "running", "succeeded", "failed", "spared"]
LaneEnd = Literal["succeeded", "failed", "spared"]

#: How a lane ends; spared: it was not needed, its cells being precise enough already.
ENDED: tuple[LaneEnd, ...] = ("succeeded", "failed", "spared")

#: What a lane is busy with.
LanePhase = Literal["starting", "preparing", "publishing", "firing", "loading", "collecting", "restoring", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFacts:
    """What a lane says of itself as it goes on; None: it has not said so, and an update leaves it as it is.

    `issued`, `samples`, `used` and `missing` (reports or probe lines that never came) count calls of one `step`.
    `load_begins_at` is Unix time in seconds. One lane of each function in a stage answers for the function: `mark` is
    in the descriptions of the versions of its stage; `holds`: the function is not put back yet; `unrestored`: why its
    tour could not do so itself. `left` are facts of `isotherm.campaign.left_alone`.
    """

    status: LaneStatus | None = None
    phase: LanePhase | None = None
    reason: str | None = None
    step: int | None = None
    issued: int | None = None
    samples: int | None = None
    used: int | None = None
    missing: int | None = None
    package: dict[str, object] | None = None
    load_phase: str | None = None
    load_begins_at: float | None = None
    mark: str | None = None
    holds: bool | None = None
    unrestored: str | None = None
    left: list[dict[str, Any]] | None = None

    def said(self) -> dict[str, Any]:
        """The facts that are not None, by name."""
        return {name: value for name in _names(LaneFacts) if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecord(LaneFacts):
    """One lane of a campaign: which it is, and what it said last. `updated_at` is Unix time in seconds.

    A row whose campaign's record has expired may lack the lane's target, region and round.
    """

    lane_key: str
    target: str = ""
    region: str = ""
    round: int = 0
    updated_at: float | None = None

    @property
    def end(self) -> LaneEnd | None:
        """How it ended; None where it has not."""
        return next((status for status in ENDED if status == self.status), None)

    @classmethod
    def of(cls, lane_key: str, item: Mapping[str, Any]) -> LaneRecord:
        """From a row of the table, or the attributes of one that were asked for."""
        return cls(**{**_known(cls, item), "lane_key": lane_key})


@dataclass(frozen=True, slots=True, kw_only=True)
class TourRecord:
    """Where a tour runs, and the token that answers the campaign; `_at` are Unix times in seconds.

    `ended_at`: nothing may be changed in its name any more, and the campaign was told.
    """

    tour_key: str
    updated_at: float | None = None
    ended_at: float | None = None
    execution_arn: str | None = None
    task_token: str | None = field(default=None, repr=False)  # it may end up in a log

    @classmethod
    def of(cls, tour_key: str, item: Mapping[str, Any]) -> TourRecord:
        """From the attributes of a row of the table."""
        return cls(**{**_known(cls, item), "tour_key": tour_key})


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRecord:
    """One campaign that was admitted; `_at` are Unix times in seconds, but `started_at` is ISO 8601 in UTC.

    `headline` and `finished_at` are there once its report is; `stopped_at`: no further tour is started; `unwatched_at`:
    no tour of it runs any more. A row that has expired meanwhile may lack all but the id.
    """

    campaign_id: str
    started_at: str = ""
    name: str = ""
    lanes: int = 0
    price_usd: float | None = None
    headline: str | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    unwatched_at: float | None = None

    @classmethod
    def of(cls, campaign_id: str, item: Mapping[str, Any]) -> CampaignRecord:
        """From a row of the table."""
        return cls(**{**_known(cls, item), "campaign_id": campaign_id})

    def item(self) -> dict[str, Any]:
        """Its attributes in the table."""
        return {name: value for name in _names(type(self)) if (value := getattr(self, name)) is not None}


def _names(cls: type) -> list[str]:
    return [one.name for one in fields(cls)]


def _known(cls: type, item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a row that a record has; a row of another version may have more."""
    return {name: item[name] for name in _names(cls) if name in item}
