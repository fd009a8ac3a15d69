"""What one lane has to do, and to which function. All that the control functions of a lane know of the campaign.

Plain dataclasses: what was validated when the campaign was planned need not be validated again by each function, and
pydantic's import would be a third of theirs (docs/decisions.md, "Import time").
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from isotherm.load import LoadSpec

Platform = Literal["aws", "emulated"]
ColdMethod = Literal["burst", "isolated"]

#: How a call reaches its function: Lambda's own API, API Gateway, or an HTTPS server that runs the same handler, on
#: Fargate or on an EC2 instance.
CallProtocol = Literal["invoke", "http", "server", "instance"]

#: In the order in which they are made and shown.
PROTOCOLS: tuple[CallProtocol, ...] = get_args(CallProtocol)

#: What is asked of the target `customers`.
Operation = Literal["post", "get"]

#: The version that is called where a step needs none of its own: the function as it is deployed.
LATEST = "$LATEST"

#: A step is at most what one Fire does within Lambda's 15 minutes.
BURSTS_PER_STEP = 100
WARM_CALLS_IN_ROW_PER_STEP = 5000

#: Warm calls are written down after so many: that is what a client that is killed among them loses. Between two such
#: rows the function idles for as long as the writing takes, so they are not short.
WARM_CALLS_AT_RISK = 100


def warm_calls_at_risk(concurrency: int) -> int:
    """How many warm calls are made before they are written down, with `concurrency` of them at a time."""
    return max(WARM_CALLS_AT_RISK, concurrency)


def is_server(protocol: CallProtocol) -> bool:
    """Whether calls by it reach a server, which no platform reports on and nothing is billed for by the call."""
    return protocol in ("server", "instance")


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Calls that go out at once to one fresh version; `shots` is 1 for the isolated method."""

    burst: int
    shots: int


@dataclass(frozen=True, kw_only=True)
class Inner:
    """The function that a target in turn calls, and where its log is found."""

    target: str
    region: str
    function_name: str
    log_group: str


@dataclass(frozen=True, kw_only=True)
class LoadStep:
    """One phase of a load, shared by `fires` functions that make it side by side."""

    spec: LoadSpec
    phase: str
    fires: int

    @property
    def requests(self) -> int:
        """How many requests it makes; of an open loop with random arrivals, about how many."""
        return round(self.spec.expected_requests(self.spec.phase(self.phase)))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One setting of a lane in one round, or a part of it: which memory, which way, which bursts, how many warm calls.

    `memory_mb` None leaves the function's memory as deployed. `bursts[i]` goes to the i-th freshly published version;
    the warm calls go to the last one. Where there are no bursts, a version is published for the warm calls if they
    need a memory size of their own; else they go to the function as it is deployed.
    """

    step: int
    memory_mb: int | None
    cold_method: ColdMethod
    bursts: list[Burst]
    warm_shots: int
    warm_concurrency: int
    prime_shots: int
    protocol: CallProtocol = "invoke"
    operation: Operation | None = None
    inner: Inner | None = None
    load: LoadStep | None = None

    @property
    def on_server(self) -> bool:
        """Whether it calls a server, and no function."""
        return is_server(self.protocol)

    @property
    def versions(self) -> int:
        """How many versions have to be published for this step."""
        return max(len(self.bursts), 1 if self.warm_shots and self.memory_mb is not None else 0)

    @property
    def parts(self) -> int:
        """In how many parts its shots are written down: burst by burst, and rows of warm calls."""
        rows = math.ceil(self.warm_shots / warm_calls_at_risk(self.warm_concurrency))
        return len(self.bursts) + bool(self.prime_shots) + rows


class NoSuchStep(LookupError):
    """A lane was asked for a step that it does not have."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One target in one region in one round, called from one place: the unit that must have that function to itself.

    It runs in `client_region`, which is the function's own unless the campaign names other clients.
    """

    key: str
    target: str
    region: str
    round: int
    function_name: str
    steps: list[Step]
    client_region: str

    def step(self, number: int) -> Step:
        """One of its steps, counted from 0.

        Raises
        ------
        NoSuchStep
            It has none of that number.
        """
        if not 0 <= number < len(self.steps):
            raise NoSuchStep(f"step: {number} is not a step of lane {self.key}, whose last is {len(self.steps) - 1}")
        return self.steps[number]


@dataclass(frozen=True, kw_only=True)
class TargetFunction:
    """What a region said of a deployed target; `url` is the base address of the HTTP API before it, if there is one."""

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
    url: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServerAt:
    """Where the HTTPS server is; `certificate` (PEM text) is trusted instead of the public ones, where given.

    `token` names the secret whose value its load balancer asks of every request; None where it asks for none.
    """

    url: str
    certificate: str | None
    token: str | None = None


#: From how many rounds on it is decided that a lane's cells are precise enough (`isotherm.campaign.stopping`).
LEAST_TO_DECIDE = 5


@dataclass(frozen=True, kw_only=True)
class Enough:
    """When a lane need not run: its cells are as precise as is asked after the `earlier` lanes (their keys).

    `median` and `p95` are the widths of intervals as shares of what they bound; None asks nothing of the p95.
    """

    median: float
    p95: float | None
    earlier: list[str]


@dataclass(frozen=True, kw_only=True)
class LaneTask:
    """A lane with all that its control functions need to know; kept in the table beside the lane's progress.

    `clients_named` says that the campaign tells its cells apart by client; `goes_on`, that a later tour has lanes of
    this function, for which it keeps the function.
    """

    campaign_id: str
    lane: Lane
    function: TargetFunction
    platform: Platform
    report_deadline_s: int
    enough: Enough | None = None
    clients_named: bool = False
    servers: dict[CallProtocol, ServerAt] = field(default_factory=dict)
    goes_on: bool = False

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> LaneTask:
        """What `to_json` wrote."""
        task = json.loads(text)
        lane, enough, servers = task["lane"], task["enough"], task["servers"]
        steps = [_step(fields) for fields in lane["steps"]]
        parts = {
            "lane": Lane(**{**lane, "steps": steps}),
            "function": TargetFunction(**task["function"]),
            "enough": None if enough is None else Enough(**enough),
            "servers": {protocol: ServerAt(**at) for protocol, at in servers.items()},
        }
        return cls(**{**task, **parts})


def _step(fields: dict[str, Any]) -> Step:
    inner, load = fields["inner"], fields["load"]
    parts = {
        "bursts": [Burst(**burst) for burst in fields["bursts"]],
        "inner": None if inner is None else Inner(**inner),
        "load": None if load is None else LoadStep(**{**load, "spec": LoadSpec.from_dict(load["spec"])}),
    }
    return Step(**{**fields, **parts})


#: A burst's calls are held open until this long after it began, by which time all of them are in; the probe holds no
#: longer than 10 s.
HOLD_BASE_MS = 250.0
HOLD_PER_CALL_MS = 10.0
MAX_HOLD_MS = 10_000.0


def hold_ms(calls: int) -> float:
    """How long a burst of that many calls is held open, in milliseconds from its begin; a lone call is not held."""
    return min(HOLD_BASE_MS + HOLD_PER_CALL_MS * calls, MAX_HOLD_MS) if calls > 1 else 0.0
