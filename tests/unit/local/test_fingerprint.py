from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isotherm.local.fingerprint import fingerprint


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "deep" / "a.py").write_text("a = 1\n")
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    return tmp_path


def _mark(root: Path) -> str:
    return fingerprint(root, ["src", "template.yaml", "absent"], ["python3.11"])


def test_is_the_same_for_the_same_sources(sources: Path) -> None:
    before = _mark(sources)
    (sources / "src" / "deep" / "a.py").touch()

    assert _mark(sources) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "src" / "deep" / "a.py").write_text("a = 2\n"), id="content"),
        pytest.param(lambda root: (root / "src" / "b.py").write_text(""), id="new file"),
        pytest.param(lambda root: (root / "src" / "deep" / "a.py").rename(root / "src" / "a.py"), id="moved"),
        pytest.param(lambda root: (root / "template.yaml").unlink(), id="deleted"),
        pytest.param(lambda root: (root / "absent").write_text("here now"), id="appeared"),
        pytest.param(lambda root: (root / "src" / "deep" / "a.py").chmod(0o755), id="executable"),
    ],
)
def test_tells_every_change_of_the_sources(sources: Path, change: Callable[[Path], object]) -> None:
    before = _mark(sources)
    change(sources)

    assert _mark(sources) != before


def test_does_not_see_what_tools_leave_behind(sources: Path) -> None:
    before = _mark(sources)
    (sources / "src" / "__pycache__").mkdir()
    (sources / "src" / "__pycache__" / "a.pyc").write_bytes(b"x")
    (sources / "src" / ".mypy_cache").mkdir()
    (sources / "src" / ".mypy_cache" / "cache.db").write_bytes(b"x")
    (sources / "src" / "isotherm.egg-info").mkdir()
    (sources / "src" / "isotherm.egg-info" / "PKG-INFO").write_text("x")

    assert _mark(sources) == before


def test_depends_on_the_facts_too(sources: Path) -> None:
    assert fingerprint(sources, ["src"], ["python3.11"]) != fingerprint(sources, ["src"], ["python3.12"])
