"""One campaign that is to meet a fault: started by a person's command, watched, and at its end made into evidence."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from integration.embedded import HOME, PROGRAM, ROOT, STACK, CommandLine, Embedded
from isotherm.local.stack import MEMORY_FOLDER, processes_of

from .functions import Deployed, Measured, version_text
from .oracle import Command, Evidence

Control = Literal[
    "plan", "dispatch", "prepare", "fire", "collect", "restore", "notify", "rescue", "aggregate", "publish"
]

#: How long the end of a campaign, and the tidying up after it, may take: never how long it should.
END_S = 240
TIDY_S = 30
EVENT_S = 90
POLL_S = 0.05


class NotInjected(Exception):
    """The moment of the fault never came: the campaign is not judged, and that is said."""


class Client:
    """A command of a person that goes on by itself, what it says going to files."""

    def __init__(self, embedded: Embedded, folder: Path, *arguments: str, text: str = "") -> None:
        self.command = " ".join(("isotherm", arguments[0]))
        self._out, self._err = folder / f"{arguments[0]}.out", folder / f"{arguments[0]}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [str(PROGRAM), *arguments],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=embedded.isotherm.environment,
                cwd=ROOT,
                # A shell has interrupts ignored in what it runs in the background, and we would inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.close()

    @property
    def said(self) -> str:
        """All it printed so far."""
        return self._out.read_text(errors="replace") + self._err.read_text(errors="replace")

    @property
    def remarks(self) -> str:
        """What it printed to standard error so far."""
        return self._err.read_text(errors="replace")

    def wait(self, timeout_s: float) -> int:
        """Its exit code; a signal's number is negative."""
        return self.process.wait(timeout_s)

    def end(self) -> None:
        """End it, wherever it is."""
        self.process.kill()
        self.process.wait()


