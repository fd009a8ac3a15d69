"""Finds the handlers of the Lambda functions and calls them as Lambda would. Knows nothing of HTTP."""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

TARGETS = Path(__file__).resolve().parents[1] / "functions" / "targets"

#: Where the handlers keep customers: `memory`, or anything else for the table.
STORE_VARIABLE = "ISOTHERM_CUSTOMERS"
TABLE_VARIABLE = "ISOTHERM_CUSTOMERS_TABLE"

Handler = Callable[[dict[str, Any], Any], Any]

#: Route of API Gateway's form, and the module whose `handler` serves it. Paths with braces: one segment, decoded.
ROUTES = {
    "POST /customers": "customers.app",
    "GET /customers/{email}": "customers.app",
    "GET /default": "default.app",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What a call gave back: the handler's answer, and the line its probe would have printed."""

    answer: Any
    probe: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler is given beside the event, in the parts of Lambda's context that have a meaning here."""

    aws_request_id: str
    function_name: str
    deadline_s: float

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the server gives up waiting."""
        return max(0, int((self.deadline_s - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Route:
    """One route with its handler. waits: whether the handler waits for anything, as for the table."""

    key: str
    method: str
    pattern: re.Pattern[str]
    target: str
    handler: Handler
    waits: bool

    def parameters(self, raw_path: str) -> dict[str, str] | None:
        """What stands in the place of the braces, decoded; None where the path is another."""
        match = self.pattern.fullmatch(raw_path)
        return None if match is None else {name: unquote(value) for name, value in match.groupdict().items()}


class Handlers:
    """The handlers of this process. Import them once, call them from any thread."""

    def __init__(self) -> None:
        if str(TARGETS) not in sys.path:
            sys.path.insert(0, str(TARGETS))
        self._probe = cast("Any", importlib.import_module("isotherm_probe"))
        self._told = threading.local()
        # The probe's line becomes part of the server's own: one line a request.
        self._probe.tell = self._keep
        self.routes = [
            Route(
                key=key,
                method=key.partition(" ")[0],
                pattern=pattern_of(key.partition(" ")[2]),
                target=module.partition(".")[0],
                handler=importlib.import_module(module).handler,
                waits=module != "default.app" and not (module == "customers.app" and self.store == "memory"),
            )
            for key, module in ROUTES.items()
        ]

    @property
    def environment_id(self) -> str:
        """What the probe calls this process."""
        return str(self._probe.environment_id)

    @property
    def store(self) -> str:
        """Where the customers are kept, in words for the log."""
        return "memory" if os.environ.get(STORE_VARIABLE) == "memory" else f"table {os.environ.get(TABLE_VARIABLE)}"

    def _keep(self, line: dict[str, Any]) -> None:
        self._told.line = line

    def call(self, route: Route, event: dict[str, Any], context: Context) -> Call:
        """Call a route's handler in this thread; what it raises passes through, with the probe's line as `probe`."""
        self._told.line = {}
        try:
            answer = route.handler(event, context)
        except Exception as problem:
            problem.__dict__["probe"] = self._told.line
            raise
        return Call(answer, self._told.line)


def pattern_of(path: str) -> re.Pattern[str]:
    """What a route's path matches, undecoded: whatever is in braces is one segment that is not empty."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
