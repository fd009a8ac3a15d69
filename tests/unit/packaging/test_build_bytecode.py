"""Bytecode is compiled by the right interpreter, the same twice, and only where it would be read."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from isotherm_build import bytecode
from isotherm_build.bytecode import compile_tree, find_interpreter, require_interpreter
from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import Platform

THIS_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def _forget() -> None:
    find_interpreter.cache_clear()


def tree(root: Path) -> Path:
    (root / "package").mkdir(parents=True)
    (root / "package" / "__init__.py").write_text(
        "NAMES = {'a', 'b', 'c', 'd'}\ndef of(x): return x in {'p', 'q', 'r'}\n"
    )
    (root / "package" / "twin.py").write_text("")
    (root / "package" / "twin.cpython-311-x86_64-linux-gnu.so").write_text("")
    return root


def test_bytecode_is_the_same_wherever_it_was_compiled(tmp_path: Path) -> None:
    compiled = []
    for place in ("one", "two"):
        root = tree(tmp_path / place)
        compile_tree(root, sys.executable, "/var/task")
        files = sorted(root.rglob("*.pyc"))
        assert [file.name.split(".")[0] for file in files] == ["__init__"]
        compiled.append(files[0].read_bytes())
    assert compiled[0] == compiled[1]
    assert str(tmp_path).encode() not in compiled[0]
    assert b"/var/task/package/__init__.py" in compiled[0]
    assert compiled[0][:4] == importlib.util.MAGIC_NUMBER
    assert compiled[0][4:8] == b"\x01\0\0\0"  # PEP 552: by hash, and never checked


def test_compiled_module_is_used_though_its_source_is_newer(tmp_path: Path) -> None:
    root = tree(tmp_path)
    compile_tree(root, sys.executable, "/var/task")
    (root / "package" / "__init__.py").write_text("NAMES = 'changed'")
    answer = subprocess.run(
        [sys.executable, "-c", "import package; print(len(package.NAMES))"], cwd=root, capture_output=True, check=True
    )
    assert answer.stdout.strip() == b"4"


def test_source_that_is_no_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:")
    with pytest.raises(BuildRefused, match="could not compile"):
        compile_tree(tmp_path, sys.executable, "/var/task")


def test_the_running_interpreter_is_found() -> None:
    assert find_interpreter(THIS_VERSION) == sys.executable


def test_a_name_that_does_not_answer_as_that_version_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, answer in (("shim", "exit 127"), ("other", "echo cpython 3.9"), ("right", "echo cpython 3.99")):
        (tmp_path / folder).mkdir()
        script = tmp_path / folder / "python3.99"
        script.write_text(f"#!/bin/sh\n{answer}\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in ("shim", "other", "right")))
    assert find_interpreter("3.99") == str(tmp_path / "right" / "python3.99")


def test_bytecode_without_an_interpreter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecode, "find_interpreter", lambda _version: None)
    with pytest.raises(BuildRefused, match=r"ISOTHERM_BYTECODE: 1 needs a CPython 3\.13 .* leave bytecode out \(0\)"):
        require_interpreter(Platform("python3.13", "x86_64"))
