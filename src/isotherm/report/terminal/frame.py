"""The frame of the terminal's tables."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


def framed(title: str) -> Table:
    """An empty table below a title, set as all of ours are; names in its title and headings are shown as they are."""
    return _Framed(
        title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


class _Framed(Table):
    def add_column(self, header: RenderableType = "", *args: Any, **kwargs: Any) -> None:
        """As Rich's, but a heading is no markup: targets and regions are headings, and are called as people like."""
        super().add_column(Text(header) if isinstance(header, str) else header, *args, **kwargs)
