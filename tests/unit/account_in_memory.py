"""An AWS account that moto keeps in memory, as the tests of several folders need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws

from isotherm.aws import clients
from isotherm.aws.clients import client


@contextmanager
def account_in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The account, with the credentials of nobody, and no other endpoint than moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    for name in ("ISOTHERM_ENDPOINT_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    # moto answers only the sessions that are made after it was imported.
    for made in (client, clients._session):
        made.cache_clear()
    with mock_aws():
        yield
    client.cache_clear()


def make_table(name: str, region: str) -> None:
    """A table with the keys of a stack's."""
    keys = {"pk": "HASH", "sk": "RANGE"}
    client("dynamodb", region).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
    )
