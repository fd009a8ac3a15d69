"""One filter of Logs Insights finds every line of a campaign, whichever function or module wrote it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import Home, client
from isotherm.aws.store.bucket import Bucket
from unit.made_up_step import shot

from .conftest import ALONE, WHOLE

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
SERVICE = "isotherm"
HOME = Home(stack="isotherm", region="us-east-1", table="samples", bucket="bucket")
KEY = "r00-default-us-east-1"
TOUR = {"campaign_id": "id", "tour": ALONE}
TOKEN = "a-secret-token"  # noqa: S105 - what a campaign would give


@pytest.fixture
def log(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[Any]]]:
    """The lines that were logged so far, as CloudWatch Logs would have them."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
    load("restore")  # the first function to be loaded sets the log up
    logger: Any = logging.getLogger(SERVICE)
    written = io.StringIO()
    monkeypatch.setattr(logger.handlers[0], "stream", written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logger.handlers.clear()
    del logger.init, logger.powertools_handler


def test_modules_of_the_library_write_to_the_log_that_the_template_names() -> None:
    assert f"POWERTOOLS_SERVICE_NAME: {SERVICE}\n" in TEMPLATE.read_text()
    assert logging.getLogger("isotherm.aws.reports").name.startswith(f"{SERVICE}.")


@pytest.mark.usefixtures("plan")
def test_lines_of_several_functions_and_of_the_library_carry_campaign_and_tour(
    load: Callable[[str], ModuleType], log: Callable[[], list[Any]], context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Collect finds no log group: isotherm.aws.reports says so. Rescue tells the campaign, which moto does not have."""
    client("s3", HOME.region).create_bucket(Bucket=HOME.bucket)
    Bucket(HOME).write_shots("id", KEY, 0, 0, [shot("a", sent_at_ms=1e12)])
    rescue = load("rescue")
    monkeypatch.setattr(rescue, "fail", lambda *_: None)

    load("collect").handler({**TOUR, "stage": 0}, context)
    rescue.handler({**TOUR, "task_token": TOKEN, "cause": "it was silent"}, context)
    load("restore").handler({**TOUR, "tour": WHOLE}, context)

    lines = log()
    assert [(line["message"], line["campaign_id"], line["tour"]) for line in lines] == [
        ("log not read", "id", ALONE),
        ("reports or probe lines never came", "id", ALONE),
        ("rescued", "id", ALONE),
        ("restored", "id", WHOLE),
    ]
    assert "ResourceNotFoundException" in lines[0]["exception"]
    assert (lines[1]["missing"], lines[2]["reason"]) == (1, "it was silent")
    assert TOKEN not in json.dumps(lines)


@pytest.mark.usefixtures("bucket")
def test_what_is_of_no_tour_does_not_carry_the_tour_before(
    load: Callable[[str], ModuleType], log: Callable[[], list[Any]], context: Any
) -> None:
    """One environment serves one campaign after another."""
    restore, plan = load("restore"), load("plan")
    with pytest.raises(LookupError):
        restore.handler(TOUR, context)
    event = {"campaign": {"targets": []}, "campaign_id": "next", "started_at": "2026-01-01T00:00:00Z"}
    assert plan.handler(event, context)["status"] == "refused"

    (line,) = log()
    assert (line["campaign_id"], line.get("tour")) == ("next", None)
