"""One Chromium for the tests of a file; and lets them make up campaigns as the statistics' tests do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, chromium

sys.path.append(str(Path(__file__).parents[1] / "unit" / "statistics"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
