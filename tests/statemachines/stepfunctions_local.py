"""AWS's own Step Functions Local, in Docker, by way of `compose.yaml`; skipped where that cannot be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from . import mocks
from .definitions import MACHINES, ROOT, deployed
from .run import Run, execute

START_S = 60.0
PATIENCE_S = 60.0
IMAGE = "amazon/aws-stepfunctions-local"


class StepFunctionsLocal:
    """Creates the machines once, runs cases on them."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._arns = {
            machine: client.create_state_machine(
                name=mocks.machine_name(machine),
                definition=deployed(machine),
                roleArn="arn:aws:iam::123456789012:role/isotherm",
            )["stateMachineArn"]
            for machine in MACHINES
        }

    def run(self, machine: str, case: str, input_: object, *, name: str) -> Run:
        """Run a case of the mock file."""
        return execute(self._client, f"{self._arns[machine]}#{case}", name, input_)


@contextmanager
def stepfunctions_local() -> Iterator[StepFunctionsLocal]:
    """Step Functions Local on a free port of the loopback address; skips, saying why, where it cannot run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    project = f"isotherm-{port}"
    image = _image_or_skip()
    environment = dict(os.environ) | {"ISOTHERM_SFN_LOCAL_PORT": str(port), "ISOTHERM_SFN_LOCAL_IMAGE": image}
    compose = ["docker", "compose", "--file", str(ROOT / "compose.yaml"), "--project-name", project]
    try:
        _compose([*compose, "up", "--detach", "--pull", "never"], environment)
        endpoint = f"http://127.0.0.1:{port}"
        _await_answer(endpoint, image)
        yield StepFunctionsLocal(
            boto3.client(
                "stepfunctions",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",  # noqa: S106 - it checks none
            )
        )
    finally:
        _compose([*compose, "down", "--volumes"], environment)


def _image_or_skip() -> str:
    if shutil.which("docker") is None:
        pytest.skip("Step Functions Local: there is no docker program")
    if _ask("docker", "info") is None:
        pytest.skip("Step Functions Local: no Docker engine answers")
    if _ask("docker", "compose", "version") is None:
        pytest.skip("Step Functions Local: docker has no compose plugin")
    images = _ask("docker", "image", "ls", "--filter", f"reference={IMAGE}", "--format", "{{.Repository}}:{{.Tag}}")
    if not images:
        pytest.skip(f"Step Functions Local: the Docker engine has no image {IMAGE} (docker pull {IMAGE}:2.0.0)")
    return images.split()[0]


def _ask(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _compose(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stderr[-2000:]}")


def _await_answer(endpoint: str, image: str) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(endpoint):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{image} does not answer on {endpoint} within {START_S:.0f} s")
        time.sleep(0.5)


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=5).close()  # noqa: S310 - our own loopback address
    except urllib.error.HTTPError:
        return True  # a bare GET is not a request of its API, but something said so
    except OSError:  # it takes connections some seconds before it answers
        return False
    return True
