"""One embedded stack for the whole session, deployed to two regions by the command line itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from integration.embedded import SATELLITE, Embedded, deployed_stack

# The machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """The stack, with Isotherm deployed to both regions."""
    with deployed_stack("tests", SATELLITE) as stack:
        yield stack
