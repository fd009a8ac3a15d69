"""How a command ends other than well: with which exit code, and in which words. Nothing else knows both."""

from __future__ import annotations

import signal
import sys

DONE = 0
FAILED = 1
BAD_INPUT = 2
UNTOLD = 3
CROSSED = 99
INTERRUPTED = 130

#: As the help has them.
EXIT_CODES = {
    DONE: "done",
    FAILED: "failed",
    BAD_INPUT: "bad input",
    UNTOLD: "cannot be told",
    CROSSED: "a threshold was crossed",
    INTERRUPTED: "after Ctrl-C",
}


class Failed(Exception):
    """The command could not do what it was asked (exit code 1)."""

    exit_code = FAILED


class BadInput(Failed):
    """What was typed cannot be carried out (exit code 2)."""

    exit_code = BAD_INPUT


class ReportNotFetched(Failed):
    """The campaign ended, but its report could not be written here; it is still where it was measured."""


class CannotBeTold(Failed):
    """What was measured cannot answer what was asked (exit code 3)."""

    exit_code = UNTOLD


class Crossed(Failed):
    """What was measured is beyond the threshold that was given (exit code 99)."""

    exit_code = CROSSED


class Interrupted(Failed):
    """The person pressed Ctrl-C, or a signal ended the command; the text says what came of it.

    Parameters
    ----------
    text : str
        What goes on without them, or where it was ended.
    number : int
        The signal; the exit code is 128 more, so 130 after Ctrl-C.
    """

    def __init__(self, text: str, number: int = signal.SIGINT) -> None:
        super().__init__(text)
        self.number = number
        self.exit_code = 128 + number


def ending_of(problem: Exception) -> Failed | None:
    """What the person reads, and the exit code, for whatever was raised; None for a bug, which is to show as one."""
    from isotherm.campaign.refusals import CampaignRefused
    from isotherm.deployed.errors import DeployedError, NoReport, NoSuchCampaign, Refused, StillRunning
    from isotherm.local.errors import LocalError

    match problem:
        case Failed():
            return problem
        case CampaignRefused() | Refused():
            return BadInput(str(problem))
        case StillRunning(campaign_id=name):
            return Failed(f"ID: {problem}; wait for it (isotherm follow {name}) or end it (isotherm stop {name})")
        case NoSuchCampaign() | NoReport():
            return Failed(f"ID: {problem}")
        case DeployedError() | LocalError() | OSError():
            return Failed(str(problem))
    if "botocore.exceptions" in sys.modules:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, TokenRetrievalError

        if isinstance(problem, (NoCredentialsError, TokenRetrievalError)):
            return Failed("no AWS credentials: sign in (aws configure, aws sso login), or leave out --on aws")
        if isinstance(problem, (ClientError, BotoCoreError)):
            return Failed(str(problem))
    return None
