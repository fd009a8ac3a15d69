"""The command `isotherm`: reads what a person typed, calls the rest, and tells how it ended."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from isotherm.cli.app import run_command

    sys.exit(run_command(sys.argv[1:]))
