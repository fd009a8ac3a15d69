"""The pieces that pages are made of: tables, figures, notices. Escapes what enters; knows nothing of campaigns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from isotherm.numbers import NOTHING, digits, interval


class Column(NamedTuple):
    """Heading of a table's column; `numeric` ones are set flush right, `wide` ones have room for sentences."""

    label: str
    numeric: bool = True
    hint: str = ""
    wide: bool = False


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


class Section(NamedTuple):
    """A section of the page: its heading, and what stands below it, which is HTML already."""

    heading: str
    body: str

    def html(self, name: str | None = None) -> str:
        """The section, under a name to which links can lead where one is given."""
        opening = "<section>" if name is None else f'<section id="{escape(name)}">'
        return f"{opening}<h2>{escape(self.heading)}</h2>{self.body}</section>"


def unbroken(sentence: str) -> str:
    """Escaped, with no line break inside names such as us-east-1, nor before a percent sign."""
    named = re.sub(r"\S+-\S+", lambda found: f'<span class="whole">{found[0]}</span>', escape(sentence))
    return named.replace(" %", "&nbsp;%")


def notice(title: str, sentences: Iterable[str], style: str) -> str:
    """Sentences that a reader must not miss; `style` is "notices", or "notices bad" for what is wrong."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="{style}" aria-label="{escape(title)}"><h2>{escape(title)}</h2><ul>{items}</ul></section>'


def figure(group: str, kind: str, label: str, caption: str) -> str:
    """Place of a figure that the page's script draws: its group of data, its kind, its name for who cannot see it."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><div class="plot" role="img" aria-label="{escape(label)}" data-of="{escape(group)}" '
        f'data-figure="{kind}"></div>{below}</figure>'
    )


def definitions(pairs: dict[str, str]) -> str:
    """A list of terms with what they are."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs.items())
    return f'<dl class="settings">{items}</dl>'


def with_interval(value: float | None, low: float | None, high: float | None, note: str = "") -> str:
    """A table's number with its interval below it, and a word on that; a dash where there is none."""
    if value is None:
        return NOTHING
    ends = interval(low, high)
    return Markup(f"{digits(value)}<small>{ends}{'' if ends == NOTHING else escape(note)}</small>")


def choices(group: str, legend: str, options: Iterable[tuple[str, str, str]], marks: str = "") -> str:
    """Buttons of which one is on: value, label and explanation of each; the figures of the group follow them."""
    name = f"{group}{marks.strip()}"
    labels = "".join(
        f'<label title="{escape(about)}"><input type="radio" name="{escape(name)}" value="{escape(value)}"'
        f"{' checked' if index == 0 else ''}><span>{escape(label)}</span></label>"
        for index, (value, label, about) in enumerate(options)
    )
    return f'<fieldset data-group="{escape(group)}"{marks}><legend>{escape(legend)}</legend>{labels}</fieldset>'


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    last_is_sum: bool = False,
    tall: bool = False,
) -> Markup:
    """A table with caption and scoped headings, in a scroll box that a keyboard reaches; first cells head rows.

    A `tall` one scrolls in its box as well, below its headings.
    """
    body = [
        _row(columns, row, ' class="sum"' if last_is_sum and number == len(rows) else "")
        for number, row in enumerate(rows, start=1)
    ]
    return _framed(caption, columns, f"<tbody>{''.join(body)}</tbody>", tall)


def grouped_table(
    caption: str, columns: Sequence[Column], groups: Iterable[tuple[str, Sequence[Sequence[str]]]]
) -> Markup:
    """A tall table whose rows come in groups, each below a heading of its own.

    A row of two cells has nothing to show: its second cell says why, across all columns.
    """
    bodies = []
    for heading, rows in groups:
        body = (
            f'<tr class="group"><th scope="rowgroup" colspan="{len(columns)}"><span>{_text(heading)}</span></th></tr>'
        )
        for row in rows:
            if len(row) == 2 < len(columns):
                name, why = row
                body += f'<tr><th scope="row">{_text(name)}</th>'
                body += f'<td class="gap" colspan="{len(columns) - 1}"><span>{_text(why)}</span></td></tr>'
            else:
                body += _row(columns, row, "")
        bodies.append(f"<tbody>{body}</tbody>")
    return _framed(caption, columns, "".join(bodies), tall=True)


def _row(columns: Sequence[Column], row: Sequence[str], style: str) -> str:
    first, *rest = row
    cells = "".join(f"<td{_numeric(column)}>{_text(text)}</td>" for column, text in zip(columns[1:], rest, strict=True))
    return f'<tr{style}><th scope="row">{_text(first)}</th>{cells}</tr>'


def _framed(caption: str, columns: Sequence[Column], bodies: str, tall: bool) -> Markup:
    headings = "".join(
        f'<th scope="col"{_numeric(column)}>{escape(column.label)}'
        f"{f'<small>{escape(column.hint)}</small>' if column.hint else ''}</th>"
        for column in columns
    )
    box = "scroll tall" if tall else "scroll"
    return Markup(
        f'<div class="{box}" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption><span>{escape(caption)}</span></caption><thead><tr>{headings}</tr></thead>"
        f"{bodies}</table></div>"
    )


def _numeric(column: Column) -> str:
    return ' class="n"' if column.numeric else ' class="wide"' if column.wide else ""


def _text(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)