@dataclass
class Scene:
    """A campaign on two functions while it runs.

    `expected` are the functions as they should be in the end: as they were, but for what an outsider changes on purpose
    (`change`). `token` is what all processes of the stack carry, `died` whether the stack itself met the fault.
    `in_doubt` are calls that a killed client may have announced and not sent.
    """

    embedded: Embedded
    folder: Path
    rng: random.Random
    document: dict[str, Any]
    functions: list[Measured]
    expected: dict[str, dict[str, str]]
    client: Client
    campaign_id: str = ""
    token: str = ""
    in_doubt: int = 0
    extra: list[Command] = field(default_factory=list)
    died: bool = False

    def lanes(self) -> list[dict[str, str]]:
        """Facts of each lane, as texts."""
        items = self.embedded.lanes(self.campaign_id)
        return [{name: str(next(iter(value.values()))) for name, value in item.items()} for item in items]

    def tour(self) -> dict[str, str]:
        """The row of the tour that runs, facts as texts."""
        rows = self.embedded.tours(self.campaign_id)
        tours = [{name: str(next(iter(value.values()))) for name, value in row.items()} for row in rows]
        running = [one for one in tours if "execution_arn" in one and "ended_at" not in one]
        if not running:
            raise NotInjected(f"no tour runs: {self.client.said[-300:]}")
        return running[0]

    def calls(self) -> int:
        """Calls that the functions counted so far."""
        return sum(len(one.calls()) for one in self.functions)

    def until(self, happened: Callable[[], object], what: str, within_s: float = EVENT_S) -> None:
        """Wait for something that the fault needs.

        Raises
        ------
        NotInjected
            The campaign ended, or time was up, without it.
        """
        deadline = time.monotonic() + within_s
        while not happened():
            if time.monotonic() > deadline or self.client.process.poll() is not None:
                raise NotInjected(f"{what} never came: {self.client.said[-300:]}")
            time.sleep(POLL_S)

    def await_calls(self, number: int) -> None:
        """Until the functions counted so many calls."""
        self.until(lambda: self.calls() >= number, f"call {number}")

    def await_lane(self, phase: str) -> dict[str, str]:
        """A lane that is in this phase now."""
        found: list[dict[str, str]] = []

        def look() -> bool:
            found[:] = [one for one in self.lanes() if one.get("phase") == phase and one["status"] == "running"]
            return bool(found)

        self.until(look, f"a lane in {phase}")
        return found[0]

    def measured(self, lane: dict[str, str]) -> Measured:
        """The function of a lane."""
        return next(one for one in self.functions if one.target == lane["target"])

    @property
    def campaign_arn(self) -> str:
        """The campaign's execution."""
        return self.embedded.execution_arn(self.campaign_id)

    def delete_item(self, pk: str, sk: str) -> None:
        """Delete a row of the table, as somebody who tidies up."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        self.embedded.client("dynamodb").delete_item(TableName=f"{STACK}-samples", Key=key)

    def raw_keys(self) -> list[str]:
        """Objects with shots that there are now."""
        keys = sorted(self.embedded.objects())
        return [key for key in keys if key.startswith(f"raw/{self.campaign_id}/") and key.endswith(".jsonl.gz")]

    def delete_object(self, key: str) -> None:
        """Delete an object of the results bucket."""
        self.embedded.client("s3").delete_object(Bucket=bucket_of(self.embedded), Key=key)

    def follow(self) -> None:
        """The person comes back to a campaign whose client is gone."""
        self.run("follow", self.campaign_id, "--output", str(self.folder / "run"), expected={0})

    def stop(self) -> None:
        """The person types `isotherm stop`, which shows what was measured until then."""
        self.run("stop", self.campaign_id, "--output", str(self.folder / "stopped"), expected={0})

    def stop_execution(self, arn: str) -> None:
        """Stop an execution as from the console."""
        states = self.embedded.client("stepfunctions", arn.split(":")[3])
        states.stop_execution(executionArn=arn, error="Injected", cause="stopped in the console")

    def workers(self, control: Control) -> list[int]:
        """Process ids of a control function's environments."""
        return [pid for pid in processes_of(self.token) if _function_of(pid) == f"{STACK}-{control}"]

    def kill_worker(self, control: Control, times: int = 1, begin: Callable[[], None] = lambda: None) -> None:
        """Kill a control function's process in the middle of its work, so often.

        Idle ones are ended first, then `begin` is called.
        """
        self.end_idle(control)
        begin()
        for _ in range(times):
            self.await_work(control)
            time.sleep(self.rng.uniform(0.02, 0.2))
            self._end(control)

    def end_idle(self, control: Control) -> None:
        """End a control function's processes of earlier campaigns: the next one to appear is at work."""
        self._end(control)

    def _end(self, control: Control) -> None:
        for pid in self.workers(control):
            self.kill(pid)

    def await_work(self, control: Control) -> None:
        """Until a process of a control function appears."""
        self.until(lambda: self.workers(control), f"work of {control}")

    def kill(self, pid: int) -> None:
        """Kill a process, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_stack(self) -> None:
        """Kill the embedded stack itself."""
        self.died = True
        self.kill(stack_state(self.embedded.isotherm)["pid"])

    def change(self, function: Measured, **facts: str | None) -> None:
        """Note what an outsider has changed on purpose; None takes a fact away."""
        for name, value in facts.items():
            if value is None:
                self.expected[function.name].pop(name, None)
            else:
                self.expected[function.name][name] = value

    def theirs(self, function: Measured, version: dict[str, Any]) -> str:
        """Note a version that an outsider published; returns its number."""
        self.expected[function.name][f"version {version['Version']}"] = version_text(version)
        return str(version["Version"])

    def run(self, *arguments: str, expected: Collection[int], must_say: str = "", text: str | None = None) -> Command:
        """Have the person type another command, and keep how it ended."""
        ran = self.embedded.isotherm(*arguments, text=text, timeout=END_S)
        said = Command(
            command=f"isotherm {arguments[0]}",
            code=ran.code,
            expected=expected,
            said=ran.out + ran.err,
            must_say=must_say,
        )
        self.extra.append(said)
        return said


def _function_of(pid: int) -> str:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    names = [one.partition(b"=")[2].decode() for one in variables if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")]
    return names[0] if names else ""


def stack_state(isotherm: CommandLine) -> dict[str, Any]:
    """What is written down of a stack that was started: its process, and the token that all its processes carry."""
    folder = ROOT / ".isotherm" / isotherm.environment["ISOTHERM_LOCAL"]
    state: dict[str, Any] = json.loads((folder / "stack.json").read_text())
    return state


#: By which a person knows that the embedded stack died, and with it all that was measured.
DEATH = re.compile(r"the embedded stack is gone: nothing answers at \S+ any more")

#: What a function says of itself in the platform's name (`target/app.py`).
FORGED_MS = "99999"

#: What each campaign measures, of each of its two functions: versions of their own, and warm calls on the last one.
COLD, WARM = 3, 4


def plain_campaign(targets: list[str], **fields: Any) -> dict[str, Any]:
    """A small campaign of these targets; `fields` replace those of the same name."""
    return {
        "name": "fault",
        "targets": targets,
        "regions": [HOME],
        "cold": {"samples": COLD, "method": "burst", "concurrency": 1},
        "warm": {"samples": WARM},
        "rounds": 1,
        "report_deadline_s": 2,
        "budget_usd": 1,
        **fields,
    }


@contextlib.contextmanager
def on_stage(
    embedded: Embedded, folder: Path, seed: str, behaviours: tuple[str, str], **fields: Any
) -> Iterator[Scene]:
    """A campaign on two functions of its own, which begins now; the functions are removed afterwards.

    Where `fields` name targets, it measures these functions of the stack instead.

    Parameters
    ----------
    folder : Path
        Where the functions count and the command writes.
    seed : str
        Of every moment that is chosen, and part of the functions' names.
    behaviours : pair of str
        What each function does (`target/app.py`).
    fields : any
        Of the campaign, in place of the usual ones.
    """
    folder.mkdir(parents=True)
    memory = {"first": 128, "second": 128}
    functions = [Measured(embedded, f"{name}-{folder.name}", HOME, folder / f"{name}.count") for name in memory]
    if "targets" in fields:
        since_ms = int(time.time() * 1000)
        functions = [Deployed(embedded, target, HOME, folder, since_ms) for target in fields["targets"]]
    client = None
    try:
        for function, behaviour in zip(functions, behaviours, strict=False):
            function.create(behaviour)
        document = {**plain_campaign([one.target for one in functions]), **fields}
        expected = {one.name: dict(one.facts()) for one in functions}
        client = Client(embedded, folder, "run", "-", "--output", str(folder / "run"), text=json.dumps(document))
        scene = Scene(embedded, folder, random.Random(seed), document, functions, expected, client)  # noqa: S311
        scene.token = str(stack_state(embedded.isotherm)["token"])
        scene.until(lambda: re.match(r"campaign (\S+)", client.remarks), "the campaign's start")
        scene.campaign_id = client.remarks.split()[1]
        yield scene
    finally:
        if client is not None:
            client.end()
        with contextlib.suppress(BotoCoreError, ClientError):  # the stack may be what was killed
            for function in functions:
                function.delete()


def evidence_of(scene: Scene, expected: Collection[int], must_say: str = "") -> Evidence:
    """Wait for the campaign's end and for the tidying up after it, then say all that is seen from outside."""
    code = scene.client.wait(END_S)
    run = Command(command=scene.client.command, code=code, expected=expected, said=scene.client.said, must_say=must_say)
    commands = [run, *scene.extra]
    if scene.died:
        commands.append(scene.run("local", "down", expected={0}))
        return Evidence(
            planned=planned_calls(scene.document),
            sent=_counted(scene),
            account=None,
            files=files_left(scene.token, died=scene.died),
            commands=commands,
            gone=DEATH.search(scene.client.said) is not None,
        )
    if scene.embedded.wait(scene.campaign_id, END_S)["status"] != "SUCCEEDED":
        # What was measured is to be had all the same, marked as a part.
        commands.append(scene.run("report", scene.campaign_id, "--output", str(scene.folder / "report"), expected={1}))
    _await_tidy(scene)
    summary, rows = results_in(*(scene.folder / name for name in ("run", "stopped", "report")))
    return Evidence(
        planned=planned_calls(scene.document),
        sent={*_counted(scene), *written_shots(scene.embedded, scene.campaign_id)},
        account=None if summary is None else summary["accounting"],
        cells=[] if summary is None else [cell["accounting"] for cell in summary["cells"]],
        samples=[row["shot_id"].lstrip("'") for row in rows],
        forged=sum(
            row["verdict"] == "used" and FORGED_MS in row["billed_duration_ms"] + row.get("billed_with_hold_ms", "")
            for row in rows
        ),
        in_doubt=scene.in_doubt,
        expected=scene.expected,
        found={one.name: one.facts() for one in scene.functions},
        leases=_leases(scene),
        executions=_executions(scene),
        files=files_left(scene.token, died=scene.died),
        commands=commands,
    )


