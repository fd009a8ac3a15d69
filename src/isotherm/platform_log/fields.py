"""Reads ``Label: value unit`` fields, however their separators were bent. Knows no line as a whole."""

from __future__ import annotations

import re
from typing import Any

from isotherm.platform_log.events import KNOWN_FIELDS, field_name
from isotherm.platform_log.pattern import Pattern

# What a tool puts in front of a physical line: a time, a stream, a name, a comment sign, a bullet, white space.
_TIME = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9:.,]{5,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_STREAM = r"[\w./-]{0,255}\[[\w$]{1,64}\][0-9a-f]{4,64}"
_DAY = r"[A-Z][a-z]{2} [0-9]{1,2}, [0-9:]{7,8} [AP]M:[ \t]+"
LINE_PREFIX = (
    rf"(?:[ \t]*(?:{_TIME}[ \t]+(?:{_STREAM}[ \t]+)?|{_STREAM}[ \t]+{_TIME}[ \t]+|[\w.-]{{1,64}}[ \t]*\|[ \t]*"
    r"|\[[^\]\n]{1,64}\][ \t]+(?:[0-9]{1,2}:[0-9]{2}:[0-9]{2} [AP]M[ \t]+)?"
    rf"|{_DAY}|[^A-Za-z\n\"'{{}}\[\]<]{{1,80}}))?"
)

_GAP = Pattern(r"[^\w\n\"'`{}\[\]()<>:$]*+")
_NEXT_LINE = Pattern(r"\n" + LINE_PREFIX)
# A log copied with every other line blank: nothing else than a report goes on with a trace.
_BLANK_THEN_TRACE = Pattern(r"\n[ \t\r#*>]*+\n" + LINE_PREFIX + r"(?=XRAY\s+TraceId:)")
_NUMBER_GAP = Pattern(r"[ \t\r]*+(?:\n[ \t]*+(?:[#>*|]+|//)?[ \t]*+)?")
_LABEL = Pattern(r"[A-Z][A-Za-z]*+(?:\s++[A-Z][A-Za-z]*+){0,3}\s*+:")

# No more digits than a float holds exactly, and no unit that merely begins like one.
_NUMBER = Pattern(r"([0-9]{1,15})(\.[0-9]{1,9})?\s*(ms|MB)(?![a-z0-9_])")
_ANY_NUMBER = Pattern(r"[ \t]*([0-9]{1,15}(?:\.[0-9]{1,9})?)[ \t]*([A-Za-z]{0,8})(?![\w.,:])")
_FREE = Pattern(
    r"[ \t]*([^\t\n\r|\"]{0,200}?)[ \t]*(?=[ \t]{2}|[\t\n\r|\"]|[ \t][A-Z][A-Za-z]{0,20}(?: [A-Za-z]{1,20})?:|\Z)"
)
_STATUS = Pattern(r"[ \t]*(success|failure|timeout|error|[a-z]+(?:[-_][a-z]+)*)")
_WORD = Pattern(r"[ \t]*([a-z]+(?:-[a-z]+)*)")
_TYPE = Pattern(r"[ \t]*((?!XRAY\b)[A-Za-z_](?:(?!XRAY )\w)*(?:\.[A-Za-z_](?:(?!XRAY )\w)*)*)")
# Ids have fixed lengths, which finds their end where the separator behind them is lost.
_TRACE = Pattern(r"[ \t]*(1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9]-(?:(?!SegmentId:|Sampled:)[^\s\"',|])+)")
_SEGMENT = Pattern(r"[ \t]*((?!Sampled:)(?:[0-9a-f]{16}|(?:(?!Sampled:)[^\s\"',|])+))")
_SAMPLED = Pattern(r"[ \t]*(true|false)", re.IGNORECASE)
_VERSION = Pattern(r"[ \t]*((?:(?!Runtime\s+Version\s+ARN:)[^\s\"',|])+)")
_ARN = Pattern(r"[ \t]*(arn:[\w-]*:lambda:[\w-]*::runtime:[0-9a-f]{64}|[^\s\"',|]+)")

QUANTITIES = {
    "Duration": "duration_ms",
    "Billed Duration": "billed_duration_ms",
    "Memory Size": "memory_size_mb",
    "Max Memory Used": "max_memory_used_mb",
    "Init Duration": "init_duration_ms",
    "Restore Duration": "restore_duration_ms",
    "Billed Restore Duration": "billed_restore_duration_ms",
    "Runtime Duration": "runtime_duration_ms",
    "Post Runtime Duration": "post_runtime_duration_ms",
}
_STRINGS = {
    "Status": ("status", _STATUS),
    "Error Type": ("error_type", _TYPE),
    "ErrorType": ("error_type", _TYPE),
    "XRAY TraceId": ("xray_trace_id", _TRACE),
    "TraceId": ("xray_trace_id", _TRACE),
    "SegmentId": ("xray_segment_id", _SEGMENT),
    "Sampled": ("xray_sampled", _SAMPLED),
    "Phase": ("phase", _WORD),
    "Initialization Type": ("initialization_type", _WORD),
    "Runtime Version": ("runtime_version", _VERSION),
    "Runtime Version ARN": ("runtime_version_arn", _ARN),
}
KNOWN_LABEL = Pattern(
    r"(?:Post\s+Runtime\s+|Runtime\s+|Billed\s+Restore\s+|Billed\s+|Init\s+|Restore\s+)?Duration:|Memory\s+Size:|"
    r"Max\s+Memory\s+Used:|Status:|Error\s?Type:|(?:XRAY\s+)?TraceId:|SegmentId:|Sampled:|Phase:|Initialization\s+Type:|"
    r"Runtime\s+Version(?:\s+ARN)?:"
)
_NEXT_MESSAGE = Pattern(r"START|END|REPORT|INIT_")
_OTHER_MESSAGE = Pattern(r"(?:START|END|REPORT|EXTENSION|TELEMETRY|LOGS|IMAGE)\s|\w*RequestI")
_TIMED_OUT = Pattern(r"Task timed out after ([0-9]{1,9}(?:\.[0-9]{1,9})?) second")
_RECOVERY = 60


def read_fields(text: str, position: int, fields: dict[str, Any]) -> int:
    """Read fields from a position on, until something follows that is not a field of the same message.

    A newline is a separator like any other if the next line goes on with a field that is still missing, because
    people and terminals wrap these lines anywhere; a field that came already begins another message.

    Parameters
    ----------
    text : str
        Text without escapes.
    position : int
        Where the first separator or label is expected.
    fields : dict
        Gets what is read: numbers with their unit, words; None for a number without its unit.

    Returns
    -------
    int
        Index behind the last character that belongs to a field.
    """
    end = position
    while True:
        gap = _GAP.match(text, end)
        start = gap.end() if gap else end
        wrapped = text.startswith("\n", start)
        if wrapped:
            if _NEXT_MESSAGE.match(text, start + 1):
                return end
            line = _BLANK_THEN_TRACE.match(text, start) or _NEXT_LINE.match(text, start)
            start = line.end() if line else start
        label = _LABEL.match(text, start)
        if label is None or _OTHER_MESSAGE.match(text, start):
            timed_out = _TIMED_OUT.match(text, start)
            if timed_out is None or wrapped:
                return end
            fields["timeout_seconds"] = float(timed_out.group(1))
            end = timed_out.end()
            continue
        name = " ".join(label.group()[:-1].split())
        after = label.end()
        if name in QUANTITIES:
            field = QUANTITIES[name]
            if field in fields:
                return end
            found = _quantity(text, after, field)
            fields[field], end = found if found else (None, _next_label(text, after))
        elif name in _STRINGS:
            field, pattern = _STRINGS[name]
            if field in fields:
                return end
            value = pattern.match(text, after)
            if value:
                fields[field], end = _string(field, value.group(1)), value.end()
            else:
                fields[field], end = None, _next_label(text, after)
        elif wrapped or text[end:start].strip() or "\n" in label.group():
            return end
        else:
            end = _read_unknown(text, after, name, fields)


def _quantity(text: str, position: int, field: str) -> tuple[float, int] | None:
    gap = _NUMBER_GAP.match(text, position)
    number = _NUMBER.match(text, gap.end() if gap else position)
    if number is None or not field.endswith(number.group(3).lower()):
        return None
    whole, fraction, _ = number.groups()
    return (float(whole + fraction) if fraction else int(whole)), number.end()


def _string(field: str, value: str) -> str | bool:
    if field == "xray_sampled":
        return value in ("true", "True", "TRUE")
    if field == "runtime_version":
        return value.rstrip(".\u2026")
    return value


def _next_label(text: str, position: int) -> int:
    """Where to go on behind a value that is none: at the next label of the line, if there is one nearby."""
    gap = _GAP.match(text, position)
    if gap and (text.startswith("\n", gap.end()) or KNOWN_LABEL.match(text, gap.end())):
        return position
    line_end = text.find("\n", position, position + _RECOVERY)
    label = KNOWN_LABEL.search(text, position, line_end if line_end >= 0 else position + _RECOVERY)
    return label.start() if label else position


def _read_unknown(text: str, position: int, label: str, fields: dict[str, Any]) -> int:
    """Keep a field no version of this reader knows, under the name the naming rule gives it."""
    number = _ANY_NUMBER.match(text, position)
    free = None if number else _FREE.match(text, position)
    found = number or free
    if found is None:
        return position
    value: float | str | None = found.group(1) or None
    if number:
        value = float(number.group(1)) if "." in number.group(1) else int(number.group(1))
    field = field_name(label, number.group(2) if number else "")
    if field not in KNOWN_FIELDS:  # a label that only resembles one
        fields.setdefault(field, value)
    return found.end()
