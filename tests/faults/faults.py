"""The faults: what is done to a campaign, when, and how it is then to end. Each is judged by the same oracle."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isotherm.local.stack import processes_of

from . import demos
from .functions import code, text_of
from .oracle import Evidence
from .scene import Client, Control, Scene, bucket_of, planned_calls, read_object

Inject = Callable[[Scene], None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault.

    Parameters
    ----------
    name : str
        By which it is chosen.
    what : str
        What is done, for people.
    inject : callable
        Does it, while the campaign runs.
    exit_codes : collection of int
        With which of them `isotherm run` is to end.
    says : str
        What a person must be told: a pattern.
    behaviour : str
        What one of the two functions does besides.
    campaign : mapping
        Fields of the campaign.
    times : int
        How often it is thrown in a whole run.
    quick : bool
        Whether a quick run throws it too.
    own_stack : bool
        Whether it takes a stack of its own, since nothing of the stack is left.
    alone : callable, optional
        In place of all but name and what: begins something of its own in a folder, and gives what was seen of it.
    """

    name: str
    what: str
    inject: Inject = lambda _: None
    exit_codes: frozenset[int] = frozenset({0})
    says: str = ""
    behaviour: str = "plain"
    campaign: Mapping[str, Any] = field(default_factory=dict)
    times: int = 2
    quick: bool = False
    own_stack: bool = False
    alone: Callable[[Path], Evidence] | None = None


DONE = frozenset({0})
FAILED = frozenset({1})
KILLED = frozenset({-signal.SIGKILL})
INTERRUPTED = frozenset({128 + signal.SIGINT})


# The laptop


def kill_client(scene: Scene) -> None:
    """SIGKILL for `isotherm run`; the person follows the campaign later."""
    scene.await_calls(scene.rng.randint(1, 8))
    scene.kill(scene.client.process.pid)
    scene.follow()


def signal_client(number: int) -> Inject:
    """Ctrl-C for `isotherm run`, or a polite kill, or its terminal is closed; the person follows the campaign later."""

    def inject(scene: Scene) -> None:
        scene.await_calls(scene.rng.randint(1, 8))
        scene.client.process.send_signal(number)
        scene.client.wait(60)
        scene.follow()

    return inject


def stop_campaign(scene: Scene) -> None:
    """The person types `isotherm stop`."""
    scene.await_calls(scene.rng.randint(1, 12))
    scene.stop()


def kill_stop(scene: Scene) -> None:
    """`isotherm stop` is killed at its work, and typed once more."""
    scene.await_calls(scene.rng.randint(1, 8))
    first = Client(scene.embedded, scene.folder, "stop", scene.campaign_id, "--output", str(scene.folder / "stopped"))
    scene.until(lambda: "stopping" in first.said, "the stop")
    time.sleep(scene.rng.uniform(0.0, 2.0))
    first.end()
    scene.stop()


def freeze_stack(scene: Scene) -> None:
    """The whole machine sleeps for some seconds, the client does not."""
    scene.await_calls(scene.rng.randint(1, 8))
    pids = processes_of(scene.token)
    for signalled in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signalled)
        time.sleep(5.0 if signalled == signal.SIGSTOP else 0.0)


