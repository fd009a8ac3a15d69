"""The shapes of a trend: what the campaigns of one name found, session by session. Knows no arithmetic, no numpy.

A session is one finished campaign. It is read tolerantly from its `summary.json`: a trend spans months, and so versions
of Isotherm; fields of other versions are passed over. What is needed and missing makes a session unreadable, which is
said, never guessed.

Times are milliseconds, memory is MB; a `low`/`high` pair is an interval at `Trend.confidence`, None where there are too
few sessions for one.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from isotherm.analysis.shape import OfCell, Shape
from isotherm.campaign.cautions import Emulated
from isotherm.campaign.cell import InCell, Kind
from isotherm.campaign.lane import Platform
from isotherm.statistics.results import SIGNIFICANT, Estimate, Slope, Spread

FORMAT = 1

DAY_S = 86_400.0


def timezone_of(name: str) -> tzinfo:
    """A timezone by its IANA name; UTC without any file of timezones, which Lambda's image may lack."""
    return UTC if name == "UTC" else ZoneInfo(name)


class _Read(Shape, extra="ignore"):
    """Part of a `summary.json` of whatever version."""


class SessionMetric(_Read):
    """One metric of one cell in one session, as `isotherm.statistics.summarize` made it."""

    n: int
    median: float | None = None
    median_low: float | None = None
    median_high: float | None = None
    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    sd: float | None = None
    rounds: int | None = None


#: Dimensions of a cell that came with some version; in what was written before it they have their defaults.
_LATER = tuple(dimension.name for dimension in fields(InCell) if dimension.default is not MISSING)


class _OfAnyCell(OfCell):
    """About a cell of whatever version: a protocol or operation that this one does not know stays what it is called."""

    @field_validator(*_LATER, mode="wrap")
    @classmethod
    def _keep_text(cls, value: object, read: ValidatorFunctionWrapHandler) -> object:
        try:
            return read(value)
        except ValueError:
            if isinstance(value, str):
                return value
            raise


class SessionCell(_OfAnyCell, extra="ignore"):
    """One cell of one session."""

    metrics: dict[str, SessionMetric] = Field(default_factory=dict)


class SessionFunction(_Read):
    """A measured function as its region described it."""

    target: str
    region: str
    runtime: str
    architecture: str
    code_sha256: str


class SessionRegion(_Read):
    """Facts about one region of a session."""

    region: str
    targets: list[SessionFunction] = Field(default_factory=list)


class SessionLane(_Read):
    """How a lane ended."""

    status: str


class Session(_Read):
    """What a trend reads of one campaign's `summary.json`."""

    campaign_id: str
    campaign: dict[str, Any]
    platform: Platform
    version: str
    stack: str
    home_region: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    start_metric: str | None = None
    confidence: float = 0.95
    inventory: list[SessionRegion] = Field(default_factory=list)
    lanes: list[SessionLane] = Field(default_factory=list)
    cells: list[SessionCell]

    @property
    def name(self) -> str:
        """The campaign's name."""
        return str(self.campaign.get("name", "campaign"))

    @property
    def no_trend(self) -> str | None:
        """Why it cannot be part of a trend; None where it can."""
        if self.campaign.get("load") is None:
            return None if any(cell.metrics for cell in self.cells) else "nothing of it could be used"
        return "it is a load, and trends are of samples; isotherm compare shows how two loads differ"


class UnreadableSession(ValueError):
    """A `summary.json` from which no session can be read; the text says why."""


def read_session(data: bytes) -> Session:
    """A session from the bytes of a `summary.json`.

    Raises
    ------
    UnreadableSession
        They are none, or lack something that a trend needs.
    """
    try:
        return Session.model_validate_json(data)
    except ValidationError as faults:
        first = faults.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise UnreadableSession(f"its summary.json cannot be read ({where}: {first['msg']})") from None


class Held(Shape):
    """A session that is part of the trend; its place in `Trend.sessions` is its number."""

    campaign_id: str
    started_at: datetime
    finished_at: datetime | None
    version: str
    lanes: int
    lanes_failed: int


