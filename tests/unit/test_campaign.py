"""What a person types, and the words in which it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.campaign.model import Campaign
from isotherm.campaign.parsing import parse_campaign, read_campaign
from isotherm.campaign.refusals import InvalidCampaign
from unit.present import present

REGIONS = ["eu-west-1", "eu-west-2", "eu-west-3", "us-east-1"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"targets": ["default"], "memory_mb": [64]}, "memory_mb: 64 is below what Lambda accepts (128 to 10240)"),
        (
            {"targets": ["default"], "memory_mb": [10241]},
            "memory_mb: 10241 is above what Lambda accepts (128 to 10240)",
        ),
        (
            {"targets": ["default"], "regions": ["eu-west-7"]},
            'regions: "eu-west-7" is not an AWS region; did you mean eu-west-1, eu-west-2 or eu-west-3?',
        ),
        ({"targets": ["default"], "cold": {"samples": -3}}, "cold.samples: -3 is below the least accepted, 0"),
        ({"targets": ["default"], "warm": {"concurrency": 0}}, "warm.concurrency: 0 is below the least accepted, 1"),
        ({"targets": ["default"], "rounds": 0}, "rounds: 0 is below the least accepted, 1"),
        ({"targets": ["default"], "rounds": 1.5}, "rounds: 1.5 is not accepted; give a whole number"),
        ({"targets": ["default"], "rounds": True}, "rounds: true is not accepted; give a whole number"),
        ({"targets": ["default"], "rounds": "2"}, 'rounds: "2" is not accepted; give a whole number'),
        ({"targets": []}, "targets: [] is empty; name at least one"),
        ({"targets": "default"}, 'targets: "default" is not accepted; give a list'),
        ({"targets": ["default", "default"]}, 'targets: "default" is named twice; name each once'),
        ({}, "targets: is missing; give a list of target names"),
        ({"targets": ["a"], "budget_usd": -1}, "budget_usd: -1 is below the least accepted, 0"),
        ({"targets": ["a"], "colt": {}}, "colt: there is no such field; did you mean cold?"),
        ({"targets": ["a"], "cold": {"sample": 3}}, "cold.sample: there is no such field; did you mean samples?"),
        (
            {"targets": ["a"], "cold": {"method": "idle"}},
            'cold.method: "idle" is not accepted; give "burst" or "isolated"',
        ),
        (
            {"targets": ["a"], "cold": {"samples": 0}, "warm": {"samples": 0}},
            "cold.samples, warm.samples: both are 0, so nothing would be measured; give at least one of them",
        ),
        (
            {"targets": ["a"], "precision": 0.05},
            "max_rounds: is missing; precision needs it: the rounds after which to stop in any case, 6 or more",
        ),
        (
            {"targets": ["a"], "max_rounds": 9},
            "precision: is missing; max_rounds needs it: how narrow intervals have to be to stop before, such as 0.05",
        ),
        (
            {"targets": ["a"], "precision": 0.05, "rounds": 5, "max_rounds": 4},
            "max_rounds: 4 is below the 5 rounds that are run in any case (rounds)",
        ),
        (
            {"targets": ["a"], "precision": 0.05, "rounds": 4, "max_rounds": 9},
            "rounds: 4 are too few to decide by that intervals are narrow enough; with precision give at least 5",
        ),
        (
            {"targets": ["a"], "precision": 0.05, "rounds": 5, "max_rounds": 9, "cold": {"samples": 14}},
            "cold.samples: 14 in 5 rounds are 2 in some of them, too few for a median; with precision give at least 15",
        ),
        ({"targets": ["a"], "precision": 0, "max_rounds": 4}, "precision.median: 0 is not above 0"),
        ({"targets": ["a"], "precision": {"p95": 1.5}, "max_rounds": 4}, "precision.p95: 1.5 is not below 1"),
        (
            {"targets": ["a"], "precision": {"p59": 0.1}, "max_rounds": 4},
            "precision.p59: there is no such field; did you mean p95?",
        ),
        ([], 'campaign: [] is not a campaign; give an object such as {"targets": ["default"]}'),
        ("default", 'campaign: "default" is not a campaign; give an object such as {"targets": ["default"]}'),
    ],
)
def test_a_refusal_names_the_field_the_value_and_what_is_accepted(document: Any, message: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        parse_campaign(document, REGIONS)
    assert str(refusal.value) == message


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        parse_campaign({"targets": [], "rounds": 0, "memory_mb": [1, 128]})
    assert len(str(refusal.value).splitlines()) == 3


def test_a_comment_may_be_written_as_the_console_writes_it() -> None:
    assert parse_campaign({"targets": ["default"], "Comment": "from the console"}).comment == "from the console"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Campaign.model_fields, json_values)) | json_values)
def test_any_json_is_a_campaign_or_is_refused_in_words(document: Any) -> None:
    try:
        said: str | list[str] = parse_campaign(document).targets
    except InvalidCampaign as refusal:
        said = str(refusal).strip()
    assert said


@given(st.binary(max_size=60))
def test_any_bytes_are_a_campaign_or_are_refused_in_words(document: bytes) -> None:
    with pytest.raises(InvalidCampaign, match=r"campaign: |targets: "):
        read_campaign(document)


def test_what_is_accepted_survives_a_round_trip() -> None:
    campaign = parse_campaign({"targets": ["a"], "memory_mb": [128, 512], "cold": {"samples": 7}, "budget_usd": 2})
    assert parse_campaign(json.loads(campaign.model_dump_json())) == campaign


def test_a_bare_precision_is_that_of_the_median() -> None:
    campaign = parse_campaign({"targets": ["a"], "precision": 0.03, "rounds": 5, "max_rounds": 8})
    assert present(campaign.precision).model_dump() == {"median": 0.03, "p95": None}
    assert campaign.most_rounds == 8
    assert parse_campaign({"targets": ["a"], "rounds": 3}).most_rounds == 3


def test_text_that_is_no_json_is_told_where_it_goes_wrong() -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        read_campaign("{")
    words = "campaign: this is not JSON (line 1, column 2: Expecting property name enclosed in double quotes)"
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    "deep", ["[" * 3000 + "]" * 3000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[" * 40 + "]" * 40]
)
@pytest.mark.parametrize("field", ["targets", "comment", "precision", "nonsense"])
def test_what_is_nested_deeper_than_any_campaign_is_refused(deep: str, field: str) -> None:
    for document in (deep, f'{{"{field}": {deep}}}'):
        with pytest.raises(InvalidCampaign) as refusal:
            read_campaign(document)
        assert str(refusal.value) == "campaign: this JSON is nested too deep; a campaign has at most 20 levels"


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ('{"targets": ["default"], "rounds": 1, "rounds": 2}', "rounds"),
        ('{"targets": ["default"], "cold": {"samples": 1, "samples": 1}}', "samples"),
        ('{"targets": ["default"], "Comment": "a", "comment": "b"}', "comment"),
    ],
)
def test_a_field_that_is_given_twice_is_refused_by_name(document: str, name: str) -> None:
    with pytest.raises(InvalidCampaign) as refusal:
        read_campaign(document)
    assert str(refusal.value) == f"{name}: is given more than once; leave all but one out"


@pytest.mark.parametrize(
    ("document", "rounds"),
    [
        ({}, 6),
        ({"cold": {"samples": 100}, "warm": {"samples": 100}}, 10),
        ({"cold": {"samples": 100}, "warm": {"samples": 15}}, 5),
        ({"cold": {"samples": 9}, "warm": {"samples": 0}}, 5),
        ({"cold": {"samples": 3}}, 3),
        ({"cold": {"samples": 0}, "warm": {"samples": 1}}, 1),
        ({"cold": {"samples": 100}, "warm": {"samples": 100}, "rounds": 2}, 2),
        ({"precision": 0.1, "max_rounds": 5}, 5),
    ],
)
def test_a_campaign_that_does_not_say_has_as_many_rounds_as_its_samples_allow(
    document: dict[str, Any], rounds: int
) -> None:
    assert parse_campaign({"targets": ["default"], **document}).rounds == rounds
