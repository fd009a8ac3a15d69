"""Keeps Ctrl-C, and the polite kills, from cutting short what cleans up. Knows nothing of what is cleaned up."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: Whoever sends a signal again so long after the first means it: cleaning up hangs, or the first came to nothing. In
#: seconds.
PATIENCE_S = 30.0

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CLEANING_UP = "isotherm: cleaning up first, one moment"

#: What is done about a signal, by its number.
Handlers = dict[int, Any]


class Once:
    """A handler that lets the first signal through to other handlers, and none after it for `PATIENCE_S`."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._spent_until = -math.inf

    @property
    def spent(self) -> bool:
        """Whether a signal was let through, and no other would be now."""
        return time.monotonic() < self._spent_until

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Let the signal through, or only answer it."""
        if self.spent:
            say_at_once(_CLEANING_UP)
            return
        self._spent_until = time.monotonic() + PATIENCE_S
        self._handlers[number](number, frame)


class _Later:
    """Notes the first signal."""

    def __init__(self) -> None:
        self.came: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        say_at_once(_CLEANING_UP)
        self.came = self.came or number


@contextmanager
def interruptible_once() -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM, SIGHUP) interrupt the `with` block; others are only answered.

    Also after the block, where one has interrupted it: what is then said of it is to be said to its end.
    """
    before = _handlers()
    once = Once(before)
    try:
        _handle(dict.fromkeys(before, once))
        yield
    finally:
        if not once.spent:
            _handle(before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Carry out the `with` block to its end; a Ctrl-C (or SIGTERM, SIGHUP) is answered, and takes effect after it.

    None has an effect where the block cleans up after one already (`interruptible_once`).
    """
    before, later = _handlers(), _Later()
    try:
        _handle(dict.fromkeys(before, later))
        yield
    finally:
        _handle(before)
    if later.came is not None:
        handler = before[later.came]
        if not (isinstance(handler, Once) and handler.spent):
            handler(later.came, None)


def _handlers() -> Handlers:
    """Those that are functions; only the main thread can change them, and gets any signal."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: handler for number in _NUMBERS if callable(handler := signal.getsignal(number))}


def _handle(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def say_at_once(line: str) -> None:
    """Write a whole line to standard error, from a handler of signals."""
    # Not by way of sys.stderr: a signal may come in the middle of a write to it. Its terminal may be gone, too.
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())
