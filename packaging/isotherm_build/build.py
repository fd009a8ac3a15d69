"""Makes archives and layers from their recipes: installs, compiles, fills, and says what it made."""

from __future__ import annotations

import functools
import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isotherm_build import tree, zip_size
from isotherm_build.bytecode import compile_tree, find_interpreter, require_interpreter
from isotherm_build.errors import BuildRefused
from isotherm_build.filler import SEED, filler, fit
from isotherm_build.install import install
from isotherm_build.platforms import Platform
from isotherm_build.recipes import Archive, Layer, Recipes, Stack
from isotherm_build.store import Store

MANIFEST = "isotherm-package.json"
FILLER = "filler.bin"
PROBE = "isotherm_probe.py"
CODE_FOLDER = "/var/task"
LAYER_FOLDER = "/opt/python"

# "Function code and all layers, unzipped": 250 MB, which Lambda counts as 262,144,000 bytes.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNZIPPED_LIMIT_BYTES = 262_144_000
# What is left for the code of a control function itself.
_OWN_CODE_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """What was put into an artifact folder; `archive_bytes` as SAM zips it."""

    name: str
    files: int
    unzipped_bytes: int
    archive_bytes: int
    filler_bytes: int
    bytecode: bool


@dataclass(frozen=True, slots=True)
class _Installed:
    """Packages as the store keeps them; `members_bytes` is what they take in a zip file, at its root."""

    tree: Path
    files: int
    members_bytes: int
    unzipped_bytes: int


