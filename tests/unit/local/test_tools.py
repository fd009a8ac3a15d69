from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from isotherm.local import tools
from isotherm.local.checkout import Checkout
from isotherm.local.errors import ToolUnavailable, Unwritable
from unit.disks import read_only, small_disk

TOOL = tools.Tool("thing", "thing", ("thing==1.0",))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for uv: notes what it is asked, makes what uv would; fails to install when offline."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, sys\n"
        f"with open({str(tmp_path / 'asked')!r}, 'a') as asked: print(*sys.argv[1:], file=asked)\n"
        "if sys.argv[1] == 'venv':\n"
        "    pathlib.Path(sys.argv[-1], 'bin').mkdir(parents=True)\n"
        "else:\n"
        "    if 'FULL' in os.environ:\n"
        "        with open(os.environ['FULL'] + '/filler', 'wb', buffering=0) as filler:\n"
        "            while True: filler.write(bytes(4096))\n"
        "    if 'OFFLINE' in os.environ: sys.exit('error: could not connect')\n"
        "    python = pathlib.Path(sys.argv[sys.argv.index('--python') + 1])\n"
        "    (python.parent / 'thing').write_text('')\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(tools, "find_uv", lambda: str(program))
    return tmp_path / "asked"


def test_is_made_once_and_reused(checkout: Checkout, uv: Path) -> None:
    said: list[str] = []
    first = tools.ensure(checkout, TOOL, said.append)
    again = tools.ensure(checkout, TOOL, said.append)

    assert first == again == checkout.tools / "thing" / "bin" / "thing"
    assert said == ["installing thing==1.0"]
    assert [line.split()[0] for line in uv.read_text().splitlines()] == ["venv", "pip"]


def test_is_made_again_when_the_pins_change(checkout: Checkout, uv: Path) -> None:
    tools.ensure(checkout, TOOL)
    tools.ensure(checkout, tools.Tool("thing", "thing", ("thing==2.0",)))

    assert uv.read_text().splitlines()[-1].endswith("thing==2.0")


@pytest.mark.usefixtures("uv")
def test_without_network_one_message_says_what_is_missing_and_nothing_is_left_half_made(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLINE", "1")

    with pytest.raises(ToolUnavailable, match=r"(?s)thing is not installed yet.*package registry.*could not connect"):
        tools.ensure(checkout, TOOL)

    assert not tools.is_made(checkout, TOOL)
    assert not tools.environment_of(checkout, TOOL).exists()


@pytest.mark.usefixtures("uv")
def test_an_environment_without_its_receipt_was_interrupted_and_is_made_again(checkout: Checkout) -> None:
    program = tools.ensure(checkout, TOOL)
    (tools.environment_of(checkout, TOOL) / "isotherm-tool.json").unlink()

    assert not tools.is_made(checkout, TOOL)
    assert tools.ensure(checkout, TOOL) == program
    assert tools.is_made(checkout, TOOL)


def test_what_is_installed_is_pinned_to_one_version() -> None:
    for tool in (tools.MINISTACK, tools.SAM):
        assert all("==" in requirement for requirement in tool.requirements), tool


def test_uv_beside_this_python_comes_before_any_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stray = tmp_path / "uv"
    stray.write_text("#!/bin/sh\n")
    stray.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("isotherm.local.tools.sysconfig.get_path", lambda _: str(tmp_path / "absent"))

    assert tools.find_uv() == str(stray)

    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "uv").touch()
    assert tools.find_uv() == str(tmp_path / "absent" / "uv")


def test_no_uv_anywhere_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("isotherm.local.tools.sysconfig.get_path", lambda _: str(tmp_path))

    with pytest.raises(ToolUnavailable, match=f"pip install {tools.UV_REQUIREMENT}"):
        tools.find_uv()


@pytest.mark.usefixtures("uv")
def test_a_full_disk_is_not_taken_for_a_missing_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("FULL", str(disk))
        checkout = Checkout(disk)
        with pytest.raises(ToolUnavailable) as told:
            tools.ensure(checkout, TOOL)
        assert (
            "thing is not installed yet and cannot be: installing thing==1.0 failed (status 1): "
            f"{checkout.logs} cannot be written (No space left on device): free some room there, "
            "then run the command again"
        ) in str(told.value)
        assert "registry" not in str(told.value)
        assert not tools.environment_of(checkout, TOOL).exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        read_only(tmp_path / "locked") as folder,
        pytest.raises(Unwritable, match=rf"{folder}/.* cannot be written \("),
    ):
        tools.ensure(Checkout(folder), TOOL)
