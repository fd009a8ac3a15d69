"""A trend as a page of its own, and as a section of a campaign's page. Needs plotly's script, but no numpy.

Whatever came from input is escaped where it enters the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from typing import Any

from isotherm.analysis.summary import METRICS
from isotherm.analysis.trend_model import Series, Trend, timezone_of
from isotherm.analysis.words.cells import row_name
from isotherm.analysis.words.trend import spread_in_words
from isotherm.campaign.cautions import Emulated
from isotherm.campaign.cell import Kind, cell_key
from isotherm.numbers import NOTHING, count, digits, interval, percent, probability, rough_percent
from isotherm.report.metrics import KIND_LABELS, metric_label, unit
from isotherm.report.page.document import html_document
from isotherm.report.page.figures import short
from isotherm.report.page.markup import Column, choices, definitions, figure, notice, table, unbroken, with_interval
from isotherm.statistics.results import ENOUGH_SESSIONS, Spread

#: Sessions listed in the table, the latest; all of them are in the figures and in trend.json.
SESSIONS_LISTED = 60

_ABOUT: dict[str, str] = {str(name): about for name, about in METRICS.items()}

_Place = tuple[Kind, str, int, int]
Json = dict[str, Any]


def render_trend_page(trend: Trend) -> str:
    """One self-contained HTML page; opened from a disk, it asks nothing of any network."""
    first, last = trend.sessions[0], trend.sessions[-1]
    platform = trend.note or "measured on AWS"
    head = f"""<header>
<div class="kicker"><b>Isotherm</b><span>{escape(trend.name)}</span>
<span>{first.started_at:%Y-%m-%d %H:%M} to {last.started_at:%Y-%m-%d %H:%M} UTC</span>
<span class="badge">{escape(platform)}</span></div>
<h1>{unbroken(trend.headline)}.</h1></header>"""
    notices = notice("Before you quote a number", trend.warnings, "notices") if trend.warnings else ""
    if trend.left_out:
        notices += notice("Left out", [f"{out.campaign_id}: {out.reason}" for out in trend.left_out], "notices")
    body = "\n".join(
        [
            head,
            _facts(trend),
            notices,
            f'<section id="results"><h2>Over time and by hour</h2>\n{_LEAD}\n{_cards(trend)}</section>',
            _sessions_section(trend),
            _how_section(trend),
        ]
    )
    return html_document(
        title=f"{trend.name}: {trend.headline}",
        version=trend.version,
        body=body,
        footer=f"Made by Isotherm {escape(trend.version)} from {count(len(trend.sessions), 'campaign')} of the name "
        f"<code>{escape(trend.name)}</code>.",
        data=trend_figure_data(trend),
    )


def trend_section(trend: Trend) -> str:
    """The trend as a section of a campaign's page; empty where the campaign is the first of its name."""
    if len(trend.sessions) < 2:
        return ""
    # That it is emulated, the page has said at its top.
    told = zip_longest(trend.cautions, trend.warnings)
    said = [sentence for caution, sentence in told if not isinstance(caution, Emulated)]
    warnings = "".join(f'<p class="line">{escape(sentence)}</p>' for sentence in said)
    return f"""<section><h2>This campaign among those of its name</h2>
<p class="lead">{unbroken(trend.headline)}.</p>
{warnings}
{_LEAD}
{_cards(trend)}
{_sessions_table(trend)}</section>"""


def trend_figure_data(trend: Trend) -> Json:
    """Numbers for the figures of a trend, as the page's script wants them."""
    places = _places(trend)
    starts = [session.started_at.strftime("%Y-%m-%d %H:%M:%S") for session in trend.sessions]
    zones = _zones(trend)
    return {
        "targets": list(dict.fromkeys(row_name(series) for series in trend.series)),
        "confidence": percent(trend.confidence),
        "groups": {
            (group := _group_id(place)): {
                "id": group,
                "starts": starts,
                "changes": sorted({change.session for change in trend.changes}),
                "zones": zones,
                "hours": [[s.started_at.astimezone(timezone_of(zone)).hour for s in trend.sessions] for zone in zones],
                "metrics": [
                    {"name": name, "label": metric_label(name), "unit": unit(name)}
                    for name in dict.fromkeys(one.metric for one in series)
                ],
                "rows": _rows(series),
            }
            for place, series in places.items()
        },
        "axes": [],
    }


def _rows(series: Sequence[Series]) -> list[Json]:
    rows: dict[str, Json] = {}
    for one in series:
        name = row_name(one)
        row = rows.setdefault(name, {"target": name, "metrics": {}})
        row["metrics"][one.metric] = {
            "middle": short(one.median.value),
            "points": [[p.session, *map(short, (p.median, p.median_low, p.median_high)), p.n] for p in one.points],
            "hours": [
                [[h.hour, h.sessions, *map(short, (h.median.value, h.median.low, h.median.high))] for h in of.hours]
                for of in one.hours
            ],
        }
    return list(rows.values())


def _zones(trend: Trend) -> list[str]:
    return list(dict.fromkeys(["UTC", trend.timezone]))


