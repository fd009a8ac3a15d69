"""The frame of the terminal's tables."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table


def framed(title: str) -> Table:
    """An empty table below a title, set as all of ours are."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
