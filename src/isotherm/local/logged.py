"""Runs a program with its output kept in a file, and shows the last lines of it when the program fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from isotherm.local.errors import CommandFailed

SHOWN_LINES = 15
STOP_GRACE_S = 5.0


def run_logged(
    command: Sequence[str],
    *,
    log: Path,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `command` to its end, its output going to `log`.

    The program gets a process group of its own, which is ended whenever this call is left early (Ctrl-C), so nothing it
    started outlives it.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    log : Path
        File for both output streams, replaced.
    what : str
        What is being done, for the message: "sam build".
    cwd : Path, optional
        Working folder.
    env : mapping, optional
        The whole environment; this process's own by default.

    Raises
    ------
    CommandFailed
        The program cannot be run, or ended with another status than 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the callers' own, fixed programs
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
            )
        except OSError as problem:
            raise CommandFailed(f"{what} cannot be run: {problem}") from problem
        try:
            status = process.wait()
        except BaseException:
            end_group(process)
            raise
    if status != 0:
        raise CommandFailed(f"{what} failed (status {status}); the whole output is in {log}\n{last_lines(log)}")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, and everything in the group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_GRACE_S)


def last_lines(log: Path, count: int = SHOWN_LINES) -> str:
    """The last `count` lines of a log that say something, indented; empty where there are none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])
