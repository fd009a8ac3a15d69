"""Keeps samples whose numbers are not finite out of the statistics: counted as unusable. Knows one sample at a time."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from operator import attrgetter
from typing import Any

from isotherm.analysis.summary import METRICS
from isotherm.measurement.sample import Sample, Verdict

_metrics_of = attrgetter(*METRICS)


def finite(sample: Sample) -> Sample:
    """The sample as it is; where a metric is NaN or infinite, without that number, and unusable if it was answered."""
    try:
        # A sum of finite numbers is finite unless they are of another world: one look at all, as nearly all are.
        if isfinite(sum([value for value in _metrics_of(sample) if value is not None])):
            return sample
    except OverflowError:
        pass
    nothing: dict[str, Any] = {
        name: None
        for name, value in zip(METRICS, _metrics_of(sample), strict=True)
        if value is not None and not _is_finite(value)
    }
    kept: tuple[Verdict, ...] = ("failed", "primed")
    if not nothing:
        return sample
    return replace(sample, **nothing, verdict=sample.verdict if sample.verdict in kept else "unusable")


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an integer beyond what a float holds
        return False
