"""Slopes on imports and archive size where nothing varies, and where an import costs more than its time.

The former slopes were Theil and Sen's over all cold starts: on imports among archives of one size where there are such,
else over all targets; on size over the start-up less its imports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.known_truth.claims import Case, Claim, Experiment
from bench.known_truth.samples import TARGETS, analysed
from bench.known_truth.shapes import SHAPES, Floats, times_in_rounds
from bench.known_truth.trends import is_without_0
from isotherm.statistics.results import Slope
from isotherm.statistics.slopes import theil_sen

_MB = 1_000_000
#: Archives without any package, with two sizes of packages, and with as many bytes of nothing.
_SIZES_MB = (1, 21, 45, 21, 45)
_IMPORTS_MS = (14.0, 60.0, 215.0, 14.0, 14.0)


def _costs(times: Floats, imports: Floats, sizes_mb: Sequence[int]) -> list[dict[str, Any]]:
    summary = analysed(times, imports, [1000 + _MB * size for size in sizes_mb]).summary
    assert summary is not None
    found: list[dict[str, Any]] = summary.model_dump()["startup_costs"]
    return [cost for cost in found if cost["time"] != "overhead"]


def _repeated(places: Sequence[float], times: Floats) -> Floats:
    return np.repeat(np.asarray(places, dtype=np.float64), times[0].size)


@dataclass(frozen=True, kw_only=True)
class NothingImported(Experiment):
    """Targets that start later one after another, with larger archives, and all of which import next to nothing."""

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, and see whether a slope on imports is stated as sure."""
        times = times_in_rounds(self.shape, (len(TARGETS), self.rounds, self.per_round), self.icc, rng)
        times *= 1 + 0.1 * np.arange(len(TARGETS)).reshape(-1, 1, 1)
        imports = 0.4 * np.exp(0.05 * rng.standard_normal(times.shape))
        slopes = [cost["slope"] for cost in _costs(times, imports, range(0, 50, 10)) if cost["per"] == "import_ms"]
        medians = [float(np.median(of)) for of in imports]
        was = theil_sen(_repeated(medians, times), times.ravel())
        sure = any(is_without_0(slope["low"], slope["high"]) for slope in slopes)
        yield Case(
            Claim("start-up on imports that do not differ: sure slope", "seldom", 0.05),
            is_without_0(was.low, was.high),
            sure,
        )


@dataclass(frozen=True, kw_only=True)
class CostlyImports(Experiment):
    """A ms of imports makes the start-up `per_ms` ms longer, a MB of archive `per_mb` ms."""

    per_ms: float = 1.1
    per_mb: float = 0.3

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, and see whether both slopes hold what a ms and a MB cost."""
        size = (len(TARGETS), self.rounds, self.per_round)
        imports = np.reshape(_IMPORTS_MS, (-1, 1, 1)) * np.exp(0.02 * rng.standard_normal(size))
        # A quarter of the usual scatter: what is measured is whether the two are told from each other.
        middle = float(SHAPES[self.shape](np.array([0.5]))[0])
        base = middle + 0.25 * (times_in_rounds(self.shape, size, self.icc, rng) - middle)
        times = base + self.per_ms * imports + self.per_mb * np.reshape(_SIZES_MB, (-1, 1, 1))
        costs = {cost["per"]: cost["slope"] for cost in _costs(times, imports, _SIZES_MB)}
        medians = [float(np.median(of)) for of in imports]
        former = {
            "import_ms": theil_sen(_repeated(medians, times), times.ravel(), strata=_repeated(_SIZES_MB, times)),
            "archive_mb": theil_sen(_repeated(_SIZES_MB, times), (times - imports).ravel()),
        }
        for per, truth, of in (("import_ms", self.per_ms, "ms of imports"), ("archive_mb", self.per_mb, "MB")):
            claim = Claim(f"slope on {of} where an import costs {self.per_ms:g} times its time", "covers", 0.95)
            yield Case(claim, _holds(former[per], truth), _stated(costs.get(per), truth))


def _holds(slope: Slope, truth: float) -> bool:
    return slope.low is not None and slope.high is not None and slope.low <= truth <= slope.high


def _stated(slope: dict[str, Any] | None, truth: float) -> bool | None:
    if slope is None or slope["low"] is None or slope["high"] is None:
        return None
    return bool(slope["low"] <= truth <= slope["high"])
