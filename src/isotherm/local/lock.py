"""One at a time: a lock between processes that work on the same folder, and who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from isotherm.local.writing import written

#: Who waits no longer than this is told nothing of it.
UNTOLD_S = 0.2

#: Files that this process keeps locked until it ends.
_KEPT: dict[Path, IO[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who took a lock: process id, for what, and when (Unix time, s). A process that was killed may be named still."""

    pid: int
    what: str
    since: float


@contextmanager
def exclusive(path: Path, what: str, say: Callable[[str], None] | None = None) -> Iterator[int]:
    """Hold the lock file `path` for the length of a `with` block, waiting for whoever holds it now.

    The operating system lets go of it when the process ends, however it ends, and whatever it has handed the file on
    to has ended too.

    Parameters
    ----------
    path : Path
        The file, made where it is not there.
    what : str
        What the lock is held for, in a few words, for those who wait: "sam build".
    say : callable, optional
        Told for whom this waits, if it does.

    Yields
    ------
    int
        The file descriptor, for a program that must not outlive the lock.

    Raises
    ------
    Unwritable
        The file cannot be made.
    """
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("ab+", buffering=0)
    with opened as handle:
        _acquire(handle, say)
        _sign(handle, what)
        try:
            yield handle.fileno()
        finally:
            with contextlib.suppress(OSError):
                handle.truncate(0)
            fcntl.flock(handle, fcntl.LOCK_UN)


def keep(path: Path, what: str) -> None:
    """Hold the lock file `path` until this process ends; where another holds it, or it cannot be made, do nothing."""
    if path in _KEPT:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab+", buffering=0)
        if not _try(handle, fcntl.LOCK_EX):
            handle.close()
            return
        _sign(handle, what)
        _KEPT[path] = handle


def holder(path: Path) -> Holder | None:
    """Who holds the lock file `path` now; None where nobody does."""
    try:
        with path.open("rb") as handle:
            return None if _is_free(handle) else _read(handle)
    except OSError:
        return None


def _acquire(handle: IO[bytes], say: Callable[[str], None] | None) -> None:
    deadline = time.monotonic() + UNTOLD_S
    while not _try(handle, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            if say is not None:
                say(_told(_read(handle)))
            fcntl.flock(handle, fcntl.LOCK_EX)
            return
        time.sleep(UNTOLD_S / 10)


def _told(held: Holder) -> str:
    if not held.pid:
        return "waiting for another process"
    if not _lives(held.pid):
        return f"waiting for {held.what} to end, which process {held.pid} started and left"
    since = time.strftime("%H:%M:%S", time.localtime(held.since))
    return f"waiting for {held.what} of process {held.pid}, since {since}"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _try(handle: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(handle: IO[bytes]) -> bool:
    return _try(handle, fcntl.LOCK_SH)


def _sign(handle: IO[bytes], what: str) -> None:
    # On a full disk the lock holds all the same, only nobody can read who has it.
    with contextlib.suppress(OSError):
        handle.truncate(0)
        handle.write(json.dumps(asdict(Holder(os.getpid(), what, time.time()))).encode())


def _read(handle: IO[bytes]) -> Holder:
    handle.seek(0)
    try:
        return Holder(**json.load(handle))
    except (ValueError, TypeError):  # it has not signed yet, or could not
        return Holder(0, "another process", 0.0)
