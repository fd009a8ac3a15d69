"""A handler that naps, hangs, fails, or answers what HTTP cannot carry, as its path says."""

from __future__ import annotations

import time
from typing import Any

import isotherm_probe as probe

NAP_S = 1.0
HEADERS: dict[str, dict[Any, Any]] = {
    "two-lines": {"X-Line": "a\r\nb: c"},
    "far-away": {"X-Price": "1 \N{EURO SIGN}"},
    "no-name": {"X Y": "1"},
    "no-text": {"X-Map": {"a": 1}},
}


@probe.observe
def handler(event: dict[str, Any], _context: object) -> object:
    what = event["pathParameters"]["what"]
    if what == "nap":
        time.sleep(NAP_S)
    if what == "sleep":
        time.sleep(600)
    if what == "fail":
        raise RuntimeError("the table is on fire")
    if what == "nonsense":
        return {"statusCode": "fine"}
    if what in HEADERS:
        return {"statusCode": 200, "headers": HEADERS[what]}
    return event
