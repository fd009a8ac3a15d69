"""`isotherm schedule`: start a campaign again and again, at times of day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, On, OnOption, Place, StackOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isotherm.aws.schedule import Scheduled
    from isotherm.campaign.schedule import Schedule

SHOWN = 3
MONTH = timedelta(days=30)
#: More than this many starts in a month are not counted: one a minute.
_MOST_STARTS = 30 * 1440

ExpressionArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[EXPRESSION]", help='When: "rate(6 hours)", "cron(0 */3 * * ? *)", "at(2026-12-24T18:00:00)".'
    ),
]
FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[EVENT]", help="File with the campaign as JSON; - reads it. Else the one scheduled already."
    ),
]
OffOption = Annotated[bool, typer.Option("--off", help="Remove the schedule; campaigns that are running go on.")]
TimezoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone", help="Timezone of cron and at, such as Asia/Tokyo (otherwise unchanged; UTC for a new schedule)."
    ),
]


def schedule(
    expression: ExpressionArgument = None,
    event: FileArgument = None,
    off: OffOption = False,
    timezone: TimezoneOption = None,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Schedule a campaign, show the schedule (without arguments), or remove it (--off).

    It changes three parameters of the deployed stack and nothing else. A later deployment leaves them as they are.
    """
    from isotherm.aws.clients import client
    from isotherm.aws.schedule import read_schedule
    from isotherm.cli.errors import BadInput

    if off and (expression or event or timezone):
        raise BadInput("--off: removes the schedule, so give neither expression nor file nor timezone with it")
    if timezone is not None and expression is None:
        raise BadInput("--timezone: needs an expression; give both")
    wanted = _parsed(expression, timezone)
    place = Place(on, stack, home)
    deployment = place.deployment()
    now = read_schedule(client("scheduler", deployment.home_region), stack)
    if off:
        _switch_off(place, now, as_json)
    elif wanted is None:
        _show(place, now, as_json)
    else:
        zone = timezone or (now.timezone if now else "UTC")
        _refuse_never(wanted, zone)
        _switch_on(place, wanted, zone, _campaign(event, now), as_json)


def _parsed(expression: str | None, timezone: str | None) -> Schedule | None:
    """The expression, once it and the timezone are known to be some; None where there is none."""
    from isotherm.campaign.schedule import InvalidSchedule, parse_schedule
    from isotherm.cli.commands.trend import check_timezone
    from isotherm.cli.errors import BadInput

    check_timezone(timezone or "UTC")
    if expression is None:
        return None
    try:
        return parse_schedule(expression)
    except InvalidSchedule as problem:
        raise BadInput(f"EXPRESSION: {problem}") from problem


def _refuse_never(wanted: Schedule, timezone: str) -> None:
    from isotherm.analysis.trend_model import timezone_of
    from isotherm.cli.errors import BadInput

    if next(wanted.upcoming(datetime.now(UTC), timezone_of(timezone)), None) is None:
        raise BadInput(
            f"EXPRESSION: {wanted} by the clock of {timezone} will never come again; give a time in the future"
        )


def _campaign(event: str | None, now: Scheduled | None) -> dict[str, Any]:
    from isotherm.aws.schedule import MOST_BYTES
    from isotherm.cli.errors import BadInput
    from isotherm.cli.options import read_event

    if event is None:
        if now is None:
            raise BadInput("EVENT: is missing; give the file with the campaign that is to be started")
        return now.campaign
    document = read_event(event)
    size = len(_compact(document).encode())
    if size > MOST_BYTES:
        raise BadInput(
            f"EVENT: {size:,} bytes without spaces are more than a stack's parameter takes ({MOST_BYTES:,}); "
            "shorten its comment or its lists"
        )
    if document.get("dry_run"):
        raise BadInput("dry_run: a scheduled campaign would measure nothing; leave dry_run out")
    return document


def _compact(document: dict[str, Any]) -> str:
    # ASCII, so that bytes are characters and no shell or console changes any.
    return json.dumps(document, separators=(",", ":"))


def _switch_on(place: Place, wanted: Schedule, timezone: str, document: dict[str, Any], as_json: bool) -> None:
    from isotherm.aws.schedule import CAMPAIGN, EXPRESSION, TIMEZONE
    from isotherm.cli.console import remarks
    from isotherm.cli.waiting import waiting

    with waiting(remarks(), brief=True) as say:
        say("planning")
        plan = place.campaigns().make_plan(document)
        say("changing the stack's parameters")
        _set(place, {EXPRESSION: str(wanted), TIMEZONE: timezone, CAMPAIGN: _compact(document)})
    if not as_json:
        for sentence in _remarks(place, wanted, timezone, plan.price.usd):
            remarks().print(sentence, markup=False)
    _show(place, _read(place), as_json)


