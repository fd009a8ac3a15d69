"""What the tests of the API share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isotherm.aws.clients import Home
from isotherm.deployed.campaigns import Campaigns
from isotherm.deployed.deployment import find_deployment
from unit.deployed.stack_on_moto import deployed_on_moto


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Where the deployed stack keeps things."""
    with pytest.MonkeyPatch.context() as monkeypatch, deployed_on_moto(monkeypatch) as home:
        yield home


@pytest.fixture
def campaigns(home: Home) -> Campaigns:
    """The campaigns of a deployed stack."""
    return Campaigns(find_deployment(home.stack, home.region))
