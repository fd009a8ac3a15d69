"""What is put on Lambda is complete, of its size and the same twice; packages made up (real: tests/packages)."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from isotherm_build import build
from isotherm_build.build import Workshop
from isotherm_build.errors import BuildRefused
from isotherm_build.platforms import Platform
from isotherm_build.recipes import Archive, Layer, Recipes, Stack, read_recipes
from isotherm_build.store import Store
from isotherm_build.tree import files_below

from unit.present import present

LAMBDA = Platform("python3.14", "arm64")
HERE = Platform(f"python3.{sys.version_info[1]}", "x86_64") if sys.version_info < (3, 15) else LAMBDA
PINS = {"heavy": "1.0", "other": "2.0"}
ARCHIVE = Archive("pkg20", ("pkg20", "size20"), ("heavy",), 400_000)


def fake_install(versions: dict[str, str], into: Path) -> None:
    for package, version in versions.items():
        (into / package).mkdir()
        (into / package / "__init__.py").write_text(f"VERSION = {version!r}\n" * 500)
        (into / package / "data.pyi").write_text("# a stub\n" * 1000)
        information = into / f"{package}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {package}\n")
        (information / "RECORD").write_text(str(into))
        (into / "bin").mkdir(exist_ok=True)
        (into / "bin" / package).write_text(f"#!{sys.executable}\n")


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    seen: list[dict[str, str]] = []

    def install(versions: dict[str, str], platform: Platform, into: Path) -> None:
        assert platform in (LAMBDA, HERE)
        seen.append(versions)
        fake_install(versions, into)

    monkeypatch.setattr(build, "install", install)
    return seen


def workshop(project: Path, store: Path, **recipes: object) -> Workshop:
    known: dict[str, object] = {"archives": {}, "layers": {}, "stacks": (), "pins": PINS, "pins_amazon_linux_2": {}}
    return Workshop(project, Recipes(**(known | recipes)), Store(store))  # type: ignore[arg-type]


def project_data(project: Path) -> list[Path]:
    """Files of the package that are not Python's."""
    return [file for file in files_below(project / "src" / "isotherm") if file.suffix not in (".py", ".pyc")]


def digest(root: Path) -> str:
    text = [
        f"{file.relative_to(root)} {file.stat().st_mode:o} {file.stat().st_mtime_ns} "
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in files_below(root)
    ]
    return "\n".join(text)


@pytest.mark.parametrize("bytecode", [False, True])
def test_two_builds_give_the_same_bytes(
    project: Path, tmp_path: Path, installs: list[dict[str, str]], bytecode: bool
) -> None:
    for name in ("one", "two"):
        shop = workshop(project, tmp_path / f"store-{name}")
        made = shop.build_archive(ARCHIVE, HERE, tmp_path / name, bytecode=bytecode)
        # Not every size can be had: the number of filler bytes is itself written in the archive, and compressed.
        assert abs(made.archive_bytes - present(ARCHIVE.archive_bytes)) <= 2
    assert len(installs) == 2
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert bool(list((tmp_path / "one").rglob("*.pyc"))) is bytecode


@pytest.mark.usefixtures("installs")
def test_archive_holds_what_its_functions_need_and_no_leftovers(project: Path, tmp_path: Path) -> None:
    workshop(project, tmp_path / "store").build_archive(ARCHIVE, LAMBDA, tmp_path / "made", bytecode=False)
    assert sorted(file.relative_to(tmp_path / "made").as_posix() for file in files_below(tmp_path / "made")) == [
        "filler.bin",
        "heavy-1.0.dist-info/METADATA",
        "heavy/__init__.py",
        "heavy/data.pyi",
        "isotherm-package.json",
        "isotherm_probe.py",
        "pkg20/app.py",
        "size20/app.py",
    ]
    assert json.loads((tmp_path / "made" / "isotherm-package.json").read_text()) == {
        "archive": "pkg20",
        "packages": {"heavy": "1.0"},
        "bytecode": False,
        "filler_bytes": (tmp_path / "made" / "filler.bin").stat().st_size,
        "filler_seed": "isotherm filler 1",
        "python": "3.14",
        "architecture": "arm64",
        "platform": "lambda",
    }


def test_second_build_installs_nothing_and_takes_away_what_was_there(
    project: Path, tmp_path: Path, installs: list[dict[str, str]]
) -> None:
    shop = workshop(project, tmp_path / "store")
    shop.build_archive(ARCHIVE, LAMBDA, tmp_path / "made", bytecode=False)
    (tmp_path / "made" / "stale.py").touch()
    before = digest(tmp_path / "made")
    shop.build_archive(ARCHIVE, LAMBDA, tmp_path / "made", bytecode=False)
    assert len(installs) == 1
    assert "stale.py" in before
    assert not (tmp_path / "made" / "stale.py").exists()


@pytest.mark.usefixtures("installs")
def test_archive_without_a_size_gets_no_filler(project: Path, tmp_path: Path) -> None:
    default = Archive("default", ("default",), (), None)
    made = workshop(project, tmp_path / "store").build_archive(default, LAMBDA, tmp_path / "made", bytecode=False)
    assert not (tmp_path / "made" / "filler.bin").exists()
    assert (made.filler_bytes, made.files) == (0, 3)
    assert made.archive_bytes < 5000


