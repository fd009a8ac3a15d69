"""One embedded stack for each process that runs tests, and how the tests are dealt out where there are several."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from integration.embedded import SATELLITE, Embedded, deployed_stack

# The machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

OURS = ("AWS_", "ISOTHERM_")

#: What takes longest, in the order in which workers take it up; what is not here follows, in the usual order.
LONGEST = (
    "integration/test_six_regions.py",
    "integration/test_destroy.py",
    "integration/test_interruption.py",
    "faults/test_quick.py",
    "container/",
    "integration/",
    "packages/",
    "statemachines/",
    "browser/",
)


def pytest_configure() -> None:
    """A Ctrl-C raises in tests and in what they start; begun in the background of a script, a process ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Have the same handlers of signals for each test: what was interrupted once keeps its own, as its process ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        return (yield)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class OneEngine(LoadFileScheduling):  # type: ignore[misc]
    """Gives each worker a file at a time, but all files about containers to one: there is one Docker engine."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/container" if "tests/container/" in nodeid else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneEngine:
    """How tests are dealt out to workers (`make test`); a plain pytest has none and never asks."""
    return OneEngine(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes longest, so that none is left with it when the others are done."""
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, path in enumerate(LONGEST) if f"tests/{path}" in item.nodeid), len(LONGEST))


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
    """The stack, with Isotherm deployed to both regions; each worker has its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    with deployed_stack(f"tests-{worker}" if worker else "tests", SATELLITE) as stack:
        yield stack
