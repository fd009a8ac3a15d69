"""Every control function names the field that it misses, and the variable that it was not given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isotherm.aws.clients import NotDeployed
from isotherm.aws.request import InvalidRequest
from isotherm.campaign.tour import NoSuchStage

EVENTS = Path(__file__).parents[3] / "events"
VERBS = ("plan", "dispatch", "prepare", "fire", "collect", "restore", "notify", "rescue", "aggregate", "publish")


def example(verb: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{verb.capitalize()}Function.json").read_text())
    return event


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("verb", VERBS)
def test_a_misspelt_field_is_named(load: Callable[[str], ModuleType], context: Any, verb: str) -> None:
    event = example(verb)
    if verb == "rescue":  # EventBridge's event has what the lane's execution was given as text
        event["detail"]["input"] = event["detail"]["input"].replace("campaign_id", "campain_id")
    else:
        event["campain_id"] = event.pop("campaign_id")
    with pytest.raises(InvalidRequest, match=r"campaign_id: missing; text is needed \(there is .*campain_id"):
        load(verb).handler(event, context)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("verb", ["prepare", "fire", "collect"])
def test_true_is_not_a_stage(load: Callable[[str], ModuleType], context: Any, verb: str) -> None:
    with pytest.raises(InvalidRequest, match="stage: true or false is given; a whole number is needed"):
        load(verb).handler({**example(verb), "stage": True}, context)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("verb", "variable"), [*((verb, "ISOTHERM_TABLE") for verb in VERBS), ("dispatch", "ISOTHERM_LANE_MACHINE")]
)
def test_a_variable_that_is_not_set_is_named(
    load: Callable[[str], ModuleType], context: Any, monkeypatch: pytest.MonkeyPatch, verb: str, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(NotDeployed, match=rf"{variable}: not set; template\.yaml"):
        load(verb).handler(example(verb), context)


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("verb", ["prepare", "fire", "collect"])
@pytest.mark.parametrize("number", [-1, 99])
def test_a_stage_that_the_tour_does_not_have_is_named(
    load: Callable[[str], ModuleType], context: Any, verb: str, number: int
) -> None:
    module = load(verb)
    event = {"campaign_id": "id", "tour": "from-us-east-1", "stage": number, "shard": 0}
    with pytest.raises(NoSuchStage, match=rf"^stage: {number} is not a stage of tour from-us-east-1, whose last is 1"):
        module.handler(event, context)
