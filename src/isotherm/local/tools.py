"""The tools that live in environments of their own, since their pins clash; made once with uv, then reused."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isotherm.local.checkout import Checkout
from isotherm.local.errors import CommandFailed, NoRoom, ToolUnavailable, Unwritable
from isotherm.local.lock import exclusive
from isotherm.local.logged import run_logged
from isotherm.local.writing import written

UV_REQUIREMENT = "uv==0.13.8"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program from the package registry, and exactly what is installed for it."""

    name: str
    program: str
    requirements: tuple[str, ...]


# The one place where the tools are pinned. MiniStack needs SAM's translator to understand our template. boto3 is there
# because it runs functions with its own interpreter, and Lambda's managed runtime brings boto3; the version is the one
# that Isotherm itself is tested with.
MINISTACK = Tool("ministack", "ministack", ("ministack==1.5.33", "aws-sam-translator==1.115.0", "boto3==1.43.106"))
SAM = Tool("aws-sam-cli", "sam", ("aws-sam-cli==1.170.0",))

Say = Callable[[str], None]


class Tell(Protocol):
    """Is called with the state of a region, while several are worked on side by side."""

    def __call__(self, region: str, state: str, *, ended: bool = False) -> None:
        """`state` in words; `ended`: nothing further will come of this region."""


def report_no_state(region: str, state: str, *, ended: bool = False) -> None:
    """Do nothing: a `Tell` for callers that do not show how a region stands."""


def environment_of(checkout: Checkout, tool: Tool) -> Path:
    """The folder of a tool's environment (it may not exist yet)."""
    return checkout.tools / tool.name


def program_of(checkout: Checkout, tool: Tool) -> Path:
    """The tool's program inside its environment."""
    return environment_of(checkout, tool) / "bin" / tool.program


def is_made(checkout: Checkout, tool: Tool) -> bool:
    """Whether the environment is there, complete, and made of what is pinned now."""
    try:
        recorded = json.loads(_receipt(checkout, tool).read_text())
    except (OSError, ValueError):
        return False
    return bool(recorded == _recipe(tool)) and program_of(checkout, tool).exists()


def ensure(checkout: Checkout, tool: Tool, say: Say | None = None) -> Path:
    """Make the tool's environment unless it is there, and give the path of its program.

    Parameters
    ----------
    checkout : Checkout
        Whose `.isotherm/tools` to use.
    tool : Tool
        `MINISTACK` or `SAM`.
    say : callable, optional
        Told, in a few words, what takes time.

    Returns
    -------
    Path
        The program.

    Raises
    ------
    ToolUnavailable
        It cannot be made: no uv, no package registry in reach, or no room.
    """
    program = program_of(checkout, tool)
    if is_made(checkout, tool):
        return program
    with exclusive(checkout.tools / f"{tool.name}.lock", f"the installation of {tool.name}", say) as lock:
        if is_made(checkout, tool):  # another process made it while this one waited
            return program
        if say is not None:
            say(f"installing {tool.requirements[0]}")
        _make(checkout, tool, lock)
    return program


def _make(checkout: Checkout, tool: Tool, lock: int) -> None:
    uv = find_uv()
    environment = environment_of(checkout, tool)
    log = checkout.logs / f"install-{tool.name}.log"
    shutil.rmtree(environment, ignore_errors=True)
    try:
        run_logged(
            [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
            log=log,
            what=f"making an environment for {tool.name}",
            lock=lock,
        )
        # Byte code is compiled now, as MiniStack runs with PYTHONDONTWRITEBYTECODE and would compile at every start.
        run_logged(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                str(environment / "bin" / "python"),
                *tool.requirements,
            ],
            log=log,
            what=f"installing {tool.requirements[0]}",
            lock=lock,
        )
        with written(_receipt(checkout, tool)):
            _receipt(checkout, tool).write_text(json.dumps(_recipe(tool)) + "\n")
    except (NoRoom, Unwritable) as problem:
        shutil.rmtree(environment, ignore_errors=True)
        raise ToolUnavailable(f"{tool.name} is not installed yet and cannot be: {problem}") from problem
    except CommandFailed as problem:
        shutil.rmtree(environment, ignore_errors=True)
        raise ToolUnavailable(
            f"{tool.name} is not installed yet and cannot be (it needs the package registry once): {problem}"
        ) from problem
    except BaseException:  # half an environment is worse than none
        shutil.rmtree(environment, ignore_errors=True)
        raise


def find_uv() -> str:
    """The uv program: the one installed beside this interpreter, else the one on the PATH.

    Raises
    ------
    ToolUnavailable
        There is none.
    """
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    if beside.exists():
        return str(beside)
    found = shutil.which("uv")
    if found is None:
        raise ToolUnavailable(f"uv is not installed: {Path(sys.executable).name} -m pip install {UV_REQUIREMENT}")
    return found


def _recipe(tool: Tool) -> dict[str, object]:
    return {
        "requirements": list(tool.requirements),
        "python": sys.version.split()[0],
        "prefix": sys.base_prefix,
    }


def _receipt(checkout: Checkout, tool: Tool) -> Path:
    return environment_of(checkout, tool) / "isotherm-tool.json"
