"""One call as it was ordered, and as its client saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isotherm.campaign.cell import Kind

#: "failed" is of files that do not say how a call failed.
Outcome = Literal["answered", "function_error", "timeout", "throttled", "client_error", "failed"]


@dataclass(frozen=True, slots=True)
class Order:
    """One invocation that is to be made: of which version, with how many others at once."""

    shot_id: str
    kind: Kind
    step: int
    burst: int
    index: int
    version: str
    memory_mb: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Shot(Order):
    """One invocation as its client saw it; written by Fire, one JSON object a line.

    `client_ms` is the whole call on a monotonic clock, hold included; `sent_at_ms` is epoch milliseconds. A call
    over HTTP has its stages besides; `total_ms` is all of them, `client_ms` leaves out those that open the connection.
    `answered_by` is what the answer's header says of its execution environment: `<id>/<invocation index>`.
    """

    sent_at_ms: float
    client_ms: float | None
    outcome: Outcome
    attempts: int = 1
    request_id: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    log_tail: str | None = None
    http_status: int | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    answered_by: str | None = None
