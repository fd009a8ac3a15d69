"""Says in one sentence how two samples, or two targets, differ, or that it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from isotherm.analysis.summary import ComparisonInWords, MetricName, TargetComparison, TargetDifference
from isotherm.campaign.cell import Kind
from isotherm.numbers import count, digits, percent
from isotherm.statistics.fewest import FEWEST_ROUNDS
from isotherm.statistics.results import Comparison

Words = tuple[str, str, str]
"""Verb, word for more, word for less, as in ("starts", "later", "earlier")."""
STARTS: Words = ("starts", "later", "earlier")
ANSWERS: Words = ("answers", "later", "earlier")
IMPORTS: Words = ("imports for", "longer", "less")

#: What makes a comparison possible where there were too few rounds for one.
HOW_MANY_ROUNDS = f"at least {FEWEST_ROUNDS} that both have are needed, and 10 are better"

_OF_TARGETS: Mapping[tuple[Kind, MetricName], Words] = {
    ("cold", "init_duration_ms"): STARTS,
    ("cold", "startup_ms"): STARTS,
    ("cold", "import_ms"): IMPORTS,
    ("cold", "client_ms"): ANSWERS,
    ("warm", "client_ms"): ANSWERS,
}


def difference_in_words(
    names: tuple[str, str],
    words: Words,
    unit: str,
    shift: tuple[float, float | None, float | None],
    sizes: tuple[int | None, int | None],
    confidence: float,
    region: str | None = None,
    *,
    sure: bool | None = None,
    rounds: int | None = None,
) -> str:
    """A difference with its interval as a sentence: how much more or less, or that it cannot be told.

    Parameters
    ----------
    names : (str, str)
        What baseline and other are called.
    words : (str, str, str)
        Verb, word for more and word for less, as in ("starts", "later", "earlier").
    unit : str
        Of the difference.
    confidence : float
        Of the interval.
    shift : (float, float or None, float or None)
        The difference, other - baseline, and both ends of its interval.
    sizes : (int, int)
        Samples of baseline and other; they are said where there is no interval.
    region : str, optional
        Where both are, if that is to be said.
    sure : bool, optional
        Whether they are told apart; without it, whether the interval leaves out 0.
    rounds : int, optional
        Over which the interval was taken; it is said where they were too few for one.
    """
    baseline, other = names
    verb, more, less = words
    middle, low, high = shift
    coverage = percent(confidence)
    where = "" if region is None else f" in {region}"
    if rounds is not None and (low is None or high is None):
        if rounds >= FEWEST_ROUNDS:
            return (
                f"{other} {verb} {digits(abs(middle))} {unit} {more if middle >= 0 else less} than {baseline}{where}, "
                f"in each of {rounds} rounds the same to the last digit: how sure that is cannot be told"
            )
        return (
            f"whether {other} {verb} {more} or {less} than {baseline}{where} cannot be told from "
            f"{count(rounds, 'round')} (difference {digits(middle)} {unit}): {HOW_MANY_ROUNDS}"
        )
    if low is None or high is None:
        return (
            f"{other} {verb} about {digits(abs(middle))} {unit} {more if middle >= 0 else less} than {baseline}; "
            f"{sizes[1]} and {sizes[0]} samples are too few for a {coverage} interval{where}"
        )
    if not (sure if sure is not None else not low <= 0 <= high):
        return (
            f"{other} and {baseline} cannot be told apart with these samples{where} "
            f"(difference {digits(middle)} {unit}, {coverage} interval {digits(low)} to {digits(high)})"
        )
    ends = (low, high) if middle > 0 else (-high, -low)
    return (
        f"{other} {verb} {digits(abs(middle))} {unit} {more if middle > 0 else less} than {baseline}{where} "
        f"({coverage} interval {digits(ends[0])} to {digits(ends[1])})"
    )


def comparison_in_words(
    found: Comparison, names: tuple[str, str], words: Words, confidence: float, unit: str = "ms"
) -> ComparisonInWords:
    """The same comparison with its shift as a sentence; parameters as of `difference_in_words`.

    Examples
    --------
    >>> from isotherm.statistics import compare
    >>> default, pkg50 = [112, 117, 115, 113, 118, 114], [432, 457, 440, 436, 449, 441]
    >>> comparison_in_words(compare(default, pkg50), ("default", "pkg50"), STARTS, 0.95).sentence
    'pkg50 starts 326 ms later than default (95 % interval 314 to 345)'
    """
    return ComparisonInWords(**asdict(found), sentence=_comparison(found, names, words, confidence, unit))


def _comparison(
    found: Comparison,
    names: tuple[str, str],
    words: Words,
    confidence: float,
    unit: str = "ms",
) -> str:
    sizes = found.baseline_n, found.other_n
    if found.shift is None:
        missing = " and ".join(name for name, size in zip(names, sizes, strict=True) if not size)
        return f"{names[1]} and {names[0]} cannot be compared: no samples of {missing}"
    shift = found.shift, found.shift_low, found.shift_high
    return difference_in_words(names, words, unit, shift, sizes, confidence)


def target_comparison(found: TargetDifference, confidence: float) -> TargetComparison:
    """The difference of two targets with its sentence; `confidence` is that of its interval."""
    result = ComparisonInWords(**asdict(found.result), sentence=target_difference_in_words(found, confidence))
    return TargetComparison.model_validate({**found.model_dump(by_alias=True), "result": result})


def target_difference_in_words(found: TargetDifference, confidence: float, region: str | None = None) -> str:
    """How two targets differ in one metric; in which region, where that is to be said."""
    result = found.result
    said = difference_in_words(
        (found.baseline, found.other),
        _OF_TARGETS[found.kind, found.metric],
        "ms",
        (result.shift or 0.0, result.shift_low, result.shift_high),
        (result.baseline_n, result.other_n),
        confidence,
        region,
        sure=found.is_sure,
        rounds=found.rounds,
    )
    return said if found.is_sure or found.detectable_ms is None else f"{said}; {could_have_been_found(found)}"


def could_have_been_found(found: TargetDifference) -> str:
    """Which difference would not have gone unseen."""
    median, size = found.result.baseline_median, found.detectable_ms
    share = f" ({percent(float(f'{size / median:.2g}'))} of {found.baseline})" if size and median else ""
    return f"a difference of {digits(size)} ms{share} would have been found in four of five such campaigns"
