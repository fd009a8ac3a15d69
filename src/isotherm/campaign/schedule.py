"""When a schedule fires: EventBridge Scheduler's expressions, checked and worked out. Knows no clock and calls nothing.

References
----------
AWS, EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MOST_CHARACTERS = 256  # AWS, CreateSchedule: ScheduleExpression
#: How far ahead a cron expression is looked for: leap years are at most eight years apart.
_DAYS_AHEAD = 366 * 9
_YEARS = (1970, 2199)
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FORMS = "give one such as rate(6 hours), cron(0 */3 * * ? *) or at(2026-12-24T18:00:00)"


class InvalidSchedule(ValueError):
    """The expression cannot be one of EventBridge Scheduler's; the text is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A schedule that repeats every `value` minutes, hours or days; the first time at once."""

    value: int
    unit: str

    def __str__(self) -> str:
        return f"rate({self.value} {self.unit}{'' if self.value == 1 else 's'})"

    @property
    def every(self) -> timedelta:
        """From one time to the next."""
        return timedelta(minutes=self.value * _MINUTES[self.unit])

    def upcoming(self, after: datetime, _zone: tzinfo) -> Iterator[datetime]:
        """The times from `after` on, in UTC, if it is switched on then."""
        moment = after.astimezone(UTC)
        while True:
            yield moment
            moment += self.every