def planned_calls(document: dict[str, Any]) -> int:
    """How many calls a campaign of these fields makes: each step's priming call included where nothing was cold."""
    settings = len(document.get("memory_mb", [None])) * len(document.get("protocols", ["invoke"]))
    cold, warm = document["cold"]["samples"], document["warm"]["samples"]
    primed = document["rounds"] if warm else 0
    # Customers are posted, then got; what was posted finds its environment warm.
    operations = (
        [cold + warm + primed, warm + primed] if document["targets"] == ["customers"] else [cold + warm + primed]
    )
    return int(len(document["targets"]) * len(document["regions"]) * settings * sum(operations))


def _counted(scene: Scene) -> set[str]:
    return {shot for one in scene.functions for shot in one.calls()}


def written_shots(embedded: Embedded, campaign_id: str) -> set[str]:
    """Shots that Fire wrote down, of all objects that are there and can be read."""
    found: set[str] = set()
    for key in embedded.objects():
        if key.startswith(f"raw/{campaign_id}/") and key.endswith(".jsonl.gz"):
            with contextlib.suppress(OSError, EOFError, ValueError):  # damaged on purpose
                found |= {
                    json.loads(line)["shot_id"] for line in gzip.decompress(read_object(embedded, key)).splitlines()
                }
    return found