def _places(trend: Trend) -> dict[_Place, list[Series]]:
    """Series by what is shown in one card: of one kind, region, memory size and set of conditions."""
    found: dict[_Place, list[Series]] = {}
    for series in trend.series:
        found.setdefault((series.kind, series.region, series.memory_mb, series.conditions), []).append(series)
    return found


def _group_id(place: _Place) -> str:
    return "trend-" + "-".join(map(str, place))


def _facts(trend: Trend) -> str:
    span = trend.sessions[-1].started_at - trend.sessions[0].started_at
    cells = {(cell_key(series), series.conditions) for series in trend.series}
    spread = trend.overall[0] if trend.overall else None
    facts = [
        ("Sessions", f"{len(trend.sessions):,}", f"{len(trend.left_out)} left out"),
        ("First to last", _duration(span.total_seconds()), "by their starts"),
        ("Cells", f"{len(cells):,}", f"in {count(len({series.region for series in trend.series}), 'region')}"),
    ]
    if spread:
        facts += [
            ("Session factor", digits(spread.factor), f"{metric_label(spread.metric).lower()}, {spread.kind}"),
            (
                "By more than chance",
                f"{spread.apart:,}" if spread.beyond == "rounds" else NOTHING,
                f"of {count(spread.cells, 'cell')}" if spread.beyond == "rounds" else "sessions not told from rounds",
            ),
        ]
    else:
        lacking = max(0, ENOUGH_SESSIONS - len(trend.sessions))
        facts.append(
            ("Session factor", NOTHING, f"{count(lacking, 'more session')} needed" if lacking else "too few samples")
        )
    return (
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(n)}</dt><dd>{escape(v)} <small>{escape(a)}</small></dd></div>" for n, v, a in facts
        )
        + "</dl>"
    )


def _duration(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} d"
    return f"{seconds / 3600:.0f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"


_LEAD = """<p class="lead">A session is one finished campaign. Over time, each mark is a session's median with its
interval; a dotted line is where a function, or Isotherm, changed. By hour, each dot is a session, as a share of its
target's mean over sessions, and the mark is the hour's mean with its interval over sessions. Every session counts
once.</p>"""


def _cards(trend: Trend) -> str:
    return "".join(_card(trend, place, series) for place, series in _places(trend).items())


def _card(trend: Trend, place: _Place, series: Sequence[Series]) -> str:
    kind, region, memory_mb, conditions = place
    title = f"{KIND_LABELS[kind]} in {region}, {memory_mb} MB"
    settings = trend.conditions[conditions].settings
    if settings:
        title += f" ({', '.join(f'{name} {value}' for name, value in settings.items())})"
    group = _group_id(place)
    metrics = list(dict.fromkeys(one.metric for one in series))
    zones = _zones(trend)
    buttons = choices(group, "Show", [(name, metric_label(name), _ABOUT.get(name, name)) for name in metrics])
    if len(zones) > 1:
        buttons += choices(group, "Hours of", [(str(n), zone, zone) for n, zone in enumerate(zones)], " data-zone")
    time = figure(group, "time", f"{title}: medians over time", "Medians over time, with the sessions' own intervals.")
    hour = figure(
        group, "hours", f"{title}: by hour of the day", "By the hour in which sessions began: how far from the mean."
    )
    return f"""<div class="card"><h3>{escape(title)}</h3>
{buttons}
<div class="pair">{time}{hour}</div>
{_spread_table(trend, title, series)}
{_hours_table(trend, title, series)}{_details_table(trend, title, series)}</div>"""


def _spread_table(trend: Trend, title: str, series: Sequence[Series]) -> str:
    columns = [
        *_WHAT,
        Column("Sessions"),
        Column("Median", hint="mean over sessions"),
        Column("Next session", hint="its median"),
        Column("Factor", hint="over rounds' scatter"),
        Column("p", hint="Holm"),
        Column("Between", hint="sd, of the mean"),
        Column("In words", numeric=False, wide=True),
    ]
    rows: list[list[str]] = [
        [
            *_what(one),
            f"{len(one.points):,}",
            with_interval(one.median.value, one.median.low, one.median.high),
            interval(one.next_session.low, one.next_session.high) if one.next_session else NOTHING,
            *_factor(one.beyond_rounds),
            rough_percent(one.beyond_rounds.relative_sd if one.beyond_rounds else None),
            spread_in_words(one),
        ]
        for one in series
    ]
    return table(f"{title}: how sessions differ. Below: {percent(trend.confidence)} intervals.", columns, rows)


def _details_table(trend: Trend, title: str, series: Sequence[Series]) -> str:
    columns = [
        *_WHAT,
        Column("Mean", hint="over sessions"),
        Column("Factor", hint="over calls' scatter"),
        Column("p", hint="Holm"),
        Column("Between", hint="sd of sessions"),
        Column("Drift", hint="a day"),
        Column("p", hint="Holm"),
    ]
    rows: list[list[str]] = [
        [
            *_what(one),
            with_interval(one.mean.value, one.mean.low, one.mean.high),
            *_factor(one.spread),
            digits(one.beyond_rounds.between_sd if one.beyond_rounds else None),
            with_interval(one.drift.slope, one.drift.low, one.drift.high) if one.drift else NOTHING,
            probability(one.drift.p_holm) if one.drift else NOTHING,
        ]
        for one in series
    ]
    every = table(f"{title}: more. Below: {percent(trend.confidence)} intervals.", columns, rows)
    return f"<details><summary>Against calls, between sessions, drift</summary>{every}</details>"


