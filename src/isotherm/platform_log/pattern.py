"""A regular expression that is compiled when first used. Knows nothing of what it matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any


class Pattern:
    """Stands in for `re.compile`, which takes most of the time of importing this package.

    The reader has some sixty expressions and a log needs a handful, so a Lambda function that imports it would pay in
    every cold start for what it never uses.

    Parameters
    ----------
    pattern : str
        A regular expression.
    flags : int
        As `re.compile` takes them.

    Examples
    --------
    >>> Pattern("[0-9]+").search("Version: 7").group()
    '7'
    """

    match: Callable[..., re.Match[str] | None]
    search: Callable[..., re.Match[str] | None]
    fullmatch: Callable[..., re.Match[str] | None]
    finditer: Callable[..., Iterator[re.Match[str]]]
    findall: Callable[..., list[Any]]
    sub: Callable[..., str]

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Reached for a method once: from then on it is the compiled expression's own.
        if name[:1] == "_":
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        self.match, self.search, self.fullmatch = compiled.match, compiled.search, compiled.fullmatch
        self.finditer, self.findall, self.sub = compiled.finditer, compiled.findall, compiled.sub
        return getattr(compiled, name)
