"""A certificate authority of the tests' own, the event loops that may be there, and little for a load to collect."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

from .loopback import server_context
from .made_up_time import MadeUpTime

T = TypeVar("T")


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def each_event_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Has `asyncio.run` take Python's own event loop, then uvloop."""
    if request.param == "asyncio":
        yield
        return
    uvloop = pytest.importorskip("uvloop")

    def run(main: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "run", run)
        yield


@pytest.fixture(autouse=True)
def _little_to_collect() -> Iterator[None]:
    """A load begins with a full garbage collection, which here would go through all that any test has imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def made_up_time(monkeypatch: pytest.MonkeyPatch) -> MadeUpTime:
    """Instead of the time and the sockets of this machine, for what is loaded by it."""
    return MadeUpTime(monkeypatch)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def cafile(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return server_context(authority, "127.0.0.1", "localhost")
