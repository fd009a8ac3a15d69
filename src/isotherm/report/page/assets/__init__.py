"""The style sheet and the scripts of the pages, each a file of this folder."""

from __future__ import annotations

from functools import cache
from importlib import resources

STYLE = "page.css"

#: In the order in which a page runs them. The first makes the name `isotherm` and is used by all; those between add
#: their kinds of figures to it and do not know of each other; the last has the figures of the page drawn.
SCRIPTS = ("drawing.js", "calls.js", "trend.js", "regions.js", "loads.js", "page.js")


@cache
def style() -> str:
    """The style sheet, for a `style` element."""
    return _text(STYLE)


@cache
def script() -> str:
    """All scripts, for one `script` element after the page's data and plotly's script."""
    return "\n".join(_text(name) for name in SCRIPTS)


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")
