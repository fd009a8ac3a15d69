"""Shots, probes and reports become samples; nothing is lost, and coldness is what the witnesses agree on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.campaign.cell import Kind
from isotherm.campaign.lane import Burst, CallProtocol, Lane, Step
from isotherm.measurement.probe import Probe, probe_lines
from isotherm.measurement.sample import Report, Sample, StepContext, join
from isotherm.measurement.shot import Outcome, Shot
from unit.present import present

STEP = Step(
    step=0,
    memory_mb=None,
    cold_method="burst",
    bursts=[Burst(burst=0, shots=20)],
    warm_shots=20,
    warm_concurrency=1,
    prime_shots=1,
)
LANE = Lane(
    key="r00-default-us-east-1",
    target="default",
    region="us-east-1",
    round=0,
    function_name="isotherm-target_default",
    steps=[STEP],
    client_region="us-east-1",
)
CONTEXT = StepContext("c", LANE, STEP, emulated=False)


def shot(number: int = 0, kind: Kind = "cold", outcome: Outcome = "answered", **fields: Any) -> Shot:
    values = {
        "shot_id": f"s{number}",
        "kind": kind,
        "step": 0,
        "burst": 0,
        "index": number,
        "version": "1",
        "memory_mb": 128,
        "concurrency": 1,
        "sent_at_ms": 1000.0,
        "client_ms": 400.0,
        "outcome": outcome,
        "request_id": f"q{number}",
    }
    return Shot(**{**values, **fields})


def probe(number: int = 0, index: int = 0, hold_ms: float = 0.0, gap_ms: float = 1.0) -> Probe:
    return Probe(f"s{number}", f"q{number}", "env", index, 1000.0, 1050.0, 100.0, 1150.0 + gap_ms, 2.0, hold_ms)


def report(number: int = 0, init_duration_ms: float | None = 150.0, duration_ms: float = 3.0) -> Report:
    return Report(f"q{number}", duration_ms, 154, init_duration_ms, None, 128, 40, None)


def joined(
    a_shot: Shot, a_probe: Probe | None = None, a_report: Report | None = None, context: StepContext = CONTEXT
) -> Sample:
    probes = {present(a_probe.shot_id): a_probe} if a_probe else {}
    reports = {a_report.request_id: a_report} if a_report else {}
    return join(context, [a_shot], probes, reports)[0]


@pytest.mark.parametrize(
    ("kind", "index", "init_ms", "verdict", "temperature"),
    [
        ("cold", 0, 150.0, "used", "cold"),
        ("warm", 3, None, "used", "warm"),
        ("cold", 3, 150.0, "contested", "contested"),
        ("warm", 0, None, "contested", "contested"),
        ("cold", 3, None, "unexpected", "warm"),
        ("warm", 0, 150.0, "unexpected", "cold"),
        ("prime", 0, 150.0, "primed", "cold"),
    ],
)
def test_a_sample_is_used_where_both_witnesses_prove_what_was_asked_for(
    kind: Kind, index: int, init_ms: float | None, verdict: str, temperature: str
) -> None:
    sample = joined(shot(kind=kind), probe(index=index), report(init_duration_ms=init_ms))
    assert (sample.verdict, sample.temperature) == (verdict, temperature)


def test_an_init_duration_of_zero_is_one() -> None:
    assert joined(shot(), probe(), report(init_duration_ms=0.0)).platform_cold is True


def test_without_any_witness_a_sample_is_not_used() -> None:
    assert joined(shot()).verdict == "unwitnessed"


def test_the_embedded_stacks_reports_bear_no_witness() -> None:
    sample = joined(shot(), probe(), report(init_duration_ms=None), replace(CONTEXT, emulated=True))
    assert sample.platform_cold is None
    assert sample.verdict == "used"


def test_an_environment_made_before_its_request_is_proactive() -> None:
    assert joined(shot(), probe(gap_ms=60_000.0), report()).verdict == "proactive"


def test_the_hold_is_no_latency() -> None:
    sample = joined(shot(client_ms=1400.0), probe(hold_ms=1000.0), report(duration_ms=1003.0))
    assert sample.client_ms == pytest.approx(400.0)
    assert sample.duration_ms is None
    assert sample.work_ms == 2.0
    assert sample.overhead_ms == pytest.approx(400.0 - 150.0 - 3.0)


@pytest.mark.parametrize(
    ("kind", "concurrency", "protocol", "hold_ms", "held"),
    [
        ("cold", 8, "invoke", 300.0, True),
        ("cold", 8, "invoke", 0.0, True),  # too late to be held, and so one of the slow ones
        ("cold", 1, "invoke", 0.0, False),
        ("cold", 8, "http", 0.0, False),
        ("warm", 8, "invoke", 0.0, False),
    ],
)
def test_no_call_of_a_held_burst_has_a_duration_but_all_have_their_price(
    kind: Kind, concurrency: int, protocol: CallProtocol, hold_ms: float, held: bool
) -> None:
    context = replace(CONTEXT, step=replace(STEP, protocol=protocol))
    made = shot(kind=kind, concurrency=concurrency)
    platform = replace(report(duration_ms=303.0), billed_duration_ms=454.0)
    sample = joined(made, probe(hold_ms=hold_ms), platform, context)
    durations = (sample.duration_ms, sample.billed_duration_ms, sample.billed_with_hold_ms)
    assert durations == ((None, None, 454.0) if held else (303.0, 454.0, None))
    assert sample.billed_ms == 454.0


def test_the_request_id_that_the_function_saw_finds_the_report() -> None:
    sample = joined(shot(request_id="the client's own"), probe(), report())
    assert sample.report_found
    assert sample.request_id == "q0"


def test_a_burst_is_labelled_burst_and_a_lone_fresh_version_forced() -> None:
    isolated = replace(CONTEXT, step=replace(STEP, cold_method="isolated"))
    assert joined(shot()).coldness == "burst"
    assert joined(shot(), context=isolated).coldness == "forced"
    assert joined(shot(kind="warm")).coldness is None


@given(st.lists(st.integers(0, 20)), st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_every_shot_becomes_one_sample_however_often_it_is_delivered(
    numbers: list[int], probed: set[int], reported: set[int]
) -> None:
    shots = [shot(number) for number in numbers]
    probes = {f"s{number}": probe(number) for number in probed}
    reports = {f"q{number}": report(number) for number in reported}
    samples = join(CONTEXT, shots, probes, reports)
    assert [sample.shot_id for sample in samples] == list(dict.fromkeys(one.shot_id for one in shots))
    for sample in samples:
        assert sample.probe_found == (int(sample.shot_id[1:]) in probed)
        assert sample.report_found == (int(sample.shot_id[1:]) in reported)
    assert join(CONTEXT, shots + shots, probes, reports) == samples


def line(one: Probe) -> str:
    return json.dumps({"isotherm_probe": 1, **asdict(one)})


def test_probe_lines_are_found_among_others_and_cut_ones_are_passed_over() -> None:
    whole = line(probe(1))
    text = (
        f'START RequestId: q\n{line(probe(0))}\n2026-01-01T00:00:00Z {whole}\n{{"isotherm_probe": 1}}\n{whole[:40]}\n'
    )
    assert probe_lines(text) == [probe(0), probe(1)]


@given(st.text())
def test_any_text_is_read_without_a_fault(text: str) -> None:
    assert probe_lines(text + '"isotherm_probe"{') == []


def test_a_restored_snapshot_is_cold_and_its_age_is_no_start_up() -> None:
    restored = Report("q0", 3.0, 30, None, 250.0, 128, 40, None)
    sample = joined(shot(), probe(gap_ms=3_600_000.0), restored)
    assert (sample.verdict, sample.temperature) == ("used", "cold")
    assert sample.startup_ms is None
    assert sample.import_ms is None


@pytest.mark.parametrize("answered_by", ["e/\u00b2", "e/" + "9" * 5000, "e/-1", "/1", "e"])
def test_a_header_that_tells_no_invocation_tells_nothing(answered_by: str) -> None:
    assert joined(shot(answered_by=answered_by)).verdict == "unwitnessed"
