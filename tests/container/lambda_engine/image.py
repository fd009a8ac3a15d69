"""Makes a base image for `sam local` out of this machine's Python 3.11 and AWS's runtime client. Knows no function.

AWS's image has Python under /var/lang, the runtime client and boto3 under /var/runtime, and starts with
/var/runtime/bootstrap; so does this one. Programs and libraries are this machine's, so they fit one another.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .errors import NoEngine

PROJECT = Path(__file__).resolve().parents[3]
RUNTIME = Path(__file__).parent / "runtime"

PYTHON = "python3.11"
MACHINE = "x86_64"
#: What wheels are named after that such a machine can use.
WHEELS_FOR = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
RUNTIME_CLIENT = "awslambdaric==4.2.2"

#: What Dockerfiles that are based on this image install packages with.
INSTALLERS = ("pip", "setuptools", "wheel")

#: What the Dockerfiles of SAM CLI and of our server run, and what somebody who looks into a container types first.
PROGRAMS = ("sh", "bash", "cat", "chmod", "cp", "env", "find", "id", "ls", "mkdir", "mv", "rm")

#: Parts of glibc that AWS's image has and compiled packages may count on (PEP 599), whatever Python is linked with.
GLIBC_PARTS = ("libdl.so.2", "librt.so.1", "libutil.so.1")

#: What of Python's own library no function needs; EXTERNALLY-MANAGED is Debian's word to pip.
LEFT_OUT = (
    *("site-packages", "dist-packages", "EXTERNALLY-MANAGED"),
    *("test", "idlelib", "tkinter", "_tkinter*", "config-3.11*", "*.a", "__pycache__"),
)

FOLDERS = (
    *("dev", "etc/ssl/certs", "opt", "proc", "root", "run", "sys", "tmp"),
    *("usr/bin", "usr/lib", "usr/lib64", "usr/sbin"),
    *("var/lang/bin", "var/lang/lib", "var/rapid", "var/runtime", "var/task", "var/tmp"),
)
#: Folders that are links to those of the same name in /usr.
LINKS = ("bin", "lib", "lib64", "sbin")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

SETTINGS = (
    "WORKDIR /var/task",
    "ENV LANG=C.UTF-8 LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime"
    " PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin LD_LIBRARY_PATH=/var/lang/lib:/var/runtime:/opt/lib"
    " SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
)

INSTALL_S = 600
IMPORT_S = 300
ASK_S = 60

_LIBRARY = re.compile(r"(?:=>\s+|^\s+)(/\S+)", re.M)


class Interpreter(NamedTuple):
    """A Python as installed: its prefix, its program, and where it keeps packages (below the prefix)."""

    prefix: Path
    program: Path
    packages: Path


def make(tags: Sequence[str]) -> None:
    """Make the image and import it into the engine under each of these names.

    Raises
    ------
    NoEngine
        This machine lacks a part of it, or the package registry cannot be reached.
    """
    if platform.machine() != MACHINE:
        raise NoEngine(f"the image can be made on {MACHINE} only, and this is {platform.machine()}")
    with tempfile.TemporaryDirectory(prefix="isotherm-image-") as folder:
        root = Path(folder) / "root"
        _make_root(root)
        archive = Path(folder) / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(root, arcname=".", filter=_owned_by_root)
        changes = [part for setting in SETTINGS for part in ("--change", setting)]
        _run(["docker", "import", *changes, str(archive), tags[0]], IMPORT_S)
    for tag in tags[1:]:
        _run(["docker", "tag", tags[0], tag], ASK_S)


def _make_root(root: Path) -> None:
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in LINKS:
        (root / name).symlink_to(f"usr/{name}")
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    for name, text in FILES.items():
        (root / name).write_text(text)
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / "etc" / "ssl" / "certs")
    interpreter = _interpreter()
    _copy_python(interpreter, root / "var" / "lang")
    boto3 = next(pin for pin in _project()["dependencies"] if pin.startswith("boto3=="))
    _install(INSTALLERS, root / "var" / "lang" / interpreter.packages)
    _install((RUNTIME_CLIENT, boto3), root / "var" / "runtime")
    shutil.copy(RUNTIME / "bootstrap", root / "var" / "runtime")
    for name in PROGRAMS:
        _copy_program(name, root / "usr" / "bin")
    _copy_libraries(root)


def _interpreter() -> Interpreter:
    """The Python 3.11 of this machine; that of an environment is asked for the one it was made with."""
    found = shutil.which(PYTHON)
    if found is None:
        raise NoEngine(f"the image is made of {PYTHON}, which is not on the PATH")
    base = Path(_run([found, "-c", "import sys; print(sys.base_prefix)"], ASK_S).strip())
    program = base / "bin" / PYTHON
    # The last one is below the prefix on Debian too, whose first one is for what its administrator installs.
    asked = "import json, site; print(json.dumps(site.getsitepackages()))"
    packages = Path(json.loads(_run([str(program), "-I", "-c", asked], ASK_S))[-1])
    return Interpreter(base, program, packages.relative_to(base))


def _copy_python(interpreter: Interpreter, lang: Path) -> None:
    shutil.copy(interpreter.program, lang / "bin" / PYTHON)
    for name in ("python3", "python"):
        (lang / "bin" / name).symlink_to(PYTHON)
    library = interpreter.prefix / "lib"
    ignore = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(library / PYTHON, lang / "lib" / PYTHON, ignore=ignore, ignore_dangling_symlinks=True)
    for shared in library.glob("libpython3*.so*"):
        shutil.copy(shared, lang / "lib")


def _copy_program(name: str, folder: Path) -> None:
    found = shutil.which(name)
    if found is None:
        raise NoEngine(f"the image needs {name}, which is not on the PATH")
    shutil.copy(found, folder / name)


def _install(requirements: Sequence[str], target: Path) -> None:
    """Install wheels for Lambda's machine and Python, whatever Python this is."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--root-user-action", "ignore", "--no-warn-conflicts", "--target", str(target)]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON.removeprefix("python")]
    command += [part for wheels in WHEELS_FOR for part in ("--platform", wheels)]
    command += ["--constraint", str(PROJECT / "constraints.txt"), *requirements]
    _run(command, INSTALL_S)


