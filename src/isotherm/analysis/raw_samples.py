"""Rows of a file to samples: ours, or anybody's with the same columns. Knows nothing of files, and no statistics.

What is there is checked and never guessed. Of the columns that `Sample` has, `NEEDED` have to be there, and at least
one measured time; of all others what is missing is not known, and stays so in the account.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from isotherm.analysis.summary import METRICS, MeasuredOn
from isotherm.campaign.lane import Platform
from isotherm.measurement.sample import Sample

#: Without these nobody can say what a row is a sample of.
NEEDED = ("target", "region", "memory_mb", "kind", "round", "verdict")

#: What to write where such a column is missing or empty.
_ADVICE: Mapping[str, str] = {
    "target": "the name of what was called",
    "region": 'where it ran, such as us-east-1, or one word such as "here" in every row',
    "memory_mb": "its memory in MB, such as 128, or 0 in every row where it is not known",
    "kind": "cold, warm or prime",
    "round": "0, 1, 2 ...: the repeat of the experiment that the call was made in, 0 in every row if there was one",
    "verdict": '"used" where the call counts, and why not where it does not',
}

#: True and false as programs write them.
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}

#: Few distinct texts in many rows.
_REPEATED = frozenset({"campaign_id", "target", "region", "lane", "version", "client_region", "inner", "inner_region"})


class BadSamples(ValueError):
    """Rows that cannot be read; the text names line, column, value and what is accepted."""


@dataclass(slots=True)
class RawSamples:
    """What rows came to: samples in their order, the columns that were read, and those that nobody knows."""

    samples: list[Sample] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)

    def platform(self, said: Platform | None = None) -> MeasuredOn:
        """Where they were measured: what the column `emulated` says, else what a person says, else unknown.

        Raises
        ------
        BadSamples
            The samples are of both, or are not of what the person says.
        """
        if "emulated" not in self.columns:
            return said or "unknown"
        places: set[Platform] = {"emulated" if sample.emulated else "aws" for sample in self.samples}
        if len(places) > 1:
            raise BadSamples("emulated: samples of AWS and of an emulation are not to be mixed; give one of them")
        place = places.pop()
        if said not in (None, place):
            raise BadSamples(f"--platform: {said} is not what the column emulated says, which is {place}")
        return place


def read_samples(rows: Iterable[tuple[int, Mapping[str, object]]]) -> RawSamples:
    """Samples of rows.

    Parameters
    ----------
    rows : iterable of (int, mapping)
        Number of the line, and values by column: text, numbers, true or false; None or "" where there is nothing.

    Returns
    -------
    RawSamples
        In the order of the rows. A number that is not finite is kept as it is (`isotherm.analysis.finite`). Two rows
        are the same call where both `lane` and `shot_id` are there and agree.

    Raises
    ------
    BadSamples
        There is no row, a needed column or all times are missing, or a value is not what its column takes.
    """
    found = RawSamples()
    named: dict[tuple[str, ...], None] = {}
    filled: dict[tuple[str, ...], None] = {}
    for line, row in rows:
        values = _values(line, row)
        named.setdefault(tuple(row))
        filled.setdefault(tuple(values))
        found.samples.append(_sample(line, values))
    found.columns = {name for names in filled for name in names}
    if not found.samples:
        raise BadSamples("there is no row: at least one sample is needed")
    if not found.columns & METRICS.keys():
        raise BadSamples(f"no column holds a measured number; at least one is needed of {', '.join(METRICS)}")
    found.unknown = list(dict.fromkeys(name for names in named for name in names if name not in _COLUMNS))
    return found


def check_columns(columns: Iterable[str]) -> None:
    """Refuse columns among which a needed one is missing, with a BadSamples that names it."""
    there = set(columns)
    missing = [name for name in NEEDED if name not in there]
    if missing:
        names = ", ".join(missing)
        advice = "; ".join(f"{name}: {_ADVICE[name]}" for name in missing)
        raise BadSamples(f"{names}: no such {'column' if len(missing) == 1 else 'columns'} ({advice})")


def _values(line: int, row: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or value == "":
            continue
        read = _COLUMNS.get(name)
        if read is None:
            continue
        try:
            values[name] = read(value)
        except (ValueError, TypeError, OverflowError):
            raise BadSamples(f"line {line}, {name}: {_shown(value)} is not {_ACCEPTED[name]}") from None
    for name in NEEDED:
        if name not in values:
            raise BadSamples(f"line {line}, {name}: nothing there; needed is {_ADVICE[name]}")
    return values


def _sample(line: int, values: dict[str, Any]) -> Sample:
    values = {**_NOT_SAID, **values}
    if not values["lane"] or not values["shot_id"]:
        # Who does not say which calls are the same has none twice.
        values["shot_id"] = f"{values['shot_id']}, line {line}" if values["shot_id"] else f"line {line}"
    if "outcome" not in values:
        values["outcome"] = "failed" if values["verdict"] == "failed" else "answered"
    return Sample(**values)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    if isinstance(value, str) and "_" in value:
        raise ValueError
    return float(value)


def _int(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    number = _float(value)
    if not math.isfinite(number) or number != int(number):
        raise ValueError
    return int(number)


def _count(value: object) -> int:
    number = _int(value)
    if number < 0:
        raise ValueError
    return number


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _TRUTH:
        return _TRUTH[value.strip().lower()]
    raise ValueError


def _text(value: object) -> str:
    if isinstance(value, str):
        if not value.isascii():
            value.encode()  # half of a surrogate pair, which JSON can spell, is in no text that could be written
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return str(value)


def _repeated(value: object) -> str:
    return sys.intern(_text(value))


def _one_of(words: tuple[str, ...]) -> Callable[[object], str]:
    known = {word: word for word in words}

    def read(value: object) -> str:
        word = known.get(value) or known.get(value.strip()) if isinstance(value, str) else None
        if word is None:
            raise ValueError
        return word

    return read


def _reader(name: str, hint: Any) -> tuple[Callable[[object], Any], str]:
    """How a column's value is read, and what it accepts in words."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if type(None) in get_args(hint) else [hint]
    kind = kinds[0]
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return _one_of(words), f"one of {', '.join(words)}"
    if name in ("memory_mb", "round"):
        return _count, "a whole number from 0 on"
    if kind is bool:
        return _bool, "true or false"
    if kind is int:
        return _int, "a whole number"
    if kind is float:
        return _float, "a number (with a point, as in 12.5)"
    return (_repeated if name in _REPEATED else _text), "text"


_HINTS = get_type_hints(Sample)
_READERS = {column.name: _reader(column.name, _HINTS[column.name]) for column in fields(Sample)}
_COLUMNS: Mapping[str, Callable[[object], Any]] = {name: read for name, (read, _) in _READERS.items()}
_ACCEPTED = {name: accepted for name, (_, accepted) in _READERS.items()}

_NO_VALUE: Mapping[type, Any] = {str: "", int: 0, float: 0.0, bool: False}
#: What samples have where nobody says it: nothing that the account would count as known.
_NOT_SAID: dict[str, Any] = {
    column.name: _NO_VALUE[_HINTS[column.name]]
    for column in fields(Sample)
    if column.default is MISSING and column.name not in NEEDED and _HINTS[column.name] in _NO_VALUE
} | {"temperature": "unwitnessed", "report_found": None}
