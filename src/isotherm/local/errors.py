"""What can go wrong on this machine, told in one line to the person who typed the command."""

from __future__ import annotations


class LocalError(Exception):
    """Something on this machine failed; the text says what, and what to do about it."""


class NoCheckout(LocalError):
    """There is no Isotherm checkout here, so there is nothing to build or deploy."""


class ToolUnavailable(LocalError):
    """A tool environment could not be made (most often: no network)."""


class StackError(LocalError):
    """The embedded stack did not start, or does not answer."""


class StackGone(StackError):
    """The embedded stack that this process worked with is not there any more, and with it what it held."""


class CommandFailed(LocalError):
    """A program that was run ended with an error; the text carries the last lines it wrote."""


class Unwritable(LocalError):
    """A file cannot be written; the text names it and says what to do."""


class NoRoom(CommandFailed):
    """A program that was run failed where nothing can be written; the text says where, and what to do."""
