"""What is said of a polite kill or of a Ctrl-C at any moment, and what a second one cuts short: nothing."""

from __future__ import annotations

import signal

import pytest

from unit.stepping import STILL, expect, go_on, running

COMMAND = """
from isotherm import cli
from isotherm.cli.app import app
@app.command("work")
def work():
    try:
        step("working")
    finally:
        step("cleaning")
        print("clean", flush=True)
sys.argv = ["isotherm", "work"]
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_kill_that_comes_twice_is_told_once_and_does_not_cut_short_what_cleans_up(number: signal.Signals) -> None:
    """As `timeout` sends it: to the process, and to its group."""
    with running(COMMAND + "cli.main()") as process:
        assert process.stderr is not None
        expect(process, "working")
        process.send_signal(number)
        assert process.stderr.readline() == f"isotherm: ended by {number.name}\n"
        expect(process, "cleaning")
        process.send_signal(number)
        assert process.stderr.readline() == STILL
        go_on(process)
        expect(process, "clean")
        assert process.wait() == 128 + number
        assert process.stderr.read() == ""


def test_a_ctrl_c_after_the_last_word_is_not_shown_as_a_bug() -> None:
    program = """
import atexit
atexit.register(step, "leaving")
cli.main()
"""
    with running(COMMAND + program) as process:
        assert process.stderr is not None
        expect(process, "working")
        go_on(process)
        expect(process, "cleaning")
        go_on(process)
        expect(process, "clean")
        expect(process, "leaving")
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.stderr.read() == ""


def test_a_ctrl_c_while_the_command_is_being_read_is_not_shown_as_a_bug() -> None:
    program = """
from isotherm import cli
class Reading:
    def find_spec(self, name, *_):
        if name == "isotherm.cli.app":
            step("reading")
sys.meta_path.insert(0, Reading())
cli.main()
"""
    with running(program) as process:
        assert process.stderr is not None
        expect(process, "reading")
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.stderr.read() == ""


def test_a_ctrl_c_that_is_ignored_stays_so() -> None:
    """A shell has what runs in the background ignore it."""
    program = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)" + COMMAND + "cli.main()"
    with running(program) as process:
        expect(process, "working")
        process.send_signal(signal.SIGINT)
        go_on(process)
        expect(process, "cleaning")
        go_on(process)
        assert process.wait() == 0
