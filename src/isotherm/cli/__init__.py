"""The command `isotherm`: reads what a person typed, calls the rest, and tells how it ended."""

from __future__ import annotations

import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line and leave with its exit code."""
    # While Python reads the command's own code, and while it ends, there is nothing to clean up: a Ctrl-C is the end,
    # rather than a traceback.
    _on_ctrl_c(signal.SIG_DFL)
    from isotherm.cli.app import run_command

    _on_ctrl_c(signal.default_int_handler)
    code = run_command(sys.argv[1:])
    _on_ctrl_c(signal.SIG_DFL)
    sys.exit(code)


def _on_ctrl_c(handler: Any) -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, handler)
