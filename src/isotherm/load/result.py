"""What came of a load: counts, histograms and a series by the second, which add up over shards. Pure.

A result keeps whole numbers only (beside the times of begin and end, of which the extremes are taken), so results of
shards merge to the same result in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from typing import Any, Literal, get_args

from isotherm.load.histogram import Histogram
from isotherm.load.latency import Latency, Reading
from isotherm.load.spec import LoadSpec, Loop

#: Ways to fail, in the order of a request's life; `exchange.FailureKind` are among them.
KINDS = (
    "not_sent",
    "dns",
    "unreachable",
    "refused",
    "connect_timeout",
    "tls",
    "certificate",
    "reset",
    "protocol",
    "timeout",
    "throttled",
    "http_3xx",
    "http_4xx",
    "http_5xx",
    "function_error",
)

#: How a phase came to its end: all of its requests were made; it was told to stop, or its time was up; or nothing had
#: answered for too long. In the order of what a sum of shards is called by.
Ending = Literal["complete", "gave_up", "stopped"]
_ENDINGS: tuple[Ending, ...] = get_args(Ending)

#: The series keeps fewer digits than the phase: a long load has many seconds.
SECOND_DIGITS = 2
_NO_LATENCY = Histogram(SECOND_DIGITS).encode()


@dataclass(slots=True)
class Second:
    """One second of a load: requests sent in it, and those that ended in it, with the latency (us) of these.

    The histograms, of those that succeeded and of those that failed, are kept encoded, some hundred bytes: a long load
    has thousands of seconds.
    """

    sent: int = 0
    succeeded: int = 0
    failed: int = 0
    encoded: str = _NO_LATENCY
    encoded_failed: str = _NO_LATENCY

    @property
    def latency(self) -> Latency:
        """The histograms, to `SECOND_DIGITS`."""
        return Latency(Histogram.decode(self.encoded), Histogram.decode(self.encoded_failed))

    def add(self, other: Second) -> None:
        """Count another one's requests as well."""
        self.sent += other.sent
        self.succeeded += other.succeeded
        self.failed += other.failed
        latency, more = self.latency, other.latency
        latency.answered.add(more.answered)
        latency.failed.add(more.failed)
        self.encoded, self.encoded_failed = latency.answered.encode(), latency.failed.encode()


