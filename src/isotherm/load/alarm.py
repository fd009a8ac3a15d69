"""Wakes an event loop at a time of `time.perf_counter`, to some tens of microseconds where the system can."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from time import perf_counter

# <sys/timerfd.h>, <fcntl.h>
_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_NONBLOCKING_CLOSE_ON_EXEC = 0o2004000


class Alarm:
    """Calls back at one time, which may be moved.

    An event loop's own timers are as coarse as epoll's timeout, a millisecond: too coarse for sends whose latency
    counts from their intended start. On Linux this is a timerfd, whose clock is that of `time.perf_counter`; elsewhere
    the loop's timer, whose kqueue is fine enough.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: asyncio.TimerHandle | None = None
        self._file: int | None = None
        self._is_set = False
        if sys.platform == "linux":
            self._file = _create()
            loop.add_reader(self._file, self._ring)

    def set(self, at: float) -> None:
        """Call at this time (`time.perf_counter`, s), instead of any earlier set; soon if it has passed."""
        if self._file is not None:
            _set(self._file, max(1, int(at * 1e9)))  # zero would disarm it
            self._is_set = True
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, at - perf_counter()), self._callback)

    def close(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._file is not None:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = None

    def _ring(self) -> None:
        self._is_set = False
        self._callback()
        # Until it is set again, or off, the file stays readable and the loop would ring for ever.
        if not self._is_set and self._file is not None:
            _set(self._file, 0)


if sys.platform == "linux" and sys.version_info >= (3, 13):

    def _create() -> int:
        return os.timerfd_create(_CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _set(file: int, at_ns: int) -> None:
        os.timerfd_settime_ns(file, flags=os.TFD_TIMER_ABSTIME, initial=at_ns)

elif sys.platform == "linux":

    class _Times(ctypes.Structure):
        """struct itimerspec."""

        _fields_ = (
            ("interval_s", ctypes.c_long),
            ("interval_ns", ctypes.c_long),
            ("at_s", ctypes.c_long),
            ("at_ns", ctypes.c_long),
        )

    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.timerfd_settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Times), ctypes.c_void_p)

    def _create() -> int:
        file: int = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCKING_CLOSE_ON_EXEC)
        if file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return file

    def _set(file: int, at_ns: int) -> None:
        times = _Times(0, 0, *divmod(at_ns, 1_000_000_000))
        if _libc.timerfd_settime(file, _ABSOLUTE, ctypes.byref(times), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")
