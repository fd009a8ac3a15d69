"""Text of others, such as what a function said when it failed, with nothing in it that a terminal or a page obeys."""

from __future__ import annotations

import re

#: Unicode's Cc but for tab and line feed (ESC, NUL, CR, DEL, C1 ...), its Bidi_Control, its line and paragraph
#: separators, and halves of surrogate pairs, which have no encoding.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """The text with a replacement character for every control character but tab and line feed, as long as it was.

    What turns the direction of writing (bidi controls) counts as one: it makes a text read as another.
    """
    return _OBEYED.sub(_REPLACEMENT, text)
