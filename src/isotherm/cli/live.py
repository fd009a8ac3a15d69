"""Follows a campaign to its end: what it does while it runs, drawn or told line by line, and then what it found."""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from isotherm.cli.console import remarks
from isotherm.cli.options import Place
from isotherm.cli.reports import check_whole, report_folder, show_results
from isotherm.deployed.campaigns import RUNNING, SUCCEEDED, Campaigns, DryRun, Fetched, Standing, State, read_summary
from isotherm.deployed.progress import CampaignProgress, LaneProgress

if TYPE_CHECKING:
    from isotherm.analysis.summary import CampaignSummary

QUIET_LINE_S = 10.0

# What a lane says it is doing, in words that are followed by the target's name.
_PHASES = {
    "starting": "starting",
    "publishing": "publishing fresh versions of",
    "preparing": "preparing",
    "firing": "calling",
    "loading": "loading",
    "collecting": "collecting the reports of",
    "restoring": "restoring",
    "done": "closing",
}


def follow_and_show(campaigns: Campaigns, campaign_id: str, place: Place, output: Path | None, as_json: bool) -> None:
    """Follow a campaign that was started, fetch its report and print it.

    Raises
    ------
    Refused
        The campaign was refused.
    CampaignFailed
        It ended without a report.
    ReportNotFetched
        It ended, but its report cannot be written here.
    Failed
        It lacks lanes or calls, or nothing of it can be used (what there is is shown first).
    Interrupted
        Ctrl-C, SIGTERM or SIGHUP; the campaign goes on.
    """
    from isotherm.cli.errors import Failed, Interrupted, ReportNotFetched
    from isotherm.deployed.errors import NoReport, NotFetched

    remarks().print(f"campaign {campaign_id}", markup=False, soft_wrap=True)
    try:
        ending = follow_campaign(campaigns, campaign_id, remarks())
    except (KeyboardInterrupt, SystemExit) as told:  # the latter by SIGTERM or SIGHUP
        raise Interrupted(
            f"campaign {campaign_id} goes on without you\n"
            f"  to follow it again:                   isotherm follow {campaign_id}{place.options}\n"
            f"  to stop it and restore functions:     isotherm stop {campaign_id}{place.options}",
            told.code - 128 if isinstance(told, SystemExit) and isinstance(told.code, int) else signal.SIGINT,
        ) from None
    if ending.state.refused:
        ending.state.check(campaign_id)
    if ending.state.dry_run is not None:
        _say_dry(campaign_id, ending.state.dry_run, as_json)
        return
    progress = ending.progress
    try:
        fetched = campaigns.fetch(campaign_id, report_folder(campaign_id, output))
    except NotFetched as problem:
        asked = "" if output is None else f" --output {shlex.quote(str(output))}"
        again = f"isotherm report {campaign_id}{place.options}{asked}"
        raise ReportNotFetched(f"the campaign has {_ended(ending)}, but {problem}, then fetch it: {again}") from problem
    except NoReport:
        if progress is not None and ending.state.status != SUCCEEDED:
            raise Failed(
                f"campaign {campaign_id} ended as {ending.state.status}: {ending.state.reason or 'no reason given'}\n"
                f"  to see what it had measured:          isotherm report {campaign_id}{place.options}"
            ) from None
        ending.state.check(campaign_id)
        raise
    summary = read_summary(fetched)
    if as_json:
        print(json.dumps(_document(ending.state, fetched, summary), indent=2))
    else:
        show_results(fetched, summary)
    check_whole(summary)
    ending.state.check(campaign_id)


def _ended(ending: Standing) -> str:
    progress = ending.progress
    if progress is not None and progress.failed:
        return f"ended ({len(progress.failed)} of {len(progress.lanes)} lanes failed)"
    return "succeeded" if ending.state.status == SUCCEEDED else f"ended as {ending.state.status}"


def _say_dry(campaign_id: str, dry_run: DryRun, as_json: bool) -> None:
    from isotherm.numbers import count, dollars

    if as_json:
        print(json.dumps({"campaign_id": campaign_id, "status": "dry_run", **asdict(dry_run)}, indent=2))
    remarks().print(
        f"a dry run: planned only, {count(dry_run.lanes, 'lane')} for about {dollars(dry_run.price_usd)}; "
        "`isotherm plan EVENT` shows all of the plan",
        markup=False,
        soft_wrap=True,
    )


def _document(state: State, fetched: Fetched, summary: CampaignSummary) -> dict[str, Any]:
    return {
        "campaign_id": summary.campaign_id,
        "status": state.status.lower(),
        "partial": summary.partial is not None,
        "lanes_failed": {lane.lane_key: lane.reason for lane in summary.lanes if lane.status == "failed"},
        "summary": str(fetched.summary),
        "samples": str(fetched.samples),
        "page": str(fetched.page),
    }


