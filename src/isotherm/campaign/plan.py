"""The plan of a campaign: what will be measured where, in which order, at which price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import Field

from isotherm.campaign.cautions import PlanCaution
from isotherm.campaign.lane import CallProtocol, Enough, Lane, LaneTask, Platform, ServerAt, TargetFunction
from isotherm.campaign.model import Campaign, Server, Strict
from isotherm.campaign.tour import Tour
from isotherm.http.origin import same_origin
from isotherm.pricing.price import Price


@dataclass(frozen=True, kw_only=True)
class RegionInventory:
    """What a region has: its stack, its targets, and the concurrency its account leaves to them.

    `unasked` says why it could not be asked; `stack_status` None: the stack is not there. `home_region` is where that
    stack keeps its results, `missing` names the functions which it ought to have and has not.
    """

    region: str
    targets: list[TargetFunction]
    concurrency_limit: int
    unreserved_concurrency: int
    unasked: str | None = None
    stack_status: str | None = None
    stack_version: str | None = None
    home_region: str | None = None
    missing: list[str] = field(default_factory=list)
    server_url: str | None = None
    instance_server_url: str | None = None
    server_token: str | None = None

    @property
    def own_servers(self) -> list[str]:
        """Addresses of the stack's own servers; both ask for the same token."""
        return [url for url in (self.server_url, self.instance_server_url) if url]


class Plan(Strict):
    """Everything a campaign is going to do, in order: waves one after the other, the tours of a wave side by side.

    `warnings` are for people; `cautions` are the facts that they say (none in plans of earlier versions).
    """

    campaign_id: str
    campaign: Campaign
    platform: Platform
    home_region: str
    stack: str
    version: str
    created_at: str
    inventory: list[RegionInventory]
    waves: list[list[str]]
    tours: dict[str, Tour]
    lanes: dict[str, Lane]
    price: Price
    state_transitions: int
    warnings: list[str]
    cautions: list[PlanCaution] = Field(default_factory=list)

    @property
    def functions(self) -> list[tuple[str, str]]:
        """The functions that lanes have to themselves, each once: region and name."""
        return sorted({(lane.region, lane.function_name) for lane in self.lanes.values()})

    @property
    def lanes_in_order(self) -> list[Lane]:
        """The lanes in the order in which they are carried out; those of tours of one wave, tour by tour."""
        return [lane for _, lane in self._with_tours()]

    def _with_tours(self) -> Iterator[tuple[str, Lane]]:
        for wave in self.waves:
            for tour in wave:
                for key in self.tours[tour].lanes:
                    yield tour, self.lanes[key]

    def tasks(self) -> Iterator[LaneTask]:
        """Each lane with all that its control functions need to know."""
        functions = {(found.region, found.target): found for region in self.inventory for found in region.targets}
        servers = {region.region: servers_at(self.campaign, region) for region in self.inventory}
        last = {(lane.region, lane.function_name): key for key, lane in self._with_tours()}
        tours = {key: tour.key for tour in self.tours.values() for key in tour.lanes}
        for lane in self.lanes.values():
            enough = None
            precision = self.campaign.precision
            if precision is not None and lane.round >= self.campaign.rounds:
                earlier = [
                    other.key
                    for other in self.lanes.values()
                    if other.round < lane.round
                    and (other.target, other.region, other.client_region)
                    == (lane.target, lane.region, lane.client_region)
                ]
                enough = Enough(median=precision.median, p95=precision.p95, earlier=earlier)
            yield LaneTask(
                campaign_id=self.campaign_id,
                lane=lane,
                function=functions[lane.region, lane.target],
                platform=self.platform,
                report_deadline_s=self.campaign.report_deadline_s,
                enough=enough,
                clients_named=self.campaign.clients is not None,
                servers=servers.get(lane.region, {}),
                goes_on=last[lane.region, lane.function_name] != tours[lane.key],
            )


def servers_at(campaign: Campaign, region: RegionInventory) -> dict[CallProtocol, ServerAt]:
    """The servers that a campaign is to call for a region: those it names, else the stack's own that are there."""
    found: dict[CallProtocol, ServerAt] = {}
    known: list[tuple[CallProtocol, Server | None, str | None]] = [
        ("server", campaign.server, region.server_url),
        ("instance", campaign.instance, region.instance_server_url),
    ]
    for protocol, named, own_url in known:
        if protocol not in campaign.protocols:
            continue
        if named is not None:
            # A token goes only to the server that asks for it, not to others that are named.
            own = any(same_origin(named.url, url) for url in region.own_servers)
            token = region.server_token if own else None
            found[protocol] = ServerAt(url=named.url, certificate=named.certificate, token=token)
        elif own_url:
            found[protocol] = ServerAt(url=own_url, certificate=None, token=region.server_token)
    return found
