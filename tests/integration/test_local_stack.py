"""MiniStack itself, started and stopped by `isotherm local`."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from isotherm.local.stack import processes_of

from .embedded import Embedded, command_line, skip_without_tools

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc (Linux)")

LISTENING = "0A"
LOOPBACKS = {"0100007F", "00000000000000000000000001000000"}


def _listening(pids: list[int]) -> dict[str, str]:
    """Local addresses (as /proc writes them) that processes listen on, by socket inode."""
    theirs = set()
    for pid in pids:
        for descriptor in (Path("/proc") / str(pid) / "fd").iterdir():
            try:
                theirs.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    rows = [
        row.split() for table in ("tcp", "tcp6") for row in (Path("/proc/net") / table).read_text().splitlines()[1:]
    ]
    return {row[9]: row[1] for row in rows if row[3] == LISTENING and row[9] in theirs}


def test_it_listens_on_loopback_only(embedded: Embedded) -> None:
    status = embedded.isotherm("local", "status", "--json").document
    token = _token(status["endpoint_url"])
    listening = _listening(processes_of(token))

    assert listening
    assert {address.split(":")[0] for address in listening.values()} <= LOOPBACKS


def test_down_leaves_neither_process_nor_file() -> None:
    isotherm = command_line("tests-down")
    started = isotherm("local", "up", "--json")
    skip_without_tools(started)
    try:
        token = _token(started.document["endpoint_url"])
        assert processes_of(token)
    finally:
        ended = isotherm("local", "down", "--json")

    assert ended.document == {"stopped": True}
    assert processes_of(token) == []
    folder = Path(started.document["log"]).parent
    assert sorted(path.name for path in folder.iterdir() if path.name not in ("lock", "ministack.log", "logs")) == []
    assert isotherm("local", "status").code == 1


def test_a_second_stack_beside_the_first_gets_a_port_of_its_own(embedded: Embedded) -> None:
    isotherm = command_line("tests-second")
    started = isotherm("local", "up", "--json")
    try:
        assert started.code == 0, started.err
        assert started.document["endpoint_url"] != embedded.environment["AWS_ENDPOINT_URL"]
    finally:
        isotherm("local", "down", "--yes")

    assert embedded.isotherm("local", "status").code == 0


def _token(endpoint_url: str) -> str:
    import json

    with urllib.request.urlopen(f"{endpoint_url}/_ministack/health") as answer:  # noqa: S310 - loopback
        return str(json.load(answer)["edition"])
