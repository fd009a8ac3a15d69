"""The input a person writes, and the plan made of it. Knows their shape and limits, nothing of AWS."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

MIN_MEMORY_MB = 128
MAX_MEMORY_MB = 10240

Platform = Literal["aws", "emulated"]
ColdMethod = Literal["burst", "isolated"]


class CampaignRefused(Exception):
    """A campaign that must not start; `error` names the kind, the text is for the person who typed the input."""

    error = "CampaignRefused"


class InvalidCampaign(CampaignRefused):
    """The input cannot be carried out as written."""

    error = "InvalidCampaign"


class OverBudget(CampaignRefused):
    """The campaign costs more than its `budget_usd`."""

    error = "OverBudget"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColdStarts(_Strict):
    """How cold samples are obtained, for each cell.

    `burst` publishes a fresh version and calls it `concurrency` times at once, each call held open until all are
    in; `isolated` publishes one version per sample and calls it once (MEASURING rule 7).
    """

    samples: Annotated[int, Field(ge=0, le=100_000)] = 20
    method: ColdMethod = "burst"
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10


class WarmCalls(_Strict):
    """How warm samples are obtained, for each cell: after priming, `concurrency` calls in flight at a time."""

    samples: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 1


class Campaign(_Strict):
    """What a person asks for; the input of the campaign state machine.

    Samples are counted per cell (target, region, memory, temperature) over all rounds together.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")] = "campaign"
    comment: str | None = Field(default=None, alias="Comment")
    targets: Annotated[list[str], Field(min_length=1)]
    regions: Annotated[list[str], Field(min_length=1)] | None = None
    memory_mb: Annotated[list[int], Field(min_length=1)] | None = None
    cold: ColdStarts = ColdStarts()
    warm: WarmCalls = WarmCalls()
    rounds: Annotated[int, Field(ge=1, le=1000)] = 2
    seed: Annotated[int, Field(ge=0, le=2**53)] = 1
    lanes_at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    report_deadline_s: Annotated[int, Field(ge=1, le=600)] = 120
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    dry_run: bool = False


class Burst(_Strict):
    """Calls that go out at once to one fresh version; `shots` is 1 for the isolated method."""

    burst: int
    shots: int


class Step(_Strict):
    """One setting of a lane in one round: which memory, which bursts, how many warm calls.

    `memory_mb` None leaves the function's memory as deployed. `bursts[i]` goes to the i-th freshly published version;
    the warm calls go to the last one (a version is published for them alone where there are no bursts).
    """

    step: int
    memory_mb: int | None
    cold_method: ColdMethod
    bursts: list[Burst]
    warm_shots: int
    warm_concurrency: int
    prime_shots: int

    @property
    def versions(self) -> int:
        """How many versions have to be published for this step."""
        return max(len(self.bursts), 1 if self.warm_shots else 0)


class Lane(_Strict):
    """One target in one region in one round: the unit that must run alone, as it changes that function."""

    key: str
    target: str
    region: str
    round: int
    function_name: str
    steps: list[Step]


class TargetFunction(_Strict):
    """What a region said of a deployed target."""

    target: str
    region: str
    function_name: str
    runtime: str
    architecture: str
    memory_mb: int
    timeout_s: int
    code_size_bytes: int
    code_sha256: str


class RegionInventory(_Strict):
    """What a region has: its targets, and the concurrency its account leaves to them."""

    region: str
    targets: list[TargetFunction]
    concurrency_limit: int
    unreserved_concurrency: int
    stack_version: str | None = None


class PriceLine(_Strict):
    """Dollars for one service; `quantity` in `unit`."""

    service: str
    unit: str
    quantity: float
    usd: float


class Price(_Strict):
    """Dollars, in all and by service, from a dated table; an estimate before the campaign, a bill after it."""

    usd: float
    lines: list[PriceLine]
    as_of: str
    source: str


class Plan(_Strict):
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
