"""Builds the server's image on this machine and runs containers of it. Knows nothing of what is asked of them.

No registry can be reached from everywhere, so the base is an ARG of the Dockerfile: here an image with Python 3.11 that
the engine has, to which the packages are added that the Dockerfile will ask pip for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import IMAGE as LAMBDA_IMAGE
from .engine import ROOT
from .lambda_engine.errors import NoEngine

BASE = "isotherm-test/base"
IMAGE = "isotherm-test/server"

BUILD_S = 600
PATIENCE_S = 120
PORT = 8443


def docker(*arguments: str, timeout: float = PATIENCE_S) -> str:
    """Run docker; give what it printed on standard output.

    Raises
    ------
    NoEngine
        It failed.
    """
    ran = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    if ran.returncode != 0:
        raise NoEngine(f"docker {arguments[0]} failed: {(ran.stderr or ran.stdout).strip()[-2000:]}")
    return ran.stdout


def build(folder: Path) -> str:
    """Build the image from the Dockerfile as it is; give its name.

    Parameters
    ----------
    folder : Path
        An empty one, for the packages.

    Raises
    ------
    NoEngine
        The packages cannot be fetched, or the image cannot be built.
    """
    _build_base(folder)
    docker(
        *("build", "--file", str(ROOT / "server" / "Dockerfile"), "--build-arg", f"BASE={BASE}", "--tag", IMAGE),
        str(ROOT),
        timeout=BUILD_S,
    )
    return IMAGE


def _build_base(folder: Path) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["server"]
    fetch = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
    ]
    fetch += ["--constraint", str(ROOT / "constraints.txt"), "--dest", str(folder / "wheels"), *wanted]
    fetched = subprocess.run(fetch, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if fetched.returncode != 0:
        raise NoEngine(f"the packages of the server cannot be fetched: {fetched.stderr.strip()[-500:]}")
    (folder / "Dockerfile").write_text(
        f"FROM {LAMBDA_IMAGE}\n"
        "ENTRYPOINT []\n"
        "COPY wheels /wheels\n"
        "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_DISABLE_PIP_VERSION_CHECK=1\n"
    )
    docker("build", "--tag", BASE, str(folder), timeout=BUILD_S)


@dataclass(frozen=True)
class Container:
    """A container that runs."""

    name: str

    @property
    def port(self) -> int:
        """Its port, as seen on this machine's loopback."""
        return int(docker("port", self.name, str(PORT)).splitlines()[0].rpartition(":")[2])

    def log(self) -> list[dict[str, Any]]:
        """Every line it wrote."""
        return [json.loads(line) for line in docker("logs", self.name).splitlines()]

    def state(self) -> dict[str, Any]:
        """What the engine says of it."""
        (described,) = json.loads(docker("inspect", self.name))
        state: dict[str, Any] = described["State"]
        return state

    def wait_until_healthy(self) -> None:
        """Wait for the image's own health check to say so."""
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.state())["Health"]["Status"] != "healthy":
            assert state["Running"], docker("logs", self.name)
            assert time.monotonic() < deadline, state
            time.sleep(0.25)

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL only after a minute."""
        docker("stop", "--time", "60", self.name)


@contextmanager
def running(image: str, name: str, options: list[str], arguments: list[str]) -> Iterator[Container]:
    """A container of the image, its port on loopback; removed at the end.

    Parameters
    ----------
    image, name : str
        What to run, and what to call it.
    options : list of str
        For `docker run`.
    arguments : list of str
        For the server, in place of the image's own.
    """
    docker(
        *("run", "--detach", "--name", name, "--publish", f"127.0.0.1::{PORT}"),
        # As Fargate would with these settings: nothing may be written, no privilege may be gained.
        *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        # Often, so that a test need not wait for the usual interval.
        *("--health-interval", "1s", *options, image, *arguments),
    )
    try:
        yield Container(name)
    finally:
        docker("rm", "--force", "--volumes", name)
