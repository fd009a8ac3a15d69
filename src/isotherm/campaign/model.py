"""The input a person writes, and the plan made of it. Knows their shape and limits, nothing of AWS."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from isotherm.campaign.lane import CallProtocol, ColdMethod, Enough, Lane, LaneTask, Platform, ServerAt, TargetFunction
from isotherm.http.origin import same_origin
from isotherm.load import PHASES, LoadSpec, Phase
from isotherm.load.spec import MAX_IN_FLIGHT, Arrivals, Loop

#: A phase of an open loop has to end within Fire's 15 minutes, with some of them left to write down what was seen.
MAX_PHASE_S = 780

#: What the sum of a load's phases is called (`isotherm.load.result.LoadResult.rows`).
ALL_PHASES = "all"

#: AWS, Lambda quotas: 1,024 file descriptors; some are for everything else.
CONNECTIONS_OF_FIRE = 1000

#: What the lane's Map runs side by side (statemachines/lane.asl.json).
MAX_FIRES = 40

MIN_MEMORY_MB = 128
MAX_MEMORY_MB = 10240

#: The target that calls another function in turn, and the one that stands behind an HTTP API.
CALLS_INNER = "outer"
SPEAKS_HTTP = "customers"


class CampaignRefused(Exception):
    """A campaign that must not start; `error` names the kind, the text is for the person who typed the input."""

    error = "CampaignRefused"


class InvalidCampaign(CampaignRefused):
    """The input cannot be carried out as written."""

    error = "InvalidCampaign"


class OverBudget(CampaignRefused):
    """The campaign costs more than its `budget_usd`."""

    error = "OverBudget"


class Strict(BaseModel):
    """A shape in which nothing is guessed: no field that is not known, no text for a number; never changed."""

    # Building a model's validator takes longer than defining it; it is built when first used.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Precision(Strict):
    """How narrow intervals have to be, as a share of what they bound: 0.05 is 97.5 to 102.5 ms around 100 ms.

    Of each cell's start-up (cold) or client time (warm), at 95 %. `p95` None asks nothing of the p95.
    """

    median: Annotated[float, Field(gt=0, lt=1)] = 0.05
    p95: Annotated[float, Field(gt=0, lt=1)] | None = None


class ColdStarts(Strict):
    """How cold samples are obtained, for each cell.

    `burst` publishes a fresh version and calls it `concurrency` times at once, each call held open until all are
    in; `isolated` publishes one version per sample and calls it once (MEASURING rule 7).
    """

    samples: Annotated[int, Field(ge=0, le=100_000)] = 20
    method: ColdMethod = "burst"
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10


class WarmCalls(Strict):
    """How warm samples are obtained, for each cell: after priming, `concurrency` calls in flight at a time."""

    samples: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 1


def _invoke_alone() -> list[CallProtocol]:
    return ["invoke"]


class InnerCalls(Strict):
    """What the target `outer` in turn calls: each of `targets` in each of `regions` (else the campaign's regions)."""

    targets: Annotated[list[str], Field(min_length=1)] = Field(default_factory=lambda: ["inner", "inner_db"])
    regions: Annotated[list[str], Field(min_length=1)] | None = None

    @field_validator("targets", "regions")
    @classmethod
    def _each_once(cls, values: list[str] | None) -> list[str] | None:
        return named_once(values)


class LoadPhase(Strict):
    """A phase of a load; `share` is of the threads or of the rate."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


def _record_s_phases() -> list[LoadPhase]:
    return [LoadPhase(name=name, share=share) for name, share in PHASES.items()]


class Load(Strict):
    """A load on the target `customers`, phase after phase, one post and one get of a customer at a time.

    `closed`: `threads` x `iterations`, each thread waiting for its answers, as the record's (mission row M8). `open`:
    `rate_per_s` requests a second for `duration_s` in each phase, whatever the answers do (MEASURING rule 12). `fires`
    functions share the load, and the `max_in_flight` requests that an open loop has under way at most.
    """

    loop: Loop = "closed"
    threads: Annotated[int, Field(ge=1, le=10_000)] | None = None
    iterations: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rate_per_s: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    duration_s: Annotated[float, Field(gt=0, le=MAX_PHASE_S, allow_inf_nan=False)] | None = None
    arrivals: Arrivals = "poisson"
    phases: Annotated[list[LoadPhase], Field(min_length=1, max_length=20)] = Field(default_factory=_record_s_phases)
    timeout_s: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = 30.0
    fires: Annotated[int, Field(ge=1, le=MAX_FIRES)] = 1
    max_in_flight: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def spec(self, seed: int) -> LoadSpec:
        """The same for the generator.

        Raises
        ------
        ValueError
            It is no load, by the generator's own rules; the message names the field.
        """
        limit = self.max_in_flight
        if limit is not None and self.loop == "closed":
            raise ValueError(f"max_in_flight: {limit} has no meaning in a closed loop; threads limits that one")
        if limit is not None and limit < self.fires:
            raise ValueError(
                f"max_in_flight: {limit} is below the {self.fires} fires, each of which needs at least one"
            )
        return LoadSpec(
            loop=self.loop,
            threads=self.threads,
            iterations=self.iterations,
            rate_per_s=self.rate_per_s,
            duration_s=self.duration_s,
            arrivals=self.arrivals,
            max_in_flight=limit or MAX_IN_FLIGHT,
            phases=tuple(Phase(phase.name, phase.share) for phase in self.phases),
            seed=seed,
            timeout_s=self.timeout_s,
        )


class Server(Strict):
    """An HTTPS server that runs the same handlers; `certificate` (PEM text) is trusted instead of the public ones."""

    url: str
    certificate: str | None = None


class Campaign(Strict):
    """What a person asks for; the input of the campaign state machine.

    Samples are counted per cell (target, region, memory, temperature) over all `rounds` together. With `precision`,
    further rounds of the same size follow, at most to `max_rounds` in all, for the lanes whose cells are not precise
    enough by then. A cell is besides of one client, where `clients` names the regions whose functions make the calls,
    of one protocol, where there are several, and of one inner function, where the target calls one in turn.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")] = "campaign"
    comment: str | None = None
    targets: Annotated[list[str], Field(min_length=1)]
    regions: Annotated[list[str], Field(min_length=1)] | None = None
    memory_mb: Annotated[list[int], Field(min_length=1)] | None = None
    clients: Annotated[list[str], Field(min_length=1)] | None = None
    protocols: Annotated[list[CallProtocol], Field(min_length=1)] = Field(default_factory=_invoke_alone)
    inner: InnerCalls | None = None
    load: Load | None = None
    server: Server | None = None
    i_own_this_endpoint: str | None = None
    # Made when needed: a default made here would build the models at import.
    cold: ColdStarts = Field(default_factory=ColdStarts)
    warm: WarmCalls = Field(default_factory=WarmCalls)
    rounds: Annotated[int, Field(ge=1, le=1000)] = 2
    precision: Precision | None = None
    max_rounds: Annotated[int, Field(ge=1, le=1000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**53)] = 1
    lanes_at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    report_deadline_s: Annotated[int, Field(ge=1, le=600)] = 120
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    dry_run: bool = False

    @property
    def most_rounds(self) -> int:
        """Rounds that the plan holds: those that are run in any case, and those that are run where they are needed."""
        return self.max_rounds or self.rounds

    @property
    def warm_only(self) -> str | None:
        """The field because of which no call of this campaign can be made cold; None where they can."""
        if self.load is not None:
            return "load"
        if self.inner is not None:
            return "inner"
        return "protocols" if self.protocols != ["invoke"] else None

    @property
    def regions_named(self) -> list[str]:
        """Every region that the campaign names, wherever it names it, once each."""
        inner = self.inner.regions if self.inner else None
        return list(dict.fromkeys([*(self.regions or []), *(self.clients or []), *(inner or [])]))

    @field_validator("precision", mode="before")
    @classmethod
    def _a_number_is_of_the_median(cls, value: object) -> object:
        return {"median": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    @field_validator("memory_mb")
    @classmethod
    def _memory_is_what_lambda_accepts(cls, sizes: list[int] | None) -> list[int] | None:
        """Limits: AWS, Lambda quotas, "Function memory allocation": 128 MB to 10,240 MB in 1-MB increments."""
        for size in sizes or []:
            if size < MIN_MEMORY_MB or size > MAX_MEMORY_MB:
                side = "below" if size < MIN_MEMORY_MB else "above"
                raise ValueError(f"{size} is {side} what Lambda accepts ({MIN_MEMORY_MB} to {MAX_MEMORY_MB})")
        return sizes

    @field_validator("targets", "regions", "memory_mb", "clients", "protocols")
    @classmethod
    def _each_once(cls, values: list[Any] | None) -> list[Any] | None:
        return named_once(values)


def named_once(values: list[Any] | None) -> list[Any] | None:
    """The same list.

    Raises
    ------
    ValueError
        It names something twice.
    """
    seen = set()
    for value in values or []:
        if value in seen:
            raise ValueError(f"{_shown(value)} is named twice; name each once")
        seen.add(value)
    return values


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


@dataclass(frozen=True, kw_only=True)
class PriceLine:
    """Dollars for one service; `quantity` in `unit`."""

    service: str
    unit: str
    quantity: float
    usd: float


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars, in all and by service, from a dated table; an estimate before the campaign, a bill after it.

    `notes` say how quantities were found, and of which regions the table does not know a price.
    """

    usd: float
    lines: list[PriceLine]
    as_of: str
    source: str
    notes: list[str] = field(default_factory=list)


class Plan(Strict):
    """Everything a campaign is going to do, in order: waves one after the other, the lanes of a wave side by side."""

    campaign_id: str
    campaign: Campaign
    platform: Platform
    home_region: str
    stack: str
    version: str
    created_at: str
    inventory: list[RegionInventory]
    waves: list[list[str]]
    lanes: dict[str, Lane]
    price: Price
    state_transitions: int
    warnings: list[str]

    def tasks(self) -> Iterator[LaneTask]:
        """Each lane with all that its control functions need to know."""
        functions = {(found.region, found.target): found for region in self.inventory for found in region.targets}
        servers = {region.region: server_at(self.campaign, region) for region in self.inventory}
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
                server=servers.get(lane.region),
            )


def server_at(campaign: Campaign, region: RegionInventory) -> ServerAt | None:
    """The server that a campaign is to call for a region: the one it names, else the stack's own there."""
    if "server" not in campaign.protocols:
        return None
    if campaign.server is not None:
        # A token is for the one who asks for it, and for nobody else who is named.
        own = any(same_origin(campaign.server.url, url) for url in region.own_servers)
        token = region.server_token if own else None
        return ServerAt(url=campaign.server.url, certificate=campaign.server.certificate, token=token)
    if not region.server_url:
        return None
    return ServerAt(url=region.server_url, certificate=None, token=region.server_token)


def read_campaign(text: str | bytes, known_regions: Iterable[str] = ()) -> Campaign:
    """A campaign from the JSON text a person wrote; as `parse_campaign`, which also says what is raised."""
    try:
        document = json.loads(text)
    except ValueError as fault:
        where = (
            f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
            if isinstance(fault, json.JSONDecodeError)
            else fault
        )
        raise InvalidCampaign(f"campaign: this is no JSON ({where})") from None
    return parse_campaign(document, known_regions)


def parse_campaign(document: object, known_regions: Iterable[str] = ()) -> Campaign:
    """A campaign from what its JSON text was parsed to.

    Parameters
    ----------
    document : object
        What the person wrote.
    known_regions : iterable of str
        Names of AWS regions; where given, `regions` may name no other.

    Raises
    ------
    InvalidCampaign
        One line for each fault: the field, its value, what would be accepted.
    """
    if not isinstance(document, dict):
        raise InvalidCampaign(
            f'campaign: {_shown(document)} is no campaign; give an object such as {{"targets": ["default"]}}'
        )
    # The Step Functions console and most tools write a Comment into JSON documents.
    fields = {("comment" if name == "Comment" else name): value for name, value in document.items()}
    try:
        campaign = Campaign.model_validate(fields)
    except ValidationError as faults:
        raise InvalidCampaign("\n".join(_fault_lines(faults))) from None
    campaign = _without_cold_starts(campaign)
    _check_inner(campaign)
    if campaign.load is not None:
        return _checked_load(campaign, campaign.load, list(known_regions))
    if not campaign.cold.samples and not campaign.warm.samples:
        raise InvalidCampaign(
            "cold.samples, warm.samples: both are 0, so nothing would be measured; give at least one of them"
        )
    _check_max_rounds(campaign)
    _check_regions(campaign, list(known_regions))
    return campaign


def _check_regions(campaign: Campaign, known: list[str]) -> None:
    inner = campaign.inner.regions if campaign.inner else None
    fields = {"regions": campaign.regions, "clients": campaign.clients, "inner.regions": inner}
    faults = [
        f"{field}: {_shown(name)} is no AWS region{_suggestion(name, known)}"
        for field, names in fields.items()
        for name in names or []
        if known and name not in known
    ]
    if faults:
        raise InvalidCampaign("\n".join(faults))


def _without_cold_starts(campaign: Campaign) -> Campaign:
    """The campaign with no cold samples where its calls cannot be made cold; refused where some were asked for."""
    because = campaign.warm_only
    if because is None or not campaign.cold.samples:
        return campaign
    if "cold" in campaign.model_fields_set:
        raise InvalidCampaign(
            f"cold.samples: {campaign.cold.samples} cannot be had together with {because}, whose calls go to functions "
            "as they are deployed; give 0, or leave cold out"
        )
    return campaign.model_copy(update={"cold": ColdStarts(samples=0)})


def _checked_load(campaign: Campaign, load: Load, known_regions: list[str]) -> Campaign:
    """The campaign with no samples beside its load, and with one round unless it asks for more."""
    faults = []
    if campaign.targets != [SPEAKS_HTTP]:
        faults.append(f'targets: {_shown(campaign.targets)} cannot be loaded; with load give ["{SPEAKS_HTTP}"] alone')
    if "warm" in campaign.model_fields_set and campaign.warm.samples:
        faults.append(f"warm.samples: {campaign.warm.samples} cannot be had together with load; leave warm out")
    at_once = load.threads if load.loop == "closed" else load.max_in_flight
    if at_once is not None and -(-at_once // load.fires) > CONNECTIONS_OF_FIRE:
        field = "threads" if load.loop == "closed" else "max_in_flight"
        faults.append(
            f"load.{field}: {at_once} are more connections than {load.fires} of the functions that make them can have "
            f"open ({CONNECTIONS_OF_FIRE} each); give at least {-(-at_once // CONNECTIONS_OF_FIRE)} fires"
        )
    foreign = (name for name in ("precision", "max_rounds", "memory_mb") if getattr(campaign, name) is not None)
    faults += [f"{name}: does not go with load; leave it out" for name in foreign]
    if any(phase.name == ALL_PHASES for phase in load.phases):
        faults.append(f'load.phases.name: "{ALL_PHASES}" is what the sum of all phases is called; give another')
    try:
        load.spec(campaign.seed)
    except ValueError as fault:
        faults.append(f"load.{fault}")
    if faults:
        raise InvalidCampaign("\n".join(faults))
    _check_regions(campaign, known_regions)
    none = {"cold": ColdStarts(samples=0), "warm": WarmCalls(samples=0)}
    return campaign.model_copy(update=none if "rounds" in campaign.model_fields_set else {**none, "rounds": 1})


def _check_inner(campaign: Campaign) -> None:
    others = [target for target in campaign.targets if target != CALLS_INNER]
    if campaign.inner is not None and others:
        raise InvalidCampaign(
            f'targets: {", ".join(map(_shown, others))} cannot call inner functions; with inner give ["{CALLS_INNER}"] '
            "alone"
        )
    if campaign.inner is None and CALLS_INNER in campaign.targets:
        raise InvalidCampaign(
            f'inner: is missing; the target {CALLS_INNER} needs it: what to call, such as {{"targets": ["inner"]}}'
        )
    speechless = [target for target in campaign.targets if target != SPEAKS_HTTP]
    if campaign.protocols != ["invoke"] and speechless:
        raise InvalidCampaign(
            f"targets: {', '.join(map(_shown, speechless))} cannot be called by {' or '.join(campaign.protocols)}; "
            f'with these protocols give ["{SPEAKS_HTTP}"] alone'
        )
    if campaign.memory_mb and campaign.protocols != ["invoke"]:
        raise InvalidCampaign(
            f"memory_mb: {campaign.memory_mb} cannot be set together with protocols {campaign.protocols}: such calls "
            "go to the function as it is deployed; leave memory_mb out"
        )


def _check_max_rounds(campaign: Campaign) -> None:
    if campaign.precision is not None and campaign.max_rounds is None:
        raise InvalidCampaign(
            "max_rounds: is missing; precision needs it: the rounds after which to stop in any case, "
            f"{campaign.rounds} or more"
        )
    if campaign.max_rounds is not None and campaign.precision is None:
        raise InvalidCampaign(
            "precision: is missing; max_rounds needs it: how narrow intervals have to be to stop before, such as 0.05"
        )
    if campaign.max_rounds is not None and campaign.max_rounds < campaign.rounds:
        raise InvalidCampaign(
            f"max_rounds: {campaign.max_rounds} is below the {campaign.rounds} rounds that are run in any case (rounds)"
        )


def _suggestion(name: str, known: list[str]) -> str:
    near = sorted(difflib.get_close_matches(name, known, n=3, cutoff=0.75))
    if not near:
        return "; for example us-east-1 or eu-west-1"
    return f"; did you mean {' or '.join([', '.join(near[:-1]), near[-1]] if len(near) > 1 else near)}?"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


_ACCEPTED = {
    "name": "letters, digits, - and _, at most 40, beginning with a letter or digit",
    "cold.method": '"burst" or "isolated"',
    "load.loop": '"closed" or "open"',
    "load.arrivals": '"constant" or "poisson"',
    "load.phases.name": "letters, digits, - and _, at most 40, beginning with a letter or digit",
    "server.url": "an address such as https://127.0.0.1:8443",
    "precision": 'a share such as 0.05, or {"median": 0.05, "p95": 0.1}',
    "protocols": '"invoke", "http" or "server"',
}


def _fault_lines(faults: ValidationError) -> list[str]:
    return [_fault_line(fault) for fault in faults.errors()]


def _fault_line(fault: Any) -> str:  # pydantic's ErrorDetails
    """One fault in the words of STYLE.md: field, value, what is accepted."""
    path = [str(part) for part in fault["loc"] if not isinstance(part, int)]
    field, value, context = ".".join(path), fault["input"], fault.get("ctx", {})
    kind = fault["type"]
    if kind == "value_error":
        return f"{field}: {context['error']}"
    if kind == "missing":
        return f"{field}: is missing; {_wanted(field)}"
    if kind == "extra_forbidden":
        return f"{field}: there is no such field{_field_suggestion(path)}"
    bounds = {
        "greater_than_equal": f"is below the least accepted, {context.get('ge', 0):g}",
        "less_than_equal": f"is above the most accepted, {context.get('le', 0):g}",
        "greater_than": f"is not above {context.get('gt', 0):g}",
        "less_than": f"is not below {context.get('lt', 0):g}",
        "too_short": "is empty; name at least one",
        "string_pattern_mismatch": f"is not accepted; {_wanted(field)}",
        "literal_error": f"is not accepted; {_wanted(field)}",
    }
    return f"{field}: {_shown(value)} {bounds.get(kind, f'is not accepted; {_wanted(field, kind)}')}"


def _wanted(field: str, kind: str = "") -> str:
    kinds = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "list": "a list",
        "string": "a text",
    }
    for prefix, words in kinds.items():
        if kind.startswith(prefix):
            return f"give {words}"
    if kind.startswith(("model", "dict")):
        return "give an object"
    return (
        f"give {_ACCEPTED.get(field, 'a list of target names')}"
        if field in _ACCEPTED or field == "targets"
        else "see docs/campaigns.md"
    )


def _field_suggestion(path: list[str]) -> str:
    nested: dict[str, type[BaseModel]] = {
        "cold": ColdStarts,
        "warm": WarmCalls,
        "precision": Precision,
        "inner": InnerCalls,
        "load": Load,
        "phases": LoadPhase,
        "server": Server,
    }
    model: type[BaseModel] = Campaign
    for part in path[:-1]:
        model = nested.get(part, model)
    names = list(model.model_fields)
    near = difflib.get_close_matches(path[-1], names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
