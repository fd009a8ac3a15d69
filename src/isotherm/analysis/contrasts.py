"""Cells that differ in one thing alone: from where a function was called, or by which way. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from statistics import fmean, median
from typing import Literal, NamedTuple

from isotherm.analysis.summary import CellComparison, ClientFinding, MetricName
from isotherm.analysis.words.cells import WAYS
from isotherm.analysis.words.differences import ANSWERS, Words, difference_in_words
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.numbers import digits, interval, listed, percent
from isotherm.statistics.results import SIGNIFICANT, Middle
from isotherm.statistics.two_samples import Difference, holm, middle_difference

#: A difference of billed times that does not matter: what is billed comes in whole ms, or a twentieth of the bill.
BILLING_UNIT_MS = 1.0
NEGLIGIBLE_SHARE = 0.05

Axis = Literal["client_region", "protocol"]

_BILLED: MetricName = "billed_duration_ms"
_WORDS: Mapping[MetricName, Words] = {
    _BILLED: ("is billed", "more", "less"),
    "duration_ms": ("runs", "longer", "less"),
    "work_ms": ("works", "longer", "less"),
    "client_ms": ANSWERS,
}
_METRICS: Mapping[Axis, tuple[MetricName, ...]] = {
    "client_region": (_BILLED, "duration_ms", "client_ms"),
    "protocol": ("client_ms", _BILLED, "work_ms"),
}
# A bill is a sum, so means count there; of the others the typical call.
_MIDDLES: Mapping[MetricName, Middle] = {_BILLED: "mean"}


def comparisons_across(
    axis: Axis, used: Mapping[CellKey, Sequence[Sample]], confidence: float = 0.95
) -> list[CellComparison]:
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
    list of CellComparison
        p-values are corrected (Holm) for all of them together.
    """
    found = []
    for places in _groups(axis, used):
        baseline, *others = places
        for other in others:
            for metric in _METRICS[axis]:
                ours, theirs = (_Side.of(used[places[place]], metric) for place in (baseline, other))
                if not (ours.values and theirs.values):
                    continue
                middle = _MIDDLES.get(metric, "median")
                result = _difference(ours, theirs, middle, confidence)
                ends = (result.value, result.low, result.high)
                sizes = (len(ours.values), len(theirs.values))
                names = _names(axis, places[baseline], baseline, other)
                found.append(
                    CellComparison(
                        **asdict(places[other]),
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
                        p_holm=None,
                        rounds=result.blocks,
                        sentence=difference_in_words(names, _WORDS[metric], "ms", ends, sizes, confidence),
                    )
                )
    corrected = holm([comparison.p_value for comparison in found])
    return [c.model_copy(update={"p_holm": p}) for c, p in zip(found, corrected, strict=True)]


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


def _difference(baseline: _Side, other: _Side, middle: Middle, confidence: float) -> Difference:
    return middle_difference(
        baseline.values,
        other.values,
        (baseline.rounds, other.rounds),
        middle=middle,
        confidence=confidence,
        unit=BILLING_UNIT_MS if middle == "mean" else 0.0,
    )


def client_findings(
    used: Mapping[CellKey, Sequence[Sample]], comparisons: Iterable[CellComparison], confidence: float = 0.95
) -> list[ClientFinding]:
    """Whether billed time depends on where the client is, for each function and way that several clients called.

    That no difference was found says little: with few samples none ever is. So the largest difference is stated that
    the samples still allow: of the mean billed times of any two clients, the farthest end of its interval. The bound on
    the largest needs no correction for there being many pairs: whichever pair truly differs most, its own interval
    fails to hold its difference with at most 1 - `confidence` (Berger 1982, intersection-union).

    Parameters
    ----------
    used : mapping
        Used samples by cell, in reading order.
    comparisons : iterable of CellComparison
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
        differing = [tested[client] for client in others if client in tested and _is_sure(tested[client])]
        bounds = [_difference(billed[one], billed[other], "mean", confidence) for one, other in combinations(billed, 2)]
        ends = [end for bound in bounds for end in (bound.low, bound.high)]
        within = None if None in ends else max(abs(end) for end in ends if end is not None)
        least = min(side.middle("mean") for side in billed.values())
        small = within is not None and within <= max(BILLING_UNIT_MS, NEGLIGIBLE_SHARE * least)
        key = places[baseline]
        found.append(
            ClientFinding(
                **asdict(replace(key, client_region=None)),
                baseline=baseline,
                clients=list(billed),
                differing=[comparison.other for comparison in differing],
                within_ms=within,
                verdict="differs" if differing else "independent" if small else "unclear",
                sentence=_in_words(key, list(billed), differing, within, small, percent(confidence)),
            )
        )
    return found


def _in_words(
    key: CellKey,
    clients: Sequence[str],
    differing: Sequence[CellComparison],
    within: float | None,
    small: bool,
    level: str,
) -> str:
    """What a finding says; `differing` are the comparisons with clients that are told apart from the baseline."""
    subject = f"billed time of {_who(key)} in {key.region}"
    any_two = f"any two of {len(clients)} clients" if len(clients) > 2 else "the two clients"
    if differing:
        widest = max(differing, key=lambda c: abs(c.difference))
        more = widest.difference > 0
        ends = (widest.low, widest.high) if more else (_minus(widest.high), _minus(widest.low))
        said = (
            f"{subject} depends on where the client is: from {widest.other} it is {digits(abs(widest.difference))} ms "
            f"{'more' if more else 'less'} than from {widest.baseline} (means; {level} interval {interval(*ends)})"
        )
        others = [c.other for c in differing if c is not widest]
        return said + (f"; {listed(others)} {'differ' if len(others) > 1 else 'differs'} too" if others else "")
    if within is None:
        return (
            f"whether {subject} depends on where the client is cannot be told: too few calls from {listed([*clients])}"
        )
    if small:
        return (
            f"{subject} does not depend on where the client is: means differ by at most {digits(within)} ms between "
            f"{any_two} ({level})"
        )
    return (
        f"{subject} was not found to depend on where the client is, but little is ruled out: means may differ by up to "
        f"{digits(within)} ms between {any_two} ({level})"
    )


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def farthest(comparisons: Iterable[CellComparison], metric: MetricName) -> CellComparison | None:
    """Of the comparisons of one metric that are told apart, the one with the largest difference."""
    sure = [c for c in comparisons if c.metric == metric and _is_sure(c)]
    return max(sure, key=lambda c: abs(c.difference), default=None)


def _is_sure(comparison: CellComparison) -> bool:
    return comparison.p_holm is not None and comparison.p_holm < SIGNIFICANT


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


def _names(axis: Axis, key: CellKey, baseline: str, other: str) -> tuple[str, str]:
    if axis == "client_region":
        return f"called from {baseline}", f"{_who(key)} called from {other}"
    return WAYS[baseline], f"{_who(key)} {WAYS[other]}"


def _who(key: CellKey) -> str:
    return f"{key.target} ({key.operation})" if key.operation else key.target
