"""Trends: which sessions belong together, what is kept apart, said and refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.trend import MixedCampaigns, build_trend, trend_at_the_end_of
from isotherm.analysis.trend_model import LeftOut, Series, Session, Trend, UnreadableSession, read_session
from isotherm.analysis.words.trend import spread_in_words
from unit.present import present

from .made_up import made_up_lanes, made_up_plan, made_up_samples
from .made_up_sessions import made_up_session, made_up_sessions

SESSIONS = made_up_sessions(9, between=0.05)


def trend(sessions: list[Session], **options: Any) -> Trend:
    return build_trend(sessions, version="0.1.0", **options)


def one(made: Trend, target: str = "default", kind: str = "cold", metric: str = "startup_ms") -> Series:
    (found,) = [s for s in made.series if (s.target, s.kind, s.metric) == (target, kind, metric)]
    return found


@settings(deadline=None, max_examples=25)
@given(st.permutations(SESSIONS), st.lists(st.sampled_from(SESSIONS)))
def test_neither_order_nor_repeats_change_a_trend(order: list[Session], repeats: list[Session]) -> None:
    assert trend([*order, *repeats]) == trend(SESSIONS)


def test_at_the_end_of_a_session_the_trend_is_of_it_and_those_before() -> None:
    """One that was started later may have ended earlier, and one that was started earlier may have no report yet."""
    deleted = LeftOut(campaign_id="deleted", reason="its report was deleted")
    made = trend_at_the_end_of(SESSIONS[4], SESSIONS, [deleted], ["running"], version="0.1.0")
    unfinished = LeftOut(campaign_id="running", reason="it had no report when this one was made")
    assert made == trend(SESSIONS[:5], left_out=[deleted, unfinished])


def test_every_session_is_a_point_in_time_order() -> None:
    made = trend(SESSIONS)
    assert [held.campaign_id for held in made.sessions] == [f"nightly-{n:03d}" for n in range(9)]
    for series in made.series:
        assert [point.session for point in series.points] == list(range(9))
        medians = [point.median for point in series.points]
        assert series.median.value == pytest.approx(sum(medians) / 9)
        assert series.median.low is not None
        assert series.median.high is not None
        assert series.median.low < series.median.value < series.median.high


def test_a_spread_between_sessions_is_seen_and_none_is_not() -> None:
    wide, none = trend(made_up_sessions(9, between=0.05, rounds=5)), trend(made_up_sessions(9, rounds=5))
    for made, apart in ((wide, True), (none, False)):
        for spread in (present(one(made).spread), present(one(made).beyond_rounds)):
            assert spread.apart is apart
            assert (spread.factor > 1.5) is apart
        assert ("differ by more than chance" in spread_in_words(one(made))) is apart
    assert "rounds inside sessions predict" in wide.headline
    assert "2 by more than chance" in wide.headline
    assert "none by more than chance" in none.headline
    assert (wide.overall[0].beyond, wide.overall[0].apart, none.overall[0].apart) == ("rounds", 2, 0)
    # 5 % of luck, seen through samples of 8 % scatter.
    assert present(one(wide).beyond_rounds).relative_sd == pytest.approx(0.05, rel=0.6)
    assert wide.overall[0].relative_sd == pytest.approx(0.05, rel=0.6)


def test_rounds_that_differ_do_not_make_sessions_differ() -> None:
    made = trend(made_up_sessions(10, rounds=5, samples=50, icc=0.5, targets={"default": 92.0}))
    assert present(one(made).spread).apart
    assert not present(one(made).beyond_rounds).apart
    assert made.overall[0].apart == 0
    assert "more than chance makes them" not in made.headline
    assert "may be alike" in spread_in_words(one(made))


def test_sessions_of_one_round_are_not_told_from_rounds() -> None:
    made = trend(made_up_sessions(9, between=0.05, rounds=1))
    assert (one(made).beyond_rounds, one(made).not_beyond_rounds) == (None, "one_round")
    assert present(one(made).spread).apart
    assert made.overall[0].beyond == "calls"
    assert "more than chance" not in made.headline
    assert "cannot be told without several rounds in each" in made.headline
    assert "single round" in spread_in_words(one(made))
    assert one(trend(SESSIONS[:2])).not_beyond_rounds == "few_sessions"


def _without_intervals_of_means(session: Session, *, keep_scatter: bool) -> Session:
    """As a summary of an earlier version can be, which did not state the error of a mean itself."""
    document = session.model_dump(mode="json")
    for cell in document["cells"]:
        for metric in cell["metrics"].values():
            metric |= {"mean_low": None, "mean_high": None, "mean_error": None}
            metric |= {} if keep_scatter else {"round_factor": None}
    return read_session(json.dumps(document).encode())


def test_sessions_whose_means_have_no_interval_are_judged_by_the_scatter_of_their_rounds() -> None:
    sessions = made_up_sessions(9, between=0.05, rounds=5, icc=0.3)
    whole = present(one(trend(sessions)).beyond_rounds)
    other = present(one(trend([_without_intervals_of_means(s, keep_scatter=True) for s in sessions])).beyond_rounds)
    # The factor of rounds is never below 1, so scatter may be taken for somewhat larger.
    assert 0.7 * whole.factor < other.factor <= 1.05 * whole.factor
    nothing = one(trend([_without_intervals_of_means(s, keep_scatter=False) for s in sessions]))
    assert (nothing.beyond_rounds, nothing.not_beyond_rounds) == (None, "unknown_scatter")
    assert "how its rounds scatter" in spread_in_words(nothing)


def test_the_next_session_is_expected_where_the_others_were() -> None:
    series = one(trend(SESSIONS))
    expected = present(series.next_session)
    medians = [point.median for point in series.points]
    assert present(expected.low) < min(medians) < max(medians) < present(expected.high)
    assert present(series.median.high) < present(expected.high)
    assert one(trend(SESSIONS[:2])).next_session is None


@pytest.mark.parametrize("number", [1, 2])
def test_with_fewer_than_three_sessions_it_is_said_what_is_missing(number: int) -> None:
    made = trend(SESSIONS[:number])
    assert all(series.spread is None and series.median.low is None for series in made.series)
    assert one(made).missing == (
        f"{number} session{'s' if number > 1 else ''} measured it; {3 - number} more needed to say how sessions differ"
    )
    assert any(f"{3 - number} more needed" in warning for warning in made.warnings)
    assert "so far" in made.headline


def test_a_session_with_a_single_call_tells_nothing_of_its_scatter() -> None:
    made = trend([*SESSIONS[:2], made_up_session(2, samples=1, rounds=1)])
    assert one(made).spread is None
    assert "1 more of a single call" in (one(made).missing or "")
    assert len(one(made).points) == 3


def test_what_was_measured_otherwise_is_kept_apart_and_said() -> None:
    others = [made_up_session(n, campaign={"cold": {"method": "burst", "concurrency": 2}}) for n in range(9, 13)]
    made = trend([*SESSIONS, *others])
    cold = [s for s in made.series if (s.target, s.kind, s.metric) == ("default", "cold", "startup_ms")]
    assert [len(series.points) for series in cold] == [9, 4]
    assert [made.conditions[series.conditions].settings for series in cold] == [
        {"cold.concurrency": "10"},
        {"cold.concurrency": "2"},
    ]
    # How cold starts were made says nothing about warm calls.
    assert len(one(made, kind="warm", metric="client_ms").points) == 13
    assert any("cold.concurrency is 10 in 9 sessions, 2 in 4 sessions" in warning for warning in made.warnings)


def test_more_samples_another_budget_or_another_seed_are_no_other_conditions() -> None:
    other = made_up_session(9, samples=40, rounds=4, campaign={"budget_usd": 3.0, "seed": 9, "comment": "again"})
    made = trend([*SESSIONS, other])
    assert len(one(made).points) == 10
    assert [conditions.settings for conditions in made.conditions] == [{}]


def test_a_target_that_joined_later_has_its_own_sessions() -> None:
    late = [made_up_session(n, targets={"default": 92.0, "size50": 95.0}) for n in range(9, 12)]
    made = trend([*SESSIONS, *late])
    assert len(one(made).points) == 12
    assert len(one(made, "pkg50").points) == 9
    assert [point.session for point in one(made, "size50").points] == [9, 10, 11]


def test_the_places_are_never_mixed_nor_are_names() -> None:
    emulated = made_up_session(1, platform="emulated")
    with pytest.raises(MixedCampaigns, match="platform: aws and emulated"):
        trend([SESSIONS[0], emulated])
    with pytest.raises(MixedCampaigns, match="name: nightly and weekly"):
        trend([SESSIONS[0], made_up_session(1, campaign={"name": "weekly"})])
    with pytest.raises(ValueError, match="none"):
        trend([])
    only = trend([emulated])
    assert only.note is not None
    assert only.headline.startswith("On this machine (emulated, not AWS), ")


def test_changes_of_functions_and_versions_are_marked_at_their_session() -> None:
    later = made_up_session(9, version="0.2.0")
    code = [r.model_copy(update={"targets": [f.model_copy(update={"code_sha256": "1" * 64}) for f in r.targets]}) for r in later.inventory]  # fmt: skip  # noqa: E501
    made = trend([*SESSIONS, later.model_copy(update={"inventory": code}), made_up_session(10, version="0.2.0")])
    assert [change.session for change in made.changes] == [9, 9, 9, 10, 10]
    assert made.changes[0].what == "Isotherm: 0.1.0 → 0.2.0"
    assert "code of default in us-east-1" in made.changes[1].what
    assert any("from session 10 on" in warning for warning in made.warnings)


def test_hours_are_those_of_the_timezone() -> None:
    made = trend(SESSIONS, timezone="Asia/Kolkata")
    utc, india = one(made).hours
    assert [hour.hour for hour in utc.hours] == [3, 9, 15, 21]
    assert [hour.hour for hour in india.hours] == [2, 8, 14, 20]
    assert [hour.sessions for hour in utc.hours] == [3, 2, 2, 2]
    assert utc.p_value == india.p_value


def test_an_hour_that_is_slower_every_day_is_found() -> None:
    made = trend(made_up_sessions(20, between=0.01, by_hour={15: 0.15}))
    (utc,) = one(made).hours
    assert utc.apart
    assert max(utc.hours, key=lambda hour: hour.median.value).hour == 15
    assert not one(trend(made_up_sessions(20, between=0.02))).hours[0].apart


def test_an_hour_is_not_told_from_a_session() -> None:
    made = trend(made_up_sessions(4))
    assert one(made).hours[0].p_value is None
    assert "two hours have two sessions" in (one(made).hours[0].missing or "")
    daily = trend(made_up_sessions(4, every=timedelta(days=1)))
    assert one(daily).hours[0].missing == "all sessions began in one hour of the day"


def test_a_drift_over_days_is_measured_in_days() -> None:
    drifting = [made_up_session(n, targets={"default": 92.0 + 2 * n}) for n in range(40)]  # every six hours
    made = trend(drifting)
    drift = present(one(made).drift)
    assert drift.slope == pytest.approx(8, rel=0.3)
    assert present(drift.low) > 0
    assert drift.apart
    assert (drift.days, drift.blocks) == (10, 5)
    drifts = [present(series.drift) for series in made.series]
    assert all(present(d.p_holm) >= present(d.p_value) for d in drifts)
    assert not any(present(series.drift).apart for series in trend(made_up_sessions(40, seed=2)).series)
    three_days = present(one(trend(drifting[:12])).drift)
    assert three_days.slope == pytest.approx(8, rel=0.3)
    assert (three_days.low, three_days.p_holm) == (None, None)
    assert one(trend(drifting[:4])).drift is None


def test_trends_of_earlier_versions_are_still_read() -> None:
    document = trend(SESSIONS).model_dump(mode="json")
    for series in document["series"]:
        del series["next_session"], series["not_beyond_rounds"]
        series["drift"] = {"n": 9, "slope": 1.0, "low": 0.5, "high": 1.5, "intercept": 90.0}
        del series["spread"]["relative_sd"], series["beyond_rounds"]["relative_sd"]
    for overall in document["overall"]:
        del overall["beyond"], overall["relative_sd"]
    read = Trend.model_validate_json(json.dumps(document))
    assert present(read.series[0].drift).p_holm is None
    assert not present(read.series[0].drift).apart
    assert read.overall[0].beyond == "calls"
    assert (read.series[0].next_session, read.series[0].not_beyond_rounds) == (None, None)


def test_sessions_that_overlap_last_long_or_failed_in_part_are_said() -> None:
    began = SESSIONS[0].created_at
    made = trend(
        [
            made_up_session(0, finished_at=(began + timedelta(hours=7)).isoformat()),
            made_up_session(1, lanes=[{"status": "failed"}, {"status": "succeeded"}]),
            made_up_session(2),
        ]
    )
    for words in ("nightly-001 during nightly-000", "1 session lasted more than an hour", "1 session had lanes"):
        assert any(words in warning for warning in made.warnings), words
    assert [held.lanes_failed for held in made.sessions] == [0, 1, 0]


def test_what_is_left_out_is_handed_on() -> None:
    out = LeftOut(campaign_id="nightly-x", reason="it is still running")
    assert trend(SESSIONS, left_out=[out]).left_out == [out]


def test_other_metrics_are_there_when_asked_for() -> None:
    assert {series.metric for series in trend(SESSIONS).series} == {"startup_ms", "client_ms"}
    assert {series.metric for series in trend(SESSIONS, metrics=["client_ms"]).series} == {"client_ms"}


def test_p_values_are_corrected_for_every_series() -> None:
    spreads = [series.spread for series in trend(SESSIONS).series]
    assert len(spreads) == 6
    assert all(s is not None and s.p_holm is not None and s.p_holm >= s.p_value for s in spreads)


def test_a_summary_is_a_session() -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=20, warm=20, rounds=2)
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    session = read_session(summary.model_dump_json().encode())
    assert session.name == "package-size"
    cells = {(cell.target, cell.kind): cell for cell in session.cells}
    start = cells["pkg50", "cold"].metrics["init_duration_ms"]
    known = next(c for c in summary.cells if (c.target, c.kind) == ("pkg50", "cold")).metrics["init_duration_ms"]
    assert (start.n, start.median, start.sd, start.rounds) == (known.n, known.median, known.sd, known.rounds)
    made = trend([session])
    assert {series.metric for series in made.series} == {"init_duration_ms", "client_ms"}


def test_sessions_of_other_versions_are_read_as_far_as_they_are_needed() -> None:
    document = SESSIONS[0].model_dump(mode="json")
    document |= {"format": 9, "something_new": [1, 2]}
    document["cells"][0] |= {"new_dimension": "x"}
    document["cells"][0]["metrics"]["startup_ms"] |= {"p99_99": 3.0}
    assert read_session(json.dumps(document).encode()) == SESSIONS[0]
    for broken, where in (({**document, "cells": None}, "cells"), ({"campaign_id": "x"}, "campaign")):
        with pytest.raises(UnreadableSession, match=where):
            read_session(json.dumps(broken).encode())
    with pytest.raises(UnreadableSession):
        read_session(b"<html>")
    naive = {**document, "created_at": "2026-11-01T03:00:00"}
    with pytest.raises(UnreadableSession, match="created_at"):
        read_session(json.dumps(naive).encode())
