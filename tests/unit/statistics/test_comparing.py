"""Two campaigns compared: real changes are found with their size, chance is not, and what differs is said first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.comparison import (
    Side,
    compare_campaigns,
    no_used_samples,
    regressions,
    settings_that_differ,
    undecided,
)
from isotherm.analysis.comparison_model import Scatter, SessionScatter
from isotherm.analysis.words.comparison import change_name
from isotherm.campaign.cell import CellKey, Kind, cell_key
from isotherm.measurement.sample import Sample

from .made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=60, warm=60, rounds=3)
FIRST = made_up_samples(PLAN, seed=1)
AGAIN = made_up_samples(PLAN, seed=1)
MEASURED: tuple[tuple[Kind, str], ...] = (("cold", "init_duration_ms"), ("cold", "client_ms"), ("warm", "client_ms"))
KNOWN = [
    (CellKey(target, "us-east-1", 128, kind), metric) for target in ("default", "pkg50") for kind, metric in MEASURED
]


def side(name: str, samples: Sequence[Sample]) -> Side:
    return Side(name, samples, build_summary(PLAN, samples, made_up_lanes(PLAN)))


def scatter(sd: float, sessions: int = 12) -> SessionScatter:
    """Sessions of the name differ by this share, as so many of them show."""
    return SessionScatter("package-size", sessions, {known: Scatter(sd, sessions) for known in KNOWN})


def slower(samples: Sequence[Sample], factor: float, which: Callable[[Sample], bool]) -> list[Sample]:
    return [
        replace(
            s,
            client_ms=(s.client_ms or 0) * factor,
            init_duration_ms=s.init_duration_ms and s.init_duration_ms * factor,
        )
        if which(s)
        else s
        for s in samples
    ]


BEFORE = side("a", FIRST)


def test_a_campaign_does_not_differ_from_itself() -> None:
    found = compare_campaigns(BEFORE, BEFORE, scatter(0.0), limit=1.0)
    assert found.settings == []
    assert [(cell_key(change), change.metric) for change in found.changes] == sorted(
        KNOWN, key=lambda known: (known[0].kind, known[0].target)
    )
    assert all(change.result.shift == 0 and change.p_holm == 1 for change in found.changes)
    assert {change.answer for change in found.changes} == {"not worse"}
    assert regressions(found) == []
    assert undecided(found) == []


def test_a_start_that_tripled_is_worse_and_one_session_each_cannot_tell_it() -> None:
    """It was passed once: p .012 in the table, and the gate asked another statistic."""
    after = side("b", slower(AGAIN, 3, lambda s: (s.target, s.kind) == ("pkg50", "cold")))
    alone = compare_campaigns(BEFORE, after)
    assert {(change.answer, change.why) for change in alone.changes} == {("undecided", "no_sessions")}
    assert not any(change.is_sure or change.result.ratio_low for change in alone.changes)
    assert undecided(alone) == [
        "one campaign each says nothing of how far campaigns differ anyway, and no other of the name package-size is "
        "known here"
    ]
    told = compare_campaigns(BEFORE, after, scatter(0.03))
    assert {(change.target, change.kind, change.metric) for change in regressions(told)} == {
        ("pkg50", "cold", "init_duration_ms"),
        ("pkg50", "cold", "client_ms"),
    }
    for change in told.changes:
        assert change.result.ratio_low is not None
        assert change.result.ratio_high is not None
        assert change.is_sure == (not change.result.ratio_low <= 1 <= change.result.ratio_high)
        assert (change.answer == "worse") == (change.is_sure and (change.result.ratio or 1) > 1.05)


@pytest.mark.parametrize(
    ("sd", "sessions", "factor", "limit", "answer"),
    [
        (0.005, 12, 1.3, 0.05, "worse"),
        (0.005, 12, 1.3, 0.40, "not worse"),
        (0.10, 12, 1.3, 0.05, "undecided"),  # sessions differ by as much
        (0.03, 3, 1.3, 0.05, "undecided"),  # three sessions know little of how far they differ
        (0.0, 12, 0.5, 0.0, "not worse"),
    ],
)
def test_the_answer_depends_on_how_far_sessions_differ(
    sd: float, sessions: int, factor: float, limit: float, answer: str
) -> None:
    after = side("b", slower(AGAIN, factor, lambda s: (s.target, s.kind) == ("pkg50", "warm")))
    found = compare_campaigns(BEFORE, after, scatter(sd, sessions), limit=limit)
    (change,) = [change for change in found.changes if (change.target, change.kind) == ("pkg50", "warm")]
    assert change.result.ratio == pytest.approx(factor)
    assert change.answer == answer
    assert change.why == ("scatter" if answer == "undecided" else None)
    if answer == "undecided":
        assert any("sessions differ by" in said for said in undecided(found))


@settings(max_examples=40, deadline=None)
@given(
    factors=st.lists(st.floats(0.8, 1.3), min_size=4, max_size=4),
    sd=st.floats(0, 0.05),
    limit=st.floats(0, 0.2),
)
def test_table_and_gate_ask_one_statistic(factors: list[float], sd: float, limit: float) -> None:
    """For any changes: an interval excludes 1 where the corrected p is below 0.05, and only then is anything worse."""
    samples = AGAIN
    for (key, _), factor in zip([KNOWN[0], KNOWN[2], KNOWN[3], KNOWN[5]], factors, strict=True):
        samples = slower(samples, factor, lambda s, key=key: cell_key(s) == key)  # type: ignore[misc]
    found = compare_campaigns(BEFORE, Side("b", samples, BEFORE.summary), scatter(sd), limit=limit)
    for change in found.changes:
        low, high, most = change.result.ratio_low, change.result.ratio_high, change.result.ratio_at_most
        assert low is not None
        assert high is not None
        assert most is not None
        assert change.is_sure == (not low <= 1 <= high)
        assert (change.answer == "worse") == (low > 1 and (change.result.ratio or 0) > 1 + limit)
        assert (change.answer == "not worse") == (most <= 1 + limit)
    assert len(regressions(found)) == sum(change.answer == "worse" for change in found.changes)
    assert bool(undecided(found)) == any(change.answer == "undecided" for change in found.changes)


def test_what_is_missing_is_said() -> None:
    nameless = compare_campaigns(Side("a", FIRST, None), BEFORE, scatter(0.01))
    assert "without the summary.json of both their name is not known" in undecided(nameless)[0]
    few = compare_campaigns(BEFORE, BEFORE, scatter(0.01, 2))
    assert "2 sessions of package-size besides B are too few: 3 are needed" in undecided(few)[0]
    known = {key: found for key, found in scatter(0.01).of.items() if key[0].kind == "warm"}
    some = compare_campaigns(BEFORE, BEFORE, SessionScatter("package-size", 12, known))
    assert undecided(some)[0] == (
        "default in us-east-1, 128 MB, cold, start-up: 0 sessions of package-size measured it as A did, 3 are needed"
    )
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=20, warm=20, rounds=2)
    short = Side("short", made_up_samples(plan), BEFORE.summary)
    assert (
        "default in us-east-1, 128 MB, warm, client time: 3 rounds of 3 samples are needed on each side; A has 3 of "
        "these, B has 2"
    ) in undecided(compare_campaigns(BEFORE, short, scatter(0.01)))
    zero = Side("zero", [replace(s, client_ms=0.0) for s in FIRST], BEFORE.summary)
    assert "a median of 0 ms or less has no ratio" in " ".join(
        undecided(compare_campaigns(BEFORE, zero, scatter(0.01)))
    )


def test_settings_that_differ_are_named_with_both_values() -> None:
    other_plan = made_up_plan(targets=("default", "pkg20"), regions=("us-east-1",), cold=30, warm=60, rounds=3)
    samples = made_up_samples(other_plan)
    other = Side("b", samples, build_summary(other_plan, samples, made_up_lanes(other_plan)))
    differing = {d.setting: (d.before, d.after) for d in settings_that_differ(BEFORE, other)}

    assert differing["targets"] == ("default, pkg50", "default, pkg20")
    assert differing["cold.samples"] == ("60", "30")
    assert differing["pkg50 in us-east-1: archive"] == ("44,100,000 bytes", None)
    assert differing["pkg20 in us-east-1: archive"] == (None, "22,700,000 bytes")
    assert "warm.samples" not in differing
    found = compare_campaigns(BEFORE, other)
    assert {change.target for change in found.changes} == {"default"}
    assert found.only_before == ["pkg50 in us-east-1, 128 MB, cold", "pkg50 in us-east-1, 128 MB, warm"]
    assert found.only_after == ["pkg20 in us-east-1, 128 MB, cold", "pkg20 in us-east-1, 128 MB, warm"]


def test_a_cell_that_vanished_cannot_pass_as_no_regression() -> None:
    after = side("b", [s for s in AGAIN if s.target != "pkg50"])
    found = compare_campaigns(BEFORE, after)
    assert regressions(found) == []
    assert undecided(found)[:2] == [
        "pkg50 in us-east-1, 128 MB, cold: used samples only before",
        "pkg50 in us-east-1, 128 MB, warm: used samples only before",
    ]


def test_nothing_in_common_is_undecided() -> None:
    assert undecided(compare_campaigns(Side("a", [], None), Side("b", [], None))) == ["the two have nothing in common"]


def test_samples_that_are_not_used_are_not_compared_and_their_lack_is_explained() -> None:
    contested = [replace(s, verdict="contested") for s in FIRST]
    assert no_used_samples(BEFORE) is None
    assert (
        no_used_samples(side("b", contested))
        == f"b has no used samples: {len(FIRST)} samples, all contested; run it again"
    )
    lanes = made_up_lanes(PLAN, {next(iter(PLAN.lanes)): "no such function"})
    said = no_used_samples(Side("c", [], build_summary(PLAN, [], lanes)))
    assert said is not None
    assert "0 samples; 1 lane failed, the first for: no such function" in said


def test_on_the_embedded_stack_starts_are_the_probes() -> None:
    plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=20, warm=20, platform="emulated")
    samples = made_up_samples(plan)
    other = Side("b", samples, build_summary(plan, samples, made_up_lanes(plan)))
    metrics = {(c.kind, c.metric) for c in compare_campaigns(other, other).changes}
    assert metrics == {("cold", "startup_ms"), ("cold", "client_ms"), ("warm", "client_ms")}
    mixed = compare_campaigns(BEFORE, other)
    assert ("cold", "startup_ms") in {(c.kind, c.metric) for c in mixed.changes}
    assert mixed.settings[0].setting == "platform"


def test_cells_are_told_apart_by_how_they_were_called() -> None:
    from rich.console import Console

    from isotherm.report.terminal.comparison import comparison_tables

    from .made_up_regions import SIX, clients_plan, remote, samples_of

    plan = clients_plan(clients=SIX[:3], warm=20)
    first, again = (Side(str(seed), samples_of(plan, remote(), seed=seed), None) for seed in (1, 2))
    found = compare_campaigns(first, again)
    assert len({change_name(change) for change in found.changes}) == len(found.changes) == 6
    assert all(change.client_region in change.sentence for change in found.changes if change.client_region)
    console = Console(width=140)
    with console.capture() as printed:
        for part in comparison_tables(found):
            console.print(part)
    text = printed.get()
    assert text.count(f"Warm calls, {SIX[0]}, 128 MB, get") == 1
    assert text.count(f"from {SIX[2]}") == 2
