"""Keeps samples with numbers that nobody measured out of the statistics: as unusable. Knows one sample at a time."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import Any

from isotherm.analysis.summary import METRICS
from isotherm.measurement.sample import Sample, Verdict

#: More milliseconds are 30,000 years, and their squares are soon beyond what a float holds.
MOST = 1e15

_metrics_of = attrgetter(*METRICS)


def finite(sample: Sample) -> Sample:
    """The sample as it is; where a metric is NaN or beyond `MOST`, without that number, and unusable if answered."""
    try:
        # One look at all, as nearly all are numbers that were measured.
        if sum([abs(value) for value in _metrics_of(sample) if value is not None]) <= MOST:
            return sample
    except OverflowError:  # an integer beyond what a float holds
        pass
    nothing: dict[str, Any] = {
        name: None
        for name, value in zip(METRICS, _metrics_of(sample), strict=True)
        if value is not None and not -MOST <= value <= MOST
    }
    kept: tuple[Verdict, ...] = ("failed", "primed")
    if not nothing:
        return sample
    return replace(sample, **nothing, verdict=sample.verdict if sample.verdict in kept else "unusable")
