"""Shows that something takes time, what it is, and for how long already."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

#: In a log, what has not changed for so long is said again, in seconds.
SHOWN_AGAIN_S = 30.0


@dataclass
class _Region:
    """What was last shown of a region, and as which of the spinners."""

    state: str = ""
    shown_at: float = 0.0
    task: TaskID | None = None


class Waiting:
    """What is being waited for; call it with each new thing."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._task: TaskID | None = None
        self._begun = time.monotonic()
        self._what: str | None = None
        self._regions: dict[str, _Region] = {}
        self._regions_begun = 0.0

    def __call__(self, what: str) -> None:
        """Now waiting for `what`; whatever was waited for before is done."""
        self.done()
        self._what, self._begun = what, time.monotonic()
        if self._progress is not None:
            self._task = self._progress.add_task(what, total=None)
        else:
            self._console.print(f"{what} ...", markup=False, soft_wrap=True)

    def region(self, region: str, state: str, *, ended: bool = False) -> None:
        """One of several regions that are worked on side by side now stands so; each has a line of its own."""
        self.done()
        now = time.monotonic()
        if not self._regions:
            self._regions_begun = now
        known = self._regions.setdefault(region, _Region())
        if known.state == state and (self._progress is not None or now - known.shown_at < SHOWN_AGAIN_S):
            return
        known.state, known.shown_at = state, now
        line = f"{region}: {state}"
        if self._progress is None:
            self._console.print(f"[{now - self._regions_begun:4.0f} s] {line}", markup=False, soft_wrap=True)
        elif ended:
            if known.task is not None:
                self._progress.remove_task(known.task)
                self._progress.refresh()
            self._progress.console.print(line, markup=False, soft_wrap=True)
        elif known.task is None:
            known.task = self._progress.add_task(line, total=None)
        else:
            self._progress.update(known.task, description=line)

    def done(self) -> None:
        """What was waited for has come."""
        if self._what is None:
            return
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            self._progress.console.print(f"{self._what}: {time.monotonic() - self._begun:.0f} s", markup=False)
        self._what = self._task = None


@contextmanager
def waiting(console: Console, *, brief: bool = False) -> Iterator[Waiting]:
    """Show what takes time for the length of a `with` block: a spinner on a terminal, a line for each thing else.

    With `brief` there are no lines: what takes a second or two is not worth any in a log.
    """
    if not console.is_terminal:
        console = Console(quiet=True) if brief else console
        yield Waiting(console, None)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        shown = Waiting(console, progress)
        yield shown
        shown.done()
