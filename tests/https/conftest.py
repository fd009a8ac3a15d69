"""Servers for the tests of this folder: the real one, and one with handlers that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .process import STAND_IN, Server, Start, start


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers, and ends at the end those that still run."""
    running: list[Server] = []

    def begin(*options: str, program: tuple[str, ...] = ("-m", "server"), **variables: str) -> Server:
        running.append(start(tmp_path_factory.mktemp("ca") / "ca.pem", *options, program=program, **variables))
        return running[-1]

    yield begin
    for server in running:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(started: Start) -> Server:
    """The real server, with customers in memory."""
    return started("--memory")


@pytest.fixture(scope="module")
def stand_in(started: Start) -> Server:
    """The server with handlers that misbehave, two at a time and three in all."""
    options = ("--memory", "--threads", "2", "--in-flight", "3", "--timeout-s", "3")
    return started(*options, program=(str(STAND_IN),))


@pytest.fixture
def ca_file(server: Server) -> Path:
    """What verifies the server."""
    return server.ca_file
