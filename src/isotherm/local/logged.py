"""Runs a program with its output kept in a file, and shows the last lines of it when the program fails."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isotherm.local import guard
from isotherm.local.errors import CommandFailed, NoRoom
from isotherm.local.interrupts import uninterrupted
from isotherm.local.writing import obstacle, written

SHOWN_LINES = 15
STOP_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A program that is running, its output going to a file."""

    process: subprocess.Popen[bytes]
    log: Path
    what: str

    @property
    def ended(self) -> bool:
        """Whether it has ended, well or not."""
        return self.process.poll() is not None

    def wait(self) -> None:
        """Wait for its end.

        Raises
        ------
        CommandFailed
            It ended with another status than 0; the text has its last lines.
        NoRoom
            The same, and nothing can be written in its log's folder or in that for temporary files, or its own output
            has it that a disk was full. Its last lines may well be missing then.
        """
        status = self.process.wait()
        if status == 0:
            return
        reason = _no_room(self.log)
        told = f"{self.what} failed (status {status})"
        output = f"the whole output is in {self.log}\n{last_lines(self.log)}".rstrip()
        if reason is not None:
            raise NoRoom(f"{told}: {reason}, then run the command again; {output}")
        raise CommandFailed(f"{told}; {output}")


@contextlib.contextmanager
def logged(
    command: Sequence[str],
    *,
    log: Path,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> Iterator[LoggedRun]:
    """Start `command` with its output going to `log`; what still runs of it at the end of the `with` block is ended.

    The program gets a process group of its own, so that Ctrl-C reaches this process alone, which then ends the group.
    Where this process is killed, the group is ended too (guard.py).

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
    lock : int, optional
        Descriptor of a lock (`lock.exclusive`) that is to be held for as long as anything of the program lives.

    Raises
    ------
    CommandFailed
        The program cannot be run.
    Unwritable
        The log cannot be written.
    """
    with written(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    program = shutil.which(command[0], path=None if env is None else env.get("PATH"))
    if program is None:
        raise CommandFailed(f"{what} cannot be run: {command[0]} is not there, or is not a program")
    watched, alive = os.pipe()
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the callers' own, fixed programs
                [sys.executable, "-I", "-S", guard.__file__, str(watched), program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
                pass_fds=[watched] if lock is None else [watched, lock],
            )
        try:
            yield LoggedRun(process, log, what)
        finally:
            if process.poll() is None:
                end_group(process)
    finally:
        os.close(watched)
        os.close(alive)


def run_logged(
    command: Sequence[str],
    *,
    log: Path,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> None:
    """Run `command` to its end; parameters and failures as for `logged` and `LoggedRun.wait`."""
    with logged(command, log=log, what=what, cwd=cwd, env=env, lock=lock) as run:
        run.wait()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, and everything in the group; no Ctrl-C keeps it from that."""
    with uninterrupted():
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_GRACE_S)


def _no_room(log: Path) -> str | None:
    """Why a program could not write, in words; None where that was not the reason, as far as can be seen."""
    folders = [log.parent, Path(tempfile.gettempdir())]
    for folder in folders:
        if (reason := obstacle(folder)) is not None:
            return reason
    full = os.strerror(errno.ENOSPC)  # a program may have removed what filled the disk before it ended
    text = _read(log)
    if full not in text:
        return None
    free = ", ".join(f"{shutil.disk_usage(folder).free // 10**6} MB in {folder}" for folder in folders)
    return f"a disk was full ({full}; now there is room for {free}): free some more"


def last_lines(log: Path, count: int = SHOWN_LINES) -> str:
    """The last `count` lines of a log that say something, indented; empty where there are none."""
    text = _read(log)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])


def _read(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
