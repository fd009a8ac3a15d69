"""Every shot ends in exactly one account, whatever the order and however often it is delivered."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotherm.analysis.accounting import Sent, account, distinct, imbalances, planned_shots, total
from isotherm.analysis.summary import Accounting
from isotherm.analysis.words.accounting import imbalance_in_words
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample, Verdict
from isotherm.measurement.shot import Outcome

from .made_up import made_up_plan, made_up_samples

PLAN = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=6, warm=4, rounds=2, concurrency=2)
ALL = made_up_samples(PLAN)


@st.composite
def happened(draw: st.DrawFn) -> list[Sample]:
    """Some of the plan's shots, each ended in any way that a shot can end."""
    fired = draw(st.lists(st.sampled_from(ALL), unique=True, max_size=len(ALL)))
    return [draw(endings(sample)) for sample in fired]


@st.composite
def endings(draw: st.DrawFn, sample: Sample) -> Sample:
    """One of the ways in which the shot of a sample may have ended."""
    outcome: Outcome = draw(st.sampled_from(get_args(Outcome)))
    verdict: Verdict
    if outcome != "answered":
        verdict = "failed"
    elif sample.kind == "prime":
        verdict = "primed"
    else:
        verdict = draw(st.sampled_from([other for other in get_args(Verdict) if other not in ("failed", "primed")]))
    ran = outcome not in ("throttled", "client_error")
    return replace(sample, outcome=outcome, verdict=verdict, report_found=ran and draw(st.booleans()))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(samples=happened(), data=st.data())
def test_every_shot_ends_in_exactly_one_account(samples: list[Sample], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(samples), max_size=10)) if samples else []
    delivered = data.draw(st.permutations(samples + repeats))

    accounts = account(PLAN, delivered)
    whole = total(accounts.values())

    assert [line for entry in accounts.values() for line in imbalances(entry)] == []
    assert imbalances(whole) == []
    assert whole.planned == len(ALL)
    assert whole.issued == len(samples)
    assert whole.duplicates == len(repeats)
    assert whole.not_issued == len(ALL) - len(samples)
    for verdict in ("used", "contested", "unexpected", "proactive", "unwitnessed", "primed", "unusable"):
        assert getattr(whole, verdict) == sum(s.verdict == verdict for s in samples)
    assert whole.report_found == sum(s.report_found is True for s in samples)
    never_ran = [s for s in samples if s.outcome in ("throttled", "client_error")]
    assert whole.report_not_due == len(never_ran)
    assert whole.report_missing == sum(not s.report_found for s in samples) - len(never_ran)
    for outcome, field in (("timeout", "timeouts"), ("throttled", "throttles"), ("client_error", "client_errors")):
        assert getattr(whole, field) == sum(s.outcome == outcome for s in samples)


@settings(deadline=None)
@given(samples=happened(), data=st.data())
def test_order_and_repetition_change_nothing_but_the_duplicates(samples: list[Sample], data: st.DataObject) -> None:
    again = data.draw(st.permutations(samples * 3))

    once, thrice = account(PLAN, samples), account(PLAN, again)

    assert distinct(again)[0] == distinct(samples)[0]
    assert {k: replace(v, duplicates=0) for k, v in thrice.items()} == once
    assert total(thrice.values()).duplicates == 2 * len(samples)


def test_of_two_looks_at_a_shot_the_better_informed_one_is_kept() -> None:
    late = ALL[0]
    early = replace(late, report_found=False, init_duration_ms=None, verdict="unwitnessed")
    for delivered in ([early, late], [late, early], [late, early, early]):
        kept, repeats = distinct(delivered)
        assert kept == [late]
        assert repeats == {cell_key(late): len(delivered) - 1}


def test_planned_shots_are_booked_under_the_deployed_memory() -> None:
    planned = planned_shots(PLAN)

    assert planned[CellKey("default", "us-east-1", 128, "cold")] == 6
    assert planned[CellKey("default", "us-east-1", 128, "warm")] == 4
    assert planned[CellKey("default", "us-east-1", 128, "prime")] == 2
    assert sum(planned.values()) == len(ALL)


def said(entry: Accounting) -> list[str]:
    return [imbalance_in_words(found) for found in imbalances(entry)]


def test_more_issued_than_planned_is_an_imbalance() -> None:
    surplus = replace(ALL[0], shot_id="not of the plan")
    stranger = replace(ALL[0], shot_id="a stranger", target="nobody-asked")
    accounts = account(PLAN, [*ALL, surplus, stranger])

    assert said(accounts[cell_key(surplus)]) == ["planned 6 is not issued 7 + uncollected 0 + not issued 0 + spared 0"]
    assert said(accounts[cell_key(stranger)]) == ["planned 0 is not issued 1 + uncollected 0 + not issued 0 + spared 0"]
    assert imbalances(total(accounts.values()))


