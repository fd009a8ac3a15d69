"""The lease on a function that is measured: who may change it, how it was before, and what was published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from isotherm.campaign.publishing import AsFound, Publishing


class FunctionBusy(Exception):
    """Another campaign holds the lease on this function."""


class LeaseGone(Exception):
    """The lease that a tour took is not there any more, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may change a function, and how it was before: its memory in MB and its description.

    An empty `tour`: no tour of the campaign is at it, and the function is as it was.
    """

    region: str
    function_name: str
    campaign_id: str
    tour: str
    memory_mb: int
    acquired_at: int
    description: str = ""
    publishing: Publishing | None = None

    @property
    def before(self) -> AsFound:
        """How the function was before."""
        return AsFound(self.memory_mb, self.description)

    @property
    def at_rest(self) -> bool:
        """Whether no tour is at the function now."""
        return not self.tour

    def rested(self) -> Lease:
        """The same, of a campaign that goes on later."""
        return replace(self, tour="", publishing=None)

    def item(self) -> dict[str, Any]:
        """Its attributes in the table."""
        return asdict(self)

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Lease:
        """From a row of the table; one of an earlier version lacks description and publishing, and names a lane."""
        known = {field.name: item[field.name] for field in fields(cls) if field.name in item}
        known.setdefault("tour", item.get("lane_key", ""))
        if noted := known.get("publishing"):
            known["publishing"] = Publishing(**{**noted, "versions": tuple(noted["versions"])})
        return cls(**known)
