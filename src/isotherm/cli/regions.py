"""Reads which regions a person means: codes, or the names that samconfig.toml gives to those on record."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer

from isotherm.campaign.stack_health import ON_RECORD, code_of

RegionsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REGION]...", help="Regions: codes, or samconfig.toml's names (tokyo, london ...)."),
]
RegionsOption = Annotated[
    list[str] | None,
    typer.Option("--regions", "--region", metavar="REGION[,REGION]...", help="The same, separated by commas."),
]


def read_regions(*lists: Iterable[str] | None) -> list[str]:
    """Codes of all regions that are named, once each, in the order in which they are named.

    Raises
    ------
    BadInput
        There is no such region; the text says which may have been meant.
    """
    words = [word for texts in lists for text in texts or [] for word in text.replace(",", " ").split()]
    regions = list(dict.fromkeys(code_of(word) for word in words))
    if not regions:
        return []
    from isotherm.aws.clients import lambda_regions
    from isotherm.campaign.parsing import parse_campaign
    from isotherm.campaign.refusals import InvalidCampaign
    from isotherm.cli.errors import BadInput

    known = lambda_regions()
    for word in regions:
        near = difflib.get_close_matches(word.lower(), ON_RECORD, n=1)
        if word not in known and near:
            raise BadInput(f'regions: "{word}" is no AWS region; did you mean {near[0]} ({ON_RECORD[near[0]]})?')
    try:
        # The same check, and so the same words, as for a campaign's regions.
        parse_campaign({"targets": ["default"], "regions": regions}, known_regions=known)
    except InvalidCampaign as problem:
        raise BadInput(str(problem)) from problem
    return regions
