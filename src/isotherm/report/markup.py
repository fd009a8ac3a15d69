"""The pieces that pages are made of: tables, figures, notices. Escapes what enters; knows nothing of campaigns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from isotherm.numerals import NOTHING, digits, interval


class Column(NamedTuple):
    """Heading of a table's column; `numeric` ones are set flush right."""

    label: str
    numeric: bool = True
    hint: str = ""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def unbroken(sentence: str) -> str:
    """Escaped, with no line break inside names such as us-east-1."""
    return re.sub(r"\S+-\S+", lambda found: f'<span class="whole">{found[0]}</span>', escape(sentence))


def notice(title: str, sentences: Iterable[str], style: str) -> str:
    """Sentences that a reader must not miss; `style` is "notices", or "notices bad" for what is wrong."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="{style}" aria-label="{escape(title)}"><h2>{escape(title)}</h2><ul>{items}</ul></section>'


def figure(group: str, kind: str, label: str, caption: str) -> str:
    """Place of a figure that the page's script draws: its group of data, its kind, its name for who cannot see it."""
    return (
        f'<figure><div class="plot" role="img" aria-label="{escape(label)}" data-of="{escape(group)}" '
        f'data-figure="{kind}"></div><figcaption>{escape(caption)}</figcaption></figure>'
    )


def definitions(pairs: dict[str, str]) -> str:
    """A list of terms with what they are."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs.items())
    return f'<dl class="settings">{items}</dl>'


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A table's number with its interval below it; a dash where there is none."""
    if value is None:
        return NOTHING
    return Markup(f"{digits(value)}<small>{interval(low, high)}</small>")


def table(
    caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, last_is_sum: bool = False
) -> Markup:
    """A table with caption and scoped headings, in a scroll box that a keyboard reaches; first cells head rows."""
    headings = "".join(
        f'<th scope="col"{_numeric(column)}>{escape(column.label)}'
        f"{f'<small>{escape(column.hint)}</small>' if column.hint else ''}</th>"
        for column in columns
    )
    body = []
    for number, row in enumerate(rows, start=1):
        first, *rest = row
        cells = "".join(
            f"<td{_numeric(column)}>{_text(text)}</td>" for column, text in zip(columns[1:], rest, strict=True)
        )
        style = ' class="sum"' if last_is_sum and number == len(rows) else ""
        body.append(f'<tr{style}><th scope="row">{_text(first)}</th>{cells}</tr>')
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption><span>{escape(caption)}</span></caption><thead><tr>{headings}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _numeric(column: Column) -> str:
    return (
        ' class="n"' if column.numeric else ' class="wide"' if column.label in ("In words", "Reason", "Value") else ""
    )


def _text(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)
