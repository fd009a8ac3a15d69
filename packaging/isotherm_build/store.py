"""Folders that were made once and are used again, found by what they were made of. Safe with builds side by side."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_KEY_LENGTH = 20


def key_of(ingredients: dict[str, Any]) -> str:
    """A name for everything that decides what a folder will contain."""
    text = json.dumps(ingredients, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


class Store:
    """Made folders below `root`, one for each name and set of ingredients.

    An entry appears by a rename, so it is whole or not there. Who needs one that another build is making waits for it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def entry(self, name: str, ingredients: dict[str, Any], make: Callable[[Path], None]) -> Iterator[Path]:
        """Give the folder of these ingredients, made now if need be, and keep it from being dropped meanwhile.

        Parameters
        ----------
        name : str
            What it is, for a reader of the folder; entries of the same name replace each other.
        ingredients : dict
            Everything that decides the content, as JSON.
        make : callable
            Fills an empty folder. What it leaves behind when it raises is removed.
        """
        key = key_of(ingredients)
        folder = self._root / f"{name}-{key}"
        self._root.mkdir(parents=True, exist_ok=True)
        with self._lock(folder) as lock:
            assert lock is not None  # noqa: S101  # only a lock that is not waited for can be None
            if not folder.is_dir():
                partial = folder.with_name(folder.name + ".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                try:
                    make(partial)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
                partial.rename(folder)
                self._drop_others(name, folder)
            yield folder

    @contextmanager
    def _lock(self, folder: Path, *, wait: bool = True) -> Iterator[IO[bytes] | None]:
        with folder.with_name(folder.name + ".lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield file

    def _drop_others(self, name: str, kept: Path) -> None:
        """Remove what the same thing was made of before, unless a build is using it."""
        for other in self._root.glob(f"{name}-{'[0-9a-f]' * _KEY_LENGTH}"):
            if other == kept:
                continue
            with self._lock(other, wait=False) as lock:
                if lock is not None:
                    shutil.rmtree(other, ignore_errors=True)
