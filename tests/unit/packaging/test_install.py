"""What is said where pip cannot install."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from isotherm_build.errors import BuildRefused
from isotherm_build.install import install
from isotherm_build.platforms import Platform

from unit.disks import small_disk

HERE = Platform("python3.12", "x86_64")


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a package "thing" can be installed, which is larger than a small disk."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing/data", os.urandom(2**20))
        wheel.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("thing-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def test_a_full_disk_is_the_reason_though_pip_did_not_foresee_it(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        pytest.raises(BuildRefused, match=r"cannot install thing==1\.0 for .*No space left on device"),
    ):
        install({"thing": "1.0"}, HERE, disk / "made")


def test_a_version_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildRefused, match=r"ERROR: No matching distribution found for thing==2\.0$"):
        install({"thing": "2.0"}, HERE, tmp_path / "made")
