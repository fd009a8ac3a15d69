"""Writes what the server has to say: one JSON object a line on standard output. Knows nothing of what it says.

A line of a request carries `"isotherm_server": 1` (docs/server.md, "The log"); any other line carries the name of what
happened as `"event"`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any


def write(line: dict[str, Any]) -> None:
    """Write one line at once: several workers share one output, and a line in two pieces could be torn."""
    sys.stdout.write(json.dumps(line, separators=(",", ":"), default=repr) + "\n")
    sys.stdout.flush()


def tell(event: str, **facts: Any) -> None:
    """Say that something happened which is not a request."""
    write({"event": event, "at_ms": round(time.time() * 1000, 3), **facts})


class _Lines(logging.Handler):
    """What libraries log, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, Any] = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            facts["traceback"] = logging.Formatter().formatException(record.exc_info)
        tell("log", **facts)


def take_over_logging() -> None:
    """Have everything that libraries log from WARNING on written as lines."""
    logging.basicConfig(handlers=[_Lines()], level=logging.WARNING, force=True)
