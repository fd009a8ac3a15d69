"""Where text goes: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

from functools import cache

from rich.console import Console


@cache
def results() -> Console:
    """Standard output, for what was asked for."""
    return Console(highlight=False, soft_wrap=False)


@cache
def remarks() -> Console:
    """Standard error, for progress and remarks, so that results can be piped."""
    return Console(stderr=True, highlight=False)
