"""Counts the requests of one phase on one shard as they end. Knows the time only as it is told."""

from __future__ import annotations

from collections import Counter

from isotherm.load.histogram import Histogram
from isotherm.load.result import SECOND_DIGITS, PhaseResult, Second
from isotherm.load.spec import Loop


class Tally:
    """Times are of one monotonic clock, in seconds; `epoch_offset_s` makes Unix time of them.

    A second that is over is kept encoded, so that memory grows by some hundred bytes for a second and by nothing for a
    request.
    """

    def __init__(self, phase: str, loop: Loop, shard: int, shards: int) -> None:
        self.planned = self.sent = self.succeeded = self.cold_starts = self.made_late = self.connections_opened = 0
        self.sent_again = 0
        self.failed: Counter[str] = Counter()
        self.connections_failed: Counter[str] = Counter()
        self.lateness_us = Histogram()
        self.epoch_offset_s = 0.0
        self.last_end = 0.0
        self._identity = (phase, loop, shard, shards)
        self._latency_us = Histogram()
        self._failed_after_us = Histogram()
        self._service_us = Histogram()
        self._sent_in: Counter[int] = Counter()
        self._series: dict[int, Second] = {}
        self._second = 0
        self._succeeded_before = self._failed_before = 0
        self._of_second = Histogram(SECOND_DIGITS)
        self._failed_of_second = Histogram(SECOND_DIGITS)

    @property
    def ended(self) -> int:
        """How many have succeeded or failed."""
        return self.succeeded + self.failed.total()

    def send(self, now: float) -> None:
        """Count a request that was written to a connection."""
        self.sent += 1
        self._sent_in[int(now + self.epoch_offset_s)] += 1

    def succeed(self, now: float, intended: float, sent: float) -> None:
        """Count a request that got its answer."""
        self._turn_to(now)
        self.succeeded += 1
        latency_us = int((now - intended) * 1e6)
        self._latency_us.record(latency_us)
        self._of_second.record(latency_us)
        self._service_us.record(int((now - sent) * 1e6))

    def fail(self, kind: str, now: float, intended: float, sent: float | None) -> None:
        """Count a request that failed; `sent` is None where it was never written."""
        self._turn_to(now)
        self.failed[kind] += 1
        waited_us = int((now - intended) * 1e6)
        self._failed_after_us.record(waited_us)
        self._failed_of_second.record(waited_us)
        if sent is not None:
            self._service_us.record(int((now - sent) * 1e6))

    def cut(self, requests: int, now: float) -> None:
        """Count requests that the load was ended before: not sent, without a latency."""
        if requests:
            self._turn_to(now)
            self.failed["not_sent"] += requests

    def result(self, began: float, processor_us: int, processor_wait_us: int = 0) -> PhaseResult:
        """The result with everything that was counted."""
        self._close_second()
        for second, sent in self._sent_in.items():
            self._series.setdefault(second, Second()).sent = sent
        phase, loop, shard, shards = self._identity
        return PhaseResult(
            phase=phase,
            loop=loop,
            shards=shards,
            merged=frozenset({shard}),
            planned=self.planned,
            sent=self.sent,
            sent_again=self.sent_again,
            succeeded=self.succeeded,
            failed=self.failed,
            cold_starts=self.cold_starts,
            made_late=self.made_late,
            connections_opened=self.connections_opened,
            connections_failed=self.connections_failed,
            latency_us=self._latency_us,
            failed_after_us=self._failed_after_us,
            service_us=self._service_us,
            lateness_us=self.lateness_us,
            series=self._series,
            began_at=began + self.epoch_offset_s,
            ended_at=max(began, self.last_end) + self.epoch_offset_s,
            processor_us=processor_us,
            processor_wait_us=processor_wait_us,
        )

    def _turn_to(self, now: float) -> None:
        self.last_end = now
        second = int(now + self.epoch_offset_s)
        if second != self._second:
            self._close_second()
            self._second = second

    def _close_second(self) -> None:
        succeeded, failed = self.succeeded - self._succeeded_before, self.failed.total() - self._failed_before
        if succeeded or failed:
            encoded, failed_after = self._of_second.encode(), self._failed_of_second.encode()
            self._series[self._second] = Second(0, succeeded, failed, encoded, failed_after)
            self._of_second, self._failed_of_second = Histogram(SECOND_DIGITS), Histogram(SECOND_DIGITS)
        self._succeeded_before, self._failed_before = self.succeeded, self.failed.total()
