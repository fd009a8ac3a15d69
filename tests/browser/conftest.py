"""One Chromium for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .chromium import Browser, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
