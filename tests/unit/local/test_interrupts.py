"""Ctrl-C once ends a command, and no more of them keep it from cleaning up."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Says each step, and goes on when it is sent a line.
STEPS = """
import signal, sys
from isotherm.local.interrupts import interruptible_once, uninterrupted
def leave(number, _):
    raise SystemExit(128 + number)
signal.signal(signal.SIGTERM, leave)
def step(name):
    print(name, flush=True)
    sys.stdin.readline()
"""
STILL = "isotherm: cleaning up first, one moment\n"


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", STEPS + program],
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


def _expect(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


def _go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")


def test_after_the_first_ctrl_c_no_other_keeps_a_command_from_cleaning_up() -> None:
    program = """
with interruptible_once():
    try:
        step("measuring")
    except KeyboardInterrupt:
        step("interrupted")
    finally:
        step("cleaning")
print("clean", flush=True)
step("afterwards")
"""
    with running(program) as process:
        assert process.stderr is not None
        _expect(process, "measuring")
        process.send_signal(signal.SIGINT)
        _expect(process, "interrupted")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        _go_on(process)
        _expect(process, "cleaning")
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            assert process.stderr.readline() == STILL
        _go_on(process)
        _expect(process, "clean")
        _expect(process, "afterwards")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM


def test_a_clean_up_that_is_interrupted_is_finished_and_the_interruption_comes_then() -> None:
    program = """
try:
    with uninterrupted():
        step("cleaning")
        print("clean", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with running(program) as process:
        assert process.stderr is not None
        _expect(process, "cleaning")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        _go_on(process)
        _expect(process, "clean")
        _expect(process, "interrupted")
        assert process.wait() == 0


def test_what_was_interrupted_already_is_not_interrupted_again_by_what_came_while_it_cleaned_up() -> None:
    program = """
with interruptible_once():
    try:
        step("measuring")
    except KeyboardInterrupt:
        with uninterrupted():
            step("cleaning")
        print("clean", flush=True)
"""
    with running(program) as process:
        assert process.stderr is not None
        _expect(process, "measuring")
        process.send_signal(signal.SIGINT)
        _expect(process, "cleaning")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        _go_on(process)
        _expect(process, "clean")
        assert process.wait() == 0
        assert process.stderr.read() == ""


def test_a_thread_other_than_the_main_one_cleans_up_as_it_can() -> None:
    program = """
import threading
def work():
    with uninterrupted():
        print("clean", flush=True)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    with running(program) as process:
        _expect(process, "clean")
        assert process.wait() == 0
