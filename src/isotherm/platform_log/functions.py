"""Which function a stretch of log text is about. Knows what people and tools write around messages, not the messages.

A log does not name its function; what it was pasted under, or was fetched with, does: a heading, the name of a stream
shared by several functions, the prefix of a development tool, a log group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from isotherm.platform_log.events import Event
from isotherm.platform_log.fields import LINE_PREFIX
from isotherm.platform_log.pattern import Pattern
from isotherm.platform_log.reader import parse_events

_NAME = r"[A-Za-z0-9_-]{1,64}"
_LABEL = Pattern(
    # "* aws-default", "## aws-default", "aws-default:", alone on a line; "==> /aws/lambda/aws-default <=="
    rf"^[ \t]*(?:(?:[*+-]|\#{{1,6}})[ \t]+[`*]{{0,2}}(?P<heading>{_NAME})[`*]{{0,2}}:?|(?P<title>{_NAME}):)[ \t\r]*$"
    rf"|^[^\n\"{{]{{0,80}}/aws/lambda/(?:us-east-1\.)?(?P<group>{_NAME})"
    # Prefixes of a line: `aws logs tail` of a shared log group, Amplify and CDK, docker compose.
    rf"|^[^\n\[\"{{]{{0,80}}?[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}/(?P<stream>{_NAME})\[[\w$]{{1,64}}\][0-9a-f]{{4,64}}"
    rf"|^\[(?P<tool>{_NAME})\][ \t]+[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}} [AP]M[ \t]"
    rf"|^(?P<service>{_NAME})[ \t]*\|[ \t]",
    re.MULTILINE,
)
_HEADINGS = ("heading", "title")
# A list item is a heading if a message is the next thing below it; other lists are only lists.
_MESSAGE_BELOW = Pattern(
    rf"(?:\s|```[a-z]*\n)*(?:\[\w{{1,16}}\][ \t]*)?{LINE_PREFIX}"
    r"[ \t]*(?:REPORT|START|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|END|\{\s*\"time\")\b"
)
_GROUP_IN_JSON = Pattern(rf"/aws/lambda/(?:us-east-1\.)?({_NAME})")


def events_by_function(text: str) -> Iterator[tuple[str | None, Event]]:
    """Events of a log with the name of the function each belongs to.

    Parameters
    ----------
    text : str
        Log text, possibly of several functions.

    Yields
    ------
    function : str or None
        The function's name, None where nothing tells it.
    event : Event
        The event, as `parse_events` gives it.
    """
    for name, piece in _stretches(text):
        events = parse_events(piece)
        if name is None:
            told = set(_GROUP_IN_JSON.findall(piece)) if "/aws/lambda/" in piece else set()
            name = told.pop() if len(told) == 1 else None
        named = _names_told(events)
        for event in events:
            yield name or named.get(event.request_id) or named.get(None), event


def _stretches(text: str) -> Iterator[tuple[str | None, str]]:
    name: str | None = None
    start = 0
    for label in _LABEL.finditer(text):
        kind = label.lastgroup or ""
        if kind in _HEADINGS and not _MESSAGE_BELOW.match(text, label.end()):
            continue
        if label.group(kind) != name:
            yield name, text[start : label.start()]
            name, start = label.group(kind), label.start()
    yield name, text[start:]


def _names_told(events: list[Event]) -> dict[str | None, str]:
    """Names the events themselves tell: by request where a start tells it, for all where an initialization does."""
    names: dict[str | None, str] = {}
    everywhere = {event.function_name for event in events if isinstance(event.function_name, str)}
    if len(everywhere) == 1:
        names[None] = everywhere.pop()
    for event in events:
        if isinstance(event.function_arn, str) and event.request_id:
            names[event.request_id] = event.function_arn.split(":function:")[-1].split(":")[0]
    return names
