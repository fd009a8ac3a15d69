"""The grammar of platform messages in text form. Knows nothing of JSON, base64 and escapes: those are undone before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from isotherm.platform_log.events import Event, field_name
from isotherm.platform_log.fields import KNOWN_LABEL, LINE_PREFIX, QUANTITIES, read_fields
from isotherm.platform_log.pattern import Pattern
from isotherm.platform_log.wrappers import BASE64_SIGNS

# Every alternative starts with a letter, not with a group, so that the regex engine can skip ahead to those letters;
# the empty groups tell which one matched, in the order of `_READERS`; the last three are `BASE64_SIGNS`.
MARK = Pattern(
    r"REPORT\s+RequestId:()"
    r"|START\s+RequestId:()"
    r"|END\s+RequestId:()"
    r"|RequestId:()"
    r"|INIT_(?:START|REPORT)\s()"
    r"|RESTORE_(?:START|REPORT)\s()"
    r"|EXTENSION\s+(?:Name|State|Events|Error\s+Type):()"
    r"|TELEMETRY\s+(?:Name|State|Types):()"
    r"|LOGS\s+(?:Name|State|Types):()"
    r"|IMAGE\s+Launch\s+error:()"
    r"|Task\s+timed\s+out\s+after\s()"
    r"|Unknown\s+application\s+error\s+occurred()"
    r"|I(?:NIT|NVOKE)\s[A-Z]+\(()"
    r"|RESTORE\s[A-Z]+\(()"
    r"|EXTENSION\s[A-Z]+\(()"
    r"|Duration:()"
    r"|Billed\s+Duration:()"
    r"|Memory\s+Size:()"
    r"|Max\s+Memory\s+Used:()"
    r"|Init\s+Duration:()"
    r"|Restore\s+Duration:()"
    r"|REPORT ()" + "".join(f"|{sign}()" for sign in BASE64_SIGNS)
)
_ENCODED = 23

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_FULL_UUID = Pattern(_UUID)

# The three lines of every invocation as the service writes them, each in one match; REPORT only where what follows
# cannot belong to it any more. Whatever they refuse is read by the rules below, with the same result.
_LINE = Pattern(
    r"START RequestId: ([0-9a-f-]{36}) Version: (\$LATEST|[0-9]+)[ \t]*+(?=\n|\Z)"
    r"|END RequestId: ([0-9a-f-]{36})[ \t]*+(?=\n|\Z)"
    r"|REPORT RequestId: ([0-9a-f-]{36})[ \t]++"
    r"Duration: ([0-9]{1,9}\.[0-9]{1,3}) ms[ \t]++Billed Duration: ([0-9]{1,9}) ms[ \t]++"
    r"Memory Size: ([0-9]{1,9}) MB[ \t]++Max Memory Used: ([0-9]{1,9}) MB[ \t]*+"
    r"(?:Init Duration: ([0-9]{1,9}\.[0-9]{1,3}) ms[ \t]*+)?"
    r"(?:Restore Duration: ([0-9]{1,9}\.[0-9]{1,3}) ms[ \t]++Billed Restore Duration: ([0-9]{1,9}) ms[ \t]*+)?"
    r"(?:Status: (timeout|error|failure|success)[ \t]*+(?:(?<=[ \t])Error Type: ([A-Za-z]+\.[A-Za-z]+)[ \t]*+)?)?"
    r"(?:\nXRAY TraceId: (1-[0-9a-f]{8}-[0-9a-f]{24})[ \t]++SegmentId: ([0-9a-f]{16})[ \t]++"
    r"Sampled: (true|false)[ \t]*+)?"
    r"(?=\n(?:START|REPORT|END|INIT_)|\n?\Z)"
)

# A request id is whatever stands there, save a label: authors mask, shorten and blank ids.
_ID = Pattern(
    r"[ \t]*+(?!(?:(?:Init|Billed|Restore|Runtime|Post)\s+)*Duration:|Memory\s+Size:|Max\s+Memory\s+Used:|"
    r"Version:|Status:|Error:)"
    rf"({_UUID}(?![\w-])|{_UUID}(?=[A-Z])|"
    r"(?:(?!(?:(?:Init|Billed|Restore)\s+)*Duration:|Version:)[^\s\"',|\\])+)"
)
_WRAPPED_ID = Pattern(rf"[ \t\r]*\n{LINE_PREFIX}(?={_UUID})")
_START_VERSION = Pattern(r"\s+Version:[ \t]*(\$LATEST|[0-9]+|[^\s\"',|]*)|Version:[ \t]*(\$LATEST|[0-9]+)")
_PLAIN_VERSION = Pattern(r"[ \t]+Version:[ \t]*(\$LATEST|[0-9]+)")
# What may stand behind a complete message: the rest of a wrapper, or the next message where a newline is lost.
_MESSAGE_END = Pattern(r"[ \t\r]*+(?:\n|\Z|[\"'|,`)\]}<*\\]|(?:START|END|REPORT)\s+RequestId:|INIT_|XRAY|20[0-9]{2}-)")
_CUT_LABEL = Pattern(r"\t|[ ]+[A-Z][A-Za-z ]{0,20}(?:\n|\Z)")
_TIMEOUT_HEAD = Pattern(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]{{8,18}}Z?)[ \t]+([^\s\"',|]{{1,80}})[ \t]+\Z|({_UUID})[ \t]+\Z"
)
_HEAD_LENGTH = 160
_SECONDS = Pattern(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s+second")
_TIMED_OUT = Pattern(r"Task\s+timed\s+out\s+after")
_ERROR_MESSAGE = Pattern(
    r"\s+Error:[ \t]*([^\n]*?)[ \t\r]*(?=\n|\Z|[\"']\s*(?:[,}\]\n]|\Z)|[ \t]\|)"
    r"|\s+(Process exited before completing request)"
)
_OWN_MESSAGES = ("Runtime ", "fork/exec ", "Task timed out", "exit status", "Process exited", "Extension ", "Couldn't ")
_TYPE_LINE = Pattern(
    rf"[ \t\r|]*(?:\n{LINE_PREFIX}[ \t]*)?([A-Z][A-Za-z]*\.[A-Z][A-Za-z]*)(?=[ \t\r]*(?:[\n\"'|,]|\Z))"
)
_TYPE_LAST = Pattern(r"\s([A-Z][A-Za-z]*\.[A-Z][A-Za-z]*)\Z")
_PAYLOAD_TYPE = Pattern(r"errorType[\"']?\s*:\s*[\"']?([A-Z]\w*\.[A-Z]\w*)")
_PAYLOAD_REACH = 200
_RECORD_KEY = Pattern(r"record[\"']\s*:\s*[\"']\Z")
_STATUSES = ("success", "failure", "error", "timeout")
_TOLD = Pattern(r"\s*(?:(Status:)|Error:|Process exited|Version:)")
_PROSE = Pattern(r"[A-Za-z_]{2,}[.;]?\Z")
_CLOCK = Pattern(r"[0-9] ?(?:Z|[AP]M)\Z")
# Behind one of these a message begins as on a line of its own: a string, a cell of a table, an element of a list.
_OPENERS = ('"', "'", "|", ",", ">")
_PREFIX = Pattern(LINE_PREFIX + r"[ \t]*[\"'`\[(]{0,2}\Z")
_PREFIX_REACH = 600
_CUT_HEAD = Pattern(rf"(?:.{{0,20}}[Ii]d: )?({_UUID}|[0-9a-f-]{{0,36}})[ \t]+\Z")
_FRAGMENT_END = Pattern(r"[ \t\r]*+(?:\n|\Z|[\"'|,`)\]}<*])")
# The prefix the Node.js and Python runtimes give every line a handler logs.
_LOGGER = Pattern(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}Z[ \t]+\S{1,80}[ \t]+(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)[ \t]"
    r"|\[(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\][ \t]+[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}Z[ \t]"
)
_LOGGER_REACH = 400
_IMAGE = Pattern(
    r"Entrypoint:\s*\[([^\]\n]{0,300})\]\s*Cmd:\s*\[([^\]\n]{0,300})\]\s*WorkingDir:\s*\[([^\]\n]{0,300})\]"
)
_IMAGE_REACH = 2000
_RAPID = Pattern(r"([A-Z]+)\s([A-Z]+)\(([^()\n]{0,2000})\)")
_RAPID_FIELD = Pattern(r"([A-Za-z][A-Za-z ]{0,40}):[ ]?([^,]*)(?:,[ ]?|\Z)")
_RAPID_NUMBER = Pattern(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(?:ms)?")
_MEASURED = frozenset(QUANTITIES.values())
_RAPID_NAMES = {
    "type": "initialization_type",
    "initType": "initialization_type",
    "agentName": "extension_name",
    "agent name": "extension_name",
    "state": "extension_state",
    "duration": "duration_ms",
}
_AGENT_FIELD = Pattern(r"\s*\b(Name|State|Events|Types|Error\s+Type):[ \t]*")
_AGENT_LIST = Pattern(r"\[([^\]\n]{0,500})\]")
_AGENT_WORD = Pattern(r"([\w.-]+)")
# A name may hold spaces, so it goes on to the next label or to what cannot be part of a name.
_AGENT_NAME_END = Pattern(
    r"(?:State|Events|Types|Error\s+Type):|[\t\r\n|\"']|[ ]{2}|(?:EXTENSION|TELEMETRY|LOGS|START|END|REPORT)\s"
)
_AGENT_NAME_REACH = 200
_AGENT_FIELDS = {
    "State": ("extension_state", _AGENT_WORD),
    "Events": ("extension_events", _AGENT_LIST),
    "Types": ("subscribed_types", _AGENT_LIST),
    "Error Type": ("error_type", _AGENT_WORD),
}

# Where on its line a message begins: a message of the platform has a line of its own (_HEAD), or is glued to what the
# function printed last (_GLUED); a word and a space in front mean somebody talks about it (_PROSE_BEFORE); a line with
# the prefix of a runtime's logger is the function's through and through (_USERS).
_HEAD, _GLUED, _PROSE_BEFORE, _USERS = range(4)


class InsideObject(Exception):
    """A message begins, or goes on, where it may be inside a JSON object."""


class Encoded(Exception):
    """A request id shows through base64."""


class LineEvent(Event):
    """Event of a line read in one match, whose fields are made when one is first asked for.

    Most events of a log tail are never looked into: who wants its REPORT passes over the START and the END. Made
    without `__init__`, since there may be millions.
    """

    __slots__ = ("line",)

    line: re.Match[str]

    def _late_fields(self) -> dict[str, Any]:
        return _line_fields(self.line)


def scan(text: str, objects: bool = False, packed: bool = False) -> list[Event]:
    """All events of a text, in order.

    Parameters
    ----------
    text : str
        Log text with escapes and colours already undone.
    objects : bool
        Whether JSON objects may still be in it; if so, a message that may be inside one ends the scan.
    packed : bool
        Whether base64 may still be in it; if so, meeting it ends the scan.

    Returns
    -------
    list of Event
        All there are.

    Raises
    ------
    InsideObject, Encoded
        Where the text has to be taken apart first.
    """
    events: list[Event] = []
    new = LineEvent.__new__
    scanner: Scanner | None = None
    brace: int | None = None
    position = 0
    while True:
        line = _LINE.match(text, position)
        if line is None:
            mark = MARK.search(text, position)
            if mark is None:
                return events
            start = mark.start()
            if start and text[start - 1] == "\n":
                line = _LINE.match(text, start) if start > position else None
            elif objects:
                if brace is None:
                    brace = text.find("{")
                if 0 <= brace < start:
                    raise InsideObject
            if line is None:
                kind = mark.lastindex or 0
                if kind < _ENCODED:
                    scanner = scanner or Scanner(text, events)
                    position = _READERS[kind](scanner, start, mark.end())
                    if objects and text.find("{", start, position) >= 0:
                        raise InsideObject
                elif packed:
                    raise Encoded
                else:
                    position = mark.end()
                continue
        event = new(LineEvent)
        event.line = line
        events.append(event)
        position = line.end() + 1


class Scanner:
    """What the rules for one message know of the text around it.

    Parameters
    ----------
    text : str
        The text.
    events : list of Event
        Gets what the rules find.
    """

    __slots__ = ("_line_start", "_logged", "_logger_end", "_seen", "events", "text")

    def __init__(self, text: str, events: list[Event]) -> None:
        self.text = text
        self.events = events
        self._line_start = 0
        self._seen = 0
        self._logged = -1
        self._logger_end = -1

    def add(self, event: str, fields: dict[str, Any]) -> None:
        """Append an event.

        Parameters
        ----------
        event : str
            Its kind.
        fields : dict
            Its fields.
        """
        self.events.append(Event({"event": event, **fields}))

    def place(self, start: int) -> int:
        """Where on its line a message begins.

        Parameters
        ----------
        start : int
            Index of its first character.

        Returns
        -------
        int
            One of ``_HEAD``, ``_GLUED``, ``_PROSE_BEFORE``, ``_USERS``.
        """
        text = self.text
        if start == 0 or text[start - 1] == "\n":
            return _HEAD
        line_start = self.line_start(start)
        if self._logged != line_start:
            logger = _LOGGER.search(text, line_start, min(start + 1, line_start + _LOGGER_REACH))
            self._logged, self._logger_end = line_start, logger.end() if logger else -1
        before = text[start - 1]
        if self._logger_end >= 0 and (start <= self._logger_end or before in " \t\"'`"):
            return _USERS
        if start - line_start <= _PREFIX_REACH and _PREFIX.match(text, line_start, start):
            return _HEAD
        reach = max(line_start, start - _HEAD_LENGTH)
        quote = max(text.rfind('"', reach, start), text.rfind("'", reach, start))
        head = text[reach:start].rstrip(" \t")
        if head[-1:] in _OPENERS or (quote >= 0 and _PREFIX.match(text, quote + 1, start)):
            return _HEAD
        if before in " \t" and _PROSE.search(head) and not _CLOCK.search(head):
            return _PROSE_BEFORE
        return _GLUED

    def line_start(self, position: int) -> int:
        """Start of the line a position is on; positions must not go back, which keeps the whole scan linear.

        Parameters
        ----------
        position : int
            Index into the text.

        Returns
        -------
        int
            Index of the line's first character.
        """
        newline = self.text.rfind("\n", self._seen, position)
        if newline >= 0:
            self._line_start = newline + 1
        self._seen = max(self._seen, position)
        return self._line_start

    def request_id(self, position: int) -> tuple[str | None, int]:
        """The request id behind ``RequestId:``.

        Parameters
        ----------
        position : int
            Index behind the colon.

        Returns
        -------
        request_id : str or None
            The id as it stands, None where it is blank.
        end : int
            Index behind it.
        """
        text = self.text
        found = _ID.match(text, position)
        if found is None:
            wrapped = _WRAPPED_ID.match(text, position)
            found = _ID.match(text, wrapped.end()) if wrapped else None
            if found is None:
                return None, position
        request_id = found.group(1)
        if len(request_id) == 36:
            return request_id, found.end()
        trimmed = request_id.rstrip("`)]}") if request_id[0] not in "([{`" else request_id
        return trimmed or None, found.start(1) + len(trimmed)


def _line_fields(line: re.Match[str]) -> dict[str, Any]:
    started, version, ended, reported, duration, billed, size, used, init, restore, billed_restore, *rest = (
        line.groups()
    )
    if started is not None:
        return {"event": "start", "request_id": started, "version": version}
    if ended is not None:
        return {"event": "end", "request_id": ended}
    fields: dict[str, Any] = {
        "event": "report",
        "request_id": reported,
        "duration_ms": float(duration),
        "billed_duration_ms": int(billed),
        "memory_size_mb": int(size),
        "max_memory_used_mb": int(used),
    }
    if init is not None:
        fields["init_duration_ms"] = float(init)
    if restore is not None:
        fields["restore_duration_ms"] = float(restore)
        fields["billed_restore_duration_ms"] = int(billed_restore)
    status, error_type, trace, segment, sampled = rest
    if status is not None:
        fields["status"] = status
        if error_type is not None:
            fields["error_type"] = error_type
    if trace is not None:
        fields["xray_trace_id"] = trace
        fields["xray_segment_id"] = segment
        fields["xray_sampled"] = sampled == "true"
    return fields


def _read_report(scanner: Scanner, start: int, end: int) -> int:
    text = scanner.text
    found: dict[str, Any] = {}
    request_id, after = scanner.request_id(end)
    last = read_fields(text, after, found)
    whole = bool(_MESSAGE_END.match(text, after))
    cut = not whole and bool(_CUT_LABEL.match(text, after))
    if not found and (request_id is None or not (whole or cut)):
        return end
    place = scanner.place(start)
    if place == _USERS or text[start - 1 : start] == "_":
        return end
    if place == _PROSE_BEFORE and all(value is None for value in found.values()):
        return end
    if not found and place != _HEAD and (cut or not _FULL_UUID.fullmatch(request_id or "")):
        return end
    scanner.add("report", {"request_id": request_id, **found})
    return last


def _read_start(scanner: Scanner, start: int, end: int) -> int:
    text = scanner.text
    request_id, after = scanner.request_id(end)
    version = _START_VERSION.match(text, after)
    if request_id is None or not (version or _MESSAGE_END.match(text, after)):
        return end
    place = scanner.place(start)
    uuid = _FULL_UUID.fullmatch(request_id)
    if place == _USERS or (place == _PROSE_BEFORE and not (version and uuid)):
        return end
    if version:
        scanner.add("start", {"request_id": request_id, "version": version.group(1) or version.group(2)})
        return version.end()
    if place == _GLUED and not (_is_glued(text, start) and uuid):
        return end
    scanner.add("start", {"request_id": request_id, "version": None})
    return after


def _read_end(scanner: Scanner, start: int, end: int) -> int:
    text = scanner.text
    request_id, after = scanner.request_id(end)
    if request_id is None or not _MESSAGE_END.match(text, after):
        return end
    place = scanner.place(start)
    if place == _USERS:
        return end
    if place != _HEAD:
        uuid = _FULL_UUID.fullmatch(request_id)
        # BACKEND and FRONTEND end in END too; the report that follows tells them from a print without a newline.
        reported = text[after : after + 80].lstrip(' \t\r\n,|"').startswith(f"REPORT RequestId: {request_id}")
        if not reported and (place == _PROSE_BEFORE or not _is_glued(text, start) or not uuid):
            return end
    scanner.add("end", {"request_id": request_id})
    return after


def _is_glued(text: str, start: int) -> bool:
    before = text[start - 1]
    return before != "_" and not "A" <= before <= "Z"


def _read_notice(scanner: Scanner, start: int, end: int) -> int:
    """``RequestId: <id>`` with what befell the request: an error, a fault, a timeout, or a START without its word."""
    text = scanner.text
    request_id, after = scanner.request_id(end)
    told = _TOLD.match(text, after)
    if request_id is None or told is None:
        return end
    place = scanner.place(start)
    if place in (_USERS, _PROSE_BEFORE) or (place == _GLUED and not _FULL_UUID.fullmatch(request_id)):
        return end
    fault = "platform.fault" if _RECORD_KEY.search(text, max(0, start - 24), start) else None
    if told.group(1):
        fields: dict[str, Any] = {}
        last = read_fields(text, after, fields)
        if fields.get("status") not in _STATUSES or not _MESSAGE_END.match(text, last):
            return end
        scanner.add(fault or "fault", {"request_id": request_id, **fields})
        return last
    message = _ERROR_MESSAGE.match(text, after)
    if message:
        return _read_error(scanner, request_id, message, fault)
    version = _PLAIN_VERSION.match(text, after)
    if version and place == _HEAD and _MESSAGE_END.match(text, version.end()):
        scanner.add("start_fragment", {"request_id": request_id, "version": version.group(1)})
        return version.end()
    return end


def _read_error(scanner: Scanner, request_id: str, found: re.Match[str], fault: str | None) -> int:
    text, last = scanner.text, found.end()
    message, error_type = found.group(1) or found.group(2) or "", None
    if _TIMED_OUT.match(message):
        seconds = _SECONDS.search(message)
        fields: dict[str, Any] = {
            "request_id": request_id,
            "timeout_seconds": float(seconds.group(1)) if seconds else None,
        }
        if fault:
            fields["error_message"] = message
        scanner.add(fault or "timeout", fields | {"error_type": _payload_type(text, found.start(), last)})
        return last
    same_line = _TYPE_LAST.search(message[-200:])
    if same_line:
        error_type = same_line.group(1)
        message = message[: -len(same_line.group())].rstrip()
    elif next_line := _TYPE_LINE.match(text, last):
        error_type, last = next_line.group(1), next_line.end()
    else:
        error_type = _payload_type(text, found.start(), last)
    ours = error_type is not None or message.startswith(_OWN_MESSAGES)
    if not ours:
        return found.start()
    scanner.add(
        fault or "runtime_error", {"request_id": request_id, "error_type": error_type, "error_message": message}
    )
    return last


def _payload_type(text: str, start: int, end: int) -> str | None:
    """The ``errorType`` beside an ``errorMessage`` in the answer of a failed invocation."""
    after = text[end : end + _PAYLOAD_REACH].partition("}")[0]
    before = text[max(0, start - _PAYLOAD_REACH) : start].rpartition("{")[2]
    found = _PAYLOAD_TYPE.search(after) or _PAYLOAD_TYPE.search(before)
    return found.group(1) if found else None


def _read_phase(scanner: Scanner, start: int, end: int) -> int:
    """INIT_START, INIT_REPORT, RESTORE_START, RESTORE_REPORT: all are a word and fields."""
    text = scanner.text
    place = scanner.place(start)
    if place == _USERS or not KNOWN_LABEL.match(text, end) or text[start - 1 : start] == "_":
        return end
    fields: dict[str, Any] = {}
    last = read_fields(text, end, fields)
    if place == _PROSE_BEFORE and all(value is None for value in fields.values()):
        return end
    if "phase" in fields and fields["phase"] is None:
        del fields["phase"]
    scanner.add(text[start : end - 1].lower(), fields)
    return last


def _read_agent(scanner: Scanner, start: int, _: int) -> int:
    """EXTENSION, TELEMETRY and LOGS, whose fields come in any order and whose names may hold spaces."""
    text = scanner.text
    word = MARK_WORD.match(text, start)
    position = word.end() if word else start + 1
    place = scanner.place(start)
    if place in (_USERS, _PROSE_BEFORE):
        return position
    kind = {"EXTENSION": "extension", "TELEMETRY": "telemetry_subscription"}.get(
        word.group() if word else "", "logs_subscription"
    )
    fields: dict[str, Any] = {}
    while label := _AGENT_FIELD.match(text, position):
        title = " ".join(label.group(1).split())
        name, pattern = _AGENT_FIELDS.get(title, ("extension_name", None))
        if name in fields:
            break
        position = label.end()
        if pattern is None:
            reach = min(len(text), position + _AGENT_NAME_REACH)
            stop = _AGENT_NAME_END.search(text, position, reach)
            after = stop.start() if stop else reach
            fields[name] = text[position:after].strip() or None
            position = after
        elif value := pattern.match(text, position):
            found = value.group(1)
            is_list = pattern is _AGENT_LIST
            fields[name] = [item.strip() for item in found.split(",") if item.strip()] if is_list else found
            position = value.end()
        else:
            fields[name] = None
    if fields.get("extension_name") is not None or fields.get("extension_state") is not None:
        scanner.add(kind, fields)
    return position


MARK_WORD = Pattern(r"[A-Z]+")


def _read_image(scanner: Scanner, start: int, end: int) -> int:
    text = scanner.text
    behind = text.find("Entrypoint:", end, end + _IMAGE_REACH)
    found = _IMAGE.match(text, behind) if behind >= 0 else None
    if found is None or "\n" in text[end:behind] or scanner.place(start) in (_USERS, _PROSE_BEFORE):
        return end
    entrypoint, command, folder = found.groups()
    fields = {
        "error_message": text[end:behind].strip(),
        "entrypoint": entrypoint,
        "cmd": command,
        "working_dir": folder,
    }
    scanner.add("image_error", fields)
    return found.end()


def _read_timeout(scanner: Scanner, start: int, end: int) -> int:
    """``<time> <id> Task timed out after 3.00 seconds``, found by its sentence and read backwards."""
    text = scanner.text
    line_start = scanner.line_start(start)
    head = _TIMEOUT_HEAD.search(text, max(line_start, start - _HEAD_LENGTH), start)
    if head is None:
        return end
    time, request_id, lone_id = head.groups()
    seconds = _SECONDS.match(text, end - 1)
    fields: dict[str, Any] = {
        "request_id": request_id or lone_id,
        "timeout_seconds": float(seconds.group(1)) if seconds else None,
        "error_type": _payload_type(text, head.start(), seconds.end() if seconds else end),
    }
    if time:
        fields["time"] = time
    scanner.add("timeout", fields)
    return seconds.end() if seconds else end


def _read_unknown_error(scanner: Scanner, start: int, end: int) -> int:
    text = scanner.text
    if scanner.place(start) != _HEAD or not _MESSAGE_END.match(text, end):
        return end
    found = _TYPE_LINE.match(text, end)
    message = " ".join(text[start:end].split())
    scanner.add("runtime_error", {"error_type": found.group(1) if found else None, "error_message": message})
    return found.end() if found else end


def _read_rapid(scanner: Scanner, start: int, end: int) -> int:
    """The lines the runtime interface emulator writes about itself: ``INIT REPORT(durationMs: 25.252000)``."""
    found = _RAPID.match(scanner.text, start)
    if found is None or scanner.place(start) == _USERS:
        return end
    verb, noun, inside = found.groups()
    fields: dict[str, Any] = {}
    for label, value in _RAPID_FIELD.findall(inside):
        name = _RAPID_NAMES.get(label) or field_name(label)
        value = value.strip()
        if name == "spans":
            continue
        number = _RAPID_NUMBER.fullmatch(value)
        if value in ("", "nil") or (name in _MEASURED and not number):
            fields[name] = None
        elif number and name != "request_id":
            fields[name] = float(number.group(1)) if "." in value else int(number.group(1))
        else:
            fields[name] = value
    if not fields:
        return end
    scanner.add(f"rie_{verb}_{noun}".lower(), fields)
    return found.end()


def _read_fragment(scanner: Scanner, start: int, end: int) -> int:
    """Fields of a REPORT whose beginning is missing: cut off by the 4 KB of a log tail, or by an author."""
    text = scanner.text
    head = None
    if scanner.place(start) != _HEAD:
        head = _CUT_HEAD.match(text, 0, start) if scanner.line_start(start) == 0 and start < 100 else None
        if head is None:
            return end
    fields: dict[str, Any] = {}
    last = read_fields(text, start, fields)
    measured = sum(fields.get(name) is not None for name in QUANTITIES.values())
    if measured < 2 or not _FRAGMENT_END.match(text, last):
        return end
    if head and len(head.group(1)) == 36:
        fields["request_id"] = head.group(1)
    scanner.add("report_fragment", fields)
    return last


def _read_bare_report(scanner: Scanner, start: int, end: int) -> int:
    """REPORT without ``RequestId:``: its id cut out with the label, or a line that only begins like a report."""
    text, line_start = scanner.text, scanner.line_start(start)
    if start - line_start > _PREFIX_REACH or text[line_start:start].strip():
        return end
    fields: dict[str, Any] = {}
    last = read_fields(text, end, fields)
    if sum(fields.get(name) is not None for name in QUANTITIES.values()) >= 2:
        scanner.add("report", fields)
        return last
    line_end = text.find("\n", end)
    rest = text[end : line_end if line_end >= 0 else len(text)]
    if rest.strip() and ":" not in rest and "|" not in rest:
        scanner.add("invalid", {})
    return end


_READERS: tuple[Callable[[Scanner, int, int], int], ...] = (
    lambda _scanner, _start, end: end,
    _read_report,
    _read_start,
    _read_end,
    _read_notice,
    _read_phase,
    _read_phase,
    _read_agent,
    _read_agent,
    _read_agent,
    _read_image,
    _read_timeout,
    _read_unknown_error,
    _read_rapid,
    _read_rapid,
    _read_rapid,
    _read_fragment,
    _read_fragment,
    _read_fragment,
    _read_fragment,
    _read_fragment,
    _read_fragment,
    _read_bare_report,
)
