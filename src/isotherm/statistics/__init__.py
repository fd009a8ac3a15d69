"""Numbers to intervals, summaries and comparisons. Knows arrays of numbers, nothing of campaigns or of AWS.

Importing this package imports nothing beyond the standard library; numpy and scipy are loaded when one of its functions
is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isotherm.statistics.describe import quantile_interval, summarize
    from isotherm.statistics.sequential import round_ratios, sequential_test, sequential_tests
    from isotherm.statistics.two_samples import compare

__all__ = ["compare", "quantile_interval", "round_ratios", "sequential_test", "sequential_tests", "summarize"]

_HOMES = {
    "compare": "two_samples",
    "quantile_interval": "describe",
    "round_ratios": "sequential",
    "sequential_test": "sequential",
    "sequential_tests": "sequential",
    "summarize": "describe",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
