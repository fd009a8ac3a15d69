"""Starting and stopping, with a small program in MiniStack's place; the real one is tested in tests/integration."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from isotherm.aws.clients import make_client
from isotherm.local import stack
from isotherm.local.checkout import Checkout
from isotherm.local.errors import StackError, StackGone

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc (Linux)")

# Serves the health page as MiniStack does, starts a child as MiniStack starts functions, and notes its environment.
PROGRAM = """
import http.server, json, os, subprocess, sys
scratch = os.environ["TMPDIR"]
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)"])
open(scratch + "/function-code", "w").write("left behind")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        known = {"edition": os.environ["MINISTACK_EDITION"], "environment": dict(os.environ)}
        self.wfile.write(json.dumps(known).encode())
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.end_headers()
        self.wfile.write(json.dumps({"__type": "ExecutionDoesNotExist", "message": "no such execution"}).encode())
    def log_message(self, *_): pass

http.server.HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def ministack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "ministack"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    monkeypatch.setattr(stack, "ensure", lambda *_: program)
    monkeypatch.setattr(stack, "STOP_GRACE_S", 0.5)
    return program


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    checkout = Checkout(tmp_path / "checkout")
    yield checkout
    stack.down(checkout)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _health(running: stack.Stack) -> dict[str, dict[str, str]]:
    import json

    with urllib.request.urlopen(f"{running.endpoint_url}/_ministack/health") as answer:  # noqa: S310
        known: dict[str, dict[str, str]] = json.load(answer)
    return known


def _scratch_folders(checkout: Checkout) -> set[Path]:
    return {*checkout.local.glob("isotherm-*"), *stack.MEMORY_FOLDER.glob("isotherm-*")}


def test_down_ends_every_process_and_removes_what_was_written(checkout: Checkout) -> None:
    running = stack.up(checkout, port=_free_port())
    assert len(stack.processes_of(running.token)) == 2
    assert (Path(running.scratch) / "function-code").exists()

    assert stack.down(checkout)

    assert stack.processes_of(running.token) == []
    assert not Path(running.scratch).exists()
    assert stack.status(checkout) is None
    assert not stack.down(checkout)


def test_up_twice_is_the_same_stack(checkout: Checkout) -> None:
    first = stack.up(checkout, port=_free_port())

    assert stack.up(checkout) == first
    assert stack.status(checkout) == first


def test_two_checkouts_side_by_side_have_a_stack_each(checkout: Checkout, tmp_path: Path) -> None:
    neighbour = Checkout(tmp_path / "neighbour")
    ours = stack.up(checkout)
    theirs = stack.up(neighbour)
    try:
        assert ours.port != theirs.port
        stack.down(checkout)
        assert stack.status(neighbour) == theirs
    finally:
        stack.down(neighbour)


def test_a_state_file_left_by_a_dead_stack_is_no_stack(checkout: Checkout) -> None:
    running = stack.up(checkout, port=_free_port())
    for pid in stack.processes_of(running.token):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while stack.processes_of(running.token) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert stack.status(checkout) is None

    replaced = stack.up(checkout, port=_free_port())
    assert replaced.token != running.token
    assert not Path(running.scratch).exists()


def test_functions_that_outlived_their_stack_are_ended_by_down(checkout: Checkout) -> None:
    running = stack.up(checkout, port=_free_port())
    os.kill(running.pid, signal.SIGKILL)

    assert stack.down(checkout)
    assert stack.processes_of(running.token) == []


def test_somebody_else_on_the_recorded_port_is_not_taken_for_ours(checkout: Checkout, tmp_path: Path) -> None:
    """After a crash the port may belong to another checkout's stack: it must neither be used nor stopped."""
    ours = stack.up(checkout, port=_free_port())
    state = (checkout.local / "stack.json").read_text()
    stack.down(checkout)
    neighbour = Checkout(tmp_path / "neighbour")
    theirs = stack.up(neighbour, port=ours.port)
    try:
        (checkout.local / "stack.json").write_text(state)

        assert stack.status(checkout) is None
        assert not stack.down(checkout)
        assert stack.status(neighbour) == theirs
    finally:
        stack.down(neighbour)


def test_a_broken_state_file_is_no_stack(checkout: Checkout) -> None:
    checkout.local.mkdir(parents=True)
    (checkout.local / "stack.json").write_text('{"pid": ')

    assert stack.status(checkout) is None
    assert stack.up(checkout, port=_free_port()).port


def test_a_taken_port_is_refused_when_it_was_asked_for(checkout: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StackError, match=f"--port: {port} is taken"):
            stack.up(checkout, port=port)


def test_asking_for_other_settings_than_it_runs_with_says_what_to_do(checkout: Checkout) -> None:
    running = stack.up(checkout, port=_free_port())

    with pytest.raises(StackError, match="--enforce-iam: the stack is up without it; first: isotherm local down"):
        stack.up(checkout, enforce_iam=True)
    with pytest.raises(StackError, match=f"the stack is up on {running.port}"):
        stack.up(checkout, port=running.port + 1)


def test_a_stack_that_dies_at_once_shows_why_and_leaves_nothing(checkout: Checkout, ministack: Path) -> None:
    ministack.write_text(f"#!{sys.executable}\nraise SystemExit('no such thing as a free stack')\n")

    before = _scratch_folders(checkout)

    with pytest.raises(StackError, match=r"(?s)ended at once \(status 1\).*no such thing as a free stack"):
        stack.up(checkout, port=_free_port())

    assert stack.status(checkout) is None
    assert _scratch_folders(checkout) == before