@pytest.mark.usefixtures("installs")
def test_layer_lies_where_the_interpreter_looks_without_what_is_unwanted(project: Path, tmp_path: Path) -> None:
    layer = Layer("isotherm", ("heavy",), ("src/isotherm",), ("**/*.pyi",))
    shop = workshop(project, tmp_path / "store", layers={"isotherm": layer})
    shop.build_layer(layer, HERE, tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["python"]
    assert (tmp_path / "made" / "python" / "isotherm" / "measurement" / "sample.py").is_file()
    assert (tmp_path / "made" / "python" / "heavy" / "__init__.py").is_file()
    assert not list((tmp_path / "made").rglob("*.pyi"))
    assert list((tmp_path / "made").rglob("sample.*.pyc"))


@pytest.mark.usefixtures("installs")
def test_layer_has_the_projects_files_that_are_not_python_too(project: Path, tmp_path: Path) -> None:
    recipe = read_recipes(project / "packaging" / "packages.toml").layers["isotherm"]
    shop = workshop(project, tmp_path / "store")
    shop.build_layer(replace(recipe, packages=("heavy",)), LAMBDA, tmp_path / "made")
    files = project_data(project)
    assert {file.suffix for file in files} >= {".js", ".css", ".json"}
    for file in files:
        copy = tmp_path / "made" / "python" / file.relative_to(project / "src")
        assert copy.read_bytes() == file.read_bytes()


def test_wheel_has_the_projects_files_that_are_not_python_too(project: Path) -> None:
    table = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    folder = project / "src" / "isotherm"
    selected = {file for pattern in table["isotherm"] for file in folder.glob(pattern)}
    assert selected == set(project_data(project))


@pytest.mark.usefixtures("installs")
def test_layers_that_are_too_large_together_are_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = {"one": Layer("one", ("heavy",), (), ()), "two": Layer("two", ("other",), (), ())}
    shop = workshop(project, tmp_path / "store", layers=layers, stacks=(Stack(("publish",), ("one", "two")),))
    size = shop.stack_bytes(Stack(("publish",), ("one", "two")), LAMBDA)
    monkeypatch.setattr(build, "UNZIPPED_LIMIT_BYTES", size + 2_000_000)
    shop.build_layer(layers["one"], LAMBDA, tmp_path / "made")
    monkeypatch.setattr(build, "UNZIPPED_LIMIT_BYTES", size + 1_999_999)
    with pytest.raises(BuildRefused, match=r"layers one \+ two, used by publish, have [\d,]+ bytes unzipped"):
        shop.build_layer(layers["one"], LAMBDA, tmp_path / "made")


def test_functions_that_differ_only_in_importing_share_an_archive(project: Path) -> None:
    recipes = read_recipes(project / "packaging" / "packages.toml")
    by_function = {function: archive for archive in recipes.archives.values() for function in archive.functions}
    assert by_function["pkg20"] is by_function["size20"]
    assert by_function["pkg50"] is by_function["size50"]
    assert {path.parent.name for path in (project / "functions" / "targets").glob("*/app.py")} >= set(by_function)


def test_versions_are_those_the_project_is_tested_with(project: Path) -> None:
    pins = read_recipes(project / "packaging" / "packages.toml").pins
    table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in table["optional-dependencies"].values() for requirement in extra]
    requirements = [requirement.partition(";")[0] for requirement in table["dependencies"] + extras]
    # An extra may name another one, which has no version.
    stated = dict(requirement.split("==") for requirement in requirements if "==" in requirement)
    shared = set(pins) & set(stated)
    assert shared >= {"mypy", "numpy", "pydantic", "plotly", "scipy"}
    assert {name: pins[name] for name in shared} == {name: stated[name] for name in shared}


def test_package_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildRefused, match="no version is pinned for unheard-of"):
        workshop(tmp_path, tmp_path)._recipes.versions(("unheard-of",), LAMBDA)


def test_amazon_linux_2_gets_the_versions_that_run_there(project: Path) -> None:
    recipes = read_recipes(project / "packaging" / "packages.toml")
    assert recipes.versions(("numpy",), Platform("python3.11", "x86_64")) == {"numpy": "2.2.6"}
    assert recipes.versions(("numpy",), Platform("python3.12", "x86_64")) == {"numpy": recipes.pins["numpy"]}


def test_makefile_has_a_target_for_all_that_the_template_builds(project: Path) -> None:
    template = (project / "template.yaml").read_text()
    built = re.findall(r"^  (\w+):\n(?:    .*\n)*?      BuildMethod: makefile\n", template, re.MULTILINE)
    targets = set(re.findall(r"build-(\w+)", (project / "packaging" / "build.mk").read_text()))
    assert len(built) == 12
    assert set(built) == targets


@pytest.mark.parametrize(("name", "value"), [("ISOTHERM_BYTECODE", "yes"), ("ISOTHERM_PLATFORM", "moon")])
def test_a_refusal_is_one_line_that_names_the_setting(project: Path, tmp_path: Path, name: str, value: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "isotherm_build", "archive", "default", "--into", str(tmp_path / "made")],
        env={"PATH": "", "PYTHONPATH": str(project / "packaging"), name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1
    assert re.fullmatch(rf"isotherm: {name}: '{value}' is .*\n", outcome.stderr)
    assert not (tmp_path / "made").exists()
