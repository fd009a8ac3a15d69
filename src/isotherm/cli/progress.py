"""What a running campaign has done and waits for, from its plan and the progress its lanes report. Calls nothing."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from isotherm.deployed.progress import CampaignProgress, LaneProgress

# What a lane says it is doing, in words that are followed by the target's name.
_PHASES = {
    "starting": "starting",
    "publishing": "publishing fresh versions of",
    "preparing": "preparing",
    "firing": "calling",
    "loading": "loading",
    "collecting": "collecting the reports of",
    "restoring": "putting back",
    "done": "closing",
}


def waiting_for(progress: CampaignProgress | None) -> str:
    """In words, what a campaign that is running waits for."""
    if progress is None:
        return "the plan"
    under_way = [lane for lane in progress.lanes if lane.begun]
    if under_way:
        return ", ".join(_doing(lane, progress.rounds) for lane in under_way)
    if progress.ended == len(progress.lanes):
        return "statistics and page"
    return "the next lane to start"


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
    for title in ("target", "region", "rounds"):
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
        step = f" (step {begun[0].step + 1}/{len(begun[0].lane.steps)})" if len(begun[0].lane.steps) > 1 else ""
        return f"{begun[0].phase or 'starting'}{step}"
    if failed:
        return "[red]failed[/]"
    return "done" if all(lane.ended for lane in lanes) else ""
