"""What the unit tests share: botocore's descriptions of AWS's services, which each session would read anew."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest


@pytest.fixture(autouse=True, scope="session")
def _services_described_once() -> Iterator[None]:
    """One loader for all sessions, of which the tests make hundreds; most of making a client is reading its JSON."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield
