"""Folders made the same wherever and whenever they are made: no leftovers of pip, fixed modes and times."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

# 1980-01-01T00:00:00Z, the earliest time a zip file knows, and the one SAM writes for every file.
EPOCH = 315_532_800

# What pip leaves behind that tells of the machine it ran on, or that nothing on Lambda reads.
_PIP_LEFTOVERS = (
    "bin",
    "**/__pycache__",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
)


def files_below(root: Path) -> list[Path]:
    """All files below `root`, in one order on every file system."""
    return sorted(path for path in root.rglob("*") if path.is_file())


def unzipped_bytes(root: Path) -> int:
    """Sum of the file sizes: what Lambda counts against its limit."""
    return sum(file.stat().st_size for file in files_below(root))


def remove(root: Path, patterns: Iterable[str]) -> None:
    """Remove what matches the glob patterns, folders with all that is in them."""
    for pattern in patterns:
        for path in list(root.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def tidy(root: Path, without: Iterable[str] = ()) -> None:
    """Take away pip's leftovers and what is unwanted."""
    remove(root, (*_PIP_LEFTOVERS, *without))


def settle(root: Path) -> None:
    """Give every file and folder the same mode and time on every machine.

    Files are for reading only: they may be shared with the store (`share_into`).
    """
    for path in [*root.rglob("*"), root]:
        mode = 0o755 if path.is_dir() else 0o444
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        os.utime(path, (EPOCH, EPOCH))


def share_into(source: Path, destination: Path) -> None:
    """Put the files of one folder into another, as links to the same bytes where the file system can, else as copies.

    A build of all archives is half a gigabyte; as links it takes no time and no room. The order is fixed, as some file
    systems list names in the order in which they were made, and SAM zips them in the order in which they are listed.
    """
    made = set()
    for file in files_below(source):
        target = destination / file.relative_to(source)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        try:
            os.link(file, target)
        except OSError:  # another file system, or one that has no links, or too many of them
            shutil.copyfile(file, target)
