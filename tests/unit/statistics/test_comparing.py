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
    change_name,
    compare_campaigns,
    no_used_samples,
    regressions,
    settings_that_differ,
    undecided,
)
from isotherm.measurement.sample import Sample

from .made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=60, warm=60, rounds=3)
FIRST = made_up_samples(PLAN, seed=1)
AGAIN = made_up_samples(PLAN, seed=1)


def side(name: str, samples: Sequence[Sample]) -> Side:
    return Side(name, samples, build_summary(PLAN, samples, made_up_lanes(PLAN)))


def slower(samples: Sequence[Sample], factor: float, which: Callable[[Sample], bool]) -> list[Sample]:
    return [replace(s, client_ms=(s.client_ms or 0) * factor) if which(s) else s for s in samples]


BEFORE = side("a", FIRST)


def test_a_campaign_does_not_differ_from_itself() -> None:
    found = compare_campaigns(BEFORE, BEFORE)
    assert found.settings == []
    assert len(found.changes) == 2 * (2 + 1)  # two targets, start and client time when cold, client time when warm
    assert all(change.result.shift == 0 and change.p_holm == 1 for change in found.changes)
    assert regressions(found, 0.0) == []
    assert undecided(found) == []


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1.12, 3))
def test_what_got_slower_is_found_with_its_size_and_nothing_else(factor: float) -> None:
    worse = slower(AGAIN, factor, lambda s: (s.target, s.kind) == ("pkg50", "warm"))
    found = compare_campaigns(BEFORE, side("b", worse))
    (change,) = regressions(found, 0.05)
    assert change_name(change) == "pkg50 in us-east-1, 128 MB, warm, client time"
    assert change.result.ratio == pytest.approx(factor)
    assert change.result.ratio_low is not None
    assert 1 < change.result.ratio_low < factor


def test_a_sure_but_small_change_is_no_regression_and_neither_is_a_gain() -> None:
    small = compare_campaigns(BEFORE, side("b", slower(AGAIN, 1.03, lambda _: True)))
    assert regressions(small, 0.05) == []
    faster = compare_campaigns(BEFORE, side("b", slower(AGAIN, 0.5, lambda _: True)))
    assert regressions(faster, 0.0) == []
    assert regressions(compare_campaigns(side("b", slower(AGAIN, 0.5, lambda _: True)), BEFORE), 0.05)


def test_chance_alone_seldom_fails_a_build() -> None:
    """Two campaigns of the same kind, thirty times: at 5 % none of them may be called a regression more than once."""
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=30, warm=30, rounds=1)
    failed = 0
    for seed in range(30):
        # Rounds share their luck in a campaign; it is taken out, as two campaigns on two days are another question.
        one, two = (
            [replace(s, client_ms=100 + (hash((seed, place, number)) % 1000) / 25) for number, s in enumerate(samples)]
            for place, samples in enumerate((made_up_samples(plan, seed=1), made_up_samples(plan, seed=1)))
        )
        failed += bool(regressions(compare_campaigns(Side("a", one, None), Side("b", two, None)), 0.05))
    assert failed <= 1


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
    assert regressions(found, 0.05) == []
    assert undecided(found) == [
        "pkg50 in us-east-1, 128 MB, cold: used samples only before",
        "pkg50 in us-east-1, 128 MB, warm: used samples only before",
    ]


def test_too_few_samples_are_undecided() -> None:
    few = [s for s in FIRST if s.index < 1 and s.round == 0]
    assert any(
        "too few samples for an interval" in text for text in undecided(compare_campaigns(BEFORE, side("b", few)))
    )
    assert undecided(compare_campaigns(Side("a", FIRST, None), Side("b", [], None)))


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

    from isotherm.cli.commands.compare import describe

    from .made_up_regions import SIX, clients_plan, remote, samples_of

    plan = clients_plan(clients=SIX[:3], warm=20)
    first, again = (Side(str(seed), samples_of(plan, remote(), seed=seed), None) for seed in (1, 2))
    found = compare_campaigns(first, again)
    assert len({change_name(change) for change in found.changes}) == len(found.changes) == 6
    assert all(change.client_region in change.result.sentence for change in found.changes if change.client_region)
    console = Console(width=120)
    with console.capture() as printed:
        for part in describe(found):
            console.print(part)
    text = printed.get()
    assert text.count(f"Warm calls, {SIX[0]}, 128 MB, get") == 1
    assert text.count(f"from {SIX[2]}") == 2
