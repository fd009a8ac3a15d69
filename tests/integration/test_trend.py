"""Several campaigns of one name, and what is said of them together: by the command line and on the last one's page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .embedded import HOME, STACK, Embedded

CAMPAIGN: dict[str, Any] = {
    "name": f"again-{time.time_ns() % 10**9}",
    "targets": ["default", "pkg20"],
    "cold": {"samples": 4, "concurrency": 2},
    "warm": {"samples": 4},
    "rounds": 2,
}
SESSIONS = 3


@pytest.fixture(scope="module")
def campaigns(embedded: Embedded) -> list[str]:
    """Ids of three campaigns of one name that were run one after the other."""
    ids = []
    for number in range(SESSIONS):
        name = embedded.start(f"{CAMPAIGN['name']}-{number}", CAMPAIGN)
        facts = embedded.wait(name)
        assert facts["status"] == "SUCCEEDED", facts.get("cause")
        ids.append(name)
    return ids


def _object(embedded: Embedded, key: str) -> bytes:
    bucket = f"{STACK}-{embedded.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
    body: bytes = embedded.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def test_a_trend_holds_every_campaign_of_the_name(embedded: Embedded, campaigns: list[str], tmp_path: Path) -> None:
    page = tmp_path / "trend.html"
    ran = embedded.isotherm("trend", CAMPAIGN["name"], "--json", "--output", str(page))
    assert ran.code == 0, ran.err
    made = ran.document
    assert [held["campaign_id"] for held in made["sessions"]] == campaigns
    assert made["platform"] == "emulated"
    assert made["left_out"] == []
    series = {(s["target"], s["kind"], s["metric"]): s for s in made["series"]}
    assert set(series) == {
        (target, *what)
        for target in CAMPAIGN["targets"]
        for what in (("cold", "startup_ms"), ("cold", "client_ms"), ("warm", "client_ms"))
    }
    for one in series.values():
        assert [point["session"] for point in one["points"]] == [0, 1, 2]
        assert one["spread"]["low"] < one["spread"]["factor"] < one["spread"]["high"]
        assert one["median"]["low"] < one["median"]["value"] < one["median"]["high"]
    # The points are the campaigns' own medians.
    told = embedded.summary(campaigns[1])
    cell = next(c for c in told["cells"] if (c["target"], c["kind"]) == ("pkg20", "warm"))
    assert series["pkg20", "warm", "client_ms"]["points"][1]["median"] == cell["metrics"]["client_ms"]["median"]
    assert campaigns[2] in page.read_text()


def test_a_terminal_shows_it_too(embedded: Embedded, campaigns: list[str]) -> None:
    ran = embedded.isotherm("trend", CAMPAIGN["name"], "--since", "12h")
    assert ran.code == 0, ran.err
    assert f"over {len(campaigns)} sessions of {CAMPAIGN['name']}" in " ".join(ran.out.split())
    assert "emulated" in ran.out


def test_each_campaigns_own_page_shows_those_before_it(embedded: Embedded, campaigns: list[str]) -> None:
    for number, campaign in enumerate(campaigns):
        trend = json.loads(_object(embedded, f"reports/{campaign}/trend.json"))
        assert [held["campaign_id"] for held in trend["sessions"]] == campaigns[: number + 1]
        page = _object(embedded, f"reports/{campaign}/index.html").decode()
        assert ("This campaign among those of its name" in page) == (number > 0)


@pytest.mark.usefixtures("campaigns")
def test_a_name_that_nobody_has_is_bad_input(embedded: Embedded) -> None:
    ran = embedded.isotherm("trend", CAMPAIGN["name"][:-1])
    assert ran.code == 2
    assert f"did you mean {CAMPAIGN['name']}" in ran.err
