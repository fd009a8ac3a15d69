"""Compiles Python files the way their interpreter on Lambda would, without leaving a trace of where it was done."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import Platform
from isotherm_build.tree import files_below

_EXTENSIONS = (".so", ".pyd")


@functools.cache
def find_interpreter(version: str) -> str | None:
    """Find a CPython of this version ("3.14"), as bytecode is read only by the minor version that wrote it.

    The one that is running counts, then what the path has under its usual name. None where this machine has none.
    """
    if sys.implementation.name == "cpython" and version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    question = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    for folder in os.get_exec_path():
        candidate = shutil.which(f"python{version}", path=folder)
        if candidate is None:
            continue
        # A version manager's shim is there even where the version is not: ask it.
        try:
            answer = subprocess.run(  # noqa: S603
                [candidate, "-c", question], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.stdout.split() == ["cpython", version]:
            return candidate
    return None


def require_interpreter(platform: Platform) -> str:
    """As `find_interpreter`, for a build that was told to include bytecode.

    Raises
    ------
    BuildRefused
        There is none on this machine.
    """
    interpreter = find_interpreter(platform.python_version)
    if interpreter is None:
        raise BuildRefused(
            f"ISOTHERM_BYTECODE: 1 needs a CPython {platform.python_version} on this machine to compile for "
            f"{platform.runtime}; none is on the path. Install one, choose another runtime, or leave bytecode out (0)"
        )
    return interpreter


def compile_tree(root: Path, interpreter: str, seen_at: str, *, only: list[Path] | None = None) -> None:
    """Put `.pyc` files beside all Python files below `root` that the interpreter would read.

    A module with a compiled twin (`x.py` beside `x.cpython-314-x86_64-linux-gnu.so`) is imported from that, so it gets
    none. The files are never checked against their source (PEP 552, unchecked-hash), as a zip file loses their times.

    Parameters
    ----------
    root : Path
        A folder that will be on `sys.path`.
    interpreter : str
        A CPython of the version that is going to read them.
    seen_at : str
        Where the folder will be on Lambda, for tracebacks; without it this machine's path would be written down.
    only : list of Path, optional
        Compile these of its files, where the others were compiled before.
    """
    files = files_below(root) if only is None else only
    compiled = {file.parent / file.name.split(".")[0] for file in files if file.suffix in _EXTENSIONS}
    sources = [file for file in files if file.suffix == ".py" and file.with_suffix("") not in compiled]
    if not sources:
        return
    command = [interpreter, "-s", "-m", "compileall", "-q", "-f", "--invalidation-mode=unchecked-hash"]
    outcome = subprocess.run(  # noqa: S603
        [*command, "-s", str(root), "-p", seen_at, "-i", "-"],
        input="\n".join(map(str, sources)) + "\n",
        # The order of a set of constants in bytecode follows the hash seed.
        env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},
        cwd=root.anchor,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        last = (outcome.stdout + outcome.stderr).strip().splitlines()[-1:]
        raise BuildRefused(f"{interpreter} could not compile what is in {root.name}: {' '.join(last)}")
