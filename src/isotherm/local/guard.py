"""Runs a program that must not outlive the process which wants its result; a script, run with `python -I -S`.

    guard.py DESCRIPTOR PROGRAM [ARGUMENT]...

DESCRIPTOR is the reading end of a pipe. The other end is that process's alone and ends with it, however it ends; then
the whole process group of this script is ended. It needs nothing but POSIX, and no code runs between fork and exec.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

GRACE_S = 5.0
CANNOT_RUN = 127


def main(descriptor: int, command: list[str]) -> int:
    """Run `command`; gives its exit status, or 128 and the number of the signal that ended it."""
    os.set_inheritable(descriptor, False)
    # The group is asked to end first, and this process is part of it; a program that is started gets the default back.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        pid = os.posix_spawn(command[0], command, os.environ)
    except OSError as problem:
        print(f"{command[0]} cannot be run: {problem.strerror}", file=sys.stderr)
        return CANNOT_RUN
    watch = threading.Thread(target=_end_after, args=(descriptor,), daemon=True)
    watch.start()
    _, ended = os.waitpid(pid, 0)
    if _left_alone.is_set():  # others of the group may live still
        watch.join()
    status = os.waitstatus_to_exitcode(ended)
    return status if status >= 0 else 128 - status


_left_alone = threading.Event()


def _end_after(descriptor: int) -> None:
    """End the group once the other end of the pipe is closed."""
    os.read(descriptor, 1)
    _left_alone.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
