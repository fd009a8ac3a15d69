"""Starts, finds and stops the embedded stack (MiniStack). Knows nothing of what is deployed to it.

The stack listens on loopback only, keeps what it writes in one folder that is removed with it, and is known by a token
of its own: every process it starts inherits the token, so stopping finds all of them and nobody else's.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from isotherm.local.checkout import Checkout
from isotherm.local.errors import StackError, StackGone
from isotherm.local.interrupts import uninterrupted
from isotherm.local.lock import Holder, exclusive, holder, keep
from isotherm.local.logged import last_lines
from isotherm.local.tools import MINISTACK, Say, ensure
from isotherm.local.writing import replace_whole, written

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 4566
ACCOUNT_ID = "123456789012"
SECRET = "isotherm"  # noqa: S105 - the stack checks no signature unless IAM is enforced, and then takes this account's root
TOKEN_VARIABLE = "ISOTHERM_STACK_TOKEN"  # noqa: S105 - a name, and of a label at that

START_TIMEOUT_S = 60.0
HEALTH_TIMEOUT_S = 5.0
STOP_GRACE_S = 3.0
PORT_ATTEMPTS = 3

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, for us alone
SCRATCH_BYTES = 2 * 2**30

# What the stack's process gets of ours: enough to run programs and to speak the user's language, no credentials, no
# proxies, no AWS configuration. The functions it runs inherit it.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME")


#: Who answers at a stack's address; "silent" where somebody may, who is only too busy now.
Answering = Literal["ours", "another", "nobody", "silent"]


@dataclass(frozen=True, slots=True)
class Stack:
    """A running embedded stack, as its state file records it."""

    pid: int
    token: str
    port: int
    enforce_iam: bool
    started_at: float
    scratch: str
    log: str

    @property
    def endpoint_url(self) -> str:
        """Where its API answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def account_id(self) -> str:
        """The account everything lives in."""
        return ACCOUNT_ID

    def credentials(self) -> dict[str, str]:
        """Environment variables that let any AWS tool talk to it (and to nothing else)."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
            # The user's own profile must not interfere: its endpoints and credentials lead elsewhere.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def status(checkout: Checkout) -> Stack | None:
    """The stack of this checkout, if it is up and answers; None else. Changes nothing."""
    stack = _read_state(checkout)
    return stack if stack is not None and _is_healthy(stack) else None


def up(checkout: Checkout, *, port: int | None = None, enforce_iam: bool = False, say: Say | None = None) -> Stack:
    """Start the embedded stack, or give the one that is already up.

    Parameters
    ----------
    checkout : Checkout
        Whose stack.
    port : int, optional
        Where it must listen; by default 4566, or any free port where that is taken.
    enforce_iam : bool
        Whether every call is checked against the policies that the template deployed.
    say : callable, optional
        Told what takes time.

    Raises
    ------
    StackError
        It does not start, or one is up with other settings.
    ToolUnavailable
        MiniStack cannot be installed.
    """
    program = ensure(checkout, MINISTACK, say)
    with exclusive(checkout.local / "lock", "the start of the embedded stack", say):
        running = _read_state(checkout)
        if running is not None:
            if _is_healthy(running):
                _must_match(running, port, enforce_iam)
                return running
            _end(checkout, running)  # left over: killed from outside, or the machine was restarted
        if say is not None:
            say("starting the embedded stack")
        attempts = PORT_ATTEMPTS if port is None else 1
        for attempt in range(1, attempts + 1):
            try:
                return _start(checkout, program, _choose_port(port), enforce_iam)
            except StackError:
                # Another process may have taken the port between the choice and the start.
                if attempt == attempts:
                    raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def down(checkout: Checkout) -> bool:
    """Stop the embedded stack, every function it runs included, and remove what it wrote.

    Harmless when it is not up.

    Returns
    -------
    bool
        Whether there was anything to stop.
    """
    with exclusive(checkout.local / "lock", "the end of the embedded stack"):
        stack = _read_state(checkout)
        if stack is None:
            return False
        return _end(checkout, stack)


def enter(stack: Stack) -> None:
    """Make every AWS call of this process, and of the programs it starts, go to the embedded stack and nowhere else.

    A call that fails because the stack is not there any more then raises `StackGone`, rather than what it failed with.
    """
    from isotherm.aws.clients import after_failed_calls

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(stack.credentials())
    program = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
    keep(_users_folder(stack) / str(os.getpid()), program)
    after_failed_calls(stack.endpoint_url, lambda: check_is_there(stack))


def users(stack: Stack) -> list[Holder]:
    """The other processes that have entered `stack` and live still."""
    found = [holder(path) for path in _users_folder(stack).glob("*")]
    return [user for user in found if user is not None and user.pid != os.getpid()]


def _users_folder(stack: Stack) -> Path:
    return Path(stack.scratch) / "users"


def check_is_there(stack: Stack) -> None:
    """Go on where `stack` answers, or may be too busy to.

    Raises
    ------
    StackGone
        Nobody answers at its address, or another checkout's stack does.
    """
    answering = _who_answers(stack)
    if answering in ("ours", "silent"):
        return
    at = stack.endpoint_url
    found = f"nothing answers at {at} any more" if answering == "nobody" else f"something else answers at {at} now"
    raise StackGone(
        f"the embedded stack is gone: {found}; it ended, or was taken down (its log: {stack.log})\n"
        "  what was measured there is gone with it, as it keeps all in memory; reports that were fetched are kept\n"
        "  to measure again: `isotherm local up`, `isotherm deploy`, then run the campaign again"
    )


def processes_of(token: str) -> list[int]:
    """Ids of the living processes that carry a stack's token.

    Only Linux shows the environment of a process (/proc); elsewhere the list is empty, and the process group serves.
    """
    needle = f"{TOKEN_VARIABLE}={token}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            carries = needle in (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it ended meanwhile, or is not ours to read
            continue
        if carries and state != "Z":
            found.append(int(folder.name))
    return found


def _must_match(running: Stack, port: int | None, enforce_iam: bool) -> None:
    if port is not None and port != running.port:
        raise StackError(f"--port: {port} was asked, but the stack is up on {running.port}; first: isotherm local down")
    if enforce_iam and not running.enforce_iam:
        raise StackError("--enforce-iam: the stack is up without it; first: isotherm local down")


def _choose_port(wanted: int | None) -> int:
    for port in (DEFAULT_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError(f"--port: {wanted} is taken on {LOOPBACK}; leave it out to have a free one chosen")


def _start(checkout: Checkout, program: Path, port: int, enforce_iam: bool) -> Stack:
    token = secrets.token_hex(8)
    log = checkout.local / "ministack.log"
    with written(log):
        checkout.local.mkdir(parents=True, exist_ok=True)
        log.touch()
    scratch = _scratch_root(checkout) / f"isotherm-{token}"
    with written(scratch):
        scratch.mkdir(mode=0o700)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own tool
            [str(program)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=_environment(port, token, scratch, enforce_iam),
            start_new_session=True,
        )
    stack = Stack(process.pid, token, port, enforce_iam, time.time(), str(scratch), str(log))
    try:
        _write_state(checkout, stack)
        _await_health(stack, process)
    except BaseException:
        _end(checkout, stack)
        process.wait()
        raise
    return stack


def _scratch_root(checkout: Checkout) -> Path:
    """Where functions are unpacked: in memory where there is room, as each cold start unpacks its whole package again.

    On a disk, a burst of large packages measures the disk: a campaign of five packages writes several gigabytes.
    """
    with contextlib.suppress(OSError):
        free = os.statvfs(MEMORY_FOLDER)
        room = free.f_bavail * free.f_frsize
        if room >= SCRATCH_BYTES and _memory_available() >= 2 * SCRATCH_BYTES and os.access(MEMORY_FOLDER, os.W_OK):
            return MEMORY_FOLDER
    return checkout.local


def _memory_available() -> int:
    """Bytes that can be used without swapping; 0 where Linux's account of it is not there."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return 0