_WHAT = (Column("Target", numeric=False), Column("Metric", numeric=False))


def _what(one: Series) -> tuple[str, str]:
    return row_name(one), f"{metric_label(one.metric)}, {unit(one.metric)}"


def _factor(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return NOTHING, NOTHING
    return with_interval(spread.factor, spread.low, spread.high), probability(spread.p_holm)


def _hours_table(trend: Trend, title: str, series: Sequence[Series]) -> str:
    chosen = [(one, one.hours[-1]) for one in series]
    hours = sorted({hour.hour for _, of in chosen for hour in of.hours})
    if len(hours) < 2:
        return ""
    columns = [*_WHAT, *(Column(f"{hour:02d}:00") for hour in hours)]
    columns += [Column("p", hint="Holm"), Column("In words", numeric=False, wide=True)]
    rows: list[list[str]] = []
    for one, of in chosen:
        by_hour = {hour.hour: hour for hour in of.hours}
        cells = [
            with_interval(by_hour[hour].median.value, by_hour[hour].median.low, by_hour[hour].median.high)
            if hour in by_hour
            else NOTHING
            for hour in hours
        ]
        differ = "hours differ by more than chance" if of.apart else "hours may be alike"
        rows.append([*_what(one), *cells, probability(of.p_holm), of.missing or differ])
    caption = f"{title}: medians by hour of the day, {trend.timezone}"
    return f"<details><summary>By hour, in numbers</summary>{table(caption, columns, rows)}</details>"


def _sessions_section(trend: Trend) -> str:
    return f"""<section><h2>Sessions</h2>
<div class="card">{_sessions_table(trend)}</div></section>"""


def _sessions_table(trend: Trend) -> str:
    zone = timezone_of(trend.timezone)
    columns = [Column("Session"), Column("Began", numeric=False, hint="UTC")]
    if trend.timezone != "UTC":
        columns.append(Column("Began", numeric=False, hint=trend.timezone))
    columns += [
        Column("Campaign", numeric=False),
        Column("Lanes failed"),
        Column("Isotherm", numeric=False),
        Column("Changed since", numeric=False, hint="the session before"),
    ]
    changed: dict[int, list[str]] = {}
    for change in trend.changes:
        changed.setdefault(change.session, []).append(change.what)
    rows: list[list[str]] = []
    for number, session in list(enumerate(trend.sessions))[-SESSIONS_LISTED:]:
        local = [f"{session.started_at.astimezone(zone):%Y-%m-%d %H:%M}"] if trend.timezone != "UTC" else []
        rows.append(
            [
                f"{number + 1}",
                f"{session.started_at:%Y-%m-%d %H:%M}",
                *local,
                session.campaign_id,
                f"{session.lanes_failed} of {session.lanes}",
                session.version,
                "; ".join(changed.get(number, [])) or NOTHING,
            ]
        )
    cut = f" (the latest {SESSIONS_LISTED})" if len(trend.sessions) > SESSIONS_LISTED else ""
    return table(f"Sessions, the earliest first{cut}", columns, rows)


def _how_section(trend: Trend) -> str:
    about = {
        "Session": "one finished campaign of this name; each counts once, whatever its number of samples",
        "Median, mean": "mean over sessions of the sessions' medians and means; Student's t interval over sessions, "
        "because calls of one session share its hour, its hosts and its luck",
        "Next session": "where the median of one further session is expected, were it like these; as wide as sessions "
        "differ, however many there are",
        "Factor": "standard deviation of the sessions' means over what the rounds inside sessions predict for it; "
        "its square is a modified F of Brown and Forsythe, its interval inverts that F and takes "
        "sessions' true means as about normal. 1 is no difference between sessions; below 1 is chance. It grows with "
        "the number of calls and rounds in a session",
        "Over calls' scatter": "the same against what single calls predict: above 1 where sessions differ, or the "
        "rounds inside them do",
        "Between": "standard deviation of the sessions' true means, the scatter inside sessions taken out, also as a "
        "share of their mean; it does not depend on how much a session measures",
        "Drift": "slope through the means of blocks of two days or more, where sessions span a day or more; interval "
        "and p by Student's t over blocks, from eight days on",
        "By hour": "a session belongs to the hour in which it began; p by shuffling the sessions of each day",
        "p": "corrected (Holm) for all series of this trend, each question on its own",
        "Kept apart": "what was asked for otherwise (bursts, concurrency, load) is a series of its own",
    }
    metrics = {
        metric_label(name): _ABOUT[name]
        for name in dict.fromkeys(series.metric for series in trend.series)
        if name in _ABOUT
    }
    return f"""<section><h2>How to read this</h2>
<div class="card">{definitions(about)}</div>
<div class="card"><h3>What was measured</h3>{definitions(metrics)}</div></section>"""
