"""What each archive and layer is made of, read from `packages.toml`. Knows no file but that one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import Platform

BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Archive:
    """The code of measured functions; `archive_bytes` is the size its zip file is brought to, None as it comes."""

    name: str
    functions: tuple[str, ...]
    packages: tuple[str, ...]
    archive_bytes: int | None


@dataclass(frozen=True, slots=True)
class Layer:
    """What control functions share: `sources` are folders of this project, `without` glob patterns left out."""

    name: str
    packages: tuple[str, ...]
    sources: tuple[str, ...]
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers that stand together under one function, whose unzipped sizes add up."""

    functions: tuple[str, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipes:
    """All of `packages.toml`."""

    archives: dict[str, Archive]
    layers: dict[str, Layer]
    stacks: tuple[Stack, ...]
    pins: dict[str, str]
    pins_amazon_linux_2: dict[str, str]

    def versions(self, packages: tuple[str, ...], platform: Platform) -> dict[str, str]:
        """The version of each package where it is going to run.

        Raises
        ------
        BuildRefused
            A package has no pin.
        """
        pins = self.pins | (self.pins_amazon_linux_2 if platform.is_amazon_linux_2 else {})
        unpinned = sorted(set(packages) - set(pins))
        if unpinned:
            raise BuildRefused(f"packages.toml: no version is pinned for {', '.join(unpinned)}")
        return {package: pins[package] for package in packages}


def read_recipes(path: Path) -> Recipes:
    """Read `packages.toml`."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    archives = {
        name: Archive(
            name,
            tuple(entry["functions"]),
            tuple(entry["packages"]),
            round(entry["megabytes"] * BYTES_PER_MB) if "megabytes" in entry else None,
        )
        for name, entry in table["archives"].items()
    }
    layers = {
        name: Layer(name, tuple(entry["packages"]), tuple(entry.get("sources", ())), tuple(entry.get("without", ())))
        for name, entry in table["layers"].items()
    }
    stacks = tuple(Stack(tuple(entry["functions"]), tuple(entry["layers"])) for entry in table["stacks"])
    return Recipes(archives, layers, stacks, table["pins"], table["pins-amazon-linux-2"])