def _await_health(stack: Stack, process: subprocess.Popen[bytes]) -> None:
    log = Path(stack.log)
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _is_healthy(stack):
        if process.poll() is not None:
            raise StackError(f"the embedded stack ended at once (status {process.returncode}):\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise StackError(f"the embedded stack was silent for {START_TIMEOUT_S:.0f} s:\n{last_lines(log)}")
        time.sleep(0.1)


def _environment(port: int, token: str, scratch: Path, enforce_iam: bool) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {
        TOKEN_VARIABLE: token,
        # Shown by its health page: how we know that the stack which answers is the one we started.
        "MINISTACK_EDITION": token,
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AUTH": "true" if enforce_iam else "false",
        # INFO writes every state's and every function's output, megabytes a campaign.
        "LOG_LEVEL": "WARNING",
        "LAMBDA_EXECUTOR": "local",
        # A socket that is not there: it must neither look for a Docker engine nor clean up in one.
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        # These two would listen on every interface.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(scratch),
        "S3_DATA_DIR": str(scratch / "s3"),
        # A function's folder is read-only on Lambda, so Python never caches byte code there. Nor here.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return environment


def _is_healthy(stack: Stack) -> bool:
    return _who_answers(stack) == "ours"


def _who_answers(stack: Stack) -> Answering:
    try:
        with urllib.request.urlopen(f"{stack.endpoint_url}/_ministack/health", timeout=HEALTH_TIMEOUT_S) as answer:  # noqa: S310 - our own loopback address
            health = json.load(answer)
    except urllib.error.HTTPError:
        return "another"
    except OSError as problem:  # before the next, as a connection that is cut short is both
        refused = isinstance(getattr(problem, "reason", problem), ConnectionRefusedError)
        return "nobody" if refused else "silent"
    except (HTTPException, ValueError):
        return "another"
    return "ours" if isinstance(health, dict) and health.get("edition") == stack.token else "another"


def _end(checkout: Checkout, stack: Stack) -> bool:
    """End all processes of `stack`, then remove its scratch folder and state file; say whether any process was left."""
    with uninterrupted():
        alive = bool(_signal(stack, signal.SIGTERM))
        deadline = time.monotonic() + STOP_GRACE_S
        while _alive(stack) and time.monotonic() < deadline:
            time.sleep(0.05)
        while _signal(stack, signal.SIGKILL):
            time.sleep(0.05)
        shutil.rmtree(stack.scratch, ignore_errors=True)
        _state_file(checkout).unlink(missing_ok=True)
    return alive


def _alive(stack: Stack) -> bool:
    return bool(_members(stack))


def _signal(stack: Stack, number: signal.Signals) -> list[int]:
    members = _members(stack)
    for pid in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return members


def _members(stack: Stack) -> list[int]:
    """Processes to signal: by token where /proc tells (process ids are reused, tokens are not), else the group."""
    if Path("/proc/self/environ").exists():
        _reap(stack.pid)
        return processes_of(stack.token)
    if not _is_healthy(stack):
        return []
    return [-stack.pid]


def _reap(pid: int) -> None:
    """Collect the stack's process if it is a child of this one, so that it does not linger as a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _state_file(checkout: Checkout) -> Path:
    return checkout.local / "stack.json"


def _write_state(checkout: Checkout, stack: Stack) -> None:
    replace_whole({_state_file(checkout): json.dumps(asdict(stack), indent=1).encode() + b"\n"})


def _read_state(checkout: Checkout) -> Stack | None:
    try:
        return Stack(**json.loads(_state_file(checkout).read_text()))
    except (OSError, ValueError, TypeError):
        return None
