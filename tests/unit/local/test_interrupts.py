"""Ctrl-C once ends a command, and no more of them keep it from cleaning up."""

from __future__ import annotations

import signal

from unit.stepping import STILL, expect, go_on, running

LEAVING = """
import signal
from isotherm.local import interrupts
from isotherm.local.interrupts import interruptible_once, uninterrupted
def leave(number, _):
    raise SystemExit(128 + number)
signal.signal(signal.SIGTERM, leave)
"""


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
step("last words")
"""
    with running(LEAVING + program) as process:
        assert process.stderr is not None
        expect(process, "measuring")
        process.send_signal(signal.SIGINT)
        expect(process, "interrupted")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        go_on(process)
        expect(process, "cleaning")
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            assert process.stderr.readline() == STILL
        go_on(process)
        expect(process, "clean")
        expect(process, "last words")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        go_on(process)
        assert process.wait() == 0


def test_what_was_not_interrupted_leaves_signals_as_they_were() -> None:
    program = """
with interruptible_once():
    pass
step("afterwards")
"""
    for number, ended in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)):
        with running(LEAVING + program) as process:
            expect(process, "afterwards")
            process.send_signal(number)
            assert process.wait() == ended


def test_a_clean_up_that_is_interrupted_is_finished_and_the_interruption_comes_then() -> None:
    program = """
try:
    with uninterrupted():
        step("cleaning")
        print("clean", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with running(LEAVING + program) as process:
        assert process.stderr is not None
        expect(process, "cleaning")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        go_on(process)
        expect(process, "clean")
        expect(process, "interrupted")
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
    with running(LEAVING + program) as process:
        assert process.stderr is not None
        expect(process, "measuring")
        process.send_signal(signal.SIGINT)
        expect(process, "cleaning")
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == STILL
        go_on(process)
        expect(process, "clean")
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
    with running(LEAVING + program) as process:
        expect(process, "clean")
        assert process.wait() == 0


def test_a_signal_that_comes_again_after_long_is_meant() -> None:
    """What cleans up may hang; and Python drops an exception that is raised in a callback."""
    program = """
interrupts.PATIENCE_S = 0
with interruptible_once():
    try:
        step("measuring")
    except KeyboardInterrupt:
        step("cleaning")
"""
    with running(LEAVING + program) as process:
        expect(process, "measuring")
        process.send_signal(signal.SIGINT)
        expect(process, "cleaning")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
