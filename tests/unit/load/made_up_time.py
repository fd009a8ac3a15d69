"""Loads in a time that the test owns: it passes at once where all wait for it, and not at all while anything is done.

The generator and its connections are the real ones; the event loop's clock, the wires to the server and the clocks of
this process are made up. So how fast a machine is changes nothing, and every time comes out to the microsecond.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from isotherm.http import exchange
from isotherm.http.exchange import Connection, Opening
from isotherm.load import alarm, generator
from isotherm.load.generator import run
from isotherm.load.result import PhaseResult
from isotherm.load.spec import LoadSpec
from isotherm.load.target import HttpTarget

from .loopback import Script

#: What the clocks say at first: of `time.perf_counter`, and Unix time.
BEGIN_S, EPOCH_S = 1000.0, 1_800_000_000.0


class MadeUpTime:
    """Runs loads, each in a time of its own; `now` is that of the load under way, in seconds since it was started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop: _Loop | None = None
        #: When each connection was opened, of the latest load.
        self.opened_at: list[float] = []
        for module in (alarm, exchange, generator):
            monkeypatch.setattr(module, "perf_counter", self._clock)
        unix = SimpleNamespace(time=lambda: EPOCH_S + self.now, process_time=lambda: 0.0)
        monkeypatch.setattr(generator, "time", unix)
        monkeypatch.setattr(generator, "_waited_for_processor_s", lambda: 0.0)
        monkeypatch.setattr(generator, "connect", self._connect)
        monkeypatch.setattr(alarm, "sys", SimpleNamespace(platform="with no clock but the event loop's"))

    @property
    def now(self) -> float:
        """How much time has passed."""
        return self._clock() - BEGIN_S

    def unix(self, seconds: float) -> float:
        """The Unix time so many seconds after a load is started."""
        return EPOCH_S + seconds

    def pass_by(self, seconds: float) -> None:
        """Be busy for so long: time passes and nothing else happens."""
        assert self._loop is not None
        self._loop.now += seconds

    def load(self, spec: LoadSpec, script: Script, **options: Any) -> PhaseResult:
        """What a load's first phase comes to with a server that runs `script` for each connection."""
        self._script, self.opened_at = script, []
        with asyncio.Runner(loop_factory=self._new_loop) as runner:
            target = HttpTarget("http://made-up.invalid", seed=7)
            return runner.run(run(spec, target, spec.phases[0].name, **options))

    def _clock(self) -> float:
        return BEGIN_S if self._loop is None else self._loop.now

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        self._loop = _Loop()
        return self._loop

    async def _connect(self, *_: object) -> tuple[Connection, Opening]:
        self.opened_at.append(self.now)
        connection = Connection()
        _join(connection, self._script)
        return connection, Opening(0.0, 0.0, None)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that never sleeps: what it would sleep for is over at once."""

    def __init__(self) -> None:
        self.now = BEGIN_S
        super().__init__(_Selector(self._passed))

    def time(self) -> float:
        return self.now

    def _passed(self, seconds: float | None) -> None:
        assert seconds is not None, "all wait, and not for any time: this load would never end"
        self.now += seconds


class _Selector(selectors.SelectSelector):
    """Waits for nothing; says how long it would have waited."""

    def __init__(self, passed: Callable[[float | None], None]) -> None:
        super().__init__()
        self._passed = passed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self._passed(timeout)
        return ready


class _Wire(asyncio.Transport):
    """Half of a connection within this process: what is written here arrives there when the event loop next turns."""

    def __init__(self, here: asyncio.Protocol) -> None:
        super().__init__()
        self._here, self._closing = here, False
        self.there: _Wire | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._later(self._others._arrive, bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._later(self._here.connection_lost, None)
            self._later(self._others.close)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._closing

    @property
    def _others(self) -> _Wire:
        assert self.there is not None
        return self.there

    def _arrive(self, data: bytes) -> None:
        if not self._closing:
            self._here.data_received(data)

    def _later(self, call: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_soon(call, *arguments)


def _join(client: asyncio.Protocol, script: Script) -> None:
    """Connect a client with a server that runs `script`, as `loopback.serving` does over a socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.close()

    server = asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)
    here, there = _Wire(client), _Wire(server)
    here.there, there.there = there, here
    server.connection_made(there)
    client.connection_made(here)
