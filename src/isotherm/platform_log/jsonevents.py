"""Reads platform events written as JSON, also where the JSON is cut, glued or not quite JSON. Knows nothing of text."""

from __future__ import annotations

from json import JSONDecoder
from typing import Any

from isotherm.platform_log.events import BASE_FIELDS, Event, field_name
from isotherm.platform_log.pattern import Pattern
from isotherm.platform_log.wrappers import unescape_once

_DEEPEST = 64
_DECODER = JSONDecoder()
_TOKEN = Pattern(
    r"\s*(?:([{}\[\]:,])"
    r'|"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
    r"|'([^'\\\n]*+(?:\\.[^'\\\n]*+)*+)'"
    r"|(-?[0-9][0-9.eE+-]*+)"
    r"|(true|false|null|True|False|None)\b)"
)
_WORDS = {"true": True, "True": True, "false": False, "False": False}
_NAMES = {
    "requestId": "request_id",
    "name": "extension_name",
    "state": "extension_state",
    "events": "extension_events",
    "types": "subscribed_types",
}
_QUANTITIES = frozenset(name for name in BASE_FIELDS if name.endswith(("_ms", "_mb")))
_TRACE = Pattern(r"(Root|Parent|Sampled)=([^;\s\"']+)")


class Budget:
    """How many characters strict reading may still lose on text that turns out not to be JSON.

    Strict reading starts again at every brace, so without a limit a text of nothing but opening braces would be read as
    often as it has braces. Past the limit only the tolerant reader is used, which never reads a character twice.

    Parameters
    ----------
    characters : int
        Characters left.
    """

    __slots__ = ("characters",)

    def __init__(self, characters: int) -> None:
        self.characters = characters


def read_object(text: str, start: int, budget: Budget) -> tuple[Any, int]:
    """Read the JSON object, or what is left of one, that starts at a brace.

    Parameters
    ----------
    text : str
        Text with an object somewhere.
    start : int
        Index of its opening brace.
    budget : Budget
        Shared by all reads of one text.

    Returns
    -------
    value : object
        The object; where it is broken, as much of it as could be read.
    end : int
        Index behind the last character read.
    """
    if budget.characters > 0:
        try:
            return _DECODER.raw_decode(text, start)
        except RecursionError:
            budget.characters = 0
        except ValueError as error:
            # The error counts lines from the beginning of the text, so it costs more than what was read in vain.
            stop = getattr(error, "pos", len(text))
            budget.characters -= stop - start + stop // 8
    return read_loosely(text, start)


def read_loosely(text: str, start: int) -> tuple[Any, int]:
    """Read an object that JSON would refuse: cut, with single quotes, or with a comma, colon or quote too many or few.

    Parameters
    ----------
    text : str
        Text with an object somewhere.
    start : int
        Index of its opening brace.

    Returns
    -------
    value : object
        What could be read. A number or string cut by the end of the text is not a value.
    end : int
        Index behind the last character read.
    """
    root: dict[str, Any] = {}
    stack: list[Any] = [root]
    keys: list[str | None] = [None]
    position = start + 1
    token = _TOKEN.match
    while stack:
        found = token(text, position)
        if found is None:
            # The doubled closing quote of a hand-edited sample.
            if text[position : position + 1] == '"' and text[position - 1] == '"' and keys[-1] is None:
                position += 1
                continue
            break
        kind = found.lastindex
        inside = found.group(kind) if kind else ""
        if kind == 1 and inside in "}]":
            position = found.end()
            stack.pop()
            keys.pop()
            continue
        if kind == 1 and inside in ":,":
            position = found.end()
            continue
        holder = stack[-1]
        if isinstance(holder, dict) and keys[-1] is None:
            if kind not in (2, 3):
                break
            position = found.end()
            keys[-1] = unescape_once(inside)
            continue
        value: Any
        if kind == 1:
            if len(stack) >= _DEEPEST:
                break
            value = {} if inside == "{" else []
        elif kind == 4:
            if found.end() == len(text):
                position = found.end()
                break
            value = _number(inside)
        elif kind == 5:
            value = _WORDS.get(inside)
        else:
            value = unescape_once(inside) if "\\" in inside else inside
        if (
            kind in (2, 3)
            and text[found.end() : found.end() + 1] == '"'
            and text[found.end() - 1] == '"'
            and _TOKEN.match(text, found.end()) is not None
        ):
            position = found.end() + 1
        else:
            position = found.end()
        if isinstance(holder, dict):
            holder[keys[-1] or ""] = value
            keys[-1] = None
        else:
            holder.append(value)
        if kind == 1:
            stack.append(value)
            keys.append(None)
    return root, max(position, start + 1)


def _number(text: str) -> int | float | None:
    if len(text) > 40:
        return None
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def is_envelope(value: dict[str, Any]) -> bool:
    """Whether an object is a platform event.

    Parameters
    ----------
    value : dict
        Any JSON object.

    Returns
    -------
    bool
        True for ``{"type": "platform.<anything>", "record": ...}``; a mere mention of the type is none.
    """
    kind = value.get("type")
    return isinstance(kind, str) and kind.startswith("platform.") and "record" in value


def envelope_event(envelope: dict[str, Any]) -> Event:
    """Event for one platform JSON object.

    Parameters
    ----------
    envelope : dict
        Object for which `is_envelope` holds. A record that is a string (``platform.fault``) is left to the caller.

    Returns
    -------
    Event
        The event; its ``record`` is the record as read.
    """
    record = envelope["record"]
    fields: dict[str, Any] = {"event": envelope["type"]}
    if isinstance(record, dict):
        for key, value in record.items():
            if key == "metrics" and isinstance(value, dict):
                for metric, number in value.items():
                    fields.setdefault(_name(metric), number)
            elif key == "tracing" and isinstance(value, dict):
                _add_tracing(fields, value)
            elif key == "spans" and isinstance(value, list):
                fields["spans"] = [span.get("name") for span in value if isinstance(span, dict)]
            elif key != "event":
                fields[_NAMES.get(key) or _name(key)] = value
    for key, value in envelope.items():
        if key not in ("type", "record", "event"):
            fields.setdefault(_name(key), value)
    for name in _QUANTITIES.intersection(fields):
        if not is_quantity(fields[name]):
            fields[name] = None
    if not isinstance(fields.get("request_id"), str):
        fields["request_id"] = None
    return Event(fields, record)


def is_quantity(value: object) -> bool:
    """Whether a JSON value is a measured number; JSON readers also let NaN, Infinity and true pass for one.

    Parameters
    ----------
    value : object
        Any JSON value.

    Returns
    -------
    bool
        True for a finite number.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _name(key: str) -> str:
    return field_name(key) or "_"


def _add_tracing(fields: dict[str, Any], tracing: dict[str, Any]) -> None:
    span = tracing.get("spanId")
    if isinstance(span, str):
        fields["xray_segment_id"] = span
    value = tracing.get("value")
    if not isinstance(value, str):
        return
    for key, part in _TRACE.findall(value):
        if key == "Root":
            fields["xray_trace_id"] = part
        elif key == "Sampled":
            fields["xray_sampled"] = part == "1"
        elif fields["event"] == "platform.report":
            fields["tracing_parent"] = part
