"""A Docker engine, and an image for `sam local` to run functions in. Knows nothing of the functions.

`python -m tests.container.engine [SAM_EXECUTABLE]` starts an engine where none answers, by way of
`../shared/tools/lambda-engine`, and completes the image which that tool makes. Where the engine has AWS's own
image, or can pull it, this is not needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAMBDA_ENGINE = ROOT.parent / "shared" / "tools" / "lambda-engine"
RUNTIME = "python3.11"
REPOSITORY = "public.ecr.aws/lambda/python"
IMAGE = f"{REPOSITORY}:3.11-x86_64"

START_S = 900
PATIENCE_S = 60

# Parts of glibc that AWS's image has and compiled packages may count on (PEP 599). The tool's image has only those that
# Python itself is linked with. Its other libraries are this machine's, so these fit.
GLIBC_PARTS = ("libdl.so.2", "librt.so.1", "libutil.so.1")


class NoEngine(Exception):
    """Functions cannot be run in containers here, and why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers and has the image."""

    started_here: bool

    def stop(self) -> None:
        """End the engine, if it was started for us."""
        if self.started_here:
            subprocess.run([str(LAMBDA_ENGINE), "--stop"], check=True, timeout=PATIENCE_S)


def engine(sam: Path) -> Engine:
    """The engine that answers, or one started now; in either case one that has the image, complete.

    Parameters
    ----------
    sam : Path
        The `sam` whose package carries the runtime interface emulator.

    Raises
    ------
    NoEngine
        There is no engine, or no image for the runtime.
    """
    answered = _answers()
    if not answered or _inspect(IMAGE) is None:
        _run_lambda_engine(sam, answered)
    ready = Engine(started_here=not answered)
    try:
        complete_image()
    except BaseException:
        ready.stop()
        raise
    return ready


def complete_image() -> list[str]:
    """Add to the image what it lacks of glibc; returns the names of what was added.

    Raises
    ------
    NoEngine
        The image lacks something that this machine does not have either.
    """
    listed = _docker("run", "--rm", "--entrypoint", "python3", IMAGE, "-c", _LIST_MISSING, *GLIBC_PARTS)
    missing = listed.split()
    if not missing:
        return []
    container = _docker("create", IMAGE).strip()
    try:
        for name in missing:
            _docker("cp", "--follow-link", str(_library(name)), f"{container}:/usr/lib/{name}")
        _docker("commit", container, IMAGE)
    finally:
        _docker("rm", "--force", container)
    _docker("tag", IMAGE, f"{REPOSITORY}:3.11")
    return missing


_LIST_MISSING = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        print(name)
"""


def _library(name: str) -> Path:
    """Where this machine has a library."""
    for folder in ("/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64"):
        if (Path(folder) / name).exists():
            return Path(folder) / name
    raise NoEngine(f"image {IMAGE} lacks {name}, and this machine has none to add")


def _run_lambda_engine(sam: Path, answered: bool) -> None:
    lack = f"the Docker engine has no image {IMAGE}" if answered else "no Docker engine answers"
    if not LAMBDA_ENGINE.exists():
        raise NoEngine(f"{lack}, and there is no {os.path.relpath(LAMBDA_ENGINE, ROOT)}")
    if os.geteuid() != 0:
        raise NoEngine(f"{lack}, and {LAMBDA_ENGINE.name} has to be run by root")
    try:
        subprocess.run([str(LAMBDA_ENGINE), str(sam)], check=True, capture_output=True, text=True, timeout=START_S)
    except subprocess.CalledProcessError as problem:
        said = (problem.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoEngine(f"{lack}, and {LAMBDA_ENGINE.name} failed: {said}") from problem
    except subprocess.TimeoutExpired as problem:
        raise NoEngine(f"{lack}, and {LAMBDA_ENGINE.name} took more than {START_S} s") from problem


def _answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0


def _inspect(image: str) -> str | None:
    asked = ["docker", "image", "inspect", image]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return answer.stdout if answer.returncode == 0 else None


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    except subprocess.CalledProcessError as problem:
        raise NoEngine(f"docker {arguments[0]} failed: {problem.stderr.strip()}") from problem
    return done.stdout


def main(arguments: list[str]) -> int:
    """Start and complete what is needed; say what was done."""
    sam = arguments[0] if arguments else shutil.which("sam")
    if sam is None:
        print("usage: python -m tests.container.engine SAM_EXECUTABLE (there is no sam on the PATH)", file=sys.stderr)
        return 2
    try:
        ready = engine(Path(sam))
    except NoEngine as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"image {IMAGE} is ready" + (f"; to end the engine: {LAMBDA_ENGINE} --stop" if ready.started_here else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
