"""Installs pinned packages for the platform they will run on, with pip, whatever machine this is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import Platform


def install(versions: dict[str, str], platform: Platform, into: Path) -> None:
    """Install exactly these versions, and nothing else, into an empty folder.

    Raises
    ------
    BuildRefused
        pip is not there, cannot reach its index, or a package has no wheel for the platform.
    """
    if not versions:
        return
    requirements = [f"{package}=={version}" for package, version in sorted(versions.items())]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-compile", "--target", str(into), *platform.pip_arguments, *requirements]
    outcome = subprocess.run(  # noqa: S603
        command, env=os.environ | {"PIP_USER": "0"}, capture_output=True, text=True, check=False
    )
    if outcome.returncode != 0:
        raise BuildRefused(f"cannot install {' '.join(requirements)} for {platform}: {_reason(outcome.stderr)}")


def _reason(said: str) -> str:
    """The line of what pip said that tells why it failed."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR") or "No module" in line]
    if "ERROR: Exception:" in errors:  # pip did not foresee it, as a full disk, and goes on with Python's traceback
        errors = []
    return (errors or lines or ["pip said nothing"])[-1]
