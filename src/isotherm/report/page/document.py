"""The frame of every page: one HTML file that asks nothing of any network. Knows nothing of what the page shows."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

from isotherm.printable import printable
from isotherm.report.page import assets

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def html_document(*, title: str, version: str, body: str, footer: str, data: dict[str, Any]) -> str:
    """A whole page, UTF-8; about 5 MB, nearly all of it plotly's script.

    Parameters
    ----------
    title : str
        Plain text, for the browser's tab.
    version : str
        Of Isotherm.
    body, footer : str
        HTML; whatever came from input is escaped in it already.
    data : dict
        Numbers for the page's figures, as the page's script wants them.
    """
    # Not over the whole document: plotly's script names such characters as they are.
    title, body, footer = map(printable, (title, body, footer))
    numbers = json.dumps(_printable(data), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Isotherm {escape(version)}">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{assets.style()}</style>
</head>
<body>
<div class="band"></div>
<a class="skip" href="#results">Skip to the results</a>
<div class="wrap">
{body}
<footer><p>{footer}</p></footer>
</div>
<script type="application/json" id="figure-data">{numbers}</script>
<script>{get_plotlyjs()}</script>
<script>{assets.script()}</script>
</body>
</html>
"""


def _printable(data: Any) -> Any:
    """The data with all texts printable: JSON would write their control characters so that scripts have them again."""
    match data:
        case str():
            return printable(data)
        case dict():
            return {printable(name): _printable(value) for name, value in data.items()}
        case list() | tuple():
            return [_printable(value) for value in data]
    return data
