"""Faults that are thrown at `make demo`: it brings a stack of its own, and what is left is judged as of any other."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.embedded import HOME, ROOT, STACK, START_S, CommandLine, Embedded, command_line

from .oracle import Command, Evidence
from .scene import END_S, POLL_S, NotInjected, files_left, planned_calls, results_in, stack_state, written_shots

DOCUMENT: dict[str, Any] = json.loads((ROOT / "events" / "campaign-demo.json").read_text())


@dataclass
class Demo:
    """`make demo` at its campaign, in a process group of its own, as a terminal would start it."""

    isotherm: CommandLine
    process: subprocess.Popen[bytes]
    log: Path
    campaign_id: str = ""
    token: str = ""

    @property
    def said(self) -> str:
        """All it printed so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it started, as a terminal does; harmless where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def until(self, happened: Callable[[], object], what: str) -> None:
        """Wait for something that the fault needs.

        Raises
        ------
        NotInjected
            It ended, or time was up, without it.
        """
        deadline = time.monotonic() + START_S
        while not happened():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise NotInjected(f"{what} never came: {self.said[-300:]}")
            time.sleep(POLL_S)

    def command(self, expected: set[int], must_say: str = "") -> Command:
        """Wait for its end, and say how it ended."""
        code = self.process.wait(END_S)
        return Command(command="make demo", code=code, expected=expected, said=self.said, must_say=must_say)

    def run(self, *arguments: str) -> Command:
        """Have the person type another command, which is to succeed."""
        ran = self.isotherm(*arguments, timeout=END_S)
        return Command(command=f"isotherm {arguments[0]}", code=ran.code, expected={0}, said=ran.out + ran.err)

    def embedded(self) -> Embedded:
        """Its stack, as the tests look at any."""
        environment = self.isotherm("local", "status", "--json").document["environment"]
        machine = f"arn:aws:states:{HOME}:{environment['AWS_ACCESS_KEY_ID']}:stateMachine:{STACK}-campaign"
        return Embedded(self.isotherm, environment, machine)


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """`make demo`, from when its campaign begins; whatever it leaves is taken down afterwards."""
    folder.mkdir(parents=True)
    isotherm = command_line("faults-demo")
    log = folder / "demo.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=isotherm.environment,
            cwd=ROOT,
            start_new_session=True,
            # A shell has interrupts ignored in what it runs in the background, and we would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    running = Demo(isotherm, process, log)
    lanes = len(DOCUMENT["targets"]) * len(DOCUMENT["regions"]) * DOCUMENT["rounds"]
    try:
        running.until(lambda: f" of {lanes} lanes" in running.said, "the demo's lanes")
        running.token = str(stack_state(isotherm)["token"])
        (running.campaign_id,) = re.findall(r"^campaign (\S+)", running.said, re.MULTILINE)[:1]
        yield running
    finally:
        running.signal(signal.SIGKILL)
        process.wait()
        isotherm("local", "down", "--yes")


def interrupt(folder: Path) -> Evidence:
    """Ctrl-C three times within a second: it ends with everything it started, and says so."""
    with demo(folder) as running:
        embedded = running.embedded()
        running.until(lambda: written_shots(embedded, running.campaign_id), "its first call")
        sent = written_shots(embedded, running.campaign_id)
        for _ in range(3):
            running.signal(signal.SIGINT)
            time.sleep(0.3)
        # make itself ends by the signal, or with an exit code of its own.
        ended = running.command({2, 130, -signal.SIGINT}, "interrupted; nothing is left running")
        return Evidence(
            planned=planned_calls(DOCUMENT),
            sent=sent,
            account=None,
            files=files_left(running.token, died=True),
            commands=[ended],
            gone="interrupted; nothing is left running" in ended.said,
        )


def kill(folder: Path) -> Evidence:
    """Its processes are killed: the campaign goes on, the person follows it, and takes the stack down afterwards."""
    with demo(folder) as running:
        embedded = running.embedded()
        running.signal(signal.SIGKILL)
        ended = running.command({-signal.SIGKILL})
        followed = running.run("follow", running.campaign_id, "--output", str(folder / "run"))
        summary, rows = results_in(folder / "run")
        leases = [str(lease["pk"]["S"]) for lease in embedded.leases()]
        sent = written_shots(embedded, running.campaign_id)
        down = running.run("local", "down")
        return Evidence(
            planned=planned_calls(DOCUMENT),
            sent=sent,
            account=None if summary is None else summary["accounting"],
            cells=[] if summary is None else [cell["accounting"] for cell in summary["cells"]],
            samples=[row["shot_id"].lstrip("'") for row in rows],
            leases=leases,
            files=files_left(running.token, died=True),
            commands=[ended, followed, down],
        )