@dataclass(slots=True, kw_only=True)
class PhaseResult:
    """What one phase came to, on one shard or on several.

    Every request planned has either succeeded or failed; `failed` counts by kind (`KINDS`). `sent` are those that were
    written to a connection: not the ones of kind `not_sent`, nor those whose connection could not be opened.

    `latency_us` runs from the intended start (in a closed loop that is the moment the thread turns to the request) of
    the requests that succeeded, `failed_after_us` from there until a request failed; `latency` is both. Requests that a
    load was ended before have no time. `service_us` runs from when a request was sent until it ended, well or badly.
    `lateness_us` says how long after its intended start the generator turned to a request; it is empty for a closed
    loop, which intends no times.

    `sent_again` counts the requests that met a kept connection which the server had closed after an earlier answer, and
    were made again over a new one, once: nothing failed, and the time it took is in their latency.

    `series` is by second of Unix time, `began_at` and `ended_at` are Unix times (s): the agreed begin, and the end of
    the last request. `made_late` counts the requests that were made (signed, where the target asks for it) only after
    their intended start. `processor_us` is the generator's own processor time, `processor_wait_us` how long it was
    kept waiting for one, `late` says why it did not keep up, a sentence for each shard and reason. `ending` says
    whether the phase is whole; of one that is not, requests that were not sent are failures of kind `not_sent`, those
    that were under way of kind `timeout`.
    """

    phase: str
    loop: Loop
    shards: int = 1
    merged: frozenset[int] = frozenset({0})
    planned: int = 0
    sent: int = 0
    sent_again: int = 0
    succeeded: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    cold_starts: int = 0
    made_late: int = 0
    connections_opened: int = 0
    connections_failed: Counter[str] = field(default_factory=Counter)
    latency_us: Histogram = field(default_factory=Histogram)
    failed_after_us: Histogram = field(default_factory=Histogram)
    service_us: Histogram = field(default_factory=Histogram)
    lateness_us: Histogram = field(default_factory=Histogram)
    series: dict[int, Second] = field(default_factory=dict)
    began_at: float = 0.0
    ended_at: float = 0.0
    processor_us: int = 0
    processor_wait_us: int = 0
    late: tuple[str, ...] = ()
    ending: Ending = "complete"

    @property
    def wall_s(self) -> float:
        """From the agreed begin to the end of the last request, in seconds."""
        return max(0.0, self.ended_at - self.began_at)

    @property
    def latency(self) -> Latency:
        """How long requests took, with those that failed."""
        return Latency(self.latency_us, self.failed_after_us)

    @property
    def generator_late(self) -> bool:
        """Whether some shard's generator did not keep up: then its own slowness is in the numbers."""
        return bool(self.late)

    @property
    def missing_shards(self) -> list[int]:
        """Shards whose result is not in here."""
        return sorted(set(range(self.shards)) - self.merged)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; histograms as HdrHistogram's compressed text."""
        return {
            "phase": self.phase,
            "loop": self.loop,
            "shards": self.shards,
            "merged": sorted(self.merged),
            "planned": self.planned,
            "sent": self.sent,
            "sent_again": self.sent_again,
            "succeeded": self.succeeded,
            "failed": _by_kind(self.failed),
            "cold_starts": self.cold_starts,
            "made_late": self.made_late,
            "connections_opened": self.connections_opened,
            "connections_failed": _by_kind(self.connections_failed),
            "latency_us": self.latency_us.encode(),
            "failed_after_us": self.failed_after_us.encode(),
            "service_us": self.service_us.encode(),
            "lateness_us": self.lateness_us.encode(),
            "series": {str(second): astuple(entry) for second, entry in sorted(self.series.items())},
            "began_at": self.began_at,
            "ended_at": self.ended_at,
            "processor_us": self.processor_us,
            "processor_wait_us": self.processor_wait_us,
            "late": list(self.late),
            "ending": self.ending,
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> PhaseResult:
        """What `to_dict` gave."""
        read = dict(document)
        for name in ("latency_us", "failed_after_us", "service_us", "lateness_us"):
            read[name] = Histogram.decode(document[name])
        for name in ("failed", "connections_failed"):
            read[name] = Counter(document[name])
        read["series"] = {int(second): Second(*entry) for second, entry in document["series"].items()}
        read["merged"] = frozenset(document["merged"])
        read["late"] = tuple(document["late"])
        return cls(**read)


def merge(results: Iterable[PhaseResult]) -> PhaseResult:
    """Add up what the shards of one phase counted; in any order, at once or bit by bit, the result is the same.

    Raises
    ------
    ValueError
        There are none, they are of different phases or numbers of shards, or one shard is there twice.
    """
    parts = list(results)
    if not parts:
        raise ValueError("there is no result to merge")
    whole = _sum(parts)
    for part in parts:
        for name in ("phase", "loop", "shards"):
            value, expected = getattr(part, name), getattr(whole, name)
            if value != expected:
                raise ValueError(f"{name}: {value!r} cannot be merged with {expected!r}")
    if len(whole.merged) != sum(len(part.merged) for part in parts):
        raise ValueError(f"shards: one of {whole.phase} is there twice")
    return whole


def _sum(parts: list[PhaseResult]) -> PhaseResult:
    whole = PhaseResult(
        phase=parts[0].phase,
        loop=parts[0].loop,
        shards=parts[0].shards,
        merged=frozenset().union(*(part.merged for part in parts)),
        began_at=min(part.began_at for part in parts),
        ended_at=max(part.ended_at for part in parts),
        late=tuple(sorted({reason for part in parts for reason in part.late})),
        ending=max((part.ending for part in parts), key=_ENDINGS.index),
    )
    for part in parts:
        whole.planned += part.planned
        whole.sent += part.sent
        whole.sent_again += part.sent_again
        whole.succeeded += part.succeeded
        whole.failed.update(part.failed)
        whole.cold_starts += part.cold_starts
        whole.made_late += part.made_late
        whole.connections_opened += part.connections_opened
        whole.connections_failed.update(part.connections_failed)
        whole.latency_us.add(part.latency_us)
        whole.failed_after_us.add(part.failed_after_us)
        whole.service_us.add(part.service_us)
        whole.lateness_us.add(part.lateness_us)
        whole.processor_us += part.processor_us
        whole.processor_wait_us += part.processor_wait_us
        for second, entry in part.series.items():
            whole.series.setdefault(second, Second()).add(entry)
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: one phase, or all. Times in milliseconds, None where there were too few requests for it.

    Latency counts failures as longer than they waited; the times named in `at_least` can be longer than stated, because
    too many requests failed to tell. Throughput is what succeeded, over the time that an open loop was planned to take,
    or that a closed one took.
    """

    name: str
    planned: int
    sent: int
    succeeded: int
    failed: dict[str, int]
    wall_s: float
    throughput_per_s: float | None
    mean_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None
    service_median_ms: float | None
    service_p99_ms: float | None
    lateness_median_ms: float | None
    lateness_p99_ms: float | None
    lateness_max_ms: float | None
    cold_starts: int
    at_least: tuple[str, ...] = ()


@dataclass(slots=True)
class LoadResult:
    """A load's phases, in order."""

    spec: LoadSpec
    phases: list[PhaseResult]

    @property
    def generator_late(self) -> bool:
        """Whether the generator did not keep up in some phase."""
        return any(phase.generator_late for phase in self.phases)

    @property
    def partial(self) -> PhaseResult | None:
        """The first phase that was ended before all of it was sent; those after it were not begun."""
        return next((phase for phase in self.phases if phase.ending != "complete"), None)

    def rows(self) -> list[Row]:
        """One for each phase, then one for all: its wall time is the sum of theirs, without the time between them."""
        rows = [_row(result.phase, result, result.wall_s, self._offered_s(result)) for result in self.phases]
        if len(rows) > 1:
            wall_s = sum(result.wall_s for result in self.phases)
            rows.append(_row("all", _sum(self.phases), wall_s, sum(map(self._offered_s, self.phases))))
        return rows

    def _offered_s(self, result: PhaseResult) -> float:
        """The time over which a phase's requests were offered.

        An open loop's is in its plan; how long its last answer took is not in its throughput. A closed loop offers
        requests for as long as it lasts, and so does a phase that was ended early.
        """
        planned_s = self.spec.duration_s
        if planned_s is None or (result.ending != "complete" and result.wall_s < planned_s):
            return result.wall_s
        return planned_s

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "spec": self.spec.to_dict(),
            "partial": self.partial is not None,
            "phases": [result.to_dict() for result in self.phases],
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> LoadResult:
        """What `to_dict` gave."""
        phases = [PhaseResult.from_dict(phase) for phase in document["phases"]]
        return cls(LoadSpec.from_dict(document["spec"]), phases)


def _row(name: str, result: PhaseResult, wall_s: float, offered_s: float) -> Row:
    latency, service, lateness = result.latency, result.service_us, result.lateness_us
    readings: dict[str, Reading | None] = {
        "mean_ms": latency.mean,
        "median_ms": latency.estimate(0.5),
        "p95_ms": latency.estimate(0.95),
        "p99_ms": latency.estimate(0.99),
        "p999_ms": latency.estimate(0.999),
        "max_ms": latency.highest,
    }
    return Row(
        name=name,
        planned=result.planned,
        sent=result.sent,
        succeeded=result.succeeded,
        failed=_by_kind(result.failed),
        wall_s=wall_s,
        throughput_per_s=result.succeeded / offered_s if offered_s else None,
        **{column: _ms(None if reading is None else reading.us) for column, reading in readings.items()},
        service_median_ms=_ms(service.quantile(0.5)),
        service_p99_ms=_ms(service.quantile(0.99)),
        lateness_median_ms=_ms(lateness.quantile(0.5)),
        lateness_p99_ms=_ms(lateness.quantile(0.99)),
        lateness_max_ms=_ms(lateness.highest),
        cold_starts=result.cold_starts,
        at_least=tuple(column for column, reading in readings.items() if reading is not None and reading.at_least),
    )


def _ms(us: float | None) -> float | None:
    return None if us is None else us / 1000


def _by_kind(counts: Counter[str]) -> dict[str, int]:
    """Those that happened, in the order of `KINDS`."""
    known = {kind: counts[kind] for kind in KINDS if counts[kind]}
    return known | {kind: count for kind, count in sorted(counts.items()) if count and kind not in known}