def _copy_libraries(root: Path) -> None:
    """Copy what the root's programs and modules are linked with, to where it is on this machine."""
    linked = [*(root / "usr" / "bin").iterdir(), root / "var" / "lang" / "bin" / PYTHON]
    linked += [*(root / "var" / "lang" / "lib" / PYTHON / "lib-dynload").glob("*.so")]
    linked += [*(root / "var" / "runtime").rglob("*.so")]
    found = set(_libraries(linked))
    libc = next((path for path in found if path.name == "libc.so.6"), None)
    if libc is None:
        raise NoEngine("the image is made of programs linked with glibc, and this machine has others")
    for library in sorted(found | {libc.with_name(name) for name in GLIBC_PARTS}):
        # The root's /lib is a link to /usr/lib. What lies elsewhere is Python's own, and was copied with it.
        if library.parts[1] in LINKS or library.parts[1:3] == ("usr", "lib"):
            place = root / "usr" / library.relative_to("/usr" if library.parts[1] == "usr" else "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)


def _libraries(files: Iterable[Path]) -> Iterator[Path]:
    for file in files:
        # A file that is not linked with anything makes ldd fail, which is not the fault of the image.
        listed = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False, timeout=ASK_S)
        yield from map(Path, _LIBRARY.findall(listed.stdout))


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _project() -> dict[str, list[str]]:
    project: dict[str, list[str]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return project


def _run(command: Sequence[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=timeout_s)
    except subprocess.CalledProcessError as problem:
        said = (problem.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoEngine(f"{Path(command[0]).name} failed: {said}") from problem
    except subprocess.TimeoutExpired as problem:
        raise NoEngine(f"{Path(command[0]).name} took more than {timeout_s:.0f} s") from problem
    return done.stdout
