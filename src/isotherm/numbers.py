"""Numbers as a person reads them: three digits that mean something, a unit, no exponent."""

from __future__ import annotations

import math

NOTHING = "–"  # noqa: RUF001 - an en dash, as tables print it


def digits(value: float | None) -> str:
    """`value` with three significant digits, at most two decimals: 1,230; 310; 31.2; 3.12; 0.03.

    None and NaN become a dash: nothing missing is ever shown as zero.
    """
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    places = min(max(2 - math.floor(math.log10(abs(rounded))), 0), 2)
    minus = "−" if round(rounded, places) < 0 else ""  # noqa: RUF001 - the minus sign, as wide as a plus
    return f"{minus}{abs(rounded):,.{places}f}"


def per_ms(slope: float | None) -> str:
    """Milliseconds for each millisecond, to the hundredth: finer ones do not matter, and zero is seen as measured."""
    if slope is None:
        return NOTHING
    rounded = round(slope, 2)
    return f"{'−' if rounded < 0 else ''}{abs(rounded):.2f}"  # noqa: RUF001 - the minus sign, as wide as a plus


def interval(low: float | None, high: float | None, between: str = " to ") -> str:
    """Both ends of an interval, a dash where there is none: "296 to 325"; "over 296" where only one side is known."""
    if low is None and high is None:
        return NOTHING
    if high is None:
        return f"over {digits(low)}"
    if low is None:
        return f"under {digits(high)}"
    return f"{digits(low)}{between}{digits(high)}"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 lane", "20 lanes"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: list[str]) -> str:
    """Names as in a sentence: "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def capitalised(sentence: str) -> str:
    """With a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def data_size(size_bytes: float) -> str:
    """Bytes in decimal units, as archives are sold: 169 B, 22.7 MB."""
    for limit, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB")):
        if size_bytes < limit:
            return f"{digits(size_bytes * 1e3 / limit)} {unit}"
    return f"{digits(size_bytes / 1e9)} GB"


def dollars(usd: float) -> str:
    """Dollars to the cent, and small sums to the digit that says something: 4.10 USD, 0.0123 USD."""
    if usd == 0:
        return "0 USD"
    places = 2 if usd >= 1 else min(8, 2 - math.floor(math.log10(abs(usd))))
    return f"{usd:,.{places}f} USD"


def percent(share: float) -> str:
    """A share of 1 as a percentage: 95 %, 99.9 %."""
    return f"{100 * share:.4g} %"


def rough_percent(share: float | None) -> str:
    """A share of 1 that is an estimate, as a percentage with the digits that mean something: 4.61 %, 0.03 %."""
    return NOTHING if share is None else f"{digits(100 * share)} %"


def probability(p: float | None) -> str:
    """A p-value: "0.03", "< 0.001", a dash for none."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
