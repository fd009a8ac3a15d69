"""Log text in any wrapper to events: finds the JSON, undoes the wrappers, hands the rest to the grammar."""

from __future__ import annotations

from typing import Any

from isotherm.platform_log.events import Event
from isotherm.platform_log.grammar import MARK, Encoded, InsideObject, scan
from isotherm.platform_log.insights import Rows, is_pair, row_event, row_of
from isotherm.platform_log.jsonevents import Budget, envelope_event, is_envelope, read_loosely, read_object
from isotherm.platform_log.pattern import Pattern
from isotherm.platform_log.wrappers import (
    split_base64,
    starts_as_base64,
    strip_colours,
    unescape_all,
    unescape_once,
)

# Text within text (escaped, base64), and values within values; real logs nest no deeper, but a hostile text may.
_DEEPEST = 8
_MOST_NESTED = 64
# The first key of an object, with how often its quotes are escaped, or doubled as in CSV.
_OBJECT = Pattern(r"\{\s*+(\\*+)(\"\"?|')[\w@.$ -]{0,80}\1\2\s*+:")
_QUOTES: dict[str, Pattern] = {"'": Pattern(r"(?<!\\)\\*+'"), '"': Pattern(r'(?<!\\)\\*+"')}
_CSV_END = Pattern(r"(?<!\")(?:\"\")*+\"(?!\")")
_LOG_LEVELS = frozenset(("level", "levelname", "severity", "log_level", "logLevel"))
_PRINTED = frozenset(("function", "extension"))


def parse_events(text: str) -> list[Event]:
    r"""All platform events in log text, in order.

    Reads text and JSON log format, mixed with what functions print, from any of the usual wrappers: console copies,
    ``aws logs tail``, ``sam logs``, FilterLogEvents answers, Insights results, CSV exports, base64 log tails, escaped
    JSON, terminal colours, comments. Wrapped, glued and cut lines are read as far as they go.

    Parameters
    ----------
    text : str
        Any text at all.

    Returns
    -------
    list of Event
        Empty if the platform wrote nothing of it. Never raises; takes time in proportion to the text.

    Examples
    --------
    >>> [event.event for event in parse_events("START RequestId: 1d4e Version: 7\nEND RequestId: 1d4e\n")]
    ['start', 'end']
    """
    return _read(text, 0)


def parse_piece(text: str, first: bool) -> list[Event]:
    """Events of a piece of a longer text, cut where a new message begins: those the whole text would give for it.

    Parameters
    ----------
    text : str
        The piece.
    first : bool
        Whether the whole text begins with it. Base64 without a request id in sight is looked for only there.

    Returns
    -------
    list of Event
        Events of this piece.
    """
    return _read(text, 0, first)


def _read(text: str, depth: int, first: bool = True) -> list[Event]:
    """Events of text that may hold anything.

    Most text is read in one pass as it is. JSON objects are taken apart only if there are platform events among them,
    or if a message turns up where it could be inside one.
    """
    if depth >= _DEEPEST:
        return _read_text(text, depth)
    if "{" in text and ("platform." in text or "LogResult" in text or '"@' in text):
        return _read_mixed(text, depth, first)
    try:
        return _read_text(text, depth, first, objects=True)
    except InsideObject:
        return _read_mixed(text, depth, first)


def _read_text(text: str, depth: int, first: bool = False, objects: bool = False) -> list[Event]:
    """Events of text between JSON objects."""
    if "\\" in text:
        text = unescape_all(text)
    if "[" in text:
        text = strip_colours(text)
    if depth >= _DEEPEST:
        return scan(text)
    if not (first and starts_as_base64(text)):
        try:
            return scan(text, objects, packed=True)
        except Encoded:
            pass
    events: list[Event] = []
    for piece, decoded in split_base64(text, _is_log, first):
        events += _read(piece, depth + 1) if decoded else scan(piece, objects)
    return events