def test_a_stack_that_never_answers_is_given_up_and_ended(
    checkout: Checkout, ministack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ministack.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(99)\n")
    monkeypatch.setattr(stack, "START_TIMEOUT_S", 0.3)
    before = _scratch_folders(checkout)

    with pytest.raises(StackError, match="silent"):
        stack.up(checkout, port=_free_port())

    assert _scratch_folders(checkout) == before


def test_its_functions_get_nothing_of_the_users_own(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")

    environment = _health(stack.up(checkout, port=_free_port()))["environment"]

    assert environment["BIND_HOST"] == "127.0.0.1"
    assert environment["AUTH"] == "false"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY"} & set(environment)


def test_enforcing_iam_is_passed_on(checkout: Checkout) -> None:
    running = stack.up(checkout, port=_free_port(), enforce_iam=True)

    assert running.enforce_iam
    assert _health(running)["environment"]["AUTH"] == "true"


def test_entering_it_leaves_no_way_to_aws(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "x", "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "secret"})
    running = stack.Stack(1, "t", 4566, False, 0.0, str(checkout.local), "log")

    stack.enter(running)

    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert "AWS_PROFILE" not in os.environ
    assert "AWS_SESSION_TOKEN" not in os.environ
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


@pytest.fixture
def entered(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> stack.Stack:
    """A stack that this process's calls go to."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    running = stack.up(checkout, port=_free_port())
    stack.enter(running)
    return running


def _ask(**patience: Any) -> None:
    make_client("stepfunctions", "us-east-1", Config(**patience)).describe_execution(
        executionArn="arn:aws:states:us-east-1:123456789012:execution:isotherm-campaign:mine"
    )


@pytest.mark.usefixtures("entered")
def test_what_the_stack_itself_refuses_is_passed_on() -> None:
    with pytest.raises(ClientError, match="no such execution"):
        _ask()


@pytest.mark.parametrize("retries", [{"mode": "standard", "total_max_attempts": 10}, {"total_max_attempts": 1}])
def test_a_call_to_a_stack_that_died_says_so_at_once_and_what_is_lost(
    entered: stack.Stack, monkeypatch: pytest.MonkeyPatch, retries: dict[str, Any]
) -> None:
    """Rather than try for a minute, and then name an address that could not be reached."""
    for pid in stack.processes_of(entered.token):
        os.kill(pid, signal.SIGKILL)
    tried = []
    real = stack._who_answers

    def counted(asked: stack.Stack) -> stack.Answering:
        tried.append(asked)
        return real(asked)

    monkeypatch.setattr(stack, "_who_answers", counted)
    with pytest.raises(StackGone) as told:
        _ask(retries=retries)

    assert tried == [entered]
    assert f"the embedded stack is gone: nothing answers at {entered.endpoint_url} any more" in str(told.value)
    assert "what was measured there is gone with it" in str(told.value)
    assert entered.log in str(told.value)


def test_another_checkouts_stack_on_the_same_port_is_not_believed(entered: stack.Stack, tmp_path: Path) -> None:
    """It truly has no such campaign; that says nothing of ours."""
    for pid in stack.processes_of(entered.token):
        os.kill(pid, signal.SIGKILL)
    while stack.processes_of(entered.token):
        time.sleep(0.02)
    neighbour = Checkout(tmp_path / "neighbour")
    stack.up(neighbour, port=entered.port)
    try:
        with pytest.raises(StackGone, match=f"gone: something else answers at {entered.endpoint_url} now"):
            _ask()
    finally:
        stack.down(neighbour)


def test_a_stack_that_is_only_slow_is_not_given_up(entered: stack.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "HEALTH_TIMEOUT_S", 0.2)
    os.kill(entered.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ReadTimeoutError):
            _ask(read_timeout=0.2, retries={"total_max_attempts": 2})
    finally:
        os.kill(entered.pid, signal.SIGCONT)


def test_more_ctrl_c_leave_nothing_behind_of_a_stack_that_is_taken_down(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its functions take their time to end (one of the program's children ignores the polite signal)."""
    running = stack.up(checkout, port=_free_port())
    real = stack._signal

    def signalled(ending: stack.Stack, number: signal.Signals) -> list[int]:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        return real(ending, number)

    monkeypatch.setattr(stack, "_signal", signalled)
    with pytest.raises(KeyboardInterrupt):
        stack.down(checkout)

    assert stack.processes_of(running.token) == []
    assert not Path(running.scratch).exists()
    assert not (checkout.local / "stack.json").exists()


def test_functions_are_unpacked_in_memory_only_where_there_is_room(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(stack, "MEMORY_FOLDER", memory)
    monkeypatch.setattr(stack, "SCRATCH_BYTES", 1)
    running = stack.up(checkout, port=_free_port())
    assert Path(running.scratch).parent == memory
    stack.down(checkout)
    assert list(memory.iterdir()) == []

    monkeypatch.setattr(stack, "SCRATCH_BYTES", 2**62)
    assert Path(stack.up(checkout, port=_free_port()).scratch).parent == checkout.local
    stack.down(checkout)

    monkeypatch.setattr(stack, "MEMORY_FOLDER", tmp_path / "absent")
    assert Path(stack.up(checkout, port=_free_port()).scratch).parent == checkout.local
