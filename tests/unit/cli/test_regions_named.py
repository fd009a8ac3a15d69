"""Regions are named by code or by samconfig's names, one by one or in a list, in any mixture."""

from __future__ import annotations

import pytest

from isotherm.campaign.refusals import InvalidCampaign
from isotherm.cli.errors import BAD_INPUT, BadInput, ending_of
from isotherm.cli.options import read_regions


@pytest.mark.parametrize(
    "lists",
    [
        (["tokyo", "london"], None),
        (None, ["tokyo,london"]),
        (["ap-northeast-1"], ["London", "tokyo"]),
        (["tokyo, eu-west-2,"], []),
    ],
)
def test_names_and_codes_in_any_form_are_the_same_regions(lists: tuple[list[str] | None, ...]) -> None:
    assert read_regions(*lists) == ["ap-northeast-1", "eu-west-2"]


def test_naming_none_is_none() -> None:
    assert read_regions(None, []) == []


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("tokio", 'regions: "tokio" is not an AWS region; did you mean tokyo (ap-northeast-1)?'),
        (
            "eu-west-7",
            'regions: "eu-west-7" is not an AWS region; did you mean eu-west-1, eu-west-2 or eu-west-3?',
        ),
    ],
)
def test_what_is_no_region_is_refused_with_what_may_have_been_meant(word: str, told: str) -> None:
    with pytest.raises((BadInput, InvalidCampaign)) as refusal:
        read_regions([word])
    ending = ending_of(refusal.value)
    assert ending is not None
    assert (ending.exit_code, str(ending)) == (BAD_INPUT, told)
