"""The benchmark of the client's clock runs, and its exit code says whether its aims are met."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_our_way_opens_no_connection_in_a_burst_and_the_former_one_did(pytestconfig: pytest.Config) -> None:
    command = [sys.executable, "-m", "bench.client_clock", "--quick", "--json", "--widths", "1", "10"]
    run = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False, timeout=120)
    bursts = json.loads(run.stdout)["bursts"]
    opened = {(one["way"], one["width"]): (one["opened_before"], one["opened_in_burst"]) for one in bursts}
    assert opened == {("ours", 1): (1, 0), ("ours", 10): (10, 0), ("former", 1): (1, 1), ("former", 10): (10, 10)}
    missed = any(one["processor_ms_per_call"] >= 0.3 for one in bursts if one["way"] == "ours")
    assert run.returncode == (1 if missed else 0)
