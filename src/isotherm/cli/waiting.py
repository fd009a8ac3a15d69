"""Shows that something takes time, what it is, and for how long already."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Waiting:
    """What is being waited for; call it with each new thing."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._task: TaskID | None = None
        self._begun = time.monotonic()
        self._what: str | None = None

    def __call__(self, what: str) -> None:
        """Now waiting for `what`; whatever was waited for before is done."""
        self.done()
        self._what, self._begun = what, time.monotonic()
        if self._progress is not None:
            self._task = self._progress.add_task(what, total=None)
        else:
            self._console.print(f"{what} ...", markup=False)

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
