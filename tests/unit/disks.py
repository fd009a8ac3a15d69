"""Folders in which nothing can be written, for tests of what is said of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE = "256k"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with little room, mounted at `folder`; a test that cannot have it is skipped."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("needs root, to mount a small file system")
    folder.mkdir(parents=True)
    if subprocess.run([mount, "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)], check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room in the file system of `folder`."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder that is not to be written in, not by root either."""
    if os.geteuid() != 0:
        folder.mkdir(parents=True)
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    with small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
