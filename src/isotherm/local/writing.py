"""Says which path cannot be written, why, and what to do about it. Knows nothing of what is written."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isotherm.local.errors import Unwritable

#: A file of this size, in bytes, is written to see whether there is room.
PROBE_BYTES = 64 * 1024

_REMEDIES = {
    errno.ENOSPC: "free some room there",
    errno.EDQUOT: "free some room there, or have your quota raised",
    errno.EFBIG: "have the limit of a file's size raised (ulimit -f)",
    errno.EACCES: "make it writable for you",
    errno.EPERM: "make it writable for you",
    errno.EROFS: "it is mounted read-only, so choose another place",
    errno.ENOTDIR: "a file stands where a folder is needed, so choose another place",
}
_REMEDY = "choose another place"


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turn what keeps the `with` block from writing `path` into an error that names it, and what to do.

    Raises
    ------
    Unwritable
        The operating system refused it.
    """
    try:
        yield
    except OSError as problem:
        raise Unwritable(_told(problem, path)) from problem


def obstacle(folder: Path) -> str | None:
    """What keeps files from being written in `folder`, and what to do about it, in words; None where nothing does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            left = PROBE_BYTES
            while left > 0:
                left -= probe.write(bytes(left))
    except OSError as problem:
        return _told(problem, folder)
    return None


def replace_whole(files: dict[Path, bytes]) -> None:
    """Write files so that each is there with all of its content or not at all; folders are made.

    Raises
    ------
    Unwritable
        One of them cannot be written; then none has been changed, unless the operating system refuses to rename one.
    """
    partial = {path: path.with_name(f".{path.name}.{os.getpid()}.partial") for path in files}
    try:
        for path, content in files.items():
            with written(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                with partial[path].open("wb") as handle:
                    handle.write(content)
                    handle.flush()
                    os.fsync(handle.fileno())  # some file systems find out only now that they are full
        for path, finished in partial.items():
            with written(path):
                finished.replace(path)
    finally:
        for leftover in partial.values():
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)


def _told(problem: OSError, path: Path) -> str:
    return f"{path} cannot be written ({problem.strerror}): {_REMEDIES.get(problem.errno or 0, _REMEDY)}"
