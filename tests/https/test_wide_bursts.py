"""A burst as wide as one Fire makes, with the files that Lambda gives it; takes seconds, so it is not a unit test."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pytest

from bench.client_clock import answer_after, running_stub
from isotherm.http.open_files import allow_connections

BURSTS_OF_A_THOUSAND = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024))
from isotherm.aws.calls.invoke import Caller
from isotherm.measurement.orders import burst_orders
from isotherm.campaign.lane import Burst
from unit.made_up_step import STEP, task
with Caller(task(STEP).lane, STEP, 1000, 60) as caller:
    caller.open_connections()
    for burst in range(2):
        orders = burst_orders(task(STEP).lane, STEP, Burst(burst=burst, shots=1000), "1", 128)
        print(*{shot.outcome for shot in caller.burst(orders, hold=True)})
"""


def test_a_thousand_calls_at_once_fit_into_the_files_that_lambda_gives(pytestconfig: pytest.Config) -> None:
    allow_connections(1000)  # the stub's
    with running_stub(partial(answer_after, 0.1), apart=True) as stub:
        given = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ISOTHERM_"))}
        told = subprocess.run(
            [sys.executable, "-c", BURSTS_OF_A_THOUSAND],
            cwd=pytestconfig.rootpath / "tests",
            env={
                **given,
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_ENDPOINT_URL": stub.url,
                "AWS_CA_BUNDLE": stub.cafile,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert (told.stdout.split(), stub.accepted) == (["answered"] * 2, 1000)