def fill_disk(scene: Scene) -> None:
    """The report does not fit on the disk; when there is room again, the person fetches it once more."""
    resource.prlimit(scene.client.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    scene.client.wait(240)
    scene.run("report", scene.campaign_id, "--output", str(scene.folder / "run"), expected={0})


def kill_stack(scene: Scene) -> None:
    """The embedded stack's process is killed, as for lack of memory, and all that it held is gone."""
    scene.await_calls(scene.rng.randint(1, 8))
    scene.kill_stack()


def take_down(scene: Scene) -> None:
    """The person takes the embedded stack down while a campaign runs: refused, until they say that they mean it."""
    scene.await_calls(scene.rng.randint(1, 8))
    scene.run("local", "down", expected={1}, must_say=scene.campaign_id)
    scene.died = True
    scene.run("local", "down", "--yes", expected={0})


# Processes and executions of the platform


def kill_fire(scene: Scene) -> None:
    """Fire's process is killed between or in calls, as for lack of memory."""
    scene.await_calls(scene.rng.choice((1, 2, 3, 9, 10, 11)))  # cold calls, which take longest
    # At most so many calls are announced at once.
    scene.in_doubt = scene.document["warm"]["samples"]
    for pid in scene.workers("fire"):
        scene.kill(pid)


def kill(control: Control, times: int = 1) -> Inject:
    """Kill a control function at work, so often."""
    return lambda scene: scene.kill_worker(control, times)


def kill_plan(scene: Scene) -> None:
    """Plan dies while it asks, keeps functions or writes: it is at work once the campaign has a name."""
    scene.until(lambda: scene.workers("plan"), "work of plan")
    time.sleep(scene.rng.uniform(0.0, 0.2))
    for pid in scene.workers("plan"):
        scene.kill(pid)


def kill_dispatch(scene: Scene) -> None:
    """Dispatch dies, and the campaign would wait for two hours: the person stops it."""
    scene.kill_worker("dispatch")
    time.sleep(2.0)
    if scene.client.process.poll() is None:
        scene.stop()


def kill_rescue(scene: Scene) -> None:
    """A tour is stopped, and who would put its functions back is killed at it, once."""
    scene.end_idle("rescue")  # early: the embedded stack would give the event to one that it does not know to be gone
    scene.await_lane("firing")
    tour = scene.tour()
    scene.kill_worker("rescue", begin=lambda: scene.stop_execution(tour["execution_arn"]))


def stop_tour(phase: str) -> Inject:
    """Stop a tour's execution when a lane of it is in a phase."""

    def inject(scene: Scene) -> None:
        scene.await_lane(phase)
        scene.stop_execution(scene.tour()["execution_arn"])

    return inject


def stop_restoring(scene: Scene) -> None:
    """Stop a tour's execution when its functions are being put back."""
    scene.end_idle("restore")
    scene.await_work("restore")
    scene.stop_execution(scene.tour()["execution_arn"])


def stop_execution(phase: str) -> Inject:
    """Stop the campaign's execution in the console when a lane is in a phase; the person then says `isotherm stop`."""

    def inject(scene: Scene) -> None:
        scene.await_lane(phase)
        scene.stop_execution(scene.campaign_arn)
        scene.client.wait(60)
        scene.stop()

    return inject


# What lies in the table, in the bucket and in the logs


def before_collecting(act: Callable[[Scene, str], None]) -> Inject:
    """Do something to an object with shots of a lane that is not collected yet."""

    def firing(scene: Scene) -> set[str]:
        return {one["sk"].removeprefix("lane#") for one in scene.lanes() if one.get("phase") == "firing"}

    def keys(scene: Scene) -> list[str]:
        lanes = firing(scene)
        return [key for key in scene.raw_keys() if key.split("/")[2] in lanes]

    def inject(scene: Scene) -> None:
        while True:
            scene.until(lambda: keys(scene), "an object with shots of a lane that makes calls")
            found = keys(scene)
            if found:
                act(scene, chosen := scene.rng.choice(found))
                if chosen.split("/")[2] in firing(scene):  # else Collect was quicker, and there is another lane
                    return

    return inject


def delete_raw(scene: Scene, key: str) -> None:
    """An object with shots is deleted."""
    scene.delete_object(key)


def damage(scene: Scene, key: str) -> None:
    """An object is cut in the middle."""
    whole = read_object(scene.embedded, key)
    scene.embedded.client("s3").put_object(Bucket=bucket_of(scene.embedded), Key=key, Body=whole[: len(whole) // 2])


def delete_lane(scene: Scene) -> None:
    """The row of a lane is deleted while it fires."""
    scene.delete_item(f"campaign#{scene.campaign_id}", scene.await_lane("firing")["sk"])


def delete_tour(scene: Scene) -> None:
    """The row of the tour is deleted while a lane of it fires."""
    scene.await_lane("firing")
    scene.delete_item(f"campaign#{scene.campaign_id}", scene.tour()["sk"])


def delete_campaign(scene: Scene) -> None:
    """The row of the campaign is deleted."""
    scene.await_calls(scene.rng.randint(1, 8))
    scene.delete_item(f"campaign#{scene.campaign_id}", "campaign")


def delete_announcement(scene: Scene) -> None:
    """The row that says how many calls are sent is deleted while they are."""
    lane = scene.await_lane("firing")
    scene.await_calls(2)
    scene.delete_item(f"campaign#{scene.campaign_id}#{lane['sk'].removeprefix('lane#')}", "sent#0")


def delete_lease(scene: Scene) -> None:
    """The note of how a function was, and who has it, is deleted while it is measured."""
    scene.await_lane("firing")
    for function in scene.functions:
        scene.delete_item(f"function#{function.region}#{function.name}", "lease")


def delete_plan(scene: Scene) -> None:
    """The plan is deleted from the bucket."""
    scene.await_calls(scene.rng.randint(1, 8))
    scene.delete_object(f"plans/{scene.campaign_id}.json")


def damage_plan(scene: Scene) -> None:
    """The plan is cut in the middle."""
    scene.await_calls(scene.rng.randint(1, 8))
    damage(scene, f"plans/{scene.campaign_id}.json")


def delete_logs(scene: Scene) -> None:
    """The log groups of both functions are deleted, again and again."""
    logs = scene.embedded.client("logs")
    while scene.client.process.poll() is None:
        for function in scene.functions:
            with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
                logs.delete_log_group(logGroupName=f"/aws/lambda/{function.name}")
        time.sleep(0.2)


# Others who change the function meanwhile


def set_memory(scene: Scene) -> None:
    """Somebody sets the function's memory."""
    function = scene.measured(scene.await_lane("firing"))
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=512)
    scene.change(function, MemorySize="512")


def set_variables(scene: Scene) -> None:
    """Somebody adds a variable."""
    function = scene.measured(scene.await_lane("firing"))
    variables = json.loads(scene.expected[function.name]["Environment"])["Variables"] | {"LEVEL": "debug"}
    changed = function.client.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": variables}, Timeout=7
    )
    scene.change(function, Environment=text_of(changed["Environment"]), Timeout="7")


def publish(scene: Scene) -> None:
    """A pipeline publishes a version without any change, and points an alias to it."""
    function = scene.measured(scene.await_lane("firing"))
    number = scene.theirs(function, function.client.publish_version(FunctionName=function.name))
    function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=number)
    scene.change(function, **{"alias live": number})


