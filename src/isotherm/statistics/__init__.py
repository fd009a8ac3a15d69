"""Numbers to intervals, summaries and comparisons. Knows arrays of numbers, nothing of campaigns or of AWS.

Importing this package imports nothing beyond the standard library; numpy and scipy are loaded when one of its functions
is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isotherm.statistics.two_samples import compare, quantile_interval, summarize

__all__ = ["compare", "quantile_interval", "summarize"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from isotherm.statistics import two_samples

        return getattr(two_samples, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
