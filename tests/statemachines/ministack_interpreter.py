"""MiniStack's interpreter, started on a free port of the loopback address with the mock file, and stopped again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from isotherm.local.checkout import Checkout
from isotherm.local.tools import MINISTACK, ensure

from . import mocks
from .definitions import MACHINES, MOCKS, ROOT, deployed
from .run import Run, execute

ACCOUNT = "123456789012"
START_S = 60.0
WITNESS = Path(__file__).with_name("ministack_witness.py")


class MiniStackInterpreter:
    """Creates the machines once, runs cases on them."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._arns = {
            machine: client.create_state_machine(
                name=mocks.machine_name(machine),
                definition=deployed(machine),
                roleArn=f"arn:aws:iam::{ACCOUNT}:role/isotherm",
            )["stateMachineArn"]
            for machine in MACHINES
        }

    def run(self, machine: str, case: str, input_: object, *, name: str) -> Run:
        """Run a case of the mock file."""
        return execute(self._client, f"{self._arns[machine]}#{case}", name, input_)


@contextmanager
def ministack_interpreter(scratch: Path) -> Iterator[MiniStackInterpreter]:
    """MiniStack in a process of its own; everything it writes goes to `scratch`."""
    python = ensure(Checkout(ROOT), MINISTACK).parent / "python"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = scratch / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), "-P", str(WITNESS)],  # -P: what lies beside the script is not for it to import
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=_environment(port, scratch),
            start_new_session=True,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _await_health(process, f"{endpoint}/_ministack/health", log)
        yield MiniStackInterpreter(
            boto3.client(
                "stepfunctions",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="testing",  # noqa: S106 - MiniStack checks none
            )
        )
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(5)


def _environment(port: int, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LOG_LEVEL": "WARNING",
        "SFN_MOCK_CONFIG": str(MOCKS),
        "SFN_WAIT_SCALE": "0",  # retries follow at once
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(scratch),
        "S3_DATA_DIR": str(scratch / "s3"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _await_health(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
                return
        except (OSError, urllib.error.URLError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MiniStack did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
