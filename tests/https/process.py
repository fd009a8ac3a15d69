"""The real server in a process of its own, and a plain HTTPS client for it (http.client: nothing of ours)."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("stand_in.py")
PATIENCE_S = 60


@dataclass(frozen=True)
class Answered:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


@dataclass
class Server:
    """A server that was started, what it wrote so far, and how it ended."""

    process: subprocess.Popen[str]
    ca_file: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._heard = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()
        self.port = int(self.event("serving")["url"].rpartition(":")[2])

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self._heard:
                self.lines.append(json.loads(text))
                self._heard.notify_all()
        with self._heard:
            self.lines.append({"event": "end of output"})
            self._heard.notify_all()

    def _wait_for(self, **fields: Any) -> dict[str, Any]:
        """The first line that has these fields, as soon as it is there."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines if fields.items() <= line.items()), None)

        with self._heard:
            assert self._heard.wait_for(lambda: found() or self.lines[-1:] == [{"event": "end of output"}], PATIENCE_S)
            line = found()
        assert line is not None, (fields, self.lines)
        return line

    def event(self, name: str) -> dict[str, Any]:
        """The line about something that is not a request."""
        return self._wait_for(event=name)

    def line(self, request_id: str) -> dict[str, Any]:
        """The line about a request."""
        return self._wait_for(request_id=request_id)

    def connect(self) -> http.client.HTTPSConnection:
        """A connection that verifies who it speaks to."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE_S, context=context)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answered:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def stop(self) -> int:
        """Tell it to stop; give its exit code."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended and all it wrote was read."""
        code = self.process.wait(PATIENCE_S)
        self.event("end of output")
        return code


Start = Callable[..., Server]


def ask(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answered:
    """One request on a connection that stays open."""
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def start(ca_file: Path, *options: str, program: tuple[str, ...] = ("-m", "server"), **variables: str) -> Server:
    """Start a server on a free port of loopback, with a certificate of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ISOTHERM_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(STAND_IN.parent)])
    command = [sys.executable, *program, "--port", "0", "--self-signed", "--ca-file", str(ca_file), *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment | variables, stdout=subprocess.PIPE, text=True)
    return Server(process, ca_file)
