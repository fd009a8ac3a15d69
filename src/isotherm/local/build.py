"""Runs `sam build`, for the Python that is here or for a runtime of AWS, and only when something has changed."""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from isotherm.local.checkout import Checkout
from isotherm.local.errors import LocalError
from isotherm.local.fingerprint import fingerprint
from isotherm.local.lock import exclusive
from isotherm.local.logged import run_logged
from isotherm.local.tools import SAM, Say, ensure
from isotherm.local.writing import replace_whole, written

Architecture = Literal["x86_64", "arm64"]

SOURCES = ("template.yaml", "pyproject.toml", "functions", "layers", "packaging", "src", "statemachines")

# Architecture by what the machine calls itself.
_ARCHITECTURES: dict[str, Architecture] = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "arm64",
    "arm64": "arm64",
}


@dataclass(frozen=True, slots=True)
class Build:
    """What `sam build` made: ready to be deployed."""

    template: Path
    runtime: str
    architecture: Architecture
    fingerprint: str
    fresh: bool

    @property
    def lock(self) -> Path:
        """The lock for whoever makes or reads what is in the folder."""
        return self.template.parent.with_suffix(".lock")

    @property
    def stamp(self) -> Path:
        """The file with the fingerprint of what is in the folder now."""
        return self.template.parent.with_suffix(".fingerprint")

    def is_current(self) -> bool:
        """Whether the folder still holds this build (another command may have built other sources)."""
        return self.template.is_file() and self.stamp.is_file() and self.stamp.read_text() == self.fingerprint


def local_runtime() -> str:
    """The Lambda runtime name of the Python that is running: MiniStack runs functions with the same one."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def local_architecture() -> Architecture:
    """The Lambda architecture name of this machine.

    Raises
    ------
    LocalError
        Lambda has no such architecture.
    """
    machine = platform.machine().lower()
    try:
        return _ARCHITECTURES[machine]
    except KeyError:
        raise LocalError(f"this machine is a {machine}; functions can be built for x86_64 and arm64") from None


def build(
    checkout: Checkout,
    *,
    runtime: str | None = None,
    architecture: Architecture | None = None,
    host: bool = True,
    say: Say | None = None,
) -> Build:
    """Run `sam build`, unless what it made last time is still good.

    Parameters
    ----------
    checkout : Checkout
        What to build.
    runtime : str, optional
        A Lambda runtime, such as python3.14; by default that of the Python which is running.
    architecture : {"x86_64", "arm64"}, optional
        By default this machine's.
    host : bool
        Whether the functions are going to run on this machine, by the embedded stack, rather than on Lambda's.
    say : callable, optional
        Told what takes time.

    Raises
    ------
    CommandFailed
        `sam build` failed; the text has its last lines.
    ToolUnavailable
        SAM CLI cannot be installed.
    """
    runtime = runtime or local_runtime()
    architecture = architecture or local_architecture()
    if not re.fullmatch(r"python3\.\d+", runtime):
        raise LocalError(f"runtime: {runtime!r} is not a Python runtime of Lambda (such as python3.14)")
    sam = ensure(checkout, SAM, say)
    platform_kind = "host" if host else "lambda"
    # No dot in the name: the lock and the stamp are this folder with another suffix.
    folder = checkout.builds / f"{runtime}-{architecture}-{platform_kind}".replace(".", "-")
    with exclusive(folder.with_suffix(".lock"), "sam build", say) as lock:
        wanted = fingerprint(checkout.root, SOURCES, (folder.name, _bytecode(), *SAM.requirements))
        made = Build(folder / "template.yaml", runtime, architecture, wanted, fresh=False)
        if made.is_current():
            return made
        if say is not None:
            say("sam build")
        made.stamp.unlink(missing_ok=True)
        run_logged(
            [
                str(sam), "build",
                "--template-file", str(checkout.template),
                "--base-dir", str(checkout.root),
                "--build-dir", str(folder),
                "--config-file", str(plain_samconfig(checkout)),
                "--parameter-overrides", f"PythonRuntime={runtime}", f"Architecture={architecture}",
                # SAM's own cache cannot see what a package is made of; the fingerprint can.
                "--build-in-source", "--no-cached", "--parallel",
            ],
            log=checkout.logs / "sam-build.log",
            what="sam build",
            cwd=checkout.root,
            env=_environment(platform_kind),
            lock=lock,
        )  # fmt: skip
        with written(made.stamp):
            made.stamp.write_text(wanted)
    return replace(made, fresh=True)


def plain_samconfig(checkout: Checkout) -> Path:
    """A SAM configuration that sets nothing, so that only what the command line says counts."""
    path = checkout.made / "samconfig.toml"
    # Never half written: a `sam` that another command has started may be reading it.
    replace_whole({path: b"version = 0.1\n"})
    return path


def sam_environment() -> dict[str, str]:
    """The environment for SAM CLI: ours, with no telemetry, no update check, and this installation's programs first."""
    return dict(os.environ) | {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_FOR_UPDATES": "0",
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]),
    }


def _bytecode() -> str:
    """The user's choice whether the measured packages carry `.pyc` files; it is the package build's to understand."""
    return os.environ.get("ISOTHERM_BYTECODE", "")


def _environment(platform_kind: str) -> dict[str, str]:
    return sam_environment() | {
        # Read by packaging/build.mk and what it calls. Our own Python is known to be new enough for it.
        "ISOTHERM_BUILD_PYTHON": sys.executable,
        "ISOTHERM_PLATFORM": platform_kind,
        # A region keeps SAM from asking the user's configuration for one; a build talks to no AWS.
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
    }
