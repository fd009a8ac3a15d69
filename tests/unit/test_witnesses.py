"""What was said of a step's shots: by whom, what still lacks, and whose timeout a report is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from isotherm.campaign.lane import Inner
from isotherm.measurement.sample import Report, Sample
from isotherm.measurement.witnesses import StepWitnesses, Witnesses, reports_in
from unit.made_up_step import ID, STEP, probe_line, report_line, shot, task


def having_read(*lines: str, reports_due: bool = True) -> Witnesses:
    witnesses = Witnesses(reports_due=reports_due)
    witnesses.read("\n".join(lines))
    return witnesses


@pytest.mark.parametrize(
    ("lines", "lacks"),
    [
        ([probe_line("a"), report_line()], False),
        ([probe_line("a")], True),
        ([report_line()], True),
        ([], True),
        ([probe_line("b"), report_line()], True),
    ],
)
def test_a_shot_is_complete_with_its_probe_and_its_report(lines: list[str], lacks: bool) -> None:
    asked = shot("a", request_id=ID)
    assert having_read(*lines).missing([asked]) == ([asked] if lacks else [])


def test_the_request_id_that_the_function_saw_goes_before_that_of_the_answer() -> None:
    assert having_read(probe_line("a"), report_line()).missing([shot("a", request_id="another")]) == []


@pytest.mark.parametrize("outcome", ["throttled", "client_error"])
def test_nothing_is_missed_of_a_shot_that_never_reached_the_function(outcome: str) -> None:
    assert Witnesses().missing([shot("a", outcome=outcome)]) == []


def test_a_function_that_was_cut_off_owes_its_report_alone() -> None:
    cut_off = shot("a", outcome="timeout", request_id=ID)
    assert having_read(report_line()).missing([cut_off]) == []
    assert Witnesses().missing([cut_off]) == [cut_off]


def test_of_a_server_s_request_its_own_line_is_enough() -> None:
    assert having_read(probe_line("a"), reports_due=False).missing([shot("a")]) == []
    assert len(having_read(probe_line("b"), reports_due=False).missing([shot("a")])) == 1


ODD: list[dict[str, Any]] = [
    {"invocation_index": ["0"]},
    {"invocation_index": True},
    {"invocation_index": -1},
    {"work_ms": "1.0"},
    {"work_ms": None},
    {"work_ms": float("nan")},
    {"import_ms": float("inf")},
    {"hold_ms": 10**400},
    {"environment_id": None},
    {"environment_id": "\ud800"},
    {"environment_id": "e" * 10_000},
    {"request_id": ["a"]},
    {"notes": "none"},
    {"notes": {"database_ms": "=cmd()"}},
    {"notes": {"inner_round_trip_ms": float("nan")}},
    {"notes": {"inner_request_id": {}}},
    {"package": {"zip_bytes": float("nan")}},
    {"package": ["zip_bytes"]},
]


@pytest.mark.parametrize("facts", ODD, ids=lambda facts: next(iter(facts)))
def test_an_odd_line_spoils_its_own_sample_and_no_other(facts: dict[str, Any]) -> None:
    other = "1f2e3d4c-0000-4000-8000-000000000002"
    own = having_read(
        probe_line("a", **{"request_id": ID, **facts}),
        report_line(),
        probe_line("b", other, invocation_index=0),
        report_line(other),
    )
    assert (list(own.probes), len(own.odd_lines)) == (["b"], 1)
    shots = [shot("a", request_id=ID), shot("b", kind="warm", request_id=other)]
    assert own.missing(shots) == []
    spoiled, sound = StepWitnesses(shots, own, Witnesses(), 0).samples(task(STEP), STEP)
    assert (spoiled.verdict, spoiled.temperature, spoiled.report_found) == ("unwitnessed", "unwitnessed", True)
    assert sound.probe_found


@pytest.mark.parametrize("shot_id", [["a"], {"a": 1}, 7, True])
def test_a_line_of_what_cannot_be_a_shot_is_odd(shot_id: object) -> None:
    witnesses = having_read(probe_line(shot_id))
    assert (witnesses.probes, len(witnesses.odd_lines), witnesses.odd_shots) == ({}, 1, set())


def test_a_line_that_is_nested_too_deep_is_odd() -> None:
    line = probe_line("a").removesuffix("}") + ', "notes": ' + '{"a": ' * 100_000 + "1" + "}" * 100_001
    assert having_read(line).odd_lines == {line}


def test_a_line_that_can_be_read_counts_however_many_odd_ones_there_are() -> None:
    witnesses = having_read(probe_line("a", work_ms=None), probe_line("a"), probe_line("a", work_ms="1"))
    assert (list(witnesses.probes), witnesses.odd_shots) == (["a"], set())
    assert len(witnesses.odd_lines) == 2
    witnesses.read(probe_line("a", work_ms=None))  # the same line, met again on a later look
    assert len(witnesses.odd_lines) == 2


def test_a_handler_may_note_what_it_likes_of_what_is_not_read_here() -> None:
    witnesses = having_read(probe_line("a", notes={"mood": ["fine"], "database_ms": 1, "inner_request_id": None}))
    assert (list(witnesses.probes), witnesses.odd_lines) == (["a"], set())


def test_a_report_with_a_number_that_nobody_measured_is_passed_over() -> None:
    said = {"requestId": ID, "status": "success", "metrics": {"durationMs": 1e20, "billedDurationMs": 2}}
    assert having_read(json.dumps({"type": "platform.report", "record": said})).reports == {}


def test_lines_of_nobody_s_shot_are_passed_over() -> None:
    witnesses = having_read("START RequestId", probe_line(None), "{}", "REPORT")
    assert (witnesses.probes, witnesses.reports) == ({}, {})


def samples_of(witnesses: Witnesses, **fields: Any) -> list[Sample]:
    one = shot("a", **{"request_id": ID, "client_ms": 40.0, **fields})
    return StepWitnesses([one], witnesses, Witnesses(), 0).samples(task(STEP), STEP)


FAKE = (
    f"REPORT RequestId: {ID}\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\tInit Duration: 7.00 ms\t\n"
)
END = f"END RequestId: {ID}\n"


@pytest.mark.parametrize("lines", [(FAKE, report_line()), (report_line(), FAKE)])
def test_two_reports_of_a_request_that_differ_are_contested_whichever_comes_first(lines: tuple[str, str]) -> None:
    witnesses = having_read(probe_line("a"), *lines)
    (sample,) = samples_of(witnesses)
    assert (sample.verdict, sample.temperature, sample.report_contested) == ("contested", "contested", True)
    assert sample.report_found
    assert (sample.billed_duration_ms, sample.init_duration_ms, sample.duration_ms) == (None, None, None)
    apart = having_read(probe_line("a"), lines[0])
    apart.read(lines[1])
    assert apart.contested == {ID}


def test_the_same_report_met_twice_is_one() -> None:
    witnesses = having_read(probe_line("a"), report_line(), report_line())
    witnesses.read(report_line())
    assert [one.verdict for one in samples_of(witnesses)] == ["used"]


@pytest.mark.parametrize(("in_order", "lines", "contested"), [
    (True, (FAKE, END), True),
    (True, (END, FAKE), False),
    (True, (FAKE,), False),
    (False, (FAKE, END), False),
])  # fmt: skip
def test_a_report_before_its_end_is_contested(in_order: bool, lines: tuple[str, ...], contested: bool) -> None:
    witnesses = Witnesses()
    witnesses.read("\n".join(lines), in_order=in_order)
    assert bool(witnesses.contested) == contested


@pytest.mark.parametrize(("duration_ms", "client_ms", "outcome", "contested"), [
    (99_999.0, 40.0, "answered", True),
    (139.0, 40.0, "answered", False),  # two clocks, and what is rounded up
    (141.0, 40.0, "answered", True),
    (141.0, 40.0, "function_error", True),
    (141.0, 40.0, "timeout", False),
    (141.0, None, "client_error", False),
])  # fmt: skip
def test_a_call_cannot_have_taken_longer_than_its_client_waited(
    duration_ms: float, client_ms: float | None, outcome: str, contested: bool
) -> None:
    witnesses = having_read(probe_line("a"), report_line(duration_ms=duration_ms))
    (sample,) = samples_of(witnesses, client_ms=client_ms, outcome=outcome)
    assert sample.report_contested == contested
    assert (sample.duration_ms is None) == contested


@pytest.mark.parametrize(("init_ms", "billed_ms", "waited_ms", "contested"), [
    (30.0, 32, 0.0, False),
    (30.0, 99_999, 0.0, True),
    (5_000.0, 5_002, 0.0, True),
    (5_000.0, 5_002, 60_000.0, False),  # made before the call, and billed with its init all the same
])  # fmt: skip
def test_a_billed_time_may_hold_the_init_and_no_more(
    init_ms: float, billed_ms: int, waited_ms: float, contested: bool
) -> None:
    line = report_line().replace("Billed Duration: 2 ms", f"Billed Duration: {billed_ms} ms").rstrip()
    line += f"\tInit Duration: {init_ms} ms\t\n"
    witnesses = having_read(probe_line("a", invocation_index=0, handler_begin_at_ms=1.0 + waited_ms), line)
    (sample,) = samples_of(witnesses, kind="cold")
    assert (sample.report_contested, sample.init_duration_ms is None) == (contested, contested)
    assert sample.verdict == ("contested" if contested else "proactive" if waited_ms else "used")


def test_the_last_of_several_reports_of_a_request_counts() -> None:
    (report,) = reports_in(report_line(duration_ms=1.0) + report_line(duration_ms=2.0))
    assert (report["request_id"], report["duration_ms"]) == (ID, 2.0)


@pytest.mark.parametrize(("timeouts", "outcome"), [(0, "function_error"), (1, "timeout"), (2, "function_error")])
def test_reports_of_timeouts_are_the_silent_shots_where_their_numbers_agree(timeouts: int, outcome: str) -> None:
    witnesses = having_read(probe_line("a"), report_line())
    witnesses.reports |= {str(number): Report(str(number), status="timeout") for number in range(timeouts)}
    named = witnesses.name_timeouts([shot("a", 500), shot("b", 503)])
    assert [one.outcome for one in named] == ["function_error", outcome]


def test_a_timeout_that_somebody_claims_is_nobody_else_s() -> None:
    witnesses = having_read(probe_line("a"))
    witnesses.reports[ID] = Report(ID, status="timeout")
    assert [one.outcome for one in witnesses.name_timeouts([shot("b", 503)])] == ["function_error"]


def test_the_inner_function_is_asked_for_calls_that_had_an_answer() -> None:
    notes = {"inner_round_trip_ms": 9.0, "inner_request_id": "inner"}
    witnesses = having_read(probe_line("a", notes=notes), probe_line("b", notes=notes), probe_line("c"))
    called = witnesses.called_in_turn([shot("a"), shot("b", outcome="function_error"), shot("c"), shot("d")])
    assert [(one.shot_id, one.request_id) for one in called] == [("a", "inner")]


def test_the_package_is_what_any_probe_says_of_it() -> None:
    assert having_read(probe_line("a"), probe_line("b", package={"zip_bytes": 1})).package == {"zip_bytes": 1}
    assert having_read(probe_line("a")).package is None


@pytest.mark.parametrize(("clients_named", "client"), [(False, None), (True, "eu-west-1")])
def test_a_sample_says_which_lane_and_which_cell_it_is_of(clients_named: bool, client: str | None) -> None:
    inner = Inner(target="inner", region="sa-east-1", function_name="f", log_group="g")
    step = replace(STEP, inner=inner, protocol="http", operation="get")
    own = having_read(probe_line("a", notes={"inner_round_trip_ms": 9.0}), report_line())
    (sample,) = StepWitnesses([shot("a", kind="cold")], own, Witnesses(), 0).samples(
        task(step, clients_named=clients_named), step
    )
    assert (sample.campaign_id, sample.lane, sample.round) == ("id", "r01-outer-us-east-1", 1)
    assert (sample.target, sample.region, sample.client_region) == ("outer", "us-east-1", client)
    assert (sample.protocol, sample.operation) == ("http", "get")
    assert (sample.inner, sample.inner_region, sample.inner_report_found) == ("inner", "sa-east-1", False)
    assert (sample.report_found, sample.probe_found, sample.emulated) == (True, True, False)
