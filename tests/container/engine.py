"""A Docker engine, and an image for `sam local` to run functions in. Knows nothing of the functions.

`python -m tests.container.engine` starts an engine where none answers, and makes a stand-in for AWS's image where the
engine has none that is complete (`lambda_engine/`); `--stop` ends the engine. Where the engine has AWS's own image, or
can pull it, this is not needed.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from isotherm.local.checkout import Checkout

from .lambda_engine import daemon, image
from .lambda_engine.errors import NoEngine

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Checkout(ROOT).made / "engine"
RUNTIME = image.PYTHON
REPOSITORY = "public.ecr.aws/lambda/python"
IMAGE = f"{REPOSITORY}:3.11-x86_64"

PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers and has the image."""

    started_here: bool

    def stop(self) -> None:
        """End the engine, if it was started for us."""
        if self.started_here:
            daemon.stop(FOLDER)


def engine() -> Engine:
    """The engine that answers, or one started now; in either case one that has the image, complete.

    Raises
    ------
    NoEngine
        There is no engine, or no image for the runtime.
    """
    started = not daemon.answers()
    if started:
        try:
            daemon.start(FOLDER)
        except NoEngine as problem:
            raise NoEngine(f"no Docker engine answers, and {problem}") from problem
    ready = Engine(started_here=started)
    try:
        if not _has_complete_image():
            image.make([IMAGE, f"{REPOSITORY}:3.11"])
    except NoEngine as problem:
        ready.stop()
        raise NoEngine(f"the engine has no complete image {IMAGE}, and none can be made: {problem}") from problem
    except BaseException:
        ready.stop()
        raise
    return ready


_LOAD = "import ctypes, sys; [ctypes.CDLL(name) for name in sys.argv[1:]]"


def _has_complete_image() -> bool:
    """Whether the engine has the image, with all that compiled packages may count on."""
    there = ["docker", "image", "inspect", IMAGE]
    loaded = ["docker", "run", "--rm", "--entrypoint", "python3", IMAGE, "-c", _LOAD, *image.GLIBC_PARTS]
    # In this order: `docker run` would try to pull an image that is not there.
    return all(
        subprocess.run(asked, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0
        for asked in (there, loaded)
    )


def main(arguments: list[str]) -> int:
    """Start and make what is needed, or end the engine; say what was done."""
    if arguments not in ([], ["--stop"]):
        print("usage: python -m tests.container.engine [--stop]", file=sys.stderr)
        return 2
    try:
        if arguments:
            print("the engine has ended" if daemon.stop(FOLDER) else "there is no engine that was started from here")
            return 0
        ready = engine()
    except NoEngine as problem:
        print(problem, file=sys.stderr)
        return 1
    end = "; to end the engine: python -m tests.container.engine --stop" if ready.started_here else ""
    print(f"image {IMAGE} is ready{end}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
