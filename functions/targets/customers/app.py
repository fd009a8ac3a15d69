"""Customers over HTTP: takes the event of an HTTP API (payload format 2.0) apart and puts the answer together."""

import isotherm_probe as probe

with probe.imports:
    import base64
    import functools
    import json
    import os
    import threading
    import time

    from customers.routes import answer
    from customers.store import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CALL_HEADER = "x-isotherm-call"
READ_PREFIX = "/customers/"

_opened = functools.cache(open_store)
_opening = threading.Lock()


def _store() -> "Any":
    """The one store of this process, opened when it is first asked for."""
    with _opening:
        return _opened()


if {"ISOTHERM_CUSTOMERS", "ISOTHERM_CUSTOMERS_TABLE"} & os.environ.keys():
    _store()  # before the first call, as Lambda gives a start more processor than a call


@probe.observe
def handler(event: "dict[str, Any]", _context: object) -> "dict[str, Any]":
    """Create or read a customer; the answer's header `x-isotherm-call` says which call of which environment it was."""
    request = event["requestContext"]["http"]
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    path = event["rawPath"]
    parameters = event.get("pathParameters") or {}
    if path.startswith(READ_PREFIX) and "email" in parameters:
        path = READ_PREFIX + parameters["email"]  # decoded, whatever is done to the path
    answered = answer(_Timed(_store()), request["method"], path, content)
    probe.note(status=answered.status)
    return {
        "statusCode": answered.status,
        "headers": {
            "content-type": "application/json",
            CALL_HEADER: f"{probe.environment_id}/{probe.invocation_index()}",
            **answered.headers,
        },
        "body": json.dumps(answered.document, ensure_ascii=False),
    }


class _Timed:
    """A store that notes how long it took, also when it failed."""

    def __init__(self, store: "Any") -> None:
        self._store = store

    def put(self, customer: "Any") -> None:
        self._timed(self._store.put, customer)

    def get(self, email_id: str) -> "Any":
        return self._timed(self._store.get, email_id)

    def _timed(self, call: "Any", argument: "Any") -> "Any":
        began_ns = time.perf_counter_ns()
        try:
            return call(argument)
        finally:
            probe.note(database_ms=(time.perf_counter_ns() - began_ns) / 1e6)