class LeftOut(Shape):
    """A campaign of the name that is not a part of the trend, and why."""

    campaign_id: str
    reason: str


class Point(Shape):
    """One metric of one cell in one session: `session` is its place in `Trend.sessions`."""

    session: int
    n: int
    median: float
    median_low: float | None
    median_high: float | None
    mean: float


class Hour(Shape):
    """Sessions that began in one hour of the day."""

    hour: int
    sessions: int
    median: Estimate


class Hours(Shape):
    """A series by hour of the day in one timezone; `p_holm` is corrected for all series of the trend.

    `p_value`: probability of hours differing at least so much, were they all alike; None where `missing` says why.
    """

    timezone: str
    hours: list[Hour]
    p_value: float | None
    p_holm: float | None
    missing: str | None

    @property
    def apart(self) -> bool:
        """Whether hours differ by more than chance."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


class Series(_OfAnyCell):
    """One metric of one cell over the sessions that measured it under one set of conditions.

    `median` and `mean` are means over sessions of the sessions' medians and means. `spread` compares with the scatter
    of single calls, `beyond_rounds` with that of rounds (None unless every session has two rounds or more). `drift` is
    in the metric's unit per day. `missing` says why there is no spread.
    """

    metric: str
    conditions: int
    points: list[Point]
    median: Estimate
    mean: Estimate
    spread: Spread | None
    beyond_rounds: Spread | None
    drift: Slope | None
    hours: list[Hours]
    missing: str | None


class Conditions(Shape):
    """One way in which campaigns of the name measured: settings that differ between them, with their values here."""

    settings: dict[str, str]
    sessions: list[int]


class Change(Shape):
    """What changed in a measured function, or in Isotherm, from the session before to `session`."""

    session: int
    what: str


class Overall(Shape):
    """The spread between sessions over all cells of a kind; `apart` cells differ by more than chance."""

    kind: Kind
    metric: str
    cells: int
    apart: int
    factor: float
    factor_p90: float


class FewSessions(Shape):
    """So few sessions that nothing can be said of how they differ; `lacking` more are needed."""

    kind: Literal["few_sessions"] = "few_sessions"
    sessions: int
    lacking: int


class ShortSpan(Shape):
    """All sessions began within less than a day, `span_s` seconds."""

    kind: Literal["short_span"] = "short_span"
    span_s: float


class UnlikeSettings(Shape):
    """Campaigns of the name were not all asked for alike: how many sessions had each value of each setting."""

    kind: Literal["unlike_settings"] = "unlike_settings"
    settings: dict[str, dict[str, int]]


class WhatChanged(Shape):
    """What was measured changed on the way: the first change, and how many more there were."""

    kind: Literal["what_changed"] = "what_changed"
    first: Change
    more: int


class SessionsWithFailures(Shape):
    """Some lanes of these sessions failed."""

    kind: Literal["sessions_with_failures"] = "sessions_with_failures"
    sessions: int


class Overlaps(Shape):
    """Sessions began while the one before still ran; the first were `later` during `earlier`."""

    kind: Literal["overlaps"] = "overlaps"
    sessions: int
    earlier: str
    later: str


class LongSessions(Shape):
    """Sessions lasted more than an hour."""

    kind: Literal["long_sessions"] = "long_sessions"
    sessions: int


#: What makes people careful of a trend's numbers.
TrendCaution = Annotated[
    Emulated | FewSessions | ShortSpan | UnlikeSettings | WhatChanged | SessionsWithFailures | Overlaps | LongSessions,
    Field(discriminator="kind"),
]


class Trend(Shape):
    """All of `trend.json`.

    `warnings` are for people; `cautions` are the facts that they say, in the same order (none in trends of earlier
    versions).
    """

    format: int = FORMAT
    name: str
    platform: Platform
    note: str | None
    headline: str
    confidence: float
    timezone: str
    version: str
    sessions: list[Held]
    left_out: list[LeftOut]
    conditions: list[Conditions]
    changes: list[Change]
    warnings: list[str]
    cautions: list[TrendCaution] = Field(default_factory=list)
    overall: list[Overall]
    series: list[Series]
