"""The real packages, built for the Python that runs this: of the size on record, complete, and importable.

Installed packages are kept in the project's store, where `sam build` finds them too, so only the first run takes long:
apart from the unit tests all the same, as that run installs some hundred MB.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform as machine
import subprocess
import sys
from pathlib import Path

import pytest
from isotherm_build.build import Made, Workshop
from isotherm_build.platforms import GLIBC_MINOR, MACHINES, Platform
from isotherm_build.recipes import Recipes, read_recipes
from isotherm_build.store import Store
from isotherm_build.tree import files_below
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from unit.packaging.test_zip_size import zip_as_sam_does

PROJECT = Path(__file__).parents[2]

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
ARCHITECTURE = next((name for name, aliases in MACHINES.items() if machine.machine().lower() in aliases), None)
KIND = "lambda" if sys.platform == "linux" else "host"

pytestmark = [
    pytest.mark.skipif(
        RUNTIME not in GLIBC_MINOR or ARCHITECTURE is None, reason=f"Lambda has no {RUNTIME} on {machine.machine()}"
    ),
    pytest.mark.timeout(600),
]

RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from {function}.app import handler
answer = handler({{"isotherm": {{"shot_id": "a"}}}}, None)
assert answer == {{"ok": True, "target": "{function}"}}
"""
PUBLISH = """
import sys
sys.path[:0] = sys.argv[1:]
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parser import event_parser
from pydantic import BaseModel
from scipy import stats
import plotly.graph_objects as go
import isotherm.campaign.model
import isotherm.http.exchange
assert stats.binom.cdf(5, 10, 0.5) > 0.5
page = go.Figure([go.Box(y=[1, 2, 3]), go.Bar(y=[1])]).to_html(include_plotlyjs=True)
assert len(page) > 1_000_000
strangers = [m.__file__ for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", None) or "")]
assert not strangers, strangers
"""


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return read_recipes(PROJECT / "packaging" / "packages.toml")


@pytest.fixture(scope="module")
def here() -> Platform:
    assert ARCHITECTURE is not None
    return Platform(RUNTIME, ARCHITECTURE, KIND)


@pytest.fixture(scope="module")
def workshop(recipes: Recipes) -> Workshop:
    return Workshop(PROJECT, recipes, Store(PROJECT / ".isotherm" / "build"))


@pytest.fixture(scope="module")
def archives(
    workshop: Workshop, recipes: Recipes, here: Platform, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Made]]:
    built = {}
    for name, archive in recipes.archives.items():
        into = tmp_path_factory.mktemp(name)
        built[name] = (into, workshop.build_archive(archive, here, into, bytecode=False))
    return built


@pytest.fixture(scope="module")
def layers(
    workshop: Workshop, recipes: Recipes, here: Platform, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    built = {}
    for name, layer in recipes.layers.items():
        built[name] = tmp_path_factory.mktemp(name)
        workshop.build_layer(layer, here, built[name])
    return built


@pytest.mark.parametrize(("name", "megabytes"), [("pkg20", 22.7), ("pkg50", 44.1)])
def test_archive_has_the_size_on_record(
    archives: dict[str, tuple[Path, Made]], tmp_path: Path, name: str, megabytes: float
) -> None:
    folder, made = archives[name]
    size = zip_as_sam_does(folder, tmp_path / "archive.zip")
    assert size == made.archive_bytes
    assert size == pytest.approx(megabytes * 1e6, rel=0.001)


@pytest.mark.parametrize(
    ("function", "archive", "imported"),
    [
        ("default", "default", set()),
        ("pkg20", "pkg20", {"mypy"}),
        ("size20", "pkg20", set()),
        ("pkg50", "pkg50", {"mypy", "numpy"}),
        ("size50", "pkg50", set()),
    ],
)
def test_function_runs_from_its_archive_and_imports_what_its_name_says(
    archives: dict[str, tuple[Path, Made]], function: str, archive: str, imported: set[str]
) -> None:
    folder = archives[archive][0]
    code = RUN.format(function=function) + "print(*sorted({'mypy', 'numpy'} & set(sys.modules)))"
    outcome = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    line, found = outcome.stdout.split("\n")[:2]
    assert set(found.split()) == imported
    assert (json.loads(line)["import_ms"] > 0) is bool(imported)
    assert json.loads(line)["package"] == json.loads((folder / "isotherm-package.json").read_text())


def test_layers_together_carry_what_publishing_imports(layers: dict[str, Path]) -> None:
    paths = [str(layers[name] / "python") for name in ("isotherm", "science", "page")]
    subprocess.run([sys.executable, "-I", "-S", "-c", PUBLISH, *paths], check=True)


def test_no_dependency_is_left_out_and_each_version_suits_the_others(
    archives: dict[str, tuple[Path, Made]], layers: dict[str, Path], recipes: Recipes
) -> None:
    places = {
        "pkg20": [archives["pkg20"][0]],
        "pkg50": [archives["pkg50"][0]],
        **{" + ".join(stack.layers): [layers[name] / "python" for name in stack.layers] for stack in recipes.stacks},
    }
    for place, folders in places.items():
        found = list(importlib.metadata.distributions(path=list(map(str, folders))))
        installed = {canonicalize_name(distribution.name): distribution.version for distribution in found}
        assert len(found) > 3, place
        for distribution in found:
            for requirement in map(Requirement, distribution.requires or []):
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    assert installed.get(canonicalize_name(requirement.name), "0") in requirement.specifier, (
                        f"{place}: {distribution.name} needs {requirement}"
                    )


def test_no_binary_is_for_another_processor(archives: dict[str, tuple[Path, Made]], here: Platform) -> None:
    if KIND != "lambda":
        pytest.skip("only Linux binaries tell their processor in their header's ELF fields")
    machines = {file.read_bytes()[18:20] for file in files_below(archives["pkg50"][0]) if file.suffix == ".so"}
    assert machines == {{"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}[here.architecture]}
