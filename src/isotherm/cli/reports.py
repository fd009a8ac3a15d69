"""A campaign's report: where it is put, how it is shown, and its results by an id or by a path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isotherm.cli.console import remarks, results
from isotherm.cli.errors import BadInput, Failed
from isotherm.deployed.campaigns import Fetched
from isotherm.report.file_names import SAMPLES, SUMMARY

if TYPE_CHECKING:
    from isotherm.analysis.comparison import Side
    from isotherm.analysis.summary import CampaignSummary
    from isotherm.cli.options import Place
    from isotherm.deployed.campaigns import Campaigns
    from isotherm.measurement.sample import Sample


#: How long the functions of a campaign that was stopped may take to be as before.
RESTORE_TIMEOUT_S = 300.0

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for the report (else .isotherm/reports/ID).")
]


def show_results(fetched: Fetched, summary: CampaignSummary) -> None:
    """Print the tables of a fetched report, the lanes that failed, and where the page is."""
    from isotherm.report.terminal import campaign

    results().print(campaign.campaign_tables(summary))
    remarks().print(f"page: {shown_path(fetched.page)}", markup=False, soft_wrap=True)


def fetch_or_make(campaigns: Campaigns, campaign_id: str, folder: Path) -> Fetched:
    """Fetch a campaign's report; where it was cut short and has none, have it made first.

    Raises
    ------
    DeployedError
        It is still running, or there is nothing of which one could be made.
    """
    from isotherm.cli.waiting import waiting
    from isotherm.deployed.errors import NoReport

    try:
        return campaigns.fetch(campaign_id, folder)
    except NoReport:
        with waiting(remarks()) as say:
            campaigns.conclude(campaign_id, RESTORE_TIMEOUT_S, say)
    return campaigns.fetch(campaign_id, folder)


def check_whole(summary: CampaignSummary) -> None:
    """Go on where a campaign came to all that was planned.

    Raises
    ------
    Failed
        It did not; the text says in what, with every reason why lanes failed.
    """
    from isotherm.analysis.shortfall import shortfalls
    from isotherm.analysis.words.shortfall import shortfalls_in_words

    if found := shortfalls(summary):
        raise Failed(f"campaign {summary.campaign_id}: {shortfalls_in_words(found)}")


def write_markdown(fetched: Fetched, summary: CampaignSummary) -> None:
    """Write `report.md` beside a fetched report, and say where it is."""
    from isotherm.local.writing import written
    from isotherm.report.markdown import render_markdown

    with written(fetched.markdown):
        fetched.markdown.write_text(render_markdown(summary), encoding="utf-8")
    remarks().print(f"for pasting into an issue: {shown_path(fetched.markdown)}", markup=False, soft_wrap=True)


def shown_path(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def report_folder(campaign_id: str, output: Path | None) -> Path:
    """Where a campaign's report goes: the folder that was asked for, else `.isotherm/reports/<id>` of the checkout."""
    from isotherm.local.checkout import Checkout, find_checkout
    from isotherm.local.errors import NoCheckout

    if output is not None:
        return output
    try:
        return find_checkout().reports / campaign_id
    except NoCheckout:
        return Checkout(Path.cwd()).reports / campaign_id


def results_of(what: str, argument: str, place: Place) -> Side:
    """Samples and summary of a campaign.

    Parameters
    ----------
    what : str
        A campaign's id (fetched from its stack, unless that was done before), or the path of a report's folder, its
        `summary.json` or its `samples.csv.gz`.
    argument : str
        What the command calls it, for messages.
    place : Place
        Where to look for an id.

    Raises
    ------
    BadInput
        The files are not what they should be.
    Failed
        The files are not all there, or the embedded stack is not up.
    DeployedError
        There is no such campaign, or it is still running.
    """
    path = Path(what)
    if path.is_dir():
        return _read(what, path / SAMPLES, path / SUMMARY, argument)
    if path.is_file():
        if path.suffix == ".json":
            return _read(what, path.parent / SAMPLES, path, argument)
        return _read(what, path, path.parent / SUMMARY, argument)
    if "/" in what or path.suffix:
        raise BadInput(f"{argument}: there is no file or folder {what}")
    folder = _fetch(what, place)
    return _read(what, folder / SAMPLES, folder / SUMMARY, argument)


def _fetch(campaign_id: str, place: Place) -> Path:

    folder = report_folder(campaign_id, None)
    if (folder / SAMPLES).is_file() and (folder / SUMMARY).is_file():
        return folder
    return place.campaigns().fetch(campaign_id, folder).folder


def _read(name: str, samples: Path, summary: Path, argument: str) -> Side:
    from pydantic import ValidationError

    from isotherm.analysis.comparison import Side
    from isotherm.analysis.summary import CampaignSummary

    if not samples.is_file():
        raise Failed(f"{argument}: {samples} is missing; intervals need the samples: isotherm report ID fetches them")
    document = None
    if summary.is_file():
        try:
            document = CampaignSummary.model_validate_json(summary.read_bytes())
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise BadInput(
                f"{argument}: {summary} is not a summary of this version ({where}: {first['msg']})"
            ) from None
    return Side(name=name, samples=_samples(samples, argument), summary=document)


def _samples(path: Path, argument: str) -> list[Sample]:
    import gzip

    from isotherm.report.files.samples_csv import read_csv

    data = path.read_bytes()
    try:
        return read_csv(data if data[:2] == b"\x1f\x8b" else gzip.compress(data, compresslevel=1))
    except ValueError as fault:
        raise BadInput(f"{argument}: {path}: {fault}") from None


def refuse_empty(*sides: Side) -> None:
    """Go on where every side has used samples, or a load of which something is reported.

    Raises
    ------
    Failed
        One has none; the text says why, and what can be done.
    """
    from isotherm.analysis.comparison import no_used_samples

    for side in sides:
        reason = no_used_samples(side)
        if reason:
            raise Failed(reason)
