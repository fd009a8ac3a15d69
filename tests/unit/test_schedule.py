"""EventBridge Scheduler's expressions: which are accepted, and when they fire, by AWS's examples and brute force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.campaign.schedule import InvalidSchedule, parse_schedule


def times(expression: str, after: str, count: int = 4, zone: str = "UTC") -> list[str]:
    moments = parse_schedule(expression).upcoming(datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo(zone))
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in islice(moments, count)]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # AWS, "Schedule types": the last Friday of each month in 2022 and 2023, the second Tuesday, the weekday near.
        ("cron(15 10 ? * 6L 2022-2023)", "2023-11-25", ["2023-12-29 10:15"]),
        ("cron(0 8 ? * 3#2 *)", "2026-11-01", ["2026-11-10 08:00", "2026-12-08 08:00"]),
        ("cron(0 0 3W * ? *)", "2026-10-01", ["2026-10-02 00:00", "2026-11-03 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-08-01", ["2026-08-03 00:00", "2026-09-01 00:00"]),
        ("cron(0 0 31W * ? *)", "2026-01-02", ["2026-01-30 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 L * ? *)", "2028-02-01", ["2028-02-29 00:00", "2028-03-31 00:00"]),
        ("cron(0 0 ? * L *)", "2026-11-16", ["2026-11-21 00:00", "2026-11-28 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(1/20 5,17 * * ? *)", "2026-11-01", ["2026-11-01 05:01", "2026-11-01 05:21"]),
        ("cron(0 9 ? * mon-fri *)", "2026-11-06T10:00", ["2026-11-09 09:00", "2026-11-10 09:00"]),
        ("cron(0 9 * JAN,12 ?)", "2026-11-06", ["2026-12-01 09:00", "2026-12-02 09:00"]),
        ("rate(6 hours)", "2026-11-01T01:30", ["2026-11-01 01:30", "2026-11-01 07:30"]),
        ("rate(1 days)", "2026-11-01", ["2026-11-01 00:00", "2026-11-02 00:00"]),
        ("at(2026-11-20T13:00:00)", "2026-11-01", ["2026-11-20 13:00"]),
        ("at(2026-11-20T13:00:00)", "2026-11-21", []),
        ("cron(0 0 30 2 ? *)", "2026-01-01", []),
        ("cron(0 0 * * ? 2020)", "2026-01-01", []),
    ],
)
def test_it_fires_when_aws_says(expression: str, after: str, expected: list[str]) -> None:
    assert times(expression, after, max(len(expected), 1)) == expected


def test_a_clock_that_is_put_forward_skips_and_one_put_back_does_not_repeat() -> None:
    # AWS's own example: half past two in Los Angeles.
    spring = times("cron(30 2 * * ? *)", "2026-03-07T08:00", 3, "America/Los_Angeles")
    assert spring == ["2026-03-07 10:30", "2026-03-09 09:30", "2026-03-10 09:30"]
    autumn = times("cron(30 1 * * ? *)", "2026-11-01T00:00", 3, "America/Los_Angeles")
    assert autumn == ["2026-11-01 08:30", "2026-11-02 09:30", "2026-11-03 09:30"]
    assert times("at(2026-11-20T13:00:00)", "2026-11-01", zone="Asia/Tokyo") == ["2026-11-20 04:00"]


@given(
    minutes=st.sampled_from(["0", "*/7", "5,35", "10-14", "3/25", "*"]),
    hours=st.sampled_from(["*", "0", "*/5", "22-23", "1,13", "2/9"]),
    days=st.sampled_from(["* ?", "? *", "1-7 ?", "? SUN", "? 2-4", "15 ?", "*/2 ?"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
)
def test_every_minute_agrees_with_the_fields_as_they_read(minutes: str, hours: str, days: str, start: datetime) -> None:
    def holds(field: str, value: int, low: int) -> bool:
        return any(_part_holds(part, value, low) for part in field.replace("SUN", "1").split(","))

    of_month, of_week = days.split()
    begin = start.replace(tzinfo=UTC)
    end = begin + timedelta(days=3)
    expected = []
    moment = begin.replace(second=0, microsecond=0)
    while moment < end:
        weekday = (moment.weekday() + 1) % 7 + 1
        if (
            moment >= begin
            and holds(minutes, moment.minute, 0)
            and holds(hours, moment.hour, 0)
            and (of_month == "?" or holds(of_month, moment.day, 1))
            and (of_week == "?" or holds(of_week, weekday, 1))
        ):
            expected.append(moment)
        moment += timedelta(minutes=1)
    schedule = parse_schedule(f"cron({minutes} {hours} {of_month} * {of_week} *)")
    assert list(takewhile(lambda found: found < end, schedule.upcoming(begin, UTC))) == expected


def _part_holds(part: str, value: int, low: int) -> bool:
    if part == "*":
        return True
    if "/" in part:
        start, step = part.split("/")
        begin = low if start == "*" else int(start)
        return value >= begin and (value - begin) % int(step) == 0
    first, _, last = part.partition("-")
    return int(first) <= value <= int(last or first)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("rate(1 minutes)", "rate(1 minute)"),
        ("rate( 05 hour )", "rate(5 hours)"),
        (" CRON(0 9 * * ?) ", "cron(0 9 * * ? *)"),
        ("cron(0  9 ?\t* mon *)", "cron(0 9 ? * MON *)"),
        ("at(2026-11-20T13:00:00)", "at(2026-11-20T13:00:00)"),
    ],
)
def test_it_is_written_as_aws_wants_it(written: str, wanted: str) -> None:
    assert str(parse_schedule(written)) == wanted
    assert parse_schedule(wanted) == parse_schedule(written)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "'' is not a schedule; give one such as rate(6 hours)"),
        ("every six hours", "give one such as"),
        ("0 */3 * * ? *", "give one such as"),
        ("rate(0 hours)", "from 1 to 99999"),
        ("rate(1.5 hours)", "a whole number"),
        ("rate(100000 days)", "from 1 to 99999"),
        ("at(9999-12-31T23:59:59)", "years are 1970 to 2199"),
        ("rate(6 weeks)", "minutes, hours or days"),
        ("cron(0 9 * *)", "has 4 fields; six are needed"),
        ("cron(0 9 * * * *)", "exactly one has to be ?"),
        ("cron(0 9 ? * ? *)", "exactly one has to be ?"),
        ("cron(60 9 * * ? *)", "minutes: 60 is not accepted; give 0 to 59"),
        ("cron(0 24 * * ? *)", "hours: 24 is not accepted; give 0 to 23"),
        ("cron(0 9 0 * ? *)", "day of the month: 0 is not accepted; give 1 to 31"),
        ("cron(0 9 40W * ? *)", "day of the month: 40"),
        ("cron(0 9 * 13 ? *)", "month: 13 is not accepted; give 1 to 12 or JAN to DEC"),
        ("cron(0 9 ? * 8 *)", "day of the week: 8 is not accepted; give 1 to 7 or SUN to SAT"),
        ("cron(0 9 ? * MON#6 *)", "# is followed by 1 to 5"),
        ("cron(0 9 ? * 3#1,6#3 *)", "may name one day only"),
        ("cron(0 9 * * ? 1969)", "year: 1969"),
        ("cron(9-5 9 * * ? *)", "a range goes upward"),
        ("cron(*/0 9 * * ? *)", "/ is followed by a whole number above 0"),
        ("cron(0,,5 9 * * ? *)", "minutes:  is not accepted"),
        ("at(2026-12-24 18:00)", "yyyy-mm-ddThh:mm:ss"),
        ("at(2026-12-24T18:00:00Z)", "without timezone"),
        ("at(2026-13-24T18:00:00)", "is not a time: month must be in 1..12"),
        ("cron(" + "0," * 200 + "1 * * * ? *)", "is not a schedule"),
    ],
)
def test_what_is_no_expression_is_refused_in_words(expression: str, said: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse_schedule(expression)
    assert said in str(refusal.value)


@given(st.text(max_size=40) | st.from_regex(r"(rate|cron|at)\([0-9A-Z*?/#,\- ]{0,24}\)", fullmatch=True))
def test_whatever_is_typed_is_accepted_or_refused(text: str) -> None:
    try:
        schedule = parse_schedule(text)
    except InvalidSchedule:
        return
    list(islice(schedule.upcoming(datetime(2026, 1, 1, tzinfo=UTC), UTC), 2))
    assert str(parse_schedule(str(schedule))) == str(schedule)