def release(scene: Scene) -> None:
    """A pipeline puts new code into the function, sets its memory, publishes a version, and points an alias to it."""
    function = scene.measured(scene.await_lane("firing"))
    changed = function.client.update_function_code(FunctionName=function.name, ZipFile=code("# release 42\n"))
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=192)
    number = scene.theirs(
        function, function.client.publish_version(FunctionName=function.name, Description="release 42")
    )
    function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=number)
    size, sha256 = text_of(changed["CodeSize"]), text_of(changed["CodeSha256"])
    scene.change(function, MemorySize="192", CodeSize=size, CodeSha256=sha256, **{"alias live": number})


def alias_ours(scene: Scene) -> None:
    """Somebody points an alias to a version that was published to be measured: it is theirs from now on."""
    function = scene.measured(scene.await_lane("firing"))
    versions = function.client.list_versions_by_function(FunctionName=function.name)["Versions"]
    last = max((one for one in versions if one["Version"] != "$LATEST"), key=lambda one: int(one["Version"]))
    function.client.create_alias(FunctionName=function.name, Name="kept", FunctionVersion=last["Version"])
    scene.change(function, **{"alias kept": scene.theirs(function, last)})


def delete_function(scene: Scene) -> None:
    """Somebody deletes the function."""
    function = scene.measured(scene.await_lane("firing"))
    function.delete()
    scene.expected[function.name].clear()


def deploy_twice(scene: Scene) -> None:
    """Two people, or a person and a script, deploy to the stack at once, each with another setting."""
    scene.await_calls(scene.rng.randint(1, 8))
    days = ("LogRetentionDays=3", "LogRetentionDays=5")
    with ThreadPoolExecutor(max_workers=len(days)) as pool:
        list(pool.map(lambda setting: scene.run("deploy", "--parameter", setting, expected={0}), days))


def start_another(scene: Scene) -> None:
    """Somebody starts another campaign on the same functions."""
    scene.await_calls(scene.rng.randint(1, 8))
    text = json.dumps(scene.document)
    scene.run("run", "-", text=text, expected={1, 2}, must_say=f"measured by campaign {scene.campaign_id}")


LANES_FAILED = "lanes? failed|lanes failed"

#: A campaign by Lambda's own API and over HTTP, of the one target that an API is before.
OVER_HTTP: Mapping[str, Any] = {
    "targets": ["customers"],
    "protocols": ["invoke", "http"],
    "cold": {"samples": 0},
    "warm": {"samples": 6},
}

