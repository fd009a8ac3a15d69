from __future__ import annotations

from pathlib import Path

import pytest

from isotherm.local.checkout import Checkout, find_checkout
from isotherm.local.errors import NoCheckout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "statemachines").mkdir(parents=True)
    (root / "template.yaml").write_text("Resources: {}\n")
    return root


def test_is_found_from_any_folder_inside_it(project: Path) -> None:
    deep = project / "functions" / "control"
    deep.mkdir(parents=True)

    assert find_checkout(deep) == Checkout(project)


def test_the_variable_comes_before_the_working_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    (other / "statemachines").mkdir(parents=True)
    (other / "template.yaml").touch()
    monkeypatch.setenv("ISOTHERM_CHECKOUT", str(other))

    assert find_checkout(project) == Checkout(other)


def test_a_variable_that_leads_nowhere_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOTHERM_CHECKOUT", str(tmp_path))

    with pytest.raises(NoCheckout, match=r"ISOTHERM_CHECKOUT: .* holds no template\.yaml"):
        find_checkout()


def test_everything_made_stays_inside_the_checkout(project: Path) -> None:
    checkout = Checkout(project)

    for folder in (checkout.tools, checkout.local, checkout.builds, checkout.logs, checkout.reports):
        assert folder.is_relative_to(project / ".isotherm")


def test_a_second_stack_of_a_checkout_has_a_folder_of_its_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = find_checkout(project)
    monkeypatch.setenv("ISOTHERM_LOCAL", "second")
    second = find_checkout(project)

    assert second.local != usual.local
    assert second.tools == usual.tools


@pytest.mark.parametrize("name", ["../elsewhere", "Tools", "tools", "a b"])
def test_a_stack_name_that_leads_elsewhere_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ISOTHERM_LOCAL", name)

    with pytest.raises(NoCheckout, match="ISOTHERM_LOCAL"):
        find_checkout(project)
