"""Requests to Lambda are paced, whichever thread makes them, and only while that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from isotherm.aws import clients, control_plane
from isotherm.aws.clients import client
from isotherm.aws.control_plane import Pace, paced


def test_requests_that_come_at_once_go_out_one_after_the_other() -> None:
    now, slept = [100.0], list[float]()
    pace = Pace(4.0, lambda: now[0], slept.append)
    for _ in range(4):
        pace.wait()
    assert slept == [0.25, 0.5, 0.75]
    now[0] += 10
    pace.wait()
    assert len(slept) == 3


@pytest.fixture
def on_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    for made in (client, clients._session):
        made.cache_clear()
    with mock_aws():
        yield
    client.cache_clear()


@pytest.mark.usefixtures("on_moto")
def test_every_request_of_a_client_waits_its_turn_until_the_end_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(control_plane.Pace, "wait", lambda *_, **event: waited.append(event["event_name"]))
    functions = client("lambda", "us-east-1")
    with paced([functions]):
        functions.list_functions()
        list(functions.get_paginator("list_functions").paginate())
    functions.list_functions()
    assert waited == ["before-send.lambda.ListFunctions"] * 2
