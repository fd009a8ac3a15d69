"""The input a person writes: its fields, their limits and defaults. Knows nothing of AWS."""

# Annotations are not postponed: pydantic would evaluate each of them from its text, which takes longer.
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from isotherm.campaign.lane import CallProtocol, ColdMethod
from isotherm.campaign.refusals import shown
from isotherm.load import PHASES, LoadSpec, Phase
from isotherm.load.spec import ARRIVALS, MAX_IN_FLIGHT, TIMEOUT_S, Arrivals, Loop

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
    in; `isolated` publishes one version per sample and calls it once (docs/measuring.md, rule 7).
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

    `closed`: `threads` x `iterations`, each thread waiting for its answers, as the load on record. `open`:
    `rate_per_s` requests a second for `duration_s` in each phase, whatever the answers do (docs/measuring.md,
    rule 12). `fires` functions share the load, and the `max_in_flight` requests that an open loop has under way at
    most.
    """

    loop: Loop = "closed"
    threads: Annotated[int, Field(ge=1, le=10_000)] | None = None
    iterations: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rate_per_s: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    duration_s: Annotated[float, Field(gt=0, le=MAX_PHASE_S, allow_inf_nan=False)] | None = None
    arrivals: Arrivals = ARRIVALS
    phases: Annotated[list[LoadPhase], Field(min_length=1, max_length=20)] = Field(default_factory=_record_s_phases)
    timeout_s: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = TIMEOUT_S
    fires: Annotated[int, Field(ge=1, le=MAX_FIRES)] = 1
    max_in_flight: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def spec(self, seed: int) -> LoadSpec:
        """These settings in the form that the load generator takes.

        Raises
        ------
        ValueError
            It is not a load, by the generator's own rules; the message names the field.
        """
        limit = self.max_in_flight
        if limit is not None and self.loop == "closed":
            raise ValueError(f"max_in_flight: {limit} has no meaning in a closed loop, which is limited by threads")
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
    instance: Server | None = None
    i_own_this_endpoint: str | None = None
    # Made when needed: a default made here would build the models at import.
    cold: ColdStarts = Field(default_factory=ColdStarts)
    warm: WarmCalls = Field(default_factory=WarmCalls)
    rounds: Annotated[int, Field(ge=1, le=1000)] = 2  # by the samples, where a person does not say (parsing)
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
    """The list unchanged, once it is known that no value is in it twice.

    Raises
    ------
    ValueError
        It names something twice.
    """
    seen = set()
    for value in values or []:
        if value in seen:
            raise ValueError(f"{shown(value)} is named twice; name each once")
        seen.add(value)
    return values
