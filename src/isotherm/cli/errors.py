"""How a command ends other than well; the text is what the person reads."""

from __future__ import annotations

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class Failed(Exception):
    """The command could not do what it was asked (exit code 1)."""

    exit_code = FAILED


class BadInput(Failed):
    """What was typed cannot be carried out (exit code 2)."""

    exit_code = BAD_INPUT


class Interrupted(Failed):
    """The person pressed Ctrl-C; the text says what goes on without them (exit code 130)."""

    exit_code = INTERRUPTED
