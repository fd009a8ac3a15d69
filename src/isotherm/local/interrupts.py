"""Keeps Ctrl-C, and the polite kills, from cutting short what cleans up. Knows nothing of what is cleaned up."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TOLD = b"isotherm: cleaning up first, one moment\n"


#: What was done about a signal before, by its number.
_Handlers = dict[int, Any]


class _Once:
    """Lets the first signal through to the handlers that were there before, and none after it."""

    def __init__(self, before: _Handlers) -> None:
        self._before = before
        self.spent = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.spent:
            _tell()
            return
        self.spent = True
        self._before[number](number, frame)


class _Later:
    """Notes the first signal."""

    def __init__(self) -> None:
        self.came: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        _tell()
        self.came = self.came or number


@contextmanager
def interruptible_once() -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM, SIGHUP) interrupt the `with` block; until its end, others are only answered."""
    before = _handlers()
    with _handled_by(_Once(before), before):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Carry out the `with` block to its end; a Ctrl-C (or SIGTERM, SIGHUP) is answered, and takes effect after it.

    None has an effect where the block cleans up after one already (`interruptible_once`).
    """
    before, later = _handlers(), _Later()
    with _handled_by(later, before):
        yield
    if later.came is not None:
        handler = before[later.came]
        if not (isinstance(handler, _Once) and handler.spent):
            handler(later.came, None)


def _handlers() -> _Handlers:
    """Those that are functions; only the main thread can change them, and gets any signal."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: handler for number in _NUMBERS if callable(handler := signal.getsignal(number))}


@contextmanager
def _handled_by(handler: _Once | _Later, before: _Handlers) -> Iterator[None]:
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _tell() -> None:
    # Not by way of sys.stderr: a signal may come in the middle of a write to it.
    with contextlib.suppress(OSError):
        os.write(2, _TOLD)
