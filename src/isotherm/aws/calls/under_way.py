"""While calls are under way: writes how far they are into the table, and reads there whether their lane has ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table

logger = logging.getLogger(__name__)

#: Progress is written at most this often: each write stands between two bursts.
PROGRESS_EVERY_S = 2.0

#: How often a load asks whether its lane has ended meanwhile.
LOOK_EVERY_S = 5.0


class UnderWay:
    """How far the calls of a step are, and whether they may go on."""

    def __init__(
        self,
        table: Table,
        where: tuple[str, str],
        step: int,
        time_is_left: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`where` is the campaign's id and the lane's key; `time_is_left` is to cost nothing; `clock` is for tests."""
        self._table, self._where, self._step, self._clock = table, where, step, clock
        self._written_at: float | None = None
        self.time_is_left = time_is_left

    def may_go_on(self) -> bool:
        """Whether time is left and the lane has not ended; asks the table, so not between two calls of a row."""
        return self.time_is_left() and not self._table.lane_ended(*self._where)

    def report(self, issued: int, *, at_once: bool = False) -> None:
        """Write how many calls were made, unless that was done a moment ago and need not be done `at_once`."""
        now = self._clock()
        if at_once or self._written_at is None or now - self._written_at > PROGRESS_EVERY_S:
            self._written_at = now
            said = LaneFacts(phase="firing", step=self._step, issued=issued)
            self._table.update_lane(*self._where, said, unless_ended=True)


@contextmanager
def lane_end(table: Table, where: tuple[str, str]) -> Iterator[Callable[[], bool]]:
    """Tells, at no cost to who asks, whether the lane has ended: a thread of its own looks at the table."""
    ended, done = threading.Event(), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            try:
                if table.lane_ended(*where):
                    ended.set()
                    return
            except (ClientError, BotoCoreError):
                logger.exception("not known whether the lane has ended")

    threading.Thread(target=look, daemon=True).start()
    try:
        yield ended.is_set
    finally:
        done.set()
