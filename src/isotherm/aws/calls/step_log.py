"""Writes down a step's calls as they are made: how many are about to be sent, then what came of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.table import Table
from isotherm.measurement.shot import Order, Shot


class StepLog:
    """The calls of one step, written so that a client that is killed leaves only those of its last call unknown.

    `made` are the shots so far; `processor_s` is how long this thread's processor worked for them.
    """

    def __init__(self, table: Table, bucket: Bucket, where: tuple[str, str], step: int) -> None:
        """`where` is the campaign's id and the lane's key."""
        self._table, self._bucket, self._where, self._step = table, bucket, where, step
        self._sent: Counter[str] = Counter()
        self._parts = 0
        self.made: list[Shot] = []
        self.processor_s = 0.0

    @property
    def processor_ms_per_call(self) -> float | None:
        """What making a call cost the processor, in milliseconds, waiting not included (docs/measuring.md, rule 26)."""
        return self.processor_s * 1000 / len(self.made) if self.made else None

    def make(self, orders: Sequence[Order], calls: Callable[[Sequence[Order]], list[Shot]]) -> int:
        """Make calls, all of one kind; how many were begun. Those that were not, `calls` leaves out of its answer.

        Where `calls` raises, any of them may have been sent: they stay announced.
        """
        kind = orders[0].kind
        self._announce(kind, len(orders))
        begun_s = time.thread_time()
        shots = calls(orders)
        self.processor_s += time.thread_time() - begun_s
        self.made += shots
        if shots:
            self._bucket.write_shots(*self._where, self._step, 0, shots, part=self._parts)
            self._parts += 1
        if len(shots) < len(orders):
            self._announce(kind, len(shots) - len(orders))
        return len(shots)

    def _announce(self, kind: str, count: int) -> None:
        self._sent[kind] += count
        self._table.announce(*self._where, self._step, self._sent)
