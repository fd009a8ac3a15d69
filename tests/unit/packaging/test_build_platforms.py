"""Packages are chosen for where they will run."""

from __future__ import annotations

import platform as machine
import re
from pathlib import Path

import pytest
from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import GLIBC_MINOR, MACHINES, NEWEST_RUNTIME, Platform


@pytest.mark.parametrize("runtime", GLIBC_MINOR)
@pytest.mark.parametrize("architecture", MACHINES)
def test_no_wheel_is_accepted_that_needs_a_newer_c_library(runtime: str, architecture: str) -> None:
    arguments = Platform(runtime, architecture).pip_arguments
    found = [re.fullmatch(r"--platform=manylinux_2_(\d+)_(.*)", argument) for argument in arguments]
    minors = [int(match[1]) for match in found if match]
    assert minors == sorted(minors, reverse=True)
    assert max(minors) == {"python3.11": 26}.get(runtime, 34)
    assert {match[2] for match in found if match} == {{"x86_64": "x86_64", "arm64": "aarch64"}[architecture]}
    assert f"--python-version={runtime.removeprefix('python')}" in arguments
    assert "--only-binary=:all:" in arguments


def test_for_this_machine_pip_chooses_as_it_does_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "machine", lambda: "AMD64")
    arguments = Platform("python3.12", "x86_64", "host").pip_arguments
    assert not [argument for argument in arguments if argument.startswith("--platform")]
    assert "--python-version=3.12" in arguments
    with pytest.raises(BuildRefused, match=r"architecture: arm64 cannot run on this machine \(AMD64\)"):
        Platform("python3.12", "arm64", "host")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("python3.10", "x86_64", "lambda"), r"runtime: 'python3.10' is none of python3.11, .*python3.14"),
        (("3.12", "x86_64", "lambda"), "runtime: '3.12'"),
        (("python3.12", "aarch64", "lambda"), "architecture: 'aarch64' is none of x86_64, arm64"),
        (("python3.12", "x86_64", "moon"), "ISOTHERM_PLATFORM: 'moon' is none of lambda, host"),
    ],
)
def test_what_is_no_platform_is_refused(given: tuple[str, str, str], message: str) -> None:
    with pytest.raises(BuildRefused, match=message):
        Platform(*given)


def test_each_runtime_and_architecture_has_a_makefile_that_states_them(project: Path) -> None:
    stated = {}
    for makefile in (project / "packaging" / "runtimes").glob("*/*/Makefile"):
        stated[makefile.parent.parent.name, makefile.parent.name] = makefile.read_text()
    assert stated == {
        (runtime, architecture): f"RUNTIME := {runtime}\nARCHITECTURE := {architecture}\ninclude packaging/build.mk\n"
        for runtime in GLIBC_MINOR
        for architecture in MACHINES
    }
    assert NEWEST_RUNTIME in GLIBC_MINOR
