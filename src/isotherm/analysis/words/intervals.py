"""Says what the intervals of cells speak of: of rounds in general, or of the rounds that happened alone."""

from __future__ import annotations

from collections.abc import Iterable

from isotherm.numbers import interval, percent
from isotherm.statistics.fewest import FEWEST_ROUNDS, LEAST_A_ROUND
from isotherm.statistics.results import MetricSummary

TOO_FEW_FOR_P99 = "too few for a p99"

#: What follows an interval that says nothing of other rounds.
OF_THESE_ROUNDS = " of these rounds"


def of_rounds(metric: MetricSummary) -> str:
    """`OF_THESE_ROUNDS`, or nothing where the interval holds for other rounds too, as far as is known."""
    return OF_THESE_ROUNDS if metric.scope == "these_rounds" else ""


def median_interval(metric: MetricSummary, confidence: float) -> str:
    """The median's interval as the rest of a sentence: "95 % interval 88 to 94", "88 to 94 in these rounds"."""
    ends = interval(metric.median_low, metric.median_high)
    return f"{ends} in these rounds" if metric.scope == "these_rounds" else f"{percent(confidence)} interval {ends}"


def kind_of_intervals(metrics: Iterable[MetricSummary], confidence: float, where: str = "where it says so") -> str:
    """What a table's intervals are, as a noun: "95 % interval", or "interval of these rounds alone (...)"."""
    these = {metric.scope == "these_rounds" for metric in metrics}
    if these == {True}:
        return f"interval of these rounds alone (an interval at {percent(confidence)} needs {_NEEDED})"
    mixed = f", or that of these rounds alone {where} (fewer than {_NEEDED})" if True in these else ""
    return f"{percent(confidence)} interval{mixed}"


_NEEDED = f"{FEWEST_ROUNDS} rounds of {LEAST_A_ROUND} samples"
