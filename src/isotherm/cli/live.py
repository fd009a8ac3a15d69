"""Follows a campaign to its end, showing what it does, and shows what it found."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from isotherm.cli.console import remarks, results
from isotherm.cli.options import Place
from isotherm.cli.progress import one_line, picture
from isotherm.deployed.campaigns import RUNNING, Campaigns, DryRun, Fetched, State, read_summary
from isotherm.deployed.progress import CampaignProgress

if TYPE_CHECKING:
    from isotherm.campaign.plan import Plan

# The embedded stack measures on the very machine that polls it, so polling is kept rare.
POLL_S = 2.0
QUIET_LINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a campaign ended, and what its lanes had done by then."""

    state: State
    progress: CampaignProgress | None


def follow_campaign(campaigns: Campaigns, campaign_id: str, console: Console) -> Ending:
    """Show a campaign's progress until its execution ends: a live picture on a terminal, now and then a line else."""
    state = campaigns.state(campaign_id)
    begun = state.started_at or time.time()
    plan: Plan | None = None
    progress: CampaignProgress | None = None
    shown = _Picture(console) if console.is_terminal else _Lines(console)
    with shown:
        while True:
            plan = plan or campaigns.plan(campaign_id)
            progress = campaigns.progress(plan) if plan is not None else None
            if state.status != RUNNING:
                return Ending(state, progress)
            shown.show(progress, time.time() - begun)
            time.sleep(POLL_S)
            state = campaigns.state(campaign_id)


def show_results(fetched: Fetched) -> None:
    """Print the tables of a fetched report, the lanes that failed, and where the page is."""
    from isotherm.report.terminal import campaign

    console = results()
    summary = read_summary(fetched)
    console.print(campaign.campaign_tables(summary))
    remarks().print(f"page: {shown_path(fetched.page)}", markup=False, soft_wrap=True)


def write_markdown(fetched: Fetched) -> None:
    """Write `report.md` beside a fetched report, by its summary, and say where it is."""
    from isotherm.report.markdown import render_markdown

    fetched.markdown.write_text(render_markdown(read_summary(fetched)), encoding="utf-8")
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


class _Picture:
    """A picture that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> _Picture:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, progress: CampaignProgress | None, elapsed_s: float) -> None:
        """Draw the state."""
        self._live.update(picture(progress, elapsed_s), refresh=True)


class _Lines:
    """A line whenever a lane ended, and every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ended = -1
        self._last = float("-inf")

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, progress: CampaignProgress | None, elapsed_s: float) -> None:
        """Print the state, if there is something new."""
        ended = -1 if progress is None else progress.ended
        if ended != self._ended or elapsed_s - self._last >= QUIET_LINE_S:
            self._console.print(one_line(progress, elapsed_s), markup=False, soft_wrap=True)
            self._ended, self._last = ended, elapsed_s


OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for the report (else .isotherm/reports/ID).")
]


def follow_and_show(campaigns: Campaigns, campaign_id: str, place: Place, output: Path | None, as_json: bool) -> None:
    """Follow a campaign that was started, fetch its report and print it.

    Raises
    ------
    Refused
        The campaign was refused.
    CampaignFailed
        It failed.
    Failed
        A lane of it failed (the results of the others are shown first).
    Interrupted
        Ctrl-C; the campaign goes on.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Failed, Interrupted

    remarks().print(f"campaign {campaign_id}", markup=False, soft_wrap=True)
    try:
        ending = follow_campaign(campaigns, campaign_id, remarks())
    except KeyboardInterrupt:
        raise Interrupted(
            f"campaign {campaign_id} goes on without you\n"
            f"  to follow it again:                   isotherm follow {campaign_id}{place.options}\n"
            f"  to stop it and put functions back:    isotherm stop {campaign_id}{place.options}"
        ) from None
    ending.state.check(campaign_id)
    if ending.state.dry_run is not None:
        _say_dry(campaign_id, ending.state.dry_run, as_json)
        return
    fetched = campaigns.fetch(campaign_id, report_folder(campaign_id, output))
    lanes = ending.progress.lanes if ending.progress else ()
    failed = [lane for lane in lanes if lane.status == "failed"]
    if as_json:
        print(json.dumps(_document(campaign_id, fetched, failed), indent=2))
    else:
        show_results(fetched)
    if failed:
        raise Failed(
            f"{len(failed)} of {len(lanes)} lanes failed; the results of the others are above: "
            + "; ".join(f"{lane.lane.key}: {lane.reason or 'no reason given'}" for lane in failed)
        )


def _say_dry(campaign_id: str, dry_run: DryRun, as_json: bool) -> None:
    from isotherm.cli.console import remarks
    from isotherm.numbers import count, dollars

    if as_json:
        print(json.dumps({"campaign_id": campaign_id, "status": "dry_run", **asdict(dry_run)}, indent=2))
    remarks().print(
        f"a dry run: planned only, {count(dry_run.lanes, 'lane')} for about {dollars(dry_run.price_usd)}; "
        "`isotherm plan EVENT` shows such a plan",
        markup=False,
        soft_wrap=True,
    )


def _document(campaign_id: str, fetched: Any, failed: Any) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "status": "succeeded",
        "lanes_failed": {lane.lane.key: lane.reason for lane in failed},
        "summary": str(fetched.summary),
        "samples": str(fetched.samples),
        "page": str(fetched.page),
    }
