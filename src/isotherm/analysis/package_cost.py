"""What size and imports cost at start-up: slopes over the cold starts of one region and memory size. Knows no AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from isotherm.analysis.summary import MetricName, StartupSlope
from isotherm.measurement.sample import Sample
from isotherm.statistics.slopes import theil_sen

#: Samples of a target that enter, evenly over the campaign's time: every pair of all targets' is looked at.
POINTS_OF_TARGET = 150

Time = Literal["start", "rest", "overhead"]
Per = Literal["archive_mb", "import_ms"]

_WANTED: tuple[tuple[Time, Per], ...] = (
    ("start", "import_ms"),
    ("rest", "archive_mb"),
    ("overhead", "archive_mb"),
    ("overhead", "import_ms"),
)


class _Points(NamedTuple):
    archive_mb: list[float]
    import_ms: list[float]
    strata: list[int]
    times: list[float]


def startup_costs(
    region: str,
    memory_mb: int,
    used: Mapping[str, Sequence[Sample]],
    archive_bytes: Mapping[str, int],
    start: MetricName,
    confidence: float = 0.95,
) -> list[StartupSlope]:
    """Slopes of start-up and overhead on archive size and on import time.

    A point is one cold start; its place on an axis is its target's: the archive's size, the median of its imports.
    Imports are set against time among targets of equal archive size only (pkg20 and size20, pkg50 and size50), where
    there are such; size is set against the start-up less its imports. So neither axis is booked on the other.

    Parameters
    ----------
    region, memory_mb
        Where the samples are from.
    used : mapping
        Used cold samples by target.
    archive_bytes : mapping
        Size of each target's archive, by target.
    start : MetricName
        The metric that speaks for start-up, in ms.
    confidence : float
        Of the intervals. They are about the scatter of these starts: other packages may cost otherwise.

    Returns
    -------
    list of StartupSlope
        ms per ms of imports, or ms per MB (10^6 bytes); none where there are fewer than two targets on an axis.
    """
    found = []
    for time, per in _WANTED:
        points = _points(time, used, archive_bytes, start)
        across = points.archive_mb if per == "archive_mb" else points.import_ms
        slope, held = None, per == "import_ms"
        if held:
            slope = theil_sen(across, points.times, confidence, strata=points.strata)
        if slope is None or slope.slope is None:
            slope, held = theil_sen(across, points.times, confidence), False
        if slope.slope is None:
            continue
        found.append(StartupSlope(region=region, memory_mb=memory_mb, time=time, per=per, held=held, slope=slope))
    return found


def _points(
    time: Time, used: Mapping[str, Sequence[Sample]], archive_bytes: Mapping[str, int], start: MetricName
) -> _Points:
    points = _Points([], [], [], [])
    for target, samples in used.items():
        imports = [sample.import_ms for sample in samples if sample.import_ms is not None]
        if target not in archive_bytes or not imports:
            continue
        values = [value for sample in samples if (value := _time(sample, time, start)) is not None]
        if len(values) > POINTS_OF_TARGET:
            places = np.linspace(0, len(values) - 1, POINTS_OF_TARGET).round().astype(int)
            values = [values[place] for place in places]
        points.times.extend(values)
        points.archive_mb.extend([archive_bytes[target] / 1e6] * len(values))
        points.import_ms.extend([float(np.median(imports))] * len(values))
        # Archives that differ by under half a percent are of one size: a zip's own bytes vary with dates and names.
        points.strata.extend([round(200 * np.log(max(archive_bytes[target], 1)))] * len(values))
    return points


def _time(sample: Sample, time: Time, start: MetricName) -> float | None:
    if time == "overhead":
        return sample.overhead_ms
    value: float | None = getattr(sample, start)
    if time == "start" or value is None:
        return value
    return None if sample.import_ms is None else value - sample.import_ms
