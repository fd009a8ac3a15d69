"""What is said of a path that cannot be written; and that files are whole or not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isotherm.local.errors import Unwritable
from isotherm.local.writing import obstacle, replace_whole, written
from unit.disks import fill, read_only, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    with read_only(tmp_path / "locked") as folder:
        yield folder


def test_where_nothing_is_in_the_way_nothing_is_said_or_left(tmp_path: Path) -> None:
    assert obstacle(tmp_path / "new" / "folder") is None
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_a_full_disk_is_named_and_what_to_do(disk: Path) -> None:
    assert obstacle(disk) is None
    fill(disk)
    assert obstacle(disk) == f"{disk} cannot be written (No space left on device): free some room there"


def test_a_folder_that_is_not_ours_to_write_in_is_named(locked: Path) -> None:
    said = obstacle(locked / "new")
    assert said is not None
    assert said.startswith(f"{locked / 'new'} cannot be written (")
    assert said.endswith((": make it writable for you", ": it is mounted read-only, so choose another place"))


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable) as told, written(tmp_path / "file" / "new"):
        (tmp_path / "file" / "new").write_text("x")
    assert str(told.value) == (
        f"{tmp_path / 'file' / 'new'} cannot be written (Not a directory): a file stands where a folder is needed, "
        "so choose another place"
    )


def test_an_error_that_is_not_foreseen_has_a_remedy_too(tmp_path: Path) -> None:
    long = tmp_path / ("n" * 300)
    with pytest.raises(Unwritable) as told, written(long):
        long.write_text("x")
    assert str(told.value) == f"{long} cannot be written (File name too long): choose another place"


def test_files_are_written_whole_over_those_that_were_there(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "first", tmp_path / "b" / "second"
    replace_whole({first: b"1"})
    replace_whole({first: b"2" * 100_000, second: b"3"})
    assert (first.read_bytes(), second.read_bytes()) == (b"2" * 100_000, b"3")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["first", "second"]


def test_of_several_files_none_is_changed_where_one_cannot_be_written(tmp_path: Path) -> None:
    """A limit of a file's size stands for a full disk where there is no root to mount one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old")
    program = f"""
import pathlib, resource
from isotherm.local.errors import Unwritable
from isotherm.local.writing import replace_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_whole({{pathlib.Path({str(first)!r}): b"new", pathlib.Path({str(second)!r}): bytes(2000)}})
except Unwritable as problem:
    print(problem)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == f"{second} cannot be written (File too large): have the limit of a file's size raised (ulimit -f)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    assert first.read_text() == "old"
