"""Puts the lines of measured requests into CloudWatch Logs, where nothing else collects what the server writes.

On Fargate and EC2 the log driver does that with every line. On one machine the embedded stack's collector looks for the
server's own time in the same log group, so `isotherm serve` has it put there. Only requests that say which shot they
are are kept: a load would keep this busy, and its lines are never asked for.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from server import logs

#: A second is what CloudWatch's own agents take to hand lines on; a collector asks again for longer than that.
PAUSE_S = 0.5
#: Of PutLogEvents: 10,000 lines, and 1 MB with 26 bytes for each. Our lines have some 700 bytes.
BATCH = 1000
CLOSE_S = 5.0


class LogGroup:
    """A log group, filled from a thread of its own; what cannot be put there is told once, and is not a failure."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream = f"{socket.gethostname()}/{os.getpid()}"
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._told = False
        self._client = botocore.session.get_session().create_client(
            "logs",
            region_name=os.environ.get("AWS_REGION"),
            endpoint_url=os.environ.get("ISOTHERM_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None,
            config=Config(retries={"total_max_attempts": 3}, connect_timeout=2, read_timeout=5),
        )
        self._thread = threading.Thread(target=self._work, name="log group", daemon=True)
        self._thread.start()

    def keep(self, line: dict[str, Any]) -> None:
        """Have a line put there soon, if it is about a shot."""
        if line.get("shot_id"):
            self._lines.put(line)

    def close(self) -> None:
        """Put there what is left."""
        self._lines.put(None)
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        # Before the first line: whoever looks for a log group that is not there takes that for an answer.
        self._try(self._make)
        ended = False
        while not ended:
            batch = [self._lines.get()]
            if batch[0] is not None:
                time.sleep(PAUSE_S)
            while len(batch) < BATCH and not self._lines.empty():
                batch.append(self._lines.get())
            ended = None in batch
            kept = [line for line in batch if line is not None]
            if kept:
                self._put(sorted(kept, key=lambda line: float(line["begin_at_ms"])))

    def _put(self, lines: list[dict[str, Any]]) -> None:
        events = [{"timestamp": int(line["begin_at_ms"]), "message": json.dumps(line, default=repr)} for line in lines]
        put = partial(self._client.put_log_events, logGroupName=self._name, logStreamName=self._stream)
        self._try(partial(put, logEvents=events))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (BotoCoreError, ClientError) as problem:
            if not self._told:
                self._told = True
                logs.tell("log group not reached", log_group=self._name, error=str(problem))

    def _make(self) -> None:
        for make, names in (
            (self._client.create_log_group, {"logGroupName": self._name}),
            (self._client.create_log_stream, {"logGroupName": self._name, "logStreamName": self._stream}),
        ):
            try:
                make(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
