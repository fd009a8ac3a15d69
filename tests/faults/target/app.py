"""A measured function that counts its own calls in a file of its own, and misbehaves as its variable says.

The count is written before anything else happens, by other means than Isotherm's, so that it can be held against the
account of a campaign.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import isotherm_probe as probe

COUNT = os.environ["FAULTS_COUNT"]
BEHAVIOUR = os.environ["FAULTS_BEHAVIOUR"]

if BEHAVIOUR == "import-fails":
    raise ImportError("No module named 'made_up'")

PROBE_LINE: dict[str, Any] = {"isotherm_probe": 1, "environment_id": "0" * 32, "invocation_index": 0}
last_request = ""


def handler(event: dict[str, Any], context: Any) -> object:
    """Count the call; then do what one function in the world does."""
    shot_id = event["isotherm"]["shot_id"]
    line = json.dumps({"shot_id": shot_id, "request_id": context.aws_request_id}) + "\n"
    count = os.open(COUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(count, line.encode())
    os.close(count)
    if BEHAVIOUR == "no-probe":
        return {"ok": True}
    return observed(event, context)


@probe.observe
def observed(event: dict[str, Any], context: Any) -> object:
    """What a target does, under the probe."""
    global last_request
    shot_id, request_id = event["isotherm"]["shot_id"], context.aws_request_id
    acts = ODD_LINES.get(BEHAVIOUR)
    if acts is not None:
        print(acts(shot_id, request_id), flush=True)
    last_request = request_id
    if BEHAVIOUR == "odd-note":
        probe.note(database_ms="=cmd()")
    if BEHAVIOUR == "odd-answer":
        return {1, 2}  # a set, which is not JSON
    if BEHAVIOUR in CRASHES and zlib.crc32(shot_id.encode()) % 3 == 0:
        CRASHES[BEHAVIOUR]()
    return {"ok": True}


def _report(request_id: str) -> str:
    return (
        f"REPORT RequestId: {request_id}\tDuration: 99999.00 ms\tBilled Duration: 99999 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 60 MB\tInit Duration: 77777.00 ms\t"
    )


def _raise() -> None:
    raise ValueError("made up \x1b[31mred\x1b]0;title\x07\x00 =cmd|'/C calc'!A0")


#: By behaviour, a line that is printed before the probe's own, from the shot's id and the request's.
ODD_LINES: dict[str, Callable[[str, str], str]] = {
    "probe-list": lambda shot, request: json.dumps({**PROBE_LINE, "shot_id": [shot], "request_id": request}),
    "probe-text": lambda shot, request: json.dumps(
        {**PROBE_LINE, "shot_id": shot, "request_id": request, "work_ms": None, "import_ms": "long"}
    ),
    "probe-nan": lambda shot, request: json.dumps(
        {**PROBE_LINE, "shot_id": shot, "request_id": request, "work_ms": float("nan"), "import_ms": float("inf")}
    ),
    "probe-deep": lambda *_: '{"isotherm_probe": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "fake-report": lambda _, request: _report(request),
    "late-report": lambda *_: _report(last_request),
    "garbage": lambda *_: "\x00\x01\ufffd{]" * 50,
}

CRASHES: dict[str, Callable[[], object]] = {
    "raises": _raise,
    "exits": lambda: sys.exit(3),
    "ends-process": lambda: os._exit(3),
    "segfault": lambda: ctypes.string_at(0),
    "out-of-memory": lambda: (_ for _ in ()).throw(MemoryError()),
    "times-out": lambda: time.sleep(60),
}