@pytest.mark.parametrize(
    ("field", "start"),
    [
        ("planned", "planned 1 "),
        ("issued", "planned 0 "),
        ("sent", "sent 1 "),
        ("uncollected", "planned 0 "),
        ("answered", "issued 0 "),
        ("timeouts", "failed 0 "),
        ("report_missing", "issued 0 "),
        ("contested", "answered 0 "),
        ("primed", "answered 0 "),
    ],
)
def test_each_identity_can_fail(field: str, start: str) -> None:
    entry = Accounting(**{**asdict(Accounting(sent=0, uncollected=0)), field: 1})

    assert imbalances(Accounting()) == imbalances(Accounting(sent=0, uncollected=0)) == []
    assert said(entry)[0].startswith(start)


def test_every_account_is_called_by_its_name() -> None:
    names = [name for name in asdict(Accounting()) if name not in ("duplicates", "cold_verified", "retried_throttles")]
    broken = [Accounting(**{**asdict(Accounting(sent=0, uncollected=0)), name: 1}) for name in names]
    words = " ".join(line for entry in broken for line in said(entry))
    for name in names:
        spoken = name.replace("report_", "reports_").replace("_", " ")
        assert f"{spoken} 1" in words, name


def test_a_verdict_that_does_not_fit_its_outcome_shows() -> None:
    odd = replace(ALL[0], outcome="answered", verdict="failed")
    assert said(total(account(PLAN, [odd]).values())) == [
        "answered 1 is not used 0 + contested 0 + unexpected 0 + proactive 0 + unwitnessed 0 + primed 0 + unusable 0"
    ]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(samples=happened(), spared=st.sets(st.sampled_from(sorted(PLAN.lanes))))
def test_what_was_spared_is_neither_missing_nor_issued(samples: list[Sample], spared: set[str]) -> None:
    ran = [sample for sample in samples if sample.lane not in spared]
    accounts = account(PLAN, ran, spared)
    whole = total(accounts.values())

    assert [line for entry in accounts.values() for line in imbalances(entry)] == []
    assert whole.spared == sum(sample.lane in spared for sample in ALL)
    assert whole.not_issued == len(ALL) - whole.spared - len(ran)


def test_a_call_of_a_lane_that_was_spared_is_an_imbalance() -> None:
    accounts = account(PLAN, ALL, [ALL[0].lane])

    assert said(accounts[cell_key(ALL[0])]) == ["planned 6 is not issued 6 + uncollected 0 + not issued 0 + spared 3"]


def test_what_was_sent_and_has_no_sample_is_uncollected_and_the_rest_was_not_issued() -> None:
    place = (ALL[0].lane, ALL[0].step)
    ours = [sample for sample in ALL if (sample.lane, sample.step) == place]
    counted = Counter[str](sample.kind for sample in ours)
    there = [sample for sample in ours if sample.kind != "cold"]
    whole = total(account(PLAN, there, sent=Sent({place: dict(counted)})).values())
    assert (whole.sent, whole.issued, whole.uncollected) == (len(ours), len(there), counted["cold"])
    assert whole.not_issued == len(ALL) - len(ours)
    assert imbalances(whole) == []


def test_a_sample_that_nobody_said_to_have_sent_is_an_imbalance_and_hides_no_other_step_s_loss() -> None:
    kind = ALL[0].kind
    one = (ALL[0].lane, ALL[0].step)
    other = next((s.lane, s.step) for s in ALL if cell_key(s) == cell_key(ALL[0]) and s.lane != one[0])
    there = [sample for sample in ALL if (sample.lane, sample.step, sample.kind) == (*one, kind)]
    entry = account(PLAN, there, sent=Sent({other: {kind: len(there)}}))[cell_key(ALL[0])]
    assert (entry.uncollected, entry.not_issued) == (len(there), 0)
    assert said(entry) == [f"sent {len(there)} is not issued {len(there)} + uncollected {len(there)}"]


def test_of_a_step_with_shots_that_nobody_announced_nothing_is_said_not_to_have_been_sent() -> None:
    place = (ALL[0].lane, ALL[0].step)
    ours = sum((sample.lane, sample.step) == place for sample in ALL)
    whole = total(account(PLAN, [], sent=Sent({}, [place])).values())
    assert (whole.uncollected, whole.not_issued) == (ours, len(ALL) - ours)
    assert said(whole) == [f"sent 0 is not issued 0 + uncollected {ours}"]
