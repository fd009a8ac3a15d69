"""The interpreters on which every case runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Protocol

import pytest

from .ministack_interpreter import ministack_interpreter
from .moto_interpreter import moto_interpreter
from .run import Run
from .stepfunctions_local import stepfunctions_local


class Interpreter(Protocol):
    """Something that runs the deployed machines with the answers of a case of the mock file."""

    def run(self, machine: str, case: str, input_: object, *, name: str) -> Run:
        """Run a case as an execution called `name`."""


@pytest.fixture(
    scope="module",
    params=[
        "moto",
        pytest.param("ministack", marks=pytest.mark.stack),
        pytest.param("stepfunctions-local", marks=pytest.mark.container),
    ],
)
def interpreter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interpreter]:
    """Each interpreter in turn; Step Functions Local only where a Docker engine has its image."""
    if request.param == "moto":
        # It logs the whole definition for every state that fails, which is what many cases are about.
        logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
        with pytest.MonkeyPatch.context() as monkeypatch, moto_interpreter(monkeypatch) as moto:
            yield moto
    elif request.param == "ministack":
        with ministack_interpreter(tmp_path_factory.mktemp("ministack")) as ministack:
            yield ministack
    else:
        with stepfunctions_local() as local:
            yield local