def read_object(embedded: Embedded, key: str) -> bytes:
    """An object of the results bucket."""
    body: bytes = embedded.client("s3").get_object(Bucket=bucket_of(embedded), Key=key)["Body"].read()
    return body


def bucket_of(embedded: Embedded) -> str:
    """The results bucket's name."""
    return f"{STACK}-{embedded.environment['AWS_ACCESS_KEY_ID']}-{HOME}"


def results_in(*folders: Path) -> tuple[dict[str, Any] | None, list[dict[str, str]]]:
    """Summary and raw samples, as the person has them in the first of these folders that has any."""
    for folder in folders:
        if (folder / "summary.json").is_file() and (folder / "samples.csv.gz").is_file():
            rows = csv.DictReader(gzip.decompress((folder / "samples.csv.gz").read_bytes()).decode().splitlines())
            return json.loads((folder / "summary.json").read_text()), list(rows)
    return None, []


def _await_tidy(scene: Scene) -> None:
    deadline = time.monotonic() + TIDY_S
    while time.monotonic() < deadline:
        as_expected = all(one.facts() == scene.expected[one.name] for one in scene.functions)
        if as_expected and not _leases(scene) and not _executions(scene):
            return
        time.sleep(0.5)


def _leases(scene: Scene) -> list[str]:
    names = [f"#{one.name}" for one in scene.functions]
    return [key for lease in scene.embedded.leases() if (key := lease["pk"]["S"]).endswith(tuple(names))]


def _executions(scene: Scene) -> list[str]:
    states = scene.embedded.client("stepfunctions")
    campaigns = scene.embedded.campaign_machine_arn
    return [
        execution["name"]
        for machine in (campaigns, campaigns.replace("-campaign", "-lane"))
        for execution in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        if execution["name"].startswith(scene.campaign_id)
    ]


def files_left(token: str, *, died: bool) -> list[str]:
    """Scratch folders in memory that no living stack owns, and what lives of a stack that died or was ended."""
    left = [f"process {pid}" for pid in processes_of(token)] if died else []
    scratch = MEMORY_FOLDER / f"isotherm-{token}"
    return left + [str(scratch)] * (scratch.exists() and not processes_of(token))
