"""What the tests in containers share: an engine, started where none answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from integration.embedded import Embedded
from isotherm.local.checkout import Checkout
from isotherm.local.errors import ToolUnavailable
from isotherm.local.tools import SAM, ensure

from .bridge import bridged
from .engine import ROOT, Engine, engine
from .lambda_engine.errors import NoEngine


@pytest.fixture(scope="session")
def sam() -> Path:
    """SAM CLI."""
    try:
        return ensure(Checkout(ROOT, "tests"), SAM)
    except ToolUnavailable as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def running_engine() -> Iterator[Engine]:
    """A Docker engine that has the image for functions."""
    try:
        running = engine()
    except NoEngine as problem:
        pytest.skip(str(problem))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def seen_from_inside(running_engine: Engine, embedded: Embedded) -> Iterator[str]:  # noqa: ARG001 - it has the bridge
    """The embedded stack's address, as containers see it."""
    port = urlsplit(embedded.environment["AWS_ENDPOINT_URL"]).port
    assert port is not None
    with bridged(port):
        yield f"http://host.docker.internal:{port}"
