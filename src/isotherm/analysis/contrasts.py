"""Cells that differ in one thing alone: from where a function was called, or by which way. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import combinations
from statistics import fmean, median
from typing import Literal, NamedTuple

from isotherm.analysis.summary import CellDifference, ClientDependence, MetricName
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.arrays import resolution
from isotherm.statistics.results import Middle
from isotherm.statistics.two_samples import Difference, corrected_differences, middle_difference

#: A difference of billed times that does not matter: what is billed comes in whole ms, or a twentieth of the bill.
BILLING_UNIT_MS = 1.0
NEGLIGIBLE_SHARE = 0.05

Axis = Literal["client_region", "protocol"]

_BILLED: MetricName = "billed_duration_ms"
_METRICS: Mapping[Axis, tuple[MetricName, ...]] = {
    "client_region": (_BILLED, "duration_ms", "client_ms"),
    "protocol": ("client_ms", _BILLED, "work_ms"),
}
# A bill is a sum, so means count there; of the others the typical call.
_MIDDLES: Mapping[MetricName, Middle] = {_BILLED: "mean"}


def comparisons_across(
    axis: Axis, used: Mapping[CellKey, Sequence[Sample]], confidence: float = 0.95
) -> list[CellDifference]:
    """Each cell against that of the same key with the axis' baseline, round by round.

    The baseline of clients is the function's own region, of protocols the plain invocation; where that was not
    measured, the first that was. Cells of one campaign are measured one after the other in each round, each by an
    environment or two: the luck of a round is that of all its calls, so differences are taken inside rounds and their
    intervals over rounds (`middle_difference`; docs/measuring.md, rule 15).

    Parameters
    ----------
    axis : "client_region" or "protocol"
        In what the two cells differ.
    used : mapping
        Used samples by cell, in reading order.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of CellDifference
        p-values are corrected (Holm) for all of one metric together, and intervals widened by as much.
    """
    sides: dict[tuple[MetricName, CellKey], tuple[str, str, _Side, _Side]] = {}
    for places in _groups(axis, used):
        baseline, *others = places
        for other in others:
            for metric in _METRICS[axis]:
                ours, theirs = (_Side.of(used[places[place]], metric) for place in (baseline, other))
                if ours.values and theirs.values:
                    sides[metric, places[other]] = baseline, other, ours, theirs
    families = {
        metric: corrected_differences(
            [
                partial(_difference, ours, theirs, metric)
                for (of, _), (*_, ours, theirs) in sides.items()
                if of == metric
            ],
            confidence,
        )
        for metric in _METRICS[axis]
    }
    left = {metric: iter(family) for metric, family in families.items()}
    found = []
    for (metric, key), (baseline, other, ours, theirs) in sides.items():
        result, corrected = next(left[metric])
        middle = _middle(metric)
        found.append(
            CellDifference(
                **asdict(key),
                across=axis,
                baseline=baseline,
                other=other,
                metric=metric,
                middle=middle,
                baseline_value=ours.middle(middle),
                other_value=theirs.middle(middle),
                difference=result.value,
                low=result.low,
                high=result.high,
                p_value=result.p_value,
                p_holm=corrected,
                rounds=result.blocks,
                baseline_n=len(ours.values),
                other_n=len(theirs.values),
            )
        )
    return found


class _Side(NamedTuple):
    """One metric of one cell: its values, and the round of each."""

    values: list[float]
    rounds: list[int]

    @classmethod
    def of(cls, samples: Iterable[Sample], metric: MetricName) -> _Side:
        known = [(value, s.round) for s in samples if (value := getattr(s, metric)) is not None]
        return cls([value for value, _ in known], [number for _, number in known])

    def middle(self, middle: Middle) -> float:
        return fmean(self.values) if middle == "mean" else median(self.values)


def _middle(metric: MetricName) -> Middle:
    return _MIDDLES.get(metric, "median")


def _difference(baseline: _Side, other: _Side, metric: MetricName, confidence: float) -> Difference:
    middle = _middle(metric)
    return middle_difference(
        baseline.values,
        other.values,
        (baseline.rounds, other.rounds),
        middle=middle,
        confidence=confidence,
        unit=BILLING_UNIT_MS if middle == "mean" else resolution([*baseline.values, *other.values]),
    )


def client_findings(
    used: Mapping[CellKey, Sequence[Sample]], comparisons: Iterable[CellDifference], confidence: float = 0.95
) -> list[ClientDependence]:
    """Whether billed time depends on where the client is, for each function and way that several clients called.

    That no difference was found says little: with few samples none ever is. So the largest difference is stated that
    the samples still allow: of the mean billed times of any two clients, the farthest end of its interval. The bound on
    the largest needs no correction for there being many pairs: whichever pair truly differs most, its own interval
    fails to hold its difference with at most 1 - `confidence` (Berger 1982, intersection-union).

    Parameters
    ----------
    used : mapping
        Used samples by cell, in reading order.
    comparisons : iterable of CellDifference
        Those across clients, corrected.
    confidence : float
        Of the bound.

    References
    ----------
    Berger, Multiparameter hypothesis testing and acceptance sampling, Technometrics 24 (1982), 295-300.
    """
    known = list(comparisons)
    found = []
    for places in _groups("client_region", used):
        billed = {client: _Side.of(used[key], _BILLED) for client, key in places.items()}
        billed = {client: side for client, side in billed.items() if side.values}
        if len(billed) < 2:
            continue
        baseline, *others = billed
        tested = {c.other: c for c in known if c.metric == _BILLED and places.get(c.other) == cell_key(c)}
        differing = [client for client in others if client in tested and tested[client].is_sure]
        bounds = [
            _difference(billed[one], billed[other], _BILLED, confidence) for one, other in combinations(billed, 2)
        ]
        ends = [end for bound in bounds for end in (bound.low, bound.high)]
        within = None if None in ends else max(abs(end) for end in ends if end is not None)
        least = min(side.middle("mean") for side in billed.values())
        small = within is not None and within <= max(BILLING_UNIT_MS, NEGLIGIBLE_SHARE * least)
        key = places[baseline]
        found.append(
            ClientDependence(
                **asdict(replace(key, client_region=None)),
                baseline=baseline,
                clients=list(billed),
                differing=differing,
                within_ms=within,
                verdict="differs" if differing else "independent" if small else "unclear",
            )
        )
    return found


def of_finding(found: ClientDependence, comparisons: Iterable[CellDifference]) -> list[CellDifference]:
    """The comparisons across clients that a finding is about."""
    return [c for c in comparisons if c.across == "client_region" and found.is_about(c)]


def farthest(comparisons: Iterable[CellDifference], metric: MetricName) -> CellDifference | None:
    """Of the comparisons of one metric that are told apart, the one with the largest difference."""
    sure = [c for c in comparisons if c.metric == metric and c.is_sure]
    return max(sure, key=lambda c: abs(c.difference), default=None)


def _groups(axis: Axis, used: Mapping[CellKey, Sequence[Sample]]) -> list[dict[str, CellKey]]:
    """Cells that differ in the axis alone, by their place on it, the baseline first; two places at least."""
    found: dict[CellKey, dict[str, CellKey]] = {}
    for key, samples in used.items():
        place: str | None = getattr(key, axis)
        if place is not None and samples and key.kind != "prime":
            blank = replace(key, client_region=None) if axis == "client_region" else replace(key, protocol="invoke")
            found.setdefault(blank, {})[place] = key
    return [
        dict(sorted(places.items(), key=lambda item: not _is_baseline(axis, item[1])))
        for places in found.values()
        if len(places) > 1
    ]


def _is_baseline(axis: Axis, key: CellKey) -> bool:
    return key.client_region == key.region if axis == "client_region" else key.protocol == "invoke"
