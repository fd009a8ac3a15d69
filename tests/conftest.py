"""One embedded stack for the whole session, deployed to two regions by the command line itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from integration.embedded import SATELLITE, Embedded, deployed_stack

# The machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

OURS = ("AWS_", "ISOTHERM_")


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    """Commands that a test runs in this process enter a stack by variables; none stays for the next test."""
    before = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    yield
    for name in [name for name in os.environ if name.startswith(OURS) and name not in before]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """The stack, with Isotherm deployed to both regions."""
    with deployed_stack("tests", SATELLITE) as stack:
        yield stack
