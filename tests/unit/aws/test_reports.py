"""How long CloudWatch Logs is asked: until all is there, and no longer than that can help. The clock is the test's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from isotherm.aws import reports
from isotherm.aws.reports import GRACE_S, PAUSES_S, WINDOW_MS, ReportSearch
from isotherm.campaign.lane import Inner
from isotherm.measurement.shot import Shot
from isotherm.measurement.witnesses import Witnesses
from unit.made_up_step import ID, STEP, probe_line, report_line, shot, task

Question = tuple[str, str, float, float]


class Logs:
    """What log groups answer, `after` so many questions; a clock that only sleeping moves."""

    def __init__(self, said: dict[str, list[str]], *, after: int = 0, fault: Exception | None = None) -> None:
        self.said, self.after, self.fault = said, after, fault
        self.questions: list[Question] = []
        self.now_s = 100.0

    def search(self, within_s: float) -> ReportSearch:
        return ReportSearch(within_s, self.read, lambda: self.now_s, self.sleep)

    def read(self, region: str, log_group: str, first_ms: float, last_ms: float) -> Iterable[str]:
        self.questions.append((region, log_group, first_ms, last_ms))
        if self.fault is not None:
            raise self.fault
        return self.said[log_group] if len(self.questions) > self.after else []

    def sleep(self, pause_s: float) -> None:
        assert pause_s > 0
        self.now_s += pause_s

    @property
    def slept_s(self) -> float:
        return self.now_s - 100.0


def ask(logs: Logs, shots: list[Shot], within_s: float) -> int:
    return logs.search(within_s).ask_until_complete(Witnesses(), shots, "us-east-1", "log")


COMPLETE = [probe_line("a"), report_line()]


def test_what_is_there_is_asked_for_once() -> None:
    logs = Logs({"log": COMPLETE})
    assert ask(logs, [shot("a")], 60) == 0
    assert (len(logs.questions), logs.slept_s) == (1, 0)


def test_nothing_is_asked_where_nothing_lacks() -> None:
    logs = Logs({})
    assert ask(logs, [shot("a", outcome="throttled")], 60) == 0
    assert ask(logs, [], 60) == 0
    assert logs.questions == []


def test_what_comes_late_is_waited_for_with_growing_pauses() -> None:
    logs = Logs({"log": COMPLETE}, after=3)
    assert ask(logs, [shot("a")], 60) == 0
    assert (len(logs.questions), logs.slept_s) == (4, sum(PAUSES_S[:3]))


def test_what_never_comes_is_missing_when_time_is_up() -> None:
    logs = Logs({"log": []})
    assert ask(logs, [shot("a")], 60) == 1
    within = [pause for pause in accumulate([*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]) if pause <= 60]
    assert (len(logs.questions), logs.slept_s) == (1 + len(within), within[-1])


def test_the_log_is_asked_for_the_time_of_the_shots_and_some_more() -> None:
    logs = Logs({"log": []})
    shots = [shot("a", sent_at_ms=50_000.0, client_ms=700.0), shot("b", sent_at_ms=40_000.0, client_ms=None)]
    ask(logs, shots, 0.1)
    assert logs.questions == [("us-east-1", "log", 40_000.0 - WINDOW_MS, 50_700.0 + WINDOW_MS)]


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "FilterLogEvents")


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (refusal("AccessDeniedException"), 1),
        (refusal("ResourceNotFoundException"), 1),
        (refusal("ThrottlingException"), 3),
        (EndpointConnectionError(endpoint_url="logs"), 3),
    ],
)
def test_what_no_patience_will_change_is_asked_for_once(fault: Exception, asked: int) -> None:
    logs = Logs({}, fault=fault)
    assert ask(logs, [shot("a")], 2.0) == 1
    assert len(logs.questions) == asked


def test_what_failed_over_http_without_a_word_is_not_waited_for() -> None:
    logs = Logs({"log": COMPLETE})
    assert ask(logs, [shot("a", 200), shot("b", 503)], 300.0) == 1
    assert 0 < logs.slept_s <= GRACE_S


@pytest.mark.parametrize("lines", [[], [probe_line("b")]])
def test_what_may_still_come_is_waited_for(lines: list[str]) -> None:
    """A log of which nothing has arrived yet, or a shot whose probe is there, so that its report can be told."""
    logs = Logs({"log": lines})
    assert ask(logs, [shot("b", 503)], 60.0) == 1
    assert logs.slept_s > 60.0 - PAUSES_S[-1]


INNER = Inner(target="inner", region="sa-east-1", function_name="f", log_group="inner log")
OWN_LOG = "/aws/lambda/isotherm-target_outer"
CALLED = probe_line("a", notes={"inner_round_trip_ms": 9.0, "inner_request_id": "in"})


def test_the_inner_function_s_log_is_asked_for_in_its_own_region() -> None:
    step = replace(STEP, inner=INNER)
    logs = Logs({OWN_LOG: [CALLED, report_line()], "inner log": [probe_line("a", "in"), report_line("in")]})
    found = logs.search(60).find(task(step), step, [shot("a")], "server log")
    assert [question[:2] for question in logs.questions] == [("us-east-1", OWN_LOG), ("sa-east-1", "inner log")]
    assert (found.missing, list(found.own.reports), list(found.inner.reports)) == (0, [ID], ["in"])


def test_what_the_inner_function_owes_is_missing_too() -> None:
    step = replace(STEP, inner=INNER)
    logs = Logs({OWN_LOG: [CALLED], "inner log": []})
    assert logs.search(3).find(task(step), step, [shot("a")], "server log").missing == 2


def test_what_came_with_the_answers_need_not_be_asked_for() -> None:
    logs = Logs({})
    found = logs.search(60).find(task(STEP), STEP, [shot("a", log_tail="\n".join(COMPLETE))], "server log")
    assert (found.missing, logs.questions) == (0, [])


def test_calls_to_the_server_are_in_its_own_log_and_have_no_reports() -> None:
    step = replace(STEP, protocol="server")
    logs = Logs({"server log": [probe_line("a")]})
    assert logs.search(60).find(task(step), step, [shot("a", 200)], "server log").missing == 0
    assert [question[1] for question in logs.questions] == ["server log"]


@pytest.mark.parametrize(("protocol", "outcome"), [("http", "timeout"), ("invoke", "function_error")])
def test_over_http_a_report_may_tell_what_was_cut_off(protocol: str, outcome: str) -> None:
    step = replace(STEP, protocol=protocol)  # type: ignore[arg-type]
    cut_off = report_line("1f2e3d4c-0000-4000-8000-000000000002").rstrip() + "\tStatus: timeout\n"
    logs = Logs({OWN_LOG: [probe_line("a"), report_line(), cut_off]})
    found = logs.search(60).find(task(step), step, [shot("a", 200), shot("b", 503)], "server log")
    assert [one.outcome for one in found.shots] == ["answered", outcome]


def test_a_log_is_read_to_its_last_page_and_no_further_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    session = botocore.session.get_session()
    session.set_credentials("key", "secret")
    logs = session.create_client("logs", region_name="us-east-1")
    monkeypatch.setattr(reports, "client", lambda service, region: {("logs", "ap-south-1"): logs}[service, region])
    asked = {"logGroupName": "log", "startTime": 1000, "endTime": 2001}
    with Stubber(logs) as stub:
        first, last = {"events": [{"message": "a"}, {"message": "b"}], "nextToken": "1"}, {"events": [{"message": "c"}]}
        stub.add_response("filter_log_events", first, asked)
        stub.add_response("filter_log_events", {"events": [], "nextToken": "2"}, {**asked, "nextToken": "1"})
        stub.add_response("filter_log_events", last, {**asked, "nextToken": "2"})
        assert list(reports.messages("ap-south-1", "log", 1000.9, 2000.9)) == ["a", "b", "c"]
        stub.assert_no_pending_responses()
