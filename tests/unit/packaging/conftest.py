"""Makes the build's modules importable, as `PYTHONPATH=packaging` does in packaging/build.mk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
sys.path.insert(0, str(PROJECT / "packaging"))


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT
