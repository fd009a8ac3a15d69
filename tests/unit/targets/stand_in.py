"""Stands in for AWS on loopback: answers as told and keeps what it was asked."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TARGETS = Path(__file__).parents[3] / "functions" / "targets"
CONTEXT = SimpleNamespace(aws_request_id="8f5c2a9e-0000-4000-8000-000000000001")

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Service:
    """`answer` is given the operation (or the path, where the service has no operations) and the body."""

    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    answer: Callable[[str, Any], Answer] = lambda _what, _body: (200, {}, b"{}")


class Table:
    """One DynamoDB table without an index: gives back what was put."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.items: dict[str, Any] = {}

    def __call__(self, what: str, body: Any) -> Answer:
        if what == "PutItem":
            self.items[body["Item"][self._key]["S"]] = body["Item"]
            return 200, {}, b"{}"
        assert what == "GetItem"
        item = self.items.get(body["Key"][self._key]["S"])
        return 200, {}, json.dumps({} if item is None else {"Item": item}).encode()


def refusal(code: str) -> Answer:
    """What DynamoDB answers where it refuses."""
    return 400, {}, json.dumps({"__type": f"com.amazonaws#{code}", "message": "not now"}).encode()


@contextlib.contextmanager
def serving(told: Service) -> Iterator[None]:
    """Serve on a port of its own, whose address is put into `told`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            what = self.headers.get("x-amz-target", self.path).rpartition(".")[2]
            told.asked.append((what, body))
            status, headers, answer = told.answer(what, body)
            with contextlib.suppress(ConnectionError):  # who asked may have given up
                self.send_response(status)
                for name, value in (headers | {"content-length": str(len(answer))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()


def call(handler: Callable[[Any, Any], Any], event: object) -> tuple[Any, dict[str, Any]]:
    """What a target answers, or the exception it ends with, and the line of its probe."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            answer = handler(event, CONTEXT)
        except Exception as problem:  # noqa: BLE001 - what it is, is looked at
            answer = problem
    return answer, json.loads(output.getvalue())
