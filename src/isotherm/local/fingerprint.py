"""Tells whether the sources of a build have changed. Knows file contents, not what is done with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

# What Python, the tools and editors leave behind says nothing about the sources.
_IGNORED = frozenset({"__pycache__", "node_modules"})
_IGNORED_ENDINGS = (".pyc", ".egg-info", "~", ".swp")


def fingerprint(root: Path, parts: Iterable[str], facts: Iterable[str] = ()) -> str:
    """Hash the files under some folders, by path and content.

    Parameters
    ----------
    root : Path
        What the paths are relative to.
    parts : iterable of str
        Files and folders in `root`; one that is not there counts as such.
    facts : iterable of str
        What else the result depends on, such as a version.

    Returns
    -------
    str
        SHA-256, in hex.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"fact {fact}\0".encode())
    for part in parts:
        for path in _files(root / part):
            digest.update(f"file {path.relative_to(root)}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.name.startswith(".") or path.name in _IGNORED or path.name.endswith(_IGNORED_ENDINGS):
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _files(child)
