"""What the tests in containers share: an engine, started where none answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isotherm.local.checkout import Checkout
from isotherm.local.errors import ToolUnavailable
from isotherm.local.tools import SAM, ensure

from .engine import ROOT, Engine, NoEngine, engine


@pytest.fixture(scope="session")
def sam() -> Path:
    """SAM CLI, of which the engine's image takes a part."""
    try:
        return ensure(Checkout(ROOT, "tests"), SAM)
    except ToolUnavailable as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def running_engine(sam: Path) -> Iterator[Engine]:
    """A Docker engine that has the image for functions."""
    try:
        running = engine(sam)
    except NoEngine as problem:
        pytest.skip(str(problem))
    yield running
    running.stop()
