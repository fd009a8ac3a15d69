"""Cells that differ in one thing alone: from where a function was called, or by which way. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Literal

from isotherm.accounting import CellKey
from isotherm.naming import WAYS
from isotherm.numerals import digits, interval, listed, percent
from isotherm.sample import Sample
from isotherm.statistics import ANSWERS, Words, compare, holm, mean_difference
from isotherm.summary import CellComparison, ClientFinding, Interval, MetricName

SIGNIFICANT = 0.05
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


def comparisons_across(
    axis: Axis, used: Mapping[CellKey, Sequence[Sample]], confidence: float = 0.95
) -> list[CellComparison]:
    """Each cell against that of the same key with the axis' baseline.

    The baseline of clients is the function's own region, of protocols the plain invocation; where that was not
    measured, the first that was.

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
                sides = [_values(used[places[place]], metric) for place in (baseline, other)]
                if not all(sides):
                    continue
                names = _names(axis, places[baseline], baseline, other)
                result = compare(*sides, names=names, words=_WORDS[metric], confidence=confidence)
                found.append(
                    CellComparison(
                        **places[other]._asdict(),
                        across=axis,
                        baseline=baseline,
                        other=other,
                        metric=metric,
                        p_holm=None,
                        result=result,
                    )
                )
    corrected = holm([comparison.result.p_value for comparison in found])
    return [c.model_copy(update={"p_holm": p}) for c, p in zip(found, corrected, strict=True)]


def client_findings(
    used: Mapping[CellKey, Sequence[Sample]], comparisons: Iterable[CellComparison], confidence: float = 0.95
) -> list[ClientFinding]:
    """Whether billed time depends on where the client is, for each function and way that several clients called.

    That no difference was found says little: with few samples none ever is. So the largest difference is stated that
    the samples still allow: of the mean billed times of any two clients, the farthest end of its interval (Welch). The
    bound on the largest needs no correction for there being many pairs: whichever pair truly differs most, its own
    interval fails to hold its difference with at most 1 - `confidence` (Berger 1982, intersection-union).

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
        billed = {client: _values(used[key], _BILLED) for client, key in places.items()}
        billed = {client: values for client, values in billed.items() if values}
        if len(billed) < 2:
            continue
        baseline, *others = billed
        tested = {c.other: c for c in known if c.metric == _BILLED and _same_but("client_region", c, places)}
        differing = [client for client in others if client in tested and _is_sure(tested[client])]
        bounds = {
            pair: mean_difference(billed[pair[0]], billed[pair[1]], confidence, unit=BILLING_UNIT_MS)
            for pair in combinations(billed, 2)
        }
        ends = [end for bound in bounds.values() for end in (bound.low, bound.high)]
        within = None if None in ends else max(abs(end) for end in ends if end is not None)
        means = {client: fmean(values) for client, values in billed.items()}
        small = within is not None and within <= max(BILLING_UNIT_MS, NEGLIGIBLE_SHARE * min(means.values()))
        key = places[baseline]
        found.append(
            ClientFinding(
                target=key.target,
                region=key.region,
                memory_mb=key.memory_mb,
                kind=key.kind,
                protocol=key.protocol,
                operation=key.operation,
                baseline=baseline,
                clients=list(billed),
                differing=differing,
                within_ms=within,
                verdict="differs" if differing else "independent" if small else "unclear",
                sentence=_in_words(key, means, differing, bounds, within, small),
            )
        )
    return found


def _in_words(
    key: CellKey,
    means: Mapping[str, float],
    differing: Sequence[str],
    bounds: Mapping[tuple[str, str], Interval],
    within: float | None,
    small: bool,
) -> str:
    """What a finding says; `means` and `bounds` are of billed times, by client and by pair of clients."""
    subject = f"billed time of {_who(key)} in {key.region}"
    baseline, *_ = means
    level = percent(next(iter(bounds.values())).confidence)
    any_two = f"any two of {len(means)} clients" if len(means) > 2 else "the two clients"
    bound = "" if within is None else f"means differ by at most {digits(within)} ms between {any_two} ({level})"
    if differing:
        widest = max(differing, key=lambda client: abs(means[client] - means[baseline]))
        shift, ends = means[widest] - means[baseline], bounds[baseline, widest]
        low, high = (ends.low, ends.high) if shift > 0 else (_minus(ends.high), _minus(ends.low))
        said = (
            f"{subject} depends on where the client is: from {widest} it is {digits(abs(shift))} ms "
            f"{'more' if shift > 0 else 'less'} than from {baseline} (means; {level} interval {interval(low, high)})"
        )
        others = [client for client in differing if client != widest]
        return said + (f"; {listed(others)} {'differ' if len(others) > 1 else 'differs'} too" if others else "")
    if within is None:
        return f"whether {subject} depends on where the client is cannot be told: too few calls from {listed([*means])}"
    if small:
        return f"{subject} does not depend on where the client is: {bound}"
    return (
        f"no dependence of {subject} on where the client is was found, but little is ruled out: means may differ by up "
        f"to {digits(within)} ms between {any_two} ({level})"
    )


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def farthest(comparisons: Iterable[CellComparison], metric: MetricName) -> CellComparison | None:
    """Of the comparisons of one metric that are told apart, the one with the largest shift."""
    sure = [c for c in comparisons if c.metric == metric and _is_sure(c)]
    return max(sure, key=lambda c: abs(c.result.shift or 0.0), default=None)


def _is_sure(comparison: CellComparison) -> bool:
    return comparison.p_holm is not None and comparison.p_holm < SIGNIFICANT


def _groups(axis: Axis, used: Mapping[CellKey, Sequence[Sample]]) -> list[dict[str, CellKey]]:
    """Cells that differ in the axis alone, by their place on it, the baseline first; two places at least."""
    found: dict[CellKey, dict[str, CellKey]] = {}
    for key, samples in used.items():
        place: str | None = getattr(key, axis)
        if place is not None and samples and key.kind != "prime":
            blank = key._replace(client_region=None) if axis == "client_region" else key._replace(protocol="invoke")
            found.setdefault(blank, {})[place] = key
    return [
        dict(sorted(places.items(), key=lambda item: not _is_baseline(axis, item[1])))
        for places in found.values()
        if len(places) > 1
    ]


def _is_baseline(axis: Axis, key: CellKey) -> bool:
    return key.client_region == key.region if axis == "client_region" else key.protocol == "invoke"


def _same_but(axis: Axis, comparison: CellComparison, places: Mapping[str, CellKey]) -> bool:
    return comparison.across == axis and places.get(comparison.other) == CellKey(
        *(getattr(comparison, field) for field in CellKey._fields)
    )


def _names(axis: Axis, key: CellKey, baseline: str, other: str) -> tuple[str, str]:
    if axis == "client_region":
        return f"called from {baseline}", f"{_who(key)} called from {other}"
    return WAYS[baseline], f"{_who(key)} {WAYS[other]}"


def _who(key: CellKey) -> str:
    return f"{key.target} ({key.operation})" if key.operation else key.target


def _values(samples: Iterable[Sample], metric: MetricName) -> list[float]:
    return [value for sample in samples if (value := getattr(sample, metric)) is not None]
