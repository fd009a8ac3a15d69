from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from isotherm.local.errors import CommandFailed, NoRoom, Unwritable
from isotherm.local.lock import exclusive
from isotherm.local.logged import last_lines, run_logged
from unit.disks import fill, read_only, small_disk


def test_output_of_both_streams_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "out.log"
    run_logged(
        [sys.executable, "-c", "import sys; print('said'); print('warned', file=sys.stderr)"], log=log, what="trying"
    )

    assert sorted(log.read_text().split()) == ["said", "warned"]


def test_a_failure_shows_its_last_lines_and_where_the_rest_is(tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    program = "import sys\nfor n in range(100): print('line', n)\nsys.exit(3)"

    with pytest.raises(CommandFailed) as told:
        run_logged([sys.executable, "-c", program], log=log, what="sam build")

    text = str(told.value)
    assert text.startswith(f"sam build failed (status 3); the whole output is in {log}")
    assert "line 99" in text
    assert "line 84" not in text


def test_a_program_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"sam build cannot be run: .*no-such-program"):
        run_logged([str(tmp_path / "no-such-program")], log=tmp_path / "log", what="sam build")


def test_leaving_early_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = (
        "import os, subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"part = pathlib.Path({str(pids)!r} + '.part'); part.write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"part.rename({str(pids)!r})\n"
        "time.sleep(600)\n"
    )
    # A Ctrl-C reaches the main thread, so it has to be this one that waits for the program.
    left = threading.Event()
    threading.Thread(target=_interrupt_when, args=(pids, left), daemon=True).start()

    with pytest.raises(KeyboardInterrupt):
        run_logged([sys.executable, "-c", program], log=tmp_path / "log", what="waiting")
    left.set()

    for pid in map(int, pids.read_text().split()):
        assert _is_gone(pid)


def test_killing_the_one_who_waits_ends_the_program_too_and_its_lock_is_held_until_then(tmp_path: Path) -> None:
    """A client that is killed cannot end its sam build; a new one would build into the same folder beside it."""
    pids, lock = tmp_path / "pids", tmp_path / "lock"
    # Slow to end, and with a child that will not.
    program = (
        "import os, pathlib, signal, subprocess, sys, time\n"
        "child = [sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)']\n"
        "started = subprocess.Popen(child)\n"
        f"part = pathlib.Path({str(pids)!r} + '.part'); part.write_text(f'{{os.getpid()}} {{started.pid}}')\n"
        f"part.rename({str(pids)!r})\n"
        "time.sleep(60)\n"
    )
    waiting = (
        "import pathlib, sys\n"
        "from isotherm.local.lock import exclusive\n"
        "from isotherm.local.logged import run_logged\n"
        f"with exclusive(pathlib.Path({str(lock)!r}), 'sam build') as held:\n"
        f"    run_logged([sys.executable, '-c', {program!r}], log=pathlib.Path({str(tmp_path / 'log')!r}),"
        " what='sam build', lock=held)\n"
    )
    with subprocess.Popen([sys.executable, "-c", waiting]) as client:
        _wait_for(pids)
        client.kill()
        client.wait()
        said: list[str] = []
        with exclusive(lock, "sam build", said.append):
            left = [pid for pid in map(int, pids.read_text().split()) if not _is_gone(pid, within_s=0)]
    assert left == []
    assert said == [f"waiting for sam build to end, which process {client.pid} started and left"]


def test_a_program_that_a_signal_ended_is_told_with_a_status_above_128(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"sam build failed \(status 137\)"):
        run_logged([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], log=tmp_path / "log", what="sam build")


def _wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def _interrupt_when(path: Path, left: threading.Event) -> None:
    """Interrupt the main thread, and again where that was lost: an exception that is raised in a callback is."""
    _wait_for(path)
    while not left.is_set():
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        left.wait(15)


def _is_gone(pid: int, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while True:
        try:
            os.kill(pid, 0)
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


def test_last_lines_skip_the_empty_ones(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\n\n  \ntwo\n\n")

    assert last_lines(log, 2) == "  one\n  two"
    assert last_lines(tmp_path / "none") == ""


def test_a_program_that_filled_a_disk_and_removed_what_it_wrote_is_told_as_such(tmp_path: Path) -> None:
    program = "import sys; sys.exit('ERROR: [Errno 28] No space left on device')"
    with pytest.raises(NoRoom) as told:
        run_logged([sys.executable, "-c", program], log=tmp_path / "log", what="sam build")
    assert "sam build failed (status 1): a disk was full (No space left on device; now there is room for " in str(
        told.value
    )
    assert f" MB in {tmp_path}" in str(told.value)
    assert "run the command again" in str(told.value)


def test_a_full_disk_is_named_though_nothing_could_be_noted_of_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        (disk / "log").symlink_to(tmp_path / "log")
        with pytest.raises(NoRoom, match=rf"failed \(status 1\): {disk} cannot be written \(No space left on device\)"):
            run_logged([sys.executable, "-c", "raise SystemExit(1)"], log=disk / "log", what="sam build")


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        read_only(tmp_path / "locked") as folder,
        pytest.raises(Unwritable, match=f"{folder / 'log'} cannot be written"),
    ):
        run_logged([sys.executable, "-c", ""], log=folder / "log", what="sam build")
