"""The command the Makefiles call: `python3 -m isotherm_build archive pkg20 --into DIR`, `... sizes`."""

from __future__ import annotations

import sys

# Before anything is imported that older interpreters do not have: `python3` is whatever the machine calls so.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"isotherm: {sys.executable} is older than Python 3.11; name a newer one in ISOTHERM_BUILD_PYTHON")

import argparse
import os
from pathlib import Path

from isotherm_build.build import UNZIPPED_LIMIT_BYTES, Made, Workshop
from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import NEWEST_RUNTIME, Platform
from isotherm_build.recipes import read_recipes
from isotherm_build.store import Store

PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Run one build; 0 is done, 1 refused, with the reason in one line on the error stream."""
    recipes = read_recipes(PROJECT / "packaging" / "packages.toml")
    parser = argparse.ArgumentParser(prog="isotherm_build", description=__doc__)
    parser.add_argument("--runtime", default=NEWEST_RUNTIME, help="Lambda's name of the Python (default %(default)s)")
    parser.add_argument("--architecture", default="x86_64", help="x86_64 or arm64 (default %(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, names in (("archive", recipes.archives), ("layer", recipes.layers)):
        command = verbs.add_parser(verb)
        command.add_argument("name", choices=list(names))
        command.add_argument("--into", type=Path, required=True, help="the artifact folder; it is emptied first")
    verbs.add_parser("sizes", help="what stands under each function that has several layers")
    given = parser.parse_args(arguments)

    workshop = Workshop(PROJECT, recipes, Store(PROJECT / ".isotherm" / "build"))
    try:
        platform = Platform(given.runtime, given.architecture, os.environ.get("ISOTHERM_PLATFORM") or "lambda")
        if given.verb == "archive":
            made = workshop.build_archive(
                recipes.archives[given.name], platform, given.into, bytecode=_bytecode_switch()
            )
            print(_sentence(made, platform))
        elif given.verb == "layer":
            print(_sentence(workshop.build_layer(recipes.layers[given.name], platform, given.into), platform))
        else:
            for stack in recipes.stacks:
                size = workshop.stack_bytes(stack, platform)
                print(
                    f"{', '.join(stack.functions)}: {' + '.join(stack.layers)} = {size:,} bytes unzipped, "
                    f"{size / UNZIPPED_LIMIT_BYTES:.0%} of what Lambda accepts"
                )
    except BuildRefused as refusal:
        print(f"isotherm: {refusal}", file=sys.stderr)
        return 1
    return 0


def _bytecode_switch() -> bool:
    text = os.environ.get("ISOTHERM_BYTECODE") or "0"
    if text not in ("0", "1"):
        raise BuildRefused(f"ISOTHERM_BYTECODE: {text!r} is neither 0 nor 1")
    return text == "1"


def _sentence(made: Made, platform: Platform) -> str:
    filler = f", {made.filler_bytes:,} of them filler" if made.filler_bytes else ""
    return (
        f"{made.name} for {platform}: {made.archive_bytes:,} bytes of archive{filler}, "
        f"{made.unzipped_bytes:,} unzipped, {made.files} files, {'with' if made.bytecode else 'without'} bytecode"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
