"""What one lane has to do, and to which function. All that the control functions of a lane know of the campaign."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Platform = Literal["aws", "emulated"]
ColdMethod = Literal["burst", "isolated"]


class Strict(BaseModel):
    """A shape in which nothing is guessed: no field that is not known, no text for a number; never changed."""

    # A function builds only those of its models that it uses (docs/decisions.md, "Import time").
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Precision(Strict):
    """How narrow intervals have to be, as a share of what they bound: 0.05 is 97.5 to 102.5 ms around 100 ms.

    Of each cell's start-up (cold) or client time (warm), at 95 %. `p95` None asks nothing of the p95.
    """

    median: Annotated[float, Field(gt=0, lt=1)] = 0.05
    p95: Annotated[float, Field(gt=0, lt=1)] | None = None


class Enough(Strict):
    """When a lane need not run: its cells are as precise as `precision` asks after the `earlier` lanes (their keys)."""

    precision: Precision
    earlier: list[str]


class Burst(Strict):
    """Calls that go out at once to one fresh version; `shots` is 1 for the isolated method."""

    burst: int
    shots: int


class Step(Strict):
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


class Lane(Strict):
    """One target in one region in one round: the unit that must run alone, as it changes that function."""

    key: str
    target: str
    region: str
    round: int
    function_name: str
    steps: list[Step]


class TargetFunction(Strict):
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
    log_group: str


class LaneTask(Strict):
    """A lane with all that its control functions need to know; kept in the table beside the lane's progress."""

    campaign_id: str
    lane: Lane
    function: TargetFunction
    platform: Platform
    report_deadline_s: int
    enough: Enough | None = None
