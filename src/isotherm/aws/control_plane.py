"""Keeps the requests by which a Prepare changes or describes functions below the rate that Lambda allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

#: AWS, Lambda quotas, "Rate of control plane API requests": 15 a second in a region, of all who make them. Restore,
#: Rescue and other tours of the region are not paced, and come on top.
REQUESTS_PER_S = 12.0

_EVENT = "before-send.lambda"


class Pace:
    """Lets one request through every `1 / per_s` seconds, whichever thread makes it; `clock`, `sleep` are for tests."""

    def __init__(
        self,
        per_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._every_s, self._clock, self._sleep = 1 / per_s, clock, sleep
        self._lock = threading.Lock()
        self._next_at = clock()

    def wait(self, **_: Any) -> None:
        """Return when the next request may be sent; a handler of botocore's events, it leaves the request as it is."""
        with self._lock:
            now = self._clock()
            at = max(now, self._next_at)
            self._next_at = at + self._every_s
        if at > now:
            self._sleep(at - now)


@contextmanager
def paced(clients: Sequence[Any]) -> Iterator[None]:
    """Pace all requests of Lambda clients, each of another region, their retries included."""
    paces = [(one, Pace(REQUESTS_PER_S)) for one in clients]
    for one, pace in paces:
        one.meta.events.register(_EVENT, pace.wait)
    try:
        yield
    finally:
        for one, pace in paces:
            one.meta.events.unregister(_EVENT, pace.wait)
