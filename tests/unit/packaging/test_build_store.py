"""An entry of the store is made once, is whole or not there, and stays while it is used."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from isotherm_build.store import Store


def empty(folder: Path) -> None:
    assert not list(folder.iterdir())


def folders(root: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in root.iterdir() if path.is_dir())


def test_builds_side_by_side_make_an_entry_once(tmp_path: Path) -> None:
    made, seen = [], []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "one").write_text("1")
        time.sleep(0.1)
        (folder / "two").write_text("2")

    def build() -> None:
        with Store(tmp_path).entry("packages", {"numpy": "2.4.6"}, make) as folder:
            seen.append(sorted(path.name for path in folder.iterdir()))

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert seen == [["one", "two"]] * 4


def test_what_fails_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("no room")

    store = Store(tmp_path)
    with pytest.raises(OSError, match="no room"), store.entry("packages", {}, fail):
        pass
    assert folders(tmp_path) == []
    with store.entry("packages", {}, lambda folder: (folder / "whole").touch()) as folder:
        assert [path.name for path in folder.iterdir()] == ["whole"]


def test_what_a_killed_build_left_is_not_taken_for_an_entry(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.entry("packages", {}, empty) as folder:
        pass
    partial = folder.rename(folder.with_name(folder.name + ".partial"))
    (partial / "half").touch()
    with store.entry("packages", {}, lambda folder: (folder / "whole").touch()) as again:
        assert [path.name for path in again.iterdir()] == ["whole"]


def test_other_ingredients_replace_the_entry_unless_it_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with (
        store.entry("packages", {"version": 1}, empty) as first,
        store.entry("packages", {"version": 2}, empty) as second,
    ):
        assert first.is_dir()
    with store.entry("packages", {"version": 3}, empty) as third:
        pass
    with store.entry("packages-for-another", {"version": 1}, empty):
        pass
    assert (first.is_dir(), second.is_dir(), third.is_dir()) == (False, False, True)
    assert folders(tmp_path) == ["packages", "packages-for-another"]
