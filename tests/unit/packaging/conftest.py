"""What the tests of the build share."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT
