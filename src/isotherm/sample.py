"""Joins what the client saw with what the platform and the probe reported. Knows nothing of where any came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["answered", "function_error", "timeout", "throttled", "client_error"]
Kind = Literal["cold", "warm", "prime"]
Temperature = Literal["cold", "warm", "contested", "unwitnessed"]
Verdict = Literal["used", "contested", "unexpected", "proactive", "unwitnessed", "failed", "primed"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One invocation as its client saw it; written by Fire, one JSON object a line.

    `client_ms` is the whole call on a monotonic clock, hold included; `sent_at_ms` is epoch milliseconds.
    """

    shot_id: str
    kind: Kind
    step: int
    burst: int
    index: int
    version: str
    memory_mb: int
    concurrency: int
    sent_at_ms: float
    client_ms: float | None
    outcome: Outcome
    attempts: int = 1
    request_id: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    log_tail: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What the function said of itself in its one log line. `_at_ms` are epoch milliseconds, durations milliseconds."""

    shot_id: str | None
    request_id: str
    environment_id: str
    invocation_index: int
    process_start_at_ms: float
    import_begin_at_ms: float
    import_ms: float
    handler_begin_at_ms: float
    work_ms: float
    hold_ms: float
    package: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The platform's own report of one invocation, None where the line has no such field."""

    request_id: str
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A shot joined with its report and probe: one row of the results.

    client_ms: the client's time without the hold. overhead_ms: client_ms less what the platform reports (init and
    duration), the network and the platform's own work (code download included). startup_ms: process start to handler
    begin, by the probe. duration_ms is None for a held call, whose Duration is no latency; work_ms is the handler's own
    time. temperature is what was proved, `kind` what was asked for.
    """

    campaign_id: str
    shot_id: str
    lane: str
    target: str
    region: str
    round: int
    step: int
    kind: Kind
    coldness: str | None
    burst: int
    index: int
    version: str
    memory_mb: int
    concurrency: int
    sent_at_ms: float
    outcome: Outcome
    verdict: Verdict
    temperature: Temperature
    emulated: bool
    attempts: int = 1
    request_id: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    report_found: bool = False
    probe_found: bool = False
    platform_cold: bool | None = None
    probe_cold: bool | None = None
    proactive: bool = False
    client_ms: float | None = None
    hold_ms: float | None = None
    overhead_ms: float | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    environment_id: str | None = None
    invocation_index: int | None = None
    startup_ms: float | None = None
    import_ms: float | None = None
    work_ms: float | None = None


@dataclass(slots=True)
class Accounting:
    """Where every planned invocation of a cell ended (MEASURING rule 1). The sums are stated by `imbalances`."""

    planned: int = 0
    issued: int = 0
    not_issued: int = 0
    answered: int = 0
    failed: int = 0
    function_errors: int = 0
    timeouts: int = 0
    throttles: int = 0
    client_errors: int = 0
    report_found: int = 0
    report_missing: int = 0
    report_not_due: int = 0
    duplicates: int = 0
    cold_verified: int = 0
    contested: int = 0
    unexpected: int = 0
    proactive: int = 0
    unwitnessed: int = 0
    used: int = 0
    retried_throttles: int = field(default=0)