def _read_mixed(text: str, depth: int, first: bool) -> list[Event]:
    """Events of text with JSON objects in it: each object is read as one, the rest between them as text."""
    events: list[Event] = []
    rows = Rows()
    budget = Budget(4 * len(text) + 4096)
    done = position = 0
    while found := _OBJECT.search(text, position):
        start, escapes, quote = found.start(), found.group(1), found.group(2)
        value: Any = None
        if quote == '""':
            end = _end_of_cell(text, found.end())
            value = text[start:end].replace('""', '"')
        elif escapes:
            end = _end_of_string(text, found.end(), quote, len(escapes))
            value = text[start:end]
            for _ in range(len(escapes).bit_length()):
                value = unescape_once(value)
        elif quote == '"':
            value, end = read_object(text, start, budget)
        else:
            value, end = read_loosely(text, start)
        if is_pair(value) or _worth_reading(text, start, end):
            between = text[done:start]
            if between.strip(" \t\r\n,"):
                events += _read_row(rows.finish(), depth)
                events += _read_text(between, depth, first and done == 0)
            if is_pair(value):
                events += _read_row(rows.add(value), depth)
            else:
                events += _read_row(rows.finish(), depth)
                events += _walk(value, depth, quoted=False)
            done = end
        position = end
    events += _read_row(rows.finish(), depth)
    events += _read_text(text[done:], depth, first and done == 0)
    return events


def _end_of_cell(text: str, position: int) -> int:
    """Where the CSV cell ends in which quotes are doubled: at a quote that is not, or with the line."""
    line_end = text.find("\n", position)
    line_end = line_end if line_end >= 0 else len(text)
    closing = _CSV_END.search(text, position, line_end)
    return closing.end() - 1 if closing else line_end


def _end_of_string(text: str, position: int, quote: str, level: int) -> int:
    """Where the string ends whose inner quotes have `level` backslashes: at a quote with fewer, or with the line."""
    line_end = text.find("\n", position)
    line_end = line_end if line_end >= 0 else len(text)
    for found in _QUOTES[quote].finditer(text, position, line_end):
        if found.end() - found.start() - 1 < level:
            return found.start()
    return line_end


def _is_log(text: str) -> bool:
    return MARK.search(text) is not None or "platform." in text


def _worth_reading(text: str, start: int, end: int) -> bool:
    return (
        text.find("platform.", start, end) >= 0
        or text.find('"@', start, end) >= 0
        or text.find("LogResult", start, end) >= 0
        or MARK.search(text, start, end) is not None
    )


def _walk(value: Any, depth: int, quoted: bool, nested: int = 0) -> list[Event]:
    """Events anywhere inside a JSON value.

    Inside what a function printed (`quoted`), text is the function's own and only JSON events are looked for.
    """
    if isinstance(value, str):
        return _read(value, depth + 1) if not quoted or value.lstrip().startswith(("{", "[")) else []
    if nested > _MOST_NESTED:
        return []
    events: list[Event] = []
    if isinstance(value, list):
        row = row_of(value)
        if row:
            return _read_row(row, depth)
        for item in value:
            events += _walk(item, depth, quoted, nested + 1)
    elif isinstance(value, dict):
        if is_envelope(value):
            return [_envelope(value)]
        kind = value.get("type")
        if isinstance(kind, str) and kind in _PRINTED and "record" in value:
            return []
        if any(key.startswith("@") for key in value) and (found := _read_row(value, depth)):
            return found
        quoted = quoted or not _LOG_LEVELS.isdisjoint(value)
        for key, item in value.items():
            inside = _walk(item, depth, quoted, nested + 1)
            if key == "errorMessage":
                inside = [_with_type(event, value.get("errorType")) for event in inside]
            events += inside
    return events


def _envelope(envelope: dict[str, Any]) -> Event:
    event = envelope_event(envelope)
    record = envelope["record"]
    if not isinstance(record, str):
        return event
    said = _read_text(record, _DEEPEST)
    fields = said[0].to_dict() if said else {"error_message": record}
    return Event({**fields, **{name: value for name, value in event.items() if value is not None}}, record)


def _with_type(event: Event, error_type: Any) -> Event:
    if event.error_type is None and isinstance(error_type, str):
        return Event({**event.to_dict(), "error_type": error_type}, event.record)
    return event


def _read_row(row: dict[str, Any], depth: int) -> list[Event]:
    """Events of an Insights row: those of its message, else what its discovered fields say."""
    if not row:
        return []
    message = row.get("@message")
    if isinstance(message, str):
        events = _read(message, depth + 1)
        if events:
            return events
    event = row_event(row)
    return [event] if event else []
