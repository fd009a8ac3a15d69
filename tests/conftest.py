"""One embedded stack for the whole session, deployed to two regions by the command line itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from integration.embedded import HOME, SATELLITE, STACK, START_S, Embedded, command_line, skip_without_tools

# The machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """The stack, with Isotherm deployed to both regions."""
    isotherm = command_line("tests")
    started = isotherm("local", "up", "--json", timeout=START_S)
    skip_without_tools(started)
    assert started.code == 0, started.err
    try:
        deployed = isotherm("deploy", SATELLITE, "--json", timeout=START_S)
        skip_without_tools(deployed)
        assert deployed.code == 0, deployed.err
        environment = started.document["environment"]
        account = environment["AWS_ACCESS_KEY_ID"]
        yield Embedded(isotherm, environment, f"arn:aws:states:{HOME}:{account}:stateMachine:{STACK}-campaign")
    finally:
        isotherm("local", "down")