FAULTS: tuple[Fault, ...] = (
    Fault(name="none", what="nothing: the campaign that all others are held against"),
    Fault(
        name="client-killed",
        quick=True,
        what="`isotherm run` killed (SIGKILL); `isotherm follow` later",
        inject=kill_client,
        exit_codes=KILLED,
    ),
    Fault(
        name="client-interrupted",
        what="Ctrl-C in `isotherm run`; `isotherm follow` later",
        inject=signal_client(signal.SIGINT),
        exit_codes=INTERRUPTED,
        says="isotherm follow",
    ),
    *(
        Fault(
            name=f"client-{name}",
            what=f"{what} in `isotherm run`; `isotherm follow` later",
            inject=signal_client(number),
            exit_codes=frozenset({128 + number}),
            says="isotherm follow",
            times=1,
        )
        for name, what, number in (
            ("terminated", "SIGTERM", signal.SIGTERM),
            ("hung-up", "SIGHUP, as of a terminal that is closed,", signal.SIGHUP),
        )
    ),
    Fault(
        name="campaign-stopped",
        what="`isotherm stop` while calls are made",
        inject=stop_campaign,
        exit_codes=FAILED,
        says="stopped",
    ),
    Fault(
        name="stop-killed",
        what="`isotherm stop` killed at work, then typed once more",
        inject=kill_stop,
        exit_codes=FAILED,
        says="stopped",
        times=1,
    ),
    Fault(name="stack-frozen", what="every process of the stack stopped for 5 s (SIGSTOP)", inject=freeze_stack),
    Fault(
        name="stack-killed",
        what="the embedded stack's process killed while calls are made; `isotherm local down`",
        inject=kill_stack,
        exit_codes=FAILED,
        own_stack=True,
        times=1,
    ),
    Fault(
        name="stack-down",
        what="`isotherm local down`, then `isotherm local down --yes`, while calls are made",
        inject=take_down,
        exit_codes=FAILED,
        own_stack=True,
        times=1,
    ),
    Fault(
        name="disk-full",
        what="no file may grow beyond 20 kB when the report is fetched; `isotherm report` later",
        inject=fill_disk,
        exit_codes=FAILED,
        says="isotherm report",
    ),
    Fault(
        name="fire-killed",
        quick=True,
        what="Fire's process killed while it makes calls",
        inject=kill_fire,
        exit_codes=FAILED,
        says=LANES_FAILED,
    ),
    Fault(name="http", what="nothing: a campaign by Lambda's own API and over HTTP", campaign=OVER_HTTP, times=1),
    Fault(
        name="http-fire-killed",
        what="the same, Fire's process killed while it makes calls",
        inject=kill_fire,
        exit_codes=FAILED,
        says=LANES_FAILED,
        campaign=OVER_HTTP,
        times=1,
    ),
    Fault(
        name="http-client-killed",
        what="the same, `isotherm run` killed; `isotherm follow` later",
        inject=kill_client,
        exit_codes=KILLED,
        campaign=OVER_HTTP,
        times=1,
    ),
    Fault(name="plan-killed", what="Plan's process killed just after the campaign was started", inject=kill_plan),
    Fault(
        name="prepare-killed",
        what="Prepare's process killed at work",
        inject=kill("prepare"),
        exit_codes=DONE | FAILED,  # whether it had begun to change the function decides
    ),
    Fault(
        name="collect-killed",
        quick=True,
        what="Collect's process killed at work",
        inject=kill("collect"),
        exit_codes=DONE | FAILED,  # whether it had collected before it was killed decides
    ),
    Fault(name="restore-killed", what="Restore's process killed at work", inject=kill("restore")),
    Fault(
        name="restore-killed-always",
        what="Restore's process killed at work, six times",
        inject=kill("restore", 6),
        exit_codes=FAILED,
        times=1,
    ),
    Fault(name="notify-killed", what="Notify's process killed at work", inject=kill("notify")),
    Fault(
        name="dispatch-killed",
        what="Dispatch's process killed at work; `isotherm stop`",
        inject=kill_dispatch,
        exit_codes=FAILED,
    ),
    Fault(name="aggregate-killed", what="Aggregate's process killed at work", inject=kill("aggregate")),
    Fault(name="publish-killed", what="Publish's process killed at work", inject=kill("publish")),
    Fault(
        name="rescue-killed",
        what="a tour stopped, and Rescue's process killed at work",
        inject=kill_rescue,
        exit_codes=DONE | FAILED,  # until it comes again the tour is not given up, and lanes may become complete
    ),
    *(
        Fault(
            name=f"tour-stopped-{phase}",
            what=f"a tour's execution stopped in the console when a lane was {phase}",
            inject=stop_tour(phase),
            exit_codes=FAILED,
            says="was stopped",
            quick=phase == "firing",
        )
        for phase in ("publishing", "firing")
    ),
    Fault(
        name="tour-stopped-collecting",
        what="a tour's execution stopped in the console when a lane was collecting",
        inject=stop_tour("collecting"),
        exit_codes=DONE | FAILED,  # Collect itself goes on, and may complete its lanes before they are given up
    ),
    Fault(
        name="tour-stopped-restoring",
        what="a tour's execution stopped in the console while its functions were put back",
        inject=stop_restoring,  # its lanes are complete
    ),
    *(
        Fault(
            name=f"execution-stopped-{phase}",
            what=f"the campaign's execution stopped in the console when a lane was {phase}; `isotherm stop`",
            inject=stop_execution(phase),
            exit_codes=FAILED,
            says="ABORTED|stopped",
        )
        for phase in ("publishing", "firing")
    ),
    Fault(
        name="raw-deleted",
        quick=True,
        what="an object with shots deleted before it was collected",
        inject=before_collecting(delete_raw),
        exit_codes=FAILED,
        says="not collected|are gone",
    ),
    Fault(
        name="raw-damaged",
        what="an object with shots cut in half before it was collected",
        inject=before_collecting(damage),
        exit_codes=FAILED,
        says="not collected|are gone",
    ),
    Fault(name="lane-row-deleted", what="a lane's row in the table deleted", inject=delete_lane),
    Fault(name="tour-row-deleted", what="the tour's row in the table deleted", inject=delete_tour),
    Fault(name="campaign-row-deleted", what="the campaign's row in the table deleted", inject=delete_campaign),
    Fault(
        name="announcement-deleted",
        what="the row with the number of calls sent deleted while they were sent",
        inject=delete_announcement,
    ),
    Fault(
        name="lease-deleted",
        quick=True,
        what="the lease deleted",
        inject=delete_lease,
        exit_codes=FAILED,
        says="vanished",
    ),
    Fault(
        name="lease-deleted-sweep",
        what="the lease deleted in a sweep of two memory sizes",
        inject=delete_lease,
        exit_codes=FAILED,
        says="vanished",
        campaign={"memory_mb": [256, 512]},
    ),
    Fault(name="plan-deleted", what="the plan deleted from the bucket", inject=delete_plan),
    Fault(name="plan-damaged", what="the plan cut in half", inject=damage_plan, times=1),
    Fault(name="logs-deleted", what="both functions' log groups deleted again and again", inject=delete_logs),
    Fault(name="outsider-memory", what="somebody sets the function's memory", inject=set_memory),
    Fault(name="outsider-variables", what="somebody adds a variable and sets the time-out", inject=set_variables),
    Fault(name="outsider-publish", what="a pipeline publishes without a change, with an alias", inject=publish),
    Fault(
        name="outsider-release", quick=True, what="a pipeline releases: code, memory, version, alias", inject=release
    ),
    Fault(name="outsider-alias", what="somebody's alias on a version published to be measured", inject=alias_ours),
    Fault(name="outsider-deletes", what="the function deleted", inject=delete_function, exit_codes=DONE | FAILED),
    Fault(
        name="two-campaigns",
        quick=True,
        what="a second campaign started on the same functions",
        inject=start_another,
        campaign={"rounds": 2, "cold": {"samples": 4, "concurrency": 1}},
    ),
    Fault(name="two-deploys", what="two `isotherm deploy` at once, of other settings", inject=deploy_twice, times=1),
    Fault(
        name="demo-interrupted",
        what="Ctrl-C three times within a second in `make demo`, at its campaign of "
        f"{planned_calls(demos.DOCUMENT)} calls",
        alone=demos.interrupt,
        times=1,
    ),
    Fault(
        name="demo-killed",
        what="`make demo` killed (SIGKILL) at its campaign; `isotherm follow`, then `isotherm local down`",
        alone=demos.kill,
        times=1,
    ),
    *(
        Fault(
            name=name,
            what=f"one of the two functions {what}",
            behaviour=name,
            exit_codes=codes,
            quick=name in ("probe-list", "ends-process"),
        )
        for name, what, codes in (
            ("probe-list", "prints a probe line whose shot is a list", DONE),
            ("probe-text", "prints a probe line whose numbers are text and null", DONE),
            ("probe-nan", "prints a probe line with NaN and infinity", DONE),
            ("probe-deep", "prints a probe line nested 20,000 deep", DONE),
            ("odd-note", "notes a text where a number belongs", DONE),
            ("fake-report", "prints a REPORT line of its own call", DONE),
            ("late-report", "prints a REPORT line of its call before", DONE),
            ("garbage", "prints control characters and broken JSON", DONE),
            ("no-probe", "has no probe", DONE),
            ("raises", "raises an error with terminal escapes in a third of its calls", DONE),
            ("exits", "calls sys.exit in a third of its calls", DONE),
            ("ends-process", "ends its process in a third of its calls", DONE),
            ("segfault", "has a segmentation fault in a third of its calls", DONE),
            ("out-of-memory", "raises MemoryError in a third of its calls", DONE),
            ("times-out", "times out in a third of its calls", DONE),
            ("import-fails", "cannot be imported", DONE),
            ("odd-answer", "answers with what is not JSON", DONE),
        )
    ),
)
