"""Undoes what tools put around log text: escapes, colours, base64. Knows nothing of the lines inside."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable

from isotherm.platform_log.pattern import Pattern

_ESCAPE = Pattern(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ANY_LEVEL = Pattern(r"(?<!\\)\\++(u[0-9a-fA-F]{4}|x[0-7][0-9a-fA-F]|[ntr\"'/])")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

_COLOUR = Pattern(r"\x1b\[[0-9;]{0,16}m")
# ESC is lost or replaced when a terminal's output passes through a web page: "?[32m", "^[[32m", "[0m".
_CODE = Pattern(r"\[[0-9]{1,3}(?:;[0-9]{1,3}){0,4}m")
_MANGLED_COLOUR = Pattern(r"(?:\^\[|[?\u241b\ufffd])?" + _CODE.pattern)

# A run goes on over a line end only into a line that is base64 to its end: tails are pasted hard-wrapped.
# Possessive, so that a run is read once and never given back.
_BASE64_RUN = Pattern(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}+"
    r"(?:[ \t]*+(?:[\r\n]|\\[nr])++[ \t]*+[A-Za-z0-9+/]{2,}+(?=={0,2}[ \t]*(?:[\r\n\\\"',]|\Z)))*+={0,2}"
)
# "equestId" in base64, at each of its three alignments.
BASE64_SIGNS = ("ZXF1ZXN0SW", "VxdWVzdElk", "XVlc3RJZ")
_BASE64_HEAD = Pattern(r"[\s\"']*+[A-Za-z0-9+/]{24}")
_BASE64_SPACE = Pattern(r"\\[nr]|\s")


def unescape_once(text: str) -> str:
    r"""Undo one level of JSON (or Python, JavaScript) string escapes.

    Parameters
    ----------
    text : str
        Inside of a string literal, without its quotes.

    Returns
    -------
    str
        What the literal stands for; an escape no language knows stays without its backslash.
    """
    return _ESCAPE.sub(_unescaped, text)


def unescape_all(text: str) -> str:
    r"""Undo escapes of white space and quotes at every level at once.

    Log lines hold no backslash of their own, so ``\t``, ``\\t`` and ``\\\\t`` all stand for the one tab.

    Parameters
    ----------
    text : str
        Text with any mixture of levels.

    Returns
    -------
    str
        The text with real tabs, newlines and quotes.
    """
    return _ANY_LEVEL.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _CONTROL.get(code, code)


def strip_colours(text: str) -> str:
    """Remove terminal colours, also those whose ESC was lost on the way.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text without them.
    """
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    # The search begins with a plain bracket and is quick; the substitution is not.
    return _MANGLED_COLOUR.sub("", text) if _CODE.search(text) else text


def starts_as_base64(text: str) -> bool:
    """Whether the text begins like nothing but base64, so that looking for it is worth the time.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    bool
        True for a long first word of the base64 alphabet.
    """
    return " " not in text[:24] and _BASE64_HEAD.match(text) is not None


def split_base64(text: str, is_log: Callable[[str], bool], first: bool) -> list[tuple[str, bool]]:
    """Split text into what is plain and what was base64.

    Parameters
    ----------
    text : str
        Text that may hold base64 of log text, as in the ``LogResult`` of an invocation.
    is_log : callable
        Whether a decoded text is worth reading; much that is not base64 at all can be decoded.
    first : bool
        Whether the text may begin with base64 in which no request id shows.

    Returns
    -------
    list of (str, bool)
        Pieces in order; True marks one that was base64 and is decoded.
    """
    pieces: list[tuple[str, bool]] = []
    done = 0
    for match in _BASE64_RUN.finditer(text):
        packed = _BASE64_SPACE.sub("", match.group()).rstrip("=")
        shows = any(sign in packed for sign in BASE64_SIGNS) or (
            first and not text[: match.start()].strip(" \t\r\n\"'")
        )
        decoded = _decode(packed, is_log) if shows else ""
        if decoded:
            pieces += [(text[done : match.start()], False), (decoded, True)]
            done = match.end()
    pieces.append((text[done:], False))
    return pieces


def _decode(packed: str, is_log: Callable[[str], bool]) -> str:
    # A paste may begin anywhere, so the first characters can belong to a group that is not all there.
    for skipped in range(4):
        group = packed[skipped:]
        whole = group[: len(group) - 1] if len(group) % 4 == 1 else group
        try:
            data = b64decode(whole + "=" * (-len(whole) % 4))
        except (Base64Error, ValueError):
            continue
        text = data.decode("utf-8", "replace")
        if is_log(text):
            return text
    return ""
