"""Text of others, such as what a function said when it failed, with nothing in it that whoever shows it obeys."""

from __future__ import annotations

import re

#: Unicode's Cc but for tab and line feed (ESC, NUL, CR, DEL, C1 ...), its Bidi_Control, its line and paragraph
#: separators, and halves of surrogate pairs, which have no encoding.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

#: How a cell begins that spreadsheets take for a formula, in spite of the quotes of CSV, and with what it is made text.
#: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(
    r"'*[=+\-@\t\r\n"
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]"
)
_TEXT_FOLLOWS = "'"

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """The text with a replacement character for every control character but tab and line feed, as long as it was.

    What turns the direction of writing (bidi controls) counts as one: it makes a text read as another.
    """
    return _OBEYED.sub(_REPLACEMENT, text)


def spreadsheet_text(text: str) -> str:
    """The text as a cell of CSV that no spreadsheet takes for a formula: with `'` before what begins like one."""
    return _TEXT_FOLLOWS + text if _FORMULA.match(text) else text


def of_spreadsheet_text(cell: str) -> str:
    """The text of a cell that `spreadsheet_text` gave; a formula, which it never gives, is left as it is."""
    return cell[1:] if cell.startswith(_TEXT_FOLLOWS) and _FORMULA.match(cell) else cell
