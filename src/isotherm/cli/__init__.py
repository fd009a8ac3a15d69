"""The command `isotherm`: reads what a person typed, calls the rest, and tells how it ended."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from isotherm.cli.app import run_command

    code = run_command(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is done and said: what is left to interrupt is Python's own end
    sys.exit(code)
