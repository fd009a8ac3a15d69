"""Programs that are sent signals between two of their steps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STEP = """
import sys
def step(name):
    print(name, flush=True)
    sys.stdin.readline()
"""
#: What is answered to a signal while a program cleans up.
STILL = "isotherm: cleaning up first, one moment\n"


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program whose `step(name)` says the name, and goes on when it is told to."""
    with subprocess.Popen(
        [sys.executable, "-c", STEP + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def expect(process: subprocess.Popen[str], line: str) -> None:
    """Wait for the program to say this."""
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


def go_on(process: subprocess.Popen[str]) -> None:
    """Let it take its next step."""
    assert process.stdin is not None
    process.stdin.write("\n")
