"""Where text goes: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from isotherm.printable import printable


class PrintableConsole(Console):
    """A console that shows what texts of others hold, and has the terminal obey none of it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich's; all text comes through here before it is broken into lines, also that of a table's cells."""
        if isinstance(renderable, Text):
            shown = renderable.copy()
            shown.plain = printable(renderable.plain)
            renderable = shown
        return super().render(renderable, options)


@cache
def results() -> Console:
    """Standard output, for what was asked for."""
    return PrintableConsole(highlight=False, soft_wrap=False)


def wide_results(width: int) -> Console:
    """Standard output, that many columns wide unless it is a terminal, which has its own width."""
    console = results()
    return console if console.is_terminal else PrintableConsole(highlight=False, width=width)


@cache
def remarks() -> Console:
    """Standard error, for progress and remarks, so that results can be piped."""
    return PrintableConsole(stderr=True, highlight=False)