def _remarks(place: Place, wanted: Schedule, timezone: str, usd: float) -> list[str]:
    from isotherm.campaign.schedule import At
    from isotherm.numbers import count, dollars

    starts = len(list(takewhile(lambda moment: moment < datetime.now(UTC) + MONTH, _times(place, wanted, timezone))))
    sum_of = "what AWS would charge; the embedded stack costs nothing" if place.on is On.LOCAL else "at most"
    said = [f"{count(starts, 'start')} in 30 days for about {dollars(starts * usd)} ({dollars(usd)} each, {sum_of})"]
    if place.on is On.LOCAL and timezone != "UTC":
        said.append("warning: the embedded stack's scheduler goes by UTC whatever the timezone; AWS's does not")
    if place.on is On.LOCAL and isinstance(wanted, At):
        said.append("warning: the embedded stack's scheduler carries out at() once while it is up, then no other at()")
    return said


def _switch_off(place: Place, now: Scheduled | None, as_json: bool) -> None:
    from isotherm.aws.schedule import EXPRESSION
    from isotherm.cli.console import remarks

    changed = _set(place, {EXPRESSION: ""})
    if not as_json:
        remarks().print("schedule removed" if changed or now else "there was no schedule", markup=False)
    _show(place, _read(place), as_json)


def _set(place: Place, changes: dict[str, str]) -> bool:
    from isotherm.aws.clients import client
    from isotherm.aws.schedule import NoSuchParameters, UpdateFailed, set_parameters
    from isotherm.cli.errors import Failed

    try:
        return set_parameters(client("cloudformation", place.home_region), place.stack, changes)
    except NoSuchParameters as problem:
        raise Failed(f"{problem}; deploy this version first: isotherm deploy{place.options}") from problem
    except UpdateFailed as problem:
        raise Failed(f"the schedule was not changed: {problem}") from problem


def _read(place: Place) -> Scheduled | None:
    from isotherm.aws.clients import client
    from isotherm.aws.schedule import read_schedule

    return read_schedule(client("scheduler", place.home_region), place.stack)


def _times(place: Place, wanted: Schedule, timezone: str) -> Iterator[datetime]:
    from isotherm.analysis.trend_model import timezone_of
    from isotherm.campaign.schedule import Rate

    times = wanted.upcoming(datetime.now(UTC), timezone_of(timezone))
    # AWS starts a rate at once, the embedded stack after its first interval.
    return islice(times, int(place.on is On.LOCAL and isinstance(wanted, Rate)), _MOST_STARTS)


def _show(place: Place, now: Scheduled | None, as_json: bool) -> None:
    from dataclasses import asdict

    from isotherm.cli.console import results

    if as_json:
        document = {"on": now is not None} | (asdict(now) if now else {})
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    if now is None:
        results().print(f"no schedule on stack {place.stack}", markup=False)
        return
    name = now.campaign.get("name", "campaign")
    paused = "" if now.enabled else " (paused: its state is DISABLED)"
    lines = [f"{now.expression} by the clock of {now.timezone} starts campaign {name}{paused}", *_next(place, now)]
    lines += [
        f"over time and by hour:  isotherm trend {name}{place.options}",
        f"to remove it:           isotherm schedule --off{place.options}",
    ]
    for line in lines:
        results().print(line, markup=False, soft_wrap=True)


def _next(place: Place, now: Scheduled) -> list[str]:
    """The next times, where they can be told: those of a rate depend on when it was switched on."""
    from isotherm.campaign.schedule import InvalidSchedule, Rate, parse_schedule

    try:
        wanted = parse_schedule(now.expression)
    except InvalidSchedule:  # set by other means, in a form that AWS takes and we do not
        return []
    if isinstance(wanted, Rate):
        return ["first when it was switched on, then at equal intervals"] if place.on is On.AWS else []
    moments = [f"{moment:%Y-%m-%d %H:%M} UTC" for moment in islice(_times(place, wanted, now.timezone), SHOWN)]
    return [f"next: {', '.join(moments)}" if moments else "none; all its times are past"]
