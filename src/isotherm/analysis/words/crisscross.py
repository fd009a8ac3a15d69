"""Says what a criss-cross found: who pays for distance, what the database costs, and why pairs are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from isotherm.analysis.crisscross import RoundTrips, billed_dependences
from isotherm.analysis.distance import OF_INNER
from isotherm.analysis.summary import (
    Crisscross,
    CrisscrossCell,
    CrisscrossFacts,
    DatabaseCost,
    DatabaseDifference,
    DistanceDependence,
    DistanceSlope,
    MetricName,
    Missing,
)
from isotherm.analysis.words.differences import Words, difference_in_words
from isotherm.numbers import count, digits, per_ms, percent

_TIMES: Mapping[MetricName, str] = {
    "billed_duration_ms": "billed time",
    "duration_ms": "actual time",
    "inner_billed_duration_ms": "billed time",
    "inner_duration_ms": "actual time",
}
_COSTS: Mapping[MetricName, Words] = {
    "inner_duration_ms": ("takes", "longer", "less"),
    "inner_billed_duration_ms": ("is billed", "more", "less"),
}


def crisscross(found: CrisscrossFacts, confidence: float) -> Crisscross:
    """The criss-cross with all its sentences; `confidence` is that of its intervals."""
    said = {
        "cells": [
            CrisscrossCell(
                **dict(cell), missing=None if cell.why_missing is None else missing_in_words(cell.why_missing)
            )
            for cell in found.cells
        ],
        "slopes": [
            DistanceSlope(**dict(slope), sentence=dependence_in_words(found.target, slope, confidence))
            for slope in found.slopes
        ],
        "database": [
            DatabaseCost(**dict(cost), sentence=database_in_words(cost, confidence)) for cost in found.database
        ],
        "findings": [finding_in_words(found, inner, confidence) for inner in found.inner_targets],
    }
    return Crisscross(**{**dict(found), **said})


def dependence_in_words(outer: str, found: DistanceDependence, confidence: float) -> str:
    """Whether a time depends on the network, with the slope and its interval, or why that cannot be told."""
    who = found.inner if found.time in OF_INNER else outer
    return _dependence(f"{_TIMES[found.time]} of {who}", f"the network to {found.inner}", found, confidence)


def finding_in_words(found: CrisscrossFacts, inner: str, confidence: float, *, brief: bool = False) -> str:
    """Who pays for distance, in one sentence about one inner target: billed times of outer, then of inner.

    A `brief` one has no number for what inner does not pay.
    """
    of_outer, of_inner = billed_dependences(found, inner)
    if of_outer.slope.low is None and of_inner.slope.low is None:
        return _cannot_be_told("billed time", f"the network to {inner}", _why(of_outer))
    said = dependence_in_words(found.target, of_outer, confidence)
    if of_outer.verdict == "rises" and of_inner.verdict == "independent":
        said += ": who waits pays for distance"
    if of_inner.slope.low is None:
        return f"{said}; {dependence_in_words(found.target, of_inner, confidence)}"
    return f"{said}; {_dependence(f'billed time of {inner}', 'it', of_inner, confidence, brief=brief)}"


def _dependence(
    subject: str, network: str, found: DistanceDependence, confidence: float, *, brief: bool = False
) -> str:
    """The slope in words; `network` is "the network to inner", or "it" where that was just spoken of."""
    slope, verdict = found.slope, found.verdict
    if found.why is not None:
        return _cannot_be_told(subject, network, _why(found))
    falls = verdict == "falls"
    ends = [slope.low, slope.high] if not falls else [-(slope.high or 0.0), -(slope.low or 0.0)]
    low, high = (per_ms(end) for end in ends)
    size = per_ms(-(slope.slope or 0.0) if falls else slope.slope)
    number = f"{size} ms ({percent(confidence)} interval {low} to {high})"
    if verdict in ("rises", "falls"):
        return f"{subject} {verdict} by {number} for each ms of {network}"
    each = "" if network == "it" else " for each ms"
    if verdict == "independent":
        return f"{subject} does not depend on {network}" + ("" if brief else f": {number}{each}")
    return _cannot_be_told(subject, network, f"{number}{each}")


def _cannot_be_told(subject: str, network: str, why: str) -> str:
    return f"whether {subject} depends on {network} cannot be told: {why}"


def _why(found: DistanceDependence) -> str:
    """Why there is no slope, or no interval of one."""
    pairs = count(found.slope.n, "pair")
    match found.why:
        case "few_pairs":
            return f"{pairs} of regions measured"
        case "few_calls":
            return "too few calls of a pair to know its network time"
        case "alike" | "one_machine":
            low, high = found.network_ms or (None, None)
            return (
                f"the pairs' network times ({digits(low)} to {digits(high)} ms) differ by little more than "
                "their own scatter" + (": all regions are on this machine" if found.why == "one_machine" else "")
            )
        case "no_interval":
            return f"{pairs} of regions are too few for an interval"
        case None:
            raise ValueError(f"the slope of {found.time} has an interval")
    assert_never(found.why)


def database_in_words(found: DatabaseDifference, confidence: float) -> str:
    """What the inner target with a database takes, or is billed, over the one without."""
    return difference_in_words(
        (found.without, f"{found.with_database} in {found.inner_region}"),
        _COSTS[found.metric],
        "ms",
        (found.difference, found.low, found.high),
        (found.without_n, found.with_n),
        confidence,
        sure=found.is_sure,
        rounds=found.blocks,
    )


def missing_in_words(found: Missing) -> str:
    """Why a cell has no used sample."""
    match found.kind:
        case "lanes_failed":
            return "lane failed: " + "; ".join(reason or "no reason was given" for reason in found.lanes)
        case "not_issued":
            return f"none of {count(found.calls, 'planned call')} was issued"
        case "uncollected":
            return f"none of {count(found.calls, 'planned call')} was collected"
        case "unusable":
            others = {
                "contested": found.contested,
                "unexpected (cold where a warm call was meant)": found.unexpected,
                "without a witness": found.unwitnessed,
            }
            parts = [f"{failed.calls} {failed.reason}" for failed in found.failed]
            parts += [f"{number} {name}" for name, number in others.items() if number]
            became = ", ".join(parts) or "no reason is known"
            return f"none of {count(found.calls, 'call')} could be used: {became}"
    assert_never(found.kind)


def round_trips_in_words(outer: str, found: RoundTrips) -> str:
    """What outer waits for and what inner is billed, from the nearest pair of regions to the farthest."""
    said = f"{outer} waits {_range(found.waits)} ms for {found.inner}"
    if found.bills:
        said += f", which is billed {_range(found.bills)} ms"
    return f"{said} (medians of {count(found.pairs, 'pair')} of regions)"


def _range(ends: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(map(digits, ends)))
