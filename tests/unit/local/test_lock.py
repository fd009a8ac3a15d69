"""One at a time, between processes: who waits is told for whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from isotherm.local.lock import exclusive, holder, keep

# Holds the lock of the given file until its standard input ends.
HOLD = """
import pathlib, sys
from isotherm.local.lock import exclusive
with exclusive(pathlib.Path(sys.argv[1]), "sam deploy"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "lock"


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_free_lock_is_taken_without_a_word_and_is_free_again_afterwards(path: Path) -> None:
    said: list[str] = []
    with exclusive(path, "sam build", said.append):
        held = holder(path)
        assert held is not None
        assert (held.pid, held.what) == (os.getpid(), "sam build")
    assert holder(path) is None
    assert said == []


def test_whoever_waits_is_told_for_what_of_which_process_and_since_when(
    path: Path, other: subprocess.Popen[str]
) -> None:
    said: list[str] = []

    def say(what: str) -> None:
        said.append(what)
        assert other.stdin is not None
        other.stdin.close()

    held = holder(path)
    assert held is not None
    with exclusive(path, "sam deploy", say):
        assert other.wait() == 0

    since = time.strftime("%H:%M:%S", time.localtime(held.since))
    assert said == [f"waiting for sam deploy of process {other.pid}, since {since}"]


# Takes the lock, hands it on to a program that ends with the standard input, and waits.
HAND_ON = """
import pathlib, subprocess, sys
from isotherm.local.lock import exclusive
with exclusive(pathlib.Path(sys.argv[1]), "sam build") as descriptor:
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=[descriptor])
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_for_as_long_as_what_its_killed_holder_started_lives(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HAND_ON, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
        process.wait()
        said: list[str] = []

        def say(what: str) -> None:
            said.append(what)
            assert process.stdin is not None
            process.stdin.close()

        with exclusive(path, "sam build", say):
            pass
    assert said == [f"waiting for sam build to end, which process {process.pid} started and left"]


def test_waiting_can_be_interrupted(path: Path, other: subprocess.Popen[str]) -> None:
    def interrupt(_: str) -> None:
        threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident or 0, signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt), exclusive(path, "sam deploy", interrupt):
        pytest.fail("it was held")
    held = holder(path)
    assert held is not None
    assert held.pid == other.pid


# Keeps the lock, asking for it twice.
KEEP = """
import pathlib, sys
from isotherm.local.lock import keep
keep(pathlib.Path(sys.argv[1]), "isotherm run")
keep(pathlib.Path(sys.argv[1]), "isotherm run")
print("kept", flush=True)
sys.stdin.read()
"""


def test_what_is_kept_is_held_until_the_process_ends(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KEEP, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "kept\n"
        held = holder(path)
        assert held is not None
        assert (held.pid, held.what) == (process.pid, "isotherm run")
        process.kill()
    assert holder(path) is None


def test_nothing_is_kept_in_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "lock", "isotherm run")
    assert holder(tmp_path / "file" / "lock") is None