@dataclass(frozen=True, slots=True)
class At:
    """Once; `moment` is a time by the schedule's clock, in no timezone of its own."""

    moment: datetime

    def __str__(self) -> str:
        return f"at({self.moment:%Y-%m-%dT%H:%M:%S})"

    def upcoming(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """The one time, in UTC, unless it has passed."""
        moment = self.moment.replace(tzinfo=zone).astimezone(UTC)
        if moment >= after:
            yield moment


@dataclass(frozen=True, slots=True)
class Cron:
    """At the minutes, hours and days that six fields name, by the clock of the schedule's timezone."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    def __str__(self) -> str:
        return self.text

    def upcoming(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """The times from `after` on, in UTC; an hour that a clock skips is left out, one it repeats counts once."""
        first = after.astimezone(zone).date()
        for ahead in range(_DAYS_AHEAD):
            day = first + timedelta(days=ahead)
            if not self._on(day):
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    local = datetime.combine(day, time(hour, minute), zone)
                    moment = local.astimezone(UTC)
                    skipped = moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
                    if moment >= after and not skipped:
                        yield moment

    def _on(self, day: date) -> bool:
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.weekdays == "?":
            return any(_is_day(part, day) for part in self.days.split(","))
        return any(_is_weekday(part, day) for part in self.weekdays.split(","))


Schedule = Rate | Cron | At


def parse_schedule(text: str) -> Schedule:
    """A schedule from an expression; `str` of it is how AWS wants it written.

    Raises
    ------
    InvalidSchedule
        What is wrong with it, and what would be accepted.
    """
    stripped = text.strip()
    found = re.fullmatch(r"(rate|cron|at)\s*\((.*)\)", stripped, re.IGNORECASE | re.DOTALL)
    if not found or len(stripped) > MOST_CHARACTERS:
        raise InvalidSchedule(f"{text!r} is not a schedule; {_FORMS}")
    kind, inside = found[1].lower(), found[2].strip()
    return _rate(inside) if kind == "rate" else _cron(inside) if kind == "cron" else _at(inside)


def _rate(inside: str) -> Rate:
    found = re.fullmatch(r"([0-9]{1,5})\s+(minute|hour|day)s?", inside)
    if not found or int(found[1]) < 1:
        raise InvalidSchedule(
            f"rate({inside}) is not accepted; give a whole number from 1 to 99999 and minutes, hours or days: "
            "rate(6 hours)"
        )
    return Rate(int(found[1]), found[2])


def _at(inside: str) -> At:
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}", inside):
        raise InvalidSchedule(
            f"at({inside}) is not accepted; give a time without timezone, yyyy-mm-ddThh:mm:ss: at(2026-12-24T18:00:00)"
        )
    try:
        moment = datetime.fromisoformat(inside)
    except ValueError as fault:
        raise InvalidSchedule(f"at({inside}) is not a time: {fault}") from None
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise InvalidSchedule(f"at({inside}) is not accepted; years are {_YEARS[0]} to {_YEARS[1]}")
    return At(moment)


def _cron(inside: str) -> Cron:
    fields = inside.upper().split()
    if len(fields) == 5:  # the year is optional for AWS, but not for everything that stands in for it
        fields.append("*")
    if len(fields) != 6:
        raise InvalidSchedule(
            f"cron({inside}) has {len(fields)} fields; six are needed: minutes, hours, day of the month, month, "
            "day of the week, year: cron(0 */3 * * ? *)"
        )
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise InvalidSchedule(
            f"cron({inside}): of day of the month ({days}) and day of the week ({weekdays}) exactly one has to be ?"
        )
    if days != "?":
        for part in days.split(","):
            if not re.fullmatch(r"L|(\d{1,2})W", part):
                _numbers("day of the month", part, 1, 31)
            elif part != "L":
                _numbers("day of the month", part[:-1], 1, 31)
    if weekdays != "?":
        _check_weekdays(weekdays)
    return Cron(
        text=f"cron({' '.join(fields)})",
        minutes=tuple(sorted(_numbers("minutes", minutes, 0, 59))),
        hours=tuple(sorted(_numbers("hours", hours, 0, 23))),
        days=days,
        months=_numbers("month", months, 1, 12, _MONTHS),
        weekdays=weekdays,
        years=_numbers("year", years, *_YEARS),
    )


def _check_weekdays(field: str) -> None:
    parts = field.split(",")
    if "#" in field and len(parts) > 1:
        raise InvalidSchedule(f"cron: day of the week: {field} has a # and so may name one day only")
    for part in parts:
        nth = re.fullmatch(r"(\w+)#(\d)", part)
        if nth and not 1 <= int(nth[2]) <= 5:
            raise InvalidSchedule(f"cron: day of the week: {part} is not accepted; # is followed by 1 to 5")
        plain = nth[1] if nth else part[:-1] if part.endswith("L") and len(part) > 1 else part
        if plain != "L":
            _numbers("day of the week", plain, 1, 7, _WEEKDAYS)


def _numbers(name: str, field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """The numbers that a field of a cron expression stands for: values, ranges and steps, with commas between."""
    found: set[int] = set()
    for part in field.split(","):
        base, slash, step = part.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            begin, end = low, high
        else:
            begin = _number(name, part, first, low, high, names)
            # 1/10 is every tenth from the first on.
            end = _number(name, part, last, low, high, names) if dash else high if slash else begin
        if slash and (not step.isascii() or not step.isdigit() or int(step) < 1):
            raise InvalidSchedule(f"cron: {name}: {part} is not accepted; / is followed by a whole number above 0")
        if end < begin:
            raise InvalidSchedule(f"cron: {name}: {part} is not accepted; a range goes upward")
        found.update(range(begin, end + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(name: str, part: str, text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + 1
    if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        also = f" or {names[0]} to {names[-1]}" if names else ""
        raise InvalidSchedule(f"cron: {name}: {part} is not accepted; give {low} to {high}{also}, with , - * and /")
    return int(text)


def _is_day(part: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if part == "L":
        return day.day == last
    if part.endswith("W"):
        wanted = int(part[:-1])
        return wanted <= last and day == _nearest_weekday(day.replace(day=wanted), last)
    return day.day in _numbers("day of the month", part, 1, 31)


def _nearest_weekday(day: date, last: int) -> date:
    """Of Monday to Friday the one closest to `day` in its month."""
    if day.weekday() == 5:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.weekday() == 6:
        return day + timedelta(days=1) if day.day < last else day - timedelta(days=2)
    return day


def _is_weekday(part: str, day: date) -> bool:
    number = day.isoweekday() % 7 + 1  # AWS counts from Sunday, 1, to Saturday, 7
    if part == "L":
        return number == 7
    if part.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return number in _numbers("day of the week", part[:-1], 1, 7, _WEEKDAYS) and day.day + 7 > last
    plain, _, nth = part.partition("#")
    return number in _numbers("day of the week", plain, 1, 7, _WEEKDAYS) and (not nth or (day.day + 6) // 7 == int(nth))
