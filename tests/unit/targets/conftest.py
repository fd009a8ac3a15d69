"""Gives the tests a service that stands in for AWS, and targets as a new environment has them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .stand_in import TARGETS, Service, serving


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()
    with serving(told):
        yield told


@pytest.fixture
def load(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports `<target>.app` anew, for which the service is AWS."""
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "ISOTHERM_ENDPOINT_URL": service.url,
        "ISOTHERM_INNER_TABLE": "isotherm-inner",
        "ISOTHERM_CUSTOMERS_TABLE": "isotherm-customers",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget() -> None:
        own = {"isotherm_probe", *(folder.name for folder in TARGETS.iterdir())}
        for name in [name for name in sys.modules if name.partition(".")[0] in own]:
            del sys.modules[name]

    def make(target: str) -> Any:
        forget()
        return importlib.import_module(f"{target}.app")

    yield make
    forget()
