"""What the tests of the embedded stack share, besides the stack itself (tests/conftest.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .embedded import Embedded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the embedded stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


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