class Workshop:
    """A project's sources and its store of installed packages.

    Parameters
    ----------
    project : Path
        The folder with `functions`, `src` and `packaging` in it.
    recipes : Recipes
        What to make of them.
    store : Store
        Where installed packages are kept between builds.
    """

    def __init__(self, project: Path, recipes: Recipes, store: Store) -> None:
        self._project = project
        self._recipes = recipes
        self._store = store

    def build_archive(self, archive: Archive, platform: Platform, into: Path, *, bytecode: bool) -> Made:
        """Build the code of measured functions into a folder.

        Parameters
        ----------
        archive : Archive
            The recipe.
        platform : Platform
            Where it is going to run.
        into : Path
            A folder; what is in it is removed first.
        bytecode : bool
            Whether `.pyc` files are included.
        """
        interpreter = require_interpreter(platform) if bytecode else None
        store_name = f"archive-{archive.name}"
        with self._packages(store_name, archive.packages, (), platform, interpreter, CODE_FOLDER) as ready:
            _empty(into)
            tree.share_into(ready.tree, into)
        own = self._copy_functions(archive, into)
        if interpreter:
            own += self._compile_own(own, into, interpreter, CODE_FOLDER)

        manifest = {
            "archive": archive.name,
            "packages": self._recipes.versions(archive.packages, platform),
            "bytecode": bytecode,
            "python": platform.python_version,
            "architecture": platform.architecture,
            "platform": platform.kind,
        }
        rest = ready.members_bytes + zip_size.members_size(into, own) + zip_size.END_OF_ARCHIVE
        filler_bytes = 0
        archive_bytes = rest + zip_size.member_size(MANIFEST, _manifest(manifest, 0))
        if archive.archive_bytes is not None:
            with self._filler(archive.name, archive.archive_bytes, rest, manifest, platform) as (folder, archive_bytes):
                tree.share_into(folder, into)
                filler_bytes = (into / FILLER).stat().st_size
        (into / MANIFEST).write_bytes(_manifest(manifest, filler_bytes))
        tree.settle(into)
        return _made(archive.name, into, archive_bytes, filler_bytes, bytecode)

    def build_layer(self, layer: Layer, platform: Platform, into: Path) -> Made:
        """Build a layer into a folder, below `python/`, where Lambda's interpreter looks.

        Layers are not measured, so they get bytecode wherever this machine can compile it: without it, every cold start
        of a control function compiles what it imports.

        Raises
        ------
        BuildRefused
            A function that uses the layer would have more on it than Lambda accepts.
        """
        interpreter = find_interpreter(platform.python_version)
        self._refuse_oversize([stack for stack in self._recipes.stacks if layer.name in stack.layers], platform)
        with self._layer_packages(layer, platform) as ready:
            _empty(into)
            tree.share_into(ready.tree, into / "python")
        own = []
        for source in layer.sources:
            folder = self._project / source
            for file in tree.files_below(folder):
                if "__pycache__" in file.parts:
                    continue
                target = into / "python" / folder.name / file.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                own.append(target)
        if interpreter:
            own += self._compile_own(own, into / "python", interpreter, LAYER_FOLDER)
        tree.settle(into)
        # A layer's zip has "python/" before each name, twice (local and central header).
        packages_bytes = ready.members_bytes + 2 * len("python/") * ready.files
        archive_bytes = packages_bytes + zip_size.members_size(into, own) + zip_size.END_OF_ARCHIVE
        return _made(layer.name, into, archive_bytes, 0, interpreter is not None)

    def stack_bytes(self, stack: Stack, platform: Platform) -> int:
        """Unzipped bytes of all layers of a stack together, this project's own sources without their bytecode."""
        total = 0
        for name in stack.layers:
            layer = self._recipes.layers[name]
            with self._layer_packages(layer, platform) as ready:
                total += ready.unzipped_bytes
            total += sum(tree.unzipped_bytes(self._project / source) for source in layer.sources)
        return total

    def _refuse_oversize(self, stacks: list[Stack], platform: Platform) -> None:
        for stack in stacks:
            size = self.stack_bytes(stack, platform)
            if size + _OWN_CODE_BYTES > UNZIPPED_LIMIT_BYTES:
                raise BuildRefused(
                    f"layers {' + '.join(stack.layers)}, used by {', '.join(stack.functions)}, have {size:,} bytes "
                    f"unzipped; Lambda accepts {UNZIPPED_LIMIT_BYTES:,} with the function's own code"
                )

    @contextmanager
    def _layer_packages(self, layer: Layer, platform: Platform) -> Iterator[_Installed]:
        interpreter = find_interpreter(platform.python_version)
        with self._packages(
            f"layer-{layer.name}", layer.packages, layer.without, platform, interpreter, LAYER_FOLDER
        ) as ready:
            yield ready

    @contextmanager
    def _packages(
        self,
        name: str,
        packages: tuple[str, ...],
        without: tuple[str, ...],
        platform: Platform,
        interpreter: str | None,
        seen_at: str,
    ) -> Iterator[_Installed]:
        """Give the store's entry with these packages, installed and compiled now if it is not there."""
        versions = self._recipes.versions(packages, platform)

        def make(folder: Path) -> None:
            root = folder / "tree"
            root.mkdir()
            install(versions, platform, root)
            tree.tidy(root, without)
            if interpreter:
                compile_tree(root, interpreter, seen_at)
            tree.settle(root)
            files = tree.files_below(root)
            facts = {
                "files": len(files),
                "members_bytes": zip_size.members_size(root, files),
                "unzipped_bytes": tree.unzipped_bytes(root),
            }
            (folder / "facts.json").write_text(json.dumps(facts))

        ingredients = {
            "versions": versions,
            "without": without,
            "pip": platform.pip_arguments,
            "bytecode": interpreter is not None,
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
            "form": 1,  # raise it when what `make` does to the same ingredients changes
        }
        full_name = f"{name}-{platform.slug}-{'pyc' if interpreter else 'py'}"
        with self._store.entry(full_name, ingredients, make) as folder:
            yield _Installed(folder / "tree", **json.loads((folder / "facts.json").read_text()))

    @contextmanager
    def _filler(
        self, name: str, wanted: int, rest: int, manifest: dict[str, Any], platform: Platform
    ) -> Iterator[tuple[Path, int]]:
        """Give a folder with the filler file alone in it, and the bytes of the whole archive with it.

        `rest` is what the archive has without filler and manifest.
        """

        @functools.cache
        def total(amount: int) -> int:
            members = zip_size.member_size(MANIFEST, _manifest(manifest, amount))
            return rest + members + (zip_size.member_size(FILLER, filler(amount)) if amount else 0)

        def make(folder: Path) -> None:
            amount = fit(total, wanted)
            (folder / "tree").mkdir()
            (folder / "tree" / FILLER).write_bytes(filler(amount))
            tree.settle(folder / "tree")
            (folder / "facts.json").write_text(json.dumps({"archive_bytes": total(amount)}))

        ingredients = {
            "rest": rest,
            "manifest": manifest,
            "wanted": wanted,
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
            "form": 1,
        }
        with self._store.entry(f"filler-{name}-{platform.slug}", ingredients, make) as folder:
            yield folder / "tree", json.loads((folder / "facts.json").read_text())["archive_bytes"]

    def _copy_functions(self, archive: Archive, into: Path) -> list[Path]:
        targets = self._project / "functions" / "targets"
        modules = (module for function in archive.functions for module in sorted((targets / function).glob("*.py")))
        sources = [targets / PROBE, *modules]
        copies = []
        for source in sources:
            copy = into / source.relative_to(targets)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, copy)
            copies.append(copy)
        return copies

    def _compile_own(self, own: list[Path], root: Path, interpreter: str, seen_at: str) -> list[Path]:
        """Compile copied sources of this project, and give the files that came of it."""
        before = set(tree.files_below(root))
        compile_tree(root, interpreter, seen_at, only=own)
        return [file for file in tree.files_below(root) if file not in before]


def _manifest(facts: dict[str, Any], filler_bytes: int) -> bytes:
    text = json.dumps(facts | {"filler_bytes": filler_bytes, "filler_seed": SEED.decode()}, indent=1, sort_keys=True)
    return (text + "\n").encode()


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _made(name: str, into: Path, archive_bytes: int, filler_bytes: int, bytecode: bool) -> Made:
    return Made(name, len(tree.files_below(into)), tree.unzipped_bytes(into), archive_bytes, filler_bytes, bytecode)
