"""What a criss-cross of regions says: its cells, whether billed time depends on distance, what the database costs.

A target (outer) in one region calls another function (inner) in each region. Knows design and samples, nothing of AWS,
and no words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from isotherm.analysis.database import database_differences
from isotherm.analysis.design import Design
from isotherm.analysis.distance import BILLED, INNER_BILLED, TIMES, distance_dependence, pairs_of
from isotherm.analysis.summary import (
    Cell,
    CrisscrossFacts,
    CrisscrossPair,
    DistanceDependence,
    FailedCalls,
    Failure,
    Missing,
    Sent,
)
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample


def crisscrosses(
    design: Design,
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    failures: Iterable[Failure],
    confidence: float = 0.95,
) -> list[CrisscrossFacts]:
    """Every criss-cross of a campaign: one for each memory size of the outer function and each client.

    Parameters
    ----------
    design : Design
        What was meant to happen, and how lanes ended, for the reasons of what is missing.
    cells : sequence of Cell
        The campaign's, with their metrics; others than warm nested ones are passed over.
    used : mapping
        Used samples by cell.
    failures : iterable of Failure
        Why calls failed, for the same reasons.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of CrisscrossFacts
        Empty where no target called another.
    """
    why: dict[CellKey, list[Failure]] = {}
    for failure in failures:
        why.setdefault(cell_key(failure), []).append(failure)
    found: dict[tuple[str, int, str | None], list[Cell]] = {}
    for cell in cells:
        if cell.kind == "warm" and cell.inner is not None:
            found.setdefault((cell.target, cell.memory_mb, cell.client_region), []).append(cell)
    return [
        _crisscross(design, of_group, used, {key: why.get(key, []) for key in map(cell_key, of_group)}, confidence)
        for of_group in found.values()
    ]


def _crisscross(
    design: Design,
    cells: Sequence[Cell],
    used: Mapping[CellKey, Sequence[Sample]],
    failures: Mapping[CellKey, Sequence[Failure]],
    confidence: float,
) -> CrisscrossFacts:
    first = cells[0]
    asked = design.inner
    inner_targets = _in_order((cell.inner or "" for cell in cells), asked.targets if asked else [])
    regions = _in_order((cell.region for cell in cells), design.asked_regions)
    slopes = [
        distance_dependence(
            inner, time, pairs_of(cells, inner, time), confidence, one_machine=design.platform == "emulated"
        )
        for inner in inner_targets
        for time in TIMES
    ]
    return CrisscrossFacts(
        target=first.target,
        memory_mb=first.memory_mb,
        client_region=first.client_region,
        regions=regions,
        inner_regions=_in_order(
            (cell.inner_region or "" for cell in cells), asked.regions or regions if asked else regions
        ),
        inner_targets=inner_targets,
        cells=[
            CrisscrossPair(
                region=cell.region,
                inner=cell.inner or "",
                inner_region=cell.inner_region or "",
                used=cell.accounting.used,
                sent=_sent(used.get(cell_key(cell), ())),
                why_missing=None if cell.accounting.used else _why_missing(design, cell, failures[cell_key(cell)]),
            )
            for cell in cells
        ],
        slopes=slopes,
        database=database_differences(cells, used, inner_targets, confidence),
    )


def _in_order(names: Iterable[str], asked: Collection[str]) -> list[str]:
    """Each name once: in the order in which they were asked for, then strangers."""
    there = dict.fromkeys(names)
    return [name for name in asked if name in there] + [name for name in there if name not in asked]


def _sent(samples: Sequence[Sample]) -> Sent | None:
    times = np.array([sample.sent_at_ms for sample in samples if sample.sent_at_ms])  # 0: a file that does not say
    if not times.size:
        return None
    # From the first one: epoch milliseconds leave no digits for squares.
    since = times - times[0]
    return Sent(
        first_at_ms=float(times.min()),
        last_at_ms=float(times.max()),
        mean_at_ms=round(float(times[0] + since.mean()), 3),
        sd_s=round(float(since.std(ddof=1)) / 1000, 6) if times.size > 1 else None,
    )


def _why_missing(design: Design, cell: Cell, failures: Sequence[Failure]) -> Missing:
    """Why a cell has no used sample: what its lanes said, or what became of its calls."""
    account = cell.accounting
    if account.issued:
        return Missing(
            kind="unusable",
            calls=account.issued,
            failed=[FailedCalls(calls=failure.calls, reason=failure.reason) for failure in failures],
            contested=account.contested,
            unexpected=account.unexpected,
            unwitnessed=account.unwitnessed,
        )
    reasons = dict.fromkeys(
        lane.reason
        for lane in design.lanes
        if (lane.target, lane.region) == (cell.target, cell.region)
        and (cell.client_region is None or design.lane_clients.get(lane.lane_key) == cell.client_region)
        and lane.status == "failed"
    )
    if reasons:
        return Missing(kind="lanes_failed", calls=account.planned or 0, lanes=list(reasons))
    return Missing(kind="uncollected" if account.uncollected else "not_issued", calls=account.planned or 0)


def billed_dependences(found: CrisscrossFacts, inner: str) -> tuple[DistanceDependence, DistanceDependence]:
    """Whether what is billed depends on the network to an inner target: of the outer function, and of the inner."""
    of_times = {slope.time: slope for slope in found.slopes if slope.inner == inner}
    return of_times[BILLED], of_times[INNER_BILLED]


class RoundTrips(NamedTuple):
    """What outer waits for `inner` and what that is billed, in ms: medians of the nearest and of the farthest pair."""

    inner: str
    waits: tuple[float, float]
    bills: tuple[float, float] | None
    pairs: int


def round_trips(crisscross: CrisscrossFacts, cells: Iterable[Cell]) -> RoundTrips | None:
    """Of the first inner target; None where no pair has a round trip."""
    inner = crisscross.inner_targets[0]
    ours = [cell for cell in cells if cell.inner == inner and crisscross.holds(cell)]
    waits = [found.median for cell in ours if (found := cell.metrics.get("inner_round_trip_ms")) and found.median]
    bills = [found.median for cell in ours if (found := cell.metrics.get(INNER_BILLED)) and found.median is not None]
    if not waits:
        return None
    return RoundTrips(inner, (min(waits), max(waits)), (min(bills), max(bills)) if bills else None, len(waits))
