"""One embedded stack for the whole session, deployed to two regions by the command line itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .embedded import HOME, SATELLITE, STACK, START_S, Embedded, command_line, skip_without_tools


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the embedded stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


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


@pytest.fixture
def unchanged(embedded: Embedded) -> Iterator[None]:
    """Every target is after the test as it was before, and nobody holds one."""
    before = embedded.configurations()
    yield
    assert embedded.configurations() == before
    assert embedded.leases() == []


@pytest.fixture
def event(tmp_path: Path) -> Callable[[object], str]:
    """Writes a campaign to a file."""

    def write(document: object) -> str:
        path = tmp_path / "event.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write
