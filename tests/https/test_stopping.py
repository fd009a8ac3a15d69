"""How the server begins and ends: what it refuses to start with, and that it leaves nobody without an answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from .process import PATIENCE_S, ROOT, STAND_IN, Start, ask


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_is_in_flight(started: Start, number: int) -> None:
    # Far more than anybody here waits: it has to end without that bound, though a client keeps its connection open.
    server = started("--memory", "--stop-s", "600", program=(str(STAND_IN),))
    idle = server.connect()
    ask(idle, "GET", "/default")
    with ThreadPoolExecutor(1) as pool:
        napping = pool.submit(server.ask, "GET", "/stand-in/nap")
        while server.ask("GET", "/healthz").document["in_flight"] < 1:
            time.sleep(0.01)
        server.process.send_signal(number)
        answered = napping.result(PATIENCE_S)

    assert answered.status == 200
    assert answered.headers["connection"] == "close"
    assert server.ended() == 0
    assert server.event("stopped")["given_up"] == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


def test_what_does_not_end_in_time_is_given_up_and_told(started: Start) -> None:
    server = started("--memory", "--stop-s", "0.5", program=(str(STAND_IN),))
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(server.ask, "GET", "/stand-in/sleep")
        while server.ask("GET", "/healthz").document["in_flight"] < 1:
            time.sleep(0.01)
        assert server.stop() == 1  # within a minute; the handler would have slept for ten
        answered = sleeping.result(PATIENCE_S)

    assert answered.status == 500
    assert server.event("stopped")["given_up"] == 1
    (line,) = [line for line in server.lines if "given up" in line.get("error", "")]
    assert line["status"] == 500


def test_workers_are_execution_environments_and_stop_as_one(started: Start) -> None:
    server = started("--workers", "2", AWS_DEFAULT_REGION="us-east-1", ISOTHERM_CUSTOMERS_TABLE="none")
    deadline = time.monotonic() + PATIENCE_S
    seen: set[str] = set()
    while len(seen) < 2 and time.monotonic() < deadline:
        seen.add(server.ask("GET", "/default").headers["x-isotherm-call"].partition("/")[0])

    assert len(seen) == 2
    assert server.stop() == 0
    assert len([line for line in server.lines if line.get("event") == "stopped"]) == 2


def test_a_lost_worker_ends_the_server_so_that_it_is_started_anew(started: Start) -> None:
    server = started("--workers", "2", AWS_DEFAULT_REGION="us-east-1", ISOTHERM_CUSTOMERS_TABLE="none")
    os.kill(server.event("serving")["pid"], signal.SIGKILL)

    assert server.ended() == 1
    assert server.event("worker lost")["exit_code"] == -signal.SIGKILL


# What it does not start with


def _refused(*options: str, **variables: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "server", *options],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.stdout == ""
    return ran.returncode, ran.stderr.strip().splitlines()[-1]


@pytest.fixture
def pem(tmp_path: Path) -> dict[str, str]:
    """Paths of certificates and keys, good and bad."""
    ours, other = (trustme.CA().issue_cert("localhost") for _ in range(2))
    files = {
        "cert": b"".join(blob.bytes() for blob in ours.cert_chain_pems),
        "key": ours.private_key_pem.bytes(),
        "both": ours.private_key_and_cert_chain_pem.bytes(),
        "other": other.private_key_pem.bytes(),
        "text": b"no certificate",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "closed").mkdir()
    return {name: str(tmp_path / name) for name in [*files, "missing", "closed"]}


@pytest.mark.parametrize(
    ("certfile", "keyfile", "said"),
    [
        ("missing", "key", "--certfile: {missing}: No such file or directory"),
        ("cert", "missing", "--keyfile: {missing}: No such file or directory"),
        ("closed", "key", "--certfile: {closed}: Is a directory"),
        ("cert", "other", "--keyfile: {other} is not the key of the certificate {cert}"),
        ("text", "key", "are not a PEM certificate and its PEM key"),
        ("cert", "text", "are not a PEM certificate and its PEM key"),
    ],
)
def test_a_bad_certificate_is_named(pem: dict[str, str], certfile: str, keyfile: str, said: str) -> None:
    code, told = _refused("--memory", "--certfile", pem[certfile], "--keyfile", pem[keyfile], "--port", "0")

    assert code == 2
    assert said.format_map(pem) in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give either --certfile (and --keyfile) or --self-signed"),
        (["--self-signed", "--certfile", "x"], "give either --certfile"),
        (["--self-signed", "--keyfile", "x"], "--keyfile: goes with --certfile"),
        (["--certfile", "x", "--ca-file", "y"], "--ca-file: goes with --self-signed"),
        (["--self-signed", "--memory", "--workers", "2"], "--memory: 2 workers share no memory"),
        (["--self-signed"], "ISOTHERM_CUSTOMERS_TABLE: not set; name the table of customers there, or give --memory"),
        (["--self-signed", "--port", "65536"], "'65536' is not a whole number from 0 to 65535"),
        (["--self-signed", "--threads", "0"], "'0' is not a whole number from 1 to 256"),
        (["--self-signed", "--timeout-s", "nan"], "'nan' is not a number of seconds above 0"),
        (["--memory", "--self-signed", "--name", "a b"], "--name: a b:"),
    ],
)
def test_options_that_make_no_sense_are_bad_input(options: list[str], said: str) -> None:
    code, told = _refused(*options)

    assert code == 2
    assert said in told


def test_the_environment_gives_options_and_is_checked_like_them() -> None:
    assert _refused("--self-signed", ISOTHERM_SERVER_PORT="x") == (
        2,
        "python -m server: error: argument --port: 'x' is not a whole number from 0 to 65535",
    )
    code, told = _refused(ISOTHERM_SERVER_SELF_SIGNED="yes")
    assert (code, told) == (2, "python -m server: error: ISOTHERM_SERVER_SELF_SIGNED: 'yes' is neither 1 nor 0")


def test_without_a_region_it_says_so_and_does_not_start(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "server", "--self-signed", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": str(tmp_path / "none"), "ISOTHERM_CUSTOMERS_TABLE": "x"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ran.returncode == 1
    assert json.loads(ran.stdout)["error"] == "You must specify a region."


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, told = _refused("--self-signed", "--memory", "--port", str(port))

    assert code == 1
    assert told == f"python -m server: --port: {port} is taken on 127.0.0.1; give another, or 0 for any that is free"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_of_another_machine_is_named(host: str) -> None:
    code, told = _refused("--self-signed", "--memory", "--host", host)

    assert code == 1
    assert f"--host: '{host}' is not an address of this machine" in told


def test_a_given_certificate_is_served_with_its_key_in_the_same_file(pem: dict[str, str]) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "server", "--certfile", pem["both"], "--port", "0", "--memory"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert '"event":"serving"' in server.stdout.readline()
    server.terminate()
    assert server.wait(PATIENCE_S) == 0
