"""`isotherm trend`: the campaigns of one name over time and by hour of the day, and how far sessions differ."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, On, OnOption, Place, StackOption

if TYPE_CHECKING:
    from isotherm.analysis.trend_model import LeftOut, Session, Trend
    from isotherm.aws.store.sessions import Gathered

#: What `--limit` is unless it is given.
DEFAULT_LIMIT = 200
ALL = "all"
_NAMES_LOOKED_AT = 200
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The campaigns' name: `name` in their input.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Only what started since: 12h, 7d, 4w, 2026-11-01 or 2026-11-01T06:00Z.")
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", "-m", help="A metric by its field name; may be given more than once; all for every metric."
    ),
]
TimezoneOption = Annotated[
    str, typer.Option("--timezone", help="Also sort sessions by the hours of this timezone, such as Asia/Tokyo.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=5000, help="Show at most this many campaigns, the latest ones.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="File for the page (else .isotherm/reports/trend-NAME.html).")
]
ReportsOption = Annotated[
    Path | None,
    typer.Option("--reports", help="Take every summary.json below this folder instead of asking a stack."),
]


def trend(
    name: NameArgument,
    on: OnOption = DEFAULT_PLACE.on,
    since: SinceOption = None,
    metric: MetricOption = None,
    timezone: TimezoneOption = "UTC",
    limit: LimitOption = DEFAULT_LIMIT,
    reports: ReportsOption = None,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the campaigns of one name found over time, by hour of the day, and how far sessions differ.

    A session is one finished campaign. What is emulated and what was measured on AWS are never put together.
    """
    from isotherm import __version__
    from isotherm.analysis.trend import build_trend
    from isotherm.cli.errors import Failed

    check_timezone(timezone)
    begin = _moment(since)
    place = Place(on, stack, home)
    found = _from_folder(reports, name, begin, place, limit) if reports else _from_stack(place, name, begin, limit)
    if not found.sessions:
        raise Failed(f"NAME: no campaign {name} can be shown: {_reasons(found.left_out)}")
    made = build_trend(
        found.sessions,
        left_out=found.left_out,
        metrics=_metrics(metric, found.sessions),
        timezone=timezone,
        version=__version__,
    )
    _show(made, output, as_json)


def _reasons(left_out: list[LeftOut]) -> str:
    """Why campaigns are left out, each reason once, with the first campaign that it applies to."""
    from isotherm.numbers import count

    of: dict[str, list[str]] = {}
    for out in left_out:
        of.setdefault(out.reason, []).append(out.campaign_id)
    said = []
    for reason, (first, *others) in of.items():
        more = f" and {count(len(others), 'other')}" if others else ""
        said.append(f"{first}{more}: {reason}")
    return "; ".join(said)


def _show(made: Trend, output: Path | None, as_json: bool) -> None:
    from isotherm.cli.console import remarks, results
    from isotherm.cli.reports import report_folder, shown_path
    from isotherm.local.writing import written
    from isotherm.report.page.trend import render_trend_page
    from isotherm.report.terminal.trend import trend_tables

    if as_json:
        print(json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        results().print(trend_tables(made))
    if output is None and as_json:  # a program that wants numbers gets a page when it asks for one
        return
    page = output or report_folder(f"trend-{made.name}", None).with_suffix(".html")
    with written(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render_trend_page(made), encoding="utf-8")
    remarks().print(f"page: {shown_path(page)}", markup=False, soft_wrap=True)


def _from_stack(place: Place, name: str, begin: datetime | None, limit: int) -> Gathered:
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import BadInput
    from isotherm.cli.waiting import waiting

    campaigns = place.campaigns()
    with waiting(remarks(), brief=True) as say:
        say("reading summaries")
        found = campaigns.sessions(name, begin.strftime("%Y-%m-%dT%H:%M:%S") if begin else "", limit)
    if not found.sessions and not found.left_out:
        raise BadInput(_no_such_name(name, campaigns.names(_NAMES_LOOKED_AT), f"on stack {place.stack}", begin))
    return found


def _from_folder(folder: Path, name: str, begin: datetime | None, place: Place, limit: int) -> Gathered:
    from isotherm.aws.store.sessions import Gathered
    from isotherm.cli.errors import BadInput
    from isotherm.cli.sessions import sessions_below

    found = sessions_below(folder, name, "emulated" if place.on is On.LOCAL else "aws", begin)
    if not found.matches:
        raise BadInput(_no_such_name(name, found.names, f"below {folder}", begin))
    return Gathered(found.sessions[-limit:], found.left_out, [])


def _no_such_name(name: str, names: list[str], where: str, begin: datetime | None) -> str:
    import difflib

    from isotherm.numbers import listed

    if name in names and begin is not None:
        return f"--since: no campaign {name} started since {begin:%Y-%m-%d %H:%M} UTC {where}; take an earlier time"
    if not names:
        return f"NAME: there is no campaign {where} yet; start one with: isotherm run events/campaign-package-size.json"
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    said = f"; did you mean {' or '.join(near)}?" if near else f"; there are {listed(names[:10])}"
    return f"NAME: no campaign is called {name} {where}{said}"


def _moment(text: str | None) -> datetime | None:
    from isotherm.cli.errors import BadInput

    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    try:
        if ago:
            return datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise BadInput(
            f"--since: {text!r} is not a time; give one such as 12h, 7d, 4w, 2026-11-01 or 2026-11-01T06:00Z"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def check_timezone(name: str) -> None:
    """Do nothing if there is such a timezone.

    Raises
    ------
    BadInput
        There is none; the text has those that look like it.
    """
    import difflib
    from zoneinfo import available_timezones

    from isotherm.cli.errors import BadInput

    known = available_timezones()
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
        said = f"did you mean {' or '.join(near)}?" if near else "give an IANA name such as UTC or Asia/Tokyo"
        raise BadInput(f"--timezone: {name!r} is not a timezone; {said}")


def _metrics(asked: list[str] | None, sessions: list[Session]) -> list[str] | None:
    from isotherm.cli.errors import BadInput

    if not asked:
        return None
    measured = sorted({metric for session in sessions for cell in session.cells for metric in cell.metrics})
    if ALL in asked:
        return measured
    unknown = [metric for metric in asked if metric not in measured]
    if unknown:
        raise BadInput(f"--metric: {unknown[0]!r} was not measured; there are {', '.join(measured)}, and {ALL}")
    return asked
