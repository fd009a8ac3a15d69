"""What `isotherm.deployed` offers to a Python program, and that its own example does what it says."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "statistics"))
import isotherm.deployed
from isotherm.analysis.aggregate import build_summary
from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket, report_key
from isotherm.report.file_names import PAGE, SAMPLES, SUMMARY
from isotherm.report.files.samples_csv import write_csv
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(cold=20, warm=20, rounds=2)


def write_report(home: Home, campaign_id: str) -> None:
    """What a campaign's last steps write."""
    samples = made_up_samples(PLAN)
    summary = build_summary(PLAN, samples, made_up_lanes(PLAN)).model_copy(update={"campaign_id": campaign_id})
    files = {
        SUMMARY: summary.model_dump_json().encode(),
        SAMPLES: write_csv(samples),
        PAGE: b"<!doctype html>",
    }
    for name, body in files.items():
        Bucket(home).write(report_key(campaign_id, name), body)


def test_the_example_does_what_it_says(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def measured(params: dict[str, Any], **_: Any) -> None:
        write_report(home, params["name"])

    # The machine measures nothing, so the report comes as soon as the campaign is started.
    events = client("stepfunctions", home.region).meta.events
    events.register("provide-client-params.sfn.StartExecution", measured)
    try:
        done = doctest.testmod(isotherm.deployed)
    finally:
        events.unregister("provide-client-params.sfn.StartExecution", measured)
    assert done.attempted > 10
    assert done.failed == 0
    assert (tmp_path / "report" / "index.html").is_file()


def test_every_name_is_there_and_is_the_modules_own() -> None:
    for name in isotherm.deployed.__all__:
        assert getattr(isotherm.deployed, name).__name__ == name
        assert getattr(isotherm.deployed, name).__module__.startswith("isotherm.deployed.")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Kampagne'"):
        isotherm.deployed.Kampagne  # noqa: B018


def test_importing_it_imports_neither_botocore_nor_the_command_line() -> None:
    program = (
        "import sys; from isotherm.deployed import Campaigns, DeployedError, find_deployment\n"
        "heavy = ('botocore', 'pydantic', 'numpy', 'typer', 'rich', 'isotherm.cli', 'isotherm.local')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