def follow_campaign(campaigns: Campaigns, campaign_id: str, console: Console) -> Standing:
    """Show a campaign's progress until its execution ends: a live picture on a terminal, now and then a line else."""
    begun = time.time()
    with _Picture(console) if console.is_terminal else _Lines(console) as shown:
        for standing in campaigns.follow(campaign_id):
            if standing.state.status == RUNNING:
                shown.show(standing.progress, time.time() - (standing.state.started_at or begun))
    return standing


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


def waiting_for(progress: CampaignProgress | None) -> str:
    """In words, what a campaign that is running waits for."""
    if progress is None:
        return "the plan"
    under_way = [lane for lane in progress.lanes if lane.begun]
    if under_way:
        clients = dict.fromkeys(lane.lane.client_region for lane in under_way)
        foremost = [_foremost(lane for lane in under_way if lane.lane.client_region == client) for client in clients]
        return ", ".join(_doing(lane, progress.rounds) for lane in foremost)
    if progress.ended == len(progress.lanes):
        return "statistics and page"
    return "the next lane to start"


def _foremost(lanes: Iterable[LaneProgress]) -> LaneProgress:
    """The lane at which a stage is now: of those that came furthest the last, since lanes go through it in turn."""
    order = {phase: place for place, phase in enumerate(_PHASES)}
    return max(enumerate(lanes), key=lambda one: (order.get(one[1].phase or "starting", -1), one[0]))[1]


def _doing(lane: LaneProgress, rounds: int) -> str:
    phase = _PHASES.get(lane.phase or "starting", lane.phase)
    where = f"{phase} {lane.lane.target} in {lane.lane.region}"
    if lane.lane.client_region != lane.lane.region:
        where += f" from {lane.lane.client_region}"
    where += f", round {lane.lane.round + 1} of {rounds}"
    if len(lane.lane.steps) > 1:
        where += f", step {lane.step + 1} of {len(lane.lane.steps)}"
    return where


def one_line(progress: CampaignProgress | None, elapsed_s: float) -> str:
    """The whole state in one line, for where there is no terminal."""
    if progress is None:
        return f"[{elapsed_s:4.0f} s] waiting for {waiting_for(None)}"
    return (
        f"[{elapsed_s:4.0f} s] {progress.ended} of {len(progress.lanes)} lanes, "
        f"{progress.samples} of {progress.planned} {progress.unit}; {waiting_for(progress)}"
    )


def picture(progress: CampaignProgress | None, elapsed_s: float) -> RenderableType:
    """The whole state as a table, for a terminal: targets and regions, lanes, steps, samples, what is waited for."""
    if progress is None:
        return Text(f"{elapsed_s:4.0f} s  waiting for {waiting_for(None)}", style="dim")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("target", overflow="fold")
    for title in ("region", "rounds"):
        table.add_column(title)
    table.add_column("calls", justify="right")
    table.add_column("samples", justify="right")
    table.add_column("now", no_wrap=True, min_width=28)
    for (target, region), lanes in _by_function(progress).items():
        table.add_row(
            target,
            region,
            " ".join(_mark(lane) for lane in lanes),
            f"{sum(lane.issued for lane in lanes)}",
            f"{sum(lane.samples for lane in lanes)}/{sum(lane.planned for lane in lanes)}",
            _now(lanes),
        )
    foot = Text.assemble(
        (f"{elapsed_s:4.0f} s  ", "bold"),
        f"{progress.ended} of {len(progress.lanes)} lanes, {progress.samples} of {progress.planned} {progress.unit}; ",
        (f"waiting for {waiting_for(progress)}", "cyan"),
    )
    bar = ProgressBar(total=max(progress.planned, 1), completed=progress.samples, width=60)
    return Group(table, Padding(bar, (1, 0, 0, 0)), foot)


def _by_function(progress: CampaignProgress) -> dict[tuple[str, str], list[LaneProgress]]:
    functions: dict[tuple[str, str], list[LaneProgress]] = {}
    for lane in sorted(progress.lanes, key=lambda lane: lane.lane.round):
        functions.setdefault((lane.lane.target, lane.lane.region), []).append(lane)
    return dict(sorted(functions.items()))


def _mark(lane: LaneProgress) -> str:
    if lane.status == "succeeded":
        return "[green]●[/]"
    if lane.status == "failed":
        return "[red]✗[/]"
    if lane.status == "spared":
        return "[dim]–[/]"  # noqa: RUF001 - a dash: nothing to do
    return "[cyan]◐[/]" if lane.begun else "[dim]○[/]"


def _now(lanes: list[LaneProgress]) -> str:
    failed = [lane for lane in lanes if lane.status == "failed"]
    begun = [lane for lane in lanes if lane.begun]
    if begun:
        now = _foremost(begun)
        step = f" (step {now.step + 1}/{len(now.lane.steps)})" if len(now.lane.steps) > 1 else ""
        return f"{now.phase or 'starting'}{step}"
    if failed:
        return "[red]failed[/]"
    return "done" if all(lane.ended for lane in lanes) else ""
