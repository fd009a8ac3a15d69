"""Reads the campaign that a person wrote, and refuses what cannot be one before anything is called."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from isotherm.cli.errors import BadInput

EventArgument = Annotated[
    str,
    typer.Argument(metavar="EVENT", help="File with the campaign as JSON (see events/campaign-*.json); - reads it."),
]


def read_event(source: str, complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The campaign in a file or on standard input, as the person wrote it, once it is known to be one.

    `complete` adds to it what options say.

    Raises
    ------
    BadInput
        It cannot be read, is no JSON, or is no campaign.
    """
    from isotherm.aws.clients import lambda_regions
    from isotherm.campaign.parsing import read_campaign
    from isotherm.campaign.refusals import InvalidCampaign

    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as problem:
        raise BadInput(f"EVENT: {source} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise BadInput(f"EVENT: {source} is no UTF-8 text (byte {problem.start})") from problem
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        document = {}
    if complete is not None and isinstance(document, dict) and document:
        document = complete(document)
        text = json.dumps(document)
    try:
        read_campaign(text, lambda_regions())
    except InvalidCampaign as problem:
        raise BadInput(str(problem)) from problem
    return document
