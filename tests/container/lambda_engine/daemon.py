"""Starts and ends a Docker engine of our own, where one is installed and none answers. Knows nothing of images."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .errors import NoEngine

#: Where Debian has programs for root, which are not on everybody's PATH.
ROOT_PROGRAMS = "/usr/local/sbin:/usr/sbin:/sbin"

START_S = 60
STOP_S = 60
ASK_S = 60
LOOK_EVERY_S = 0.2


def answers() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=ASK_S).returncode == 0


def start(folder: Path) -> None:
    """Start an engine and wait until it answers.

    Parameters
    ----------
    folder : Path
        Where its images, its log and its process id are kept; made where it is not there.

    Raises
    ------
    NoEngine
        None is installed, this is not root, or it does not come up.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:{ROOT_PROGRAMS}"
    program = shutil.which("dockerd", path=path)
    if program is None:
        raise NoEngine("none is installed; on Debian: apt-get install docker.io iptables")
    if os.geteuid() != 0:
        raise NoEngine("only root can start one")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C is for whoever uses the engine, and `stop` ends it.
        process = subprocess.Popen(
            [program, "--data-root", str(folder / "data"), "--pidfile", str(_pid_file(folder))],
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            process.wait()
            raise NoEngine(f"{program} did not come up: {_last_line(log)}")
        time.sleep(LOOK_EVERY_S)


def stop(folder: Path) -> bool:
    """End the engine that `start` started with this folder; says whether there was one.

    Raises
    ------
    NoEngine
        It does not end.
    """
    pid_file = _pid_file(folder)
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    if os.fsencode(pid_file) not in command:  # the number of an engine that died is somebody else's by now
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while pid_file.exists():  # the engine removes it when it ends
        if time.monotonic() > deadline:
            raise NoEngine(f"process {pid} does not end; see {folder / 'dockerd.log'}")
        time.sleep(LOOK_EVERY_S)
    return True


def _pid_file(folder: Path) -> Path:
    return folder / "dockerd.pid"


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
