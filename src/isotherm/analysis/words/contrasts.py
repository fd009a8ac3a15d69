"""Says how cells differ that are alike but for the client or the way, and whether billed time depends on the client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from isotherm.analysis.contrasts import of_finding
from isotherm.analysis.summary import CellComparison, CellDifference, ClientDependence, ClientFinding, MetricName
from isotherm.analysis.words.cells import WAYS
from isotherm.analysis.words.differences import ANSWERS, Words, difference_in_words
from isotherm.campaign.cell import InCell
from isotherm.numbers import digits, interval, listed, percent

_BILLED: MetricName = "billed_duration_ms"
_WORDS: Mapping[MetricName, Words] = {
    _BILLED: ("is billed", "more", "less"),
    "duration_ms": ("runs", "longer", "less"),
    "work_ms": ("works", "longer", "less"),
    "client_ms": ANSWERS,
}


def cell_comparison(found: CellDifference, confidence: float) -> CellComparison:
    """The difference with its sentence; `confidence` is that of its interval."""
    return CellComparison(**dict(found), sentence=cell_difference_in_words(found, confidence))


def cell_difference_in_words(found: CellDifference, confidence: float, region: str | None = None) -> str:
    """How the two cells differ in one metric; in which region, where that is to be said."""
    who = _who(found)
    if found.across == "client_region":
        names = f"called from {found.baseline}", f"{who} called from {found.other}"
    else:
        names = WAYS[found.baseline], f"{who} {WAYS[found.other]}"
    ends = (found.difference, found.low, found.high)
    sizes = (found.baseline_n, found.other_n)
    words = _WORDS[found.metric]
    return difference_in_words(
        names, words, "ms", ends, sizes, confidence, region, sure=found.is_sure, rounds=found.rounds
    )


def client_finding(found: ClientDependence, comparisons: Iterable[CellDifference], confidence: float) -> ClientFinding:
    """The finding with its sentence; parameters as of `client_dependence_in_words`."""
    return ClientFinding(**dict(found), sentence=client_dependence_in_words(found, comparisons, confidence))


def client_dependence_in_words(
    found: ClientDependence, comparisons: Iterable[CellDifference], confidence: float
) -> str:
    """Whether billed time depends on where the client is, and by how much it does, or might.

    Parameters
    ----------
    found : ClientDependence
        What is said.
    comparisons : iterable of CellDifference
        Those across clients, from which the largest difference is taken.
    confidence : float
        Of the intervals.
    """
    level = percent(confidence)
    subject = f"billed time of {_who(found)} in {found.region}"
    any_two = f"any two of {len(found.clients)} clients" if len(found.clients) > 2 else "the two clients"
    match found.verdict:
        case "differs":
            differing = [
                c for c in of_finding(found, comparisons) if c.metric == _BILLED and c.other in found.differing
            ]
            widest = max(differing, key=lambda c: abs(c.difference))
            more = widest.difference > 0
            ends = (widest.low, widest.high) if more else (_minus(widest.high), _minus(widest.low))
            said = (
                f"{subject} depends on where the client is: from {widest.other} it is "
                f"{digits(abs(widest.difference))} ms {'more' if more else 'less'} than from {widest.baseline} "
                f"(means; {level} interval {interval(*ends)})"
            )
            others = [client for client in found.differing if client != widest.other]
            return said + (f"; {listed(others)} {'differ' if len(others) > 1 else 'differs'} too" if others else "")
        case "independent":
            return (
                f"{subject} does not depend on where the client is: means differ by at most {digits(found.within_ms)} "
                f"ms between {any_two} ({level})"
            )
        case "unclear" if found.within_ms is None:
            return (
                f"whether {subject} depends on where the client is cannot be told: too few calls from "
                f"{listed(found.clients)}"
            )
        case "unclear":
            return (
                f"{subject} was not found to depend on where the client is, but little is ruled out: means may differ "
                f"by up to {digits(found.within_ms)} ms between {any_two} ({level})"
            )
    assert_never(found.verdict)


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _who(cell: InCell) -> str:
    return f"{cell.target} ({cell.operation})" if cell.operation else cell.target
