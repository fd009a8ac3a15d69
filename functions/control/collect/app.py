"""Finds every report of a step's shots, joins, and writes the samples; asks again until all are there or time is up.

Also takes what it did not ask for: a CloudWatch Logs subscription's events, and exported log files in S3. Their reports
are written under their source, for functions that no campaign measures.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent, S3Event
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws import logs
from isotherm.aws.clients import Home
from isotherm.aws.request import parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.raw_shots import read_loads, read_shots
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_reports, put_samples
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LoadStep
from isotherm.measurement.probe import Probe, probe_lines
from isotherm.measurement.sample import Report, StepContext, join
from isotherm.measurement.shot import Shot
from isotherm.platform_log import Event, parse_events

logger = Logger()

#: What is kept of the function's own time for joining and writing.
MARGIN_MS = 60_000

#: Pauses (s) between one question to CloudWatch Logs and the next; the last one is repeated until the deadline.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

#: What CloudWatch Logs answers however often it is asked: a region that went away took its log with it, a permission is
#: missing.
IN_VAIN = ("ResourceNotFoundException", "AccessDeniedException")

#: Log events are asked for from this long before the first shot (clocks differ) to this long after the last answer.
WINDOW_MS = 15_000

#: How long (s) calls over HTTP that failed without a probe line are still waited for when all others are complete: what
#: was cut off never wrote that line, and without it no report can be told to be theirs.
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """One step of one lane."""

    campaign_id: str
    lane_key: str
    step: int


class Witnesses:
    """The probes and reports found so far, from log tails first and then from CloudWatch Logs."""

    def __init__(self, *, reports_due: bool = True) -> None:
        """`reports_due` is false of a server, of whose requests its own line is all there is."""
        self._reports_due = reports_due
        self.probes: dict[str, Probe] = {}
        self.reports: dict[str, Report] = {}

    def read(self, text: str) -> None:
        """Take every probe line and every report out of a text."""
        for probe in probe_lines(text):
            if probe.shot_id:
                self.probes[probe.shot_id] = probe
        for event in _reports(text):
            known: dict[str, Any] = {name: event.get(name) for name in Report.__dataclass_fields__}
            self.reports[event["request_id"]] = Report(**known)

    def missing(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots that reached the function and still lack their report or their probe."""
        return [
            shot for shot in shots if shot.outcome not in ("throttled", "client_error") and not self._complete(shot)
        ]

    def silent(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots over HTTP that failed on the other side and of which no probe tells whose report is theirs."""
        return [shot for shot in shots if (shot.http_status or 0) >= 500 and shot.shot_id not in self.probes]

    def name_timeouts(self, shots: list[Shot]) -> list[Shot]:
        """The same shots, silent ones as timeouts where exactly as many reports of a timeout are nobody's."""
        silent = {shot.shot_id for shot in self.silent(shots)}
        claimed = {probe.request_id for probe in self.probes.values()} | {shot.request_id for shot in shots}
        cut_off = [name for name, report in self.reports.items() if report.status == "timeout" and name not in claimed]
        if not silent or len(cut_off) != len(silent):
            return shots
        return [replace(shot, outcome="timeout") if shot.shot_id in silent else shot for shot in shots]

    def called_in_turn(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots whose function called another one and had its answer, as that one's log is to be asked for them."""
        found = []
        for shot in shots:
            noted = self.probes[shot.shot_id].notes if shot.shot_id in self.probes else None
            if noted and "inner_round_trip_ms" in noted and shot.outcome == "answered":
                found.append(replace(shot, request_id=noted.get("inner_request_id")))
        return found

    def _complete(self, shot: Shot) -> bool:
        probe = self.probes.get(shot.shot_id)
        request_id = probe.request_id if probe else shot.request_id
        # A function that was cut off never wrote its line.
        reported = request_id in self.reports or not self._reports_due
        return reported and (probe is not None or shot.outcome == "timeout")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one step of a lane, a subscription's log events, or exported log files; repeats change nothing."""
    home = Home.from_environment()
    if "awslogs" in event:
        return _take_subscription(CloudWatchLogsEvent(event), Table(home))
    if "Records" in event:
        return _take_files(S3Event(event), Bucket(home), Table(home))
    return _collect(parse(CollectRequest, event), home, context)


def _take_subscription(event: CloudWatchLogsEvent, table: Table) -> dict[str, Any]:
    batch = event.parse_logs_data()
    reports = _reports("\n".join(entry.message for entry in batch.log_events))
    put_reports(table, batch.log_group, reports)
    return {"source": batch.log_group, "log_events": len(batch.log_events), "reports": len(reports)}


def _take_files(event: S3Event, bucket: Bucket, table: Table) -> dict[str, Any]:
    found = 0
    for record in event.records:
        body = bucket.read_log(record.s3.get_object.key)
        reports = _reports(body.decode("utf-8", "replace"))
        put_reports(table, f"s3:{record.s3.get_object.key}", reports)
        found += len(reports)
    return {"files": len(event.raw_event["Records"]), "reports": found}


def _reports(text: str) -> list[Event]:
    """Every report in a log text that says whose it is; the last one where a request has several."""
    kinds = ("report", "platform.report")
    events = (event for event in parse_events(text) if event["event"] in kinds and event.get("request_id"))
    return list({event["request_id"]: event for event in events}.values())


def _collect(request: CollectRequest, home: Home, context: LambdaContext) -> dict[str, Any]:
    """Join and write the samples of one step; a report that never came is counted as missing."""
    bucket, table = Bucket(home), Table(home)
    campaign_id, lane_key = request.campaign_id, request.lane_key
    task = table.task(campaign_id, lane_key)
    lane = task.lane
    step = lane.steps[request.step]
    if step.load is not None:
        return _count_load(request, bucket, table, step.load)
    shots = read_shots(bucket, campaign_id, lane_key, request.step, 0)
    said = LaneFacts(phase="collecting", step=request.step)
    table.update_lane(campaign_id, lane_key, said, unless_ended=True)

    witnesses = Witnesses(reports_due=step.protocol != "server")
    for shot in shots:
        witnesses.read(shot.log_tail or "")
    patience_ms = min(task.report_deadline_s * 1000, context.get_remaining_time_in_millis() - MARGIN_MS)
    deadline = time.monotonic() + patience_ms / 1000
    log_group = f"/isotherm/{home.stack}/server" if step.protocol == "server" else task.function.log_group
    missing = _ask_until_complete(witnesses, shots, lane.region, log_group, deadline)
    if step.protocol == "http":
        shots = witnesses.name_timeouts(shots)
    inner, inner_witnesses = step.inner, Witnesses()
    if inner is not None:
        called = witnesses.called_in_turn(shots)
        missing += _ask_until_complete(inner_witnesses, called, inner.region, inner.log_group, deadline)

    samples = join(
        StepContext(
            campaign_id=campaign_id,
            lane=lane,
            step=step,
            emulated=task.platform == "emulated",
            clients_named=task.clients_named,
        ),
        shots,
        witnesses.probes,
        witnesses.reports,
        inner_witnesses.probes,
        inner_witnesses.reports,
    )
    put_samples(table, samples)
    used = sum(sample.verdict == "used" for sample in samples)
    package = next((probe.package for probe in witnesses.probes.values() if probe.package), None)
    said = LaneFacts(samples=len(samples), used=used, missing=missing, package=package)
    table.update_lane(campaign_id, lane_key, said, unless_ended=True)
    if missing:
        logger.warning("reports or probe lines never came", extra={"lane": lane_key, "missing": missing})
    return {"samples": said.samples, "used": used, "missing": missing}


def _count_load(request: CollectRequest, bucket: Bucket, table: Table, load: LoadStep) -> dict[str, Any]:
    """Count what the Fires of a phase of a load say they did; each of their requests is in what they wrote."""
    where = (request.campaign_id, request.lane_key)
    results = read_loads(bucket, *where, request.step, load.fires)
    said = LaneFacts(
        samples=sum(result.planned for result in results),
        used=sum(result.succeeded for result in results),
        missing=load.fires - len(results),
    )
    table.update_lane(*where, said, unless_ended=True)
    return said.said()


def _ask_until_complete(witnesses: Witnesses, shots: list[Shot], region: str, log_group: str, deadline: float) -> int:
    """Ask CloudWatch Logs with backoff; answers how many are missing at the end."""
    pauses = iter(PAUSES_S)
    graced = False
    while missing := witnesses.missing(shots):
        first_ms = min(shot.sent_at_ms for shot in shots) - WINDOW_MS
        last_ms = max(shot.sent_at_ms + (shot.client_ms or 0) for shot in shots) + WINDOW_MS
        try:
            witnesses.read("\n".join(logs.messages(region, log_group, first_ms, last_ms)))
        except (ClientError, BotoCoreError) as fault:
            # What was measured is kept, its reports are missing.
            logger.exception("log not read", extra={"region": region, "log_group": log_group})
            if isinstance(fault, ClientError) and fault.response["Error"]["Code"] in IN_VAIN:
                return len(missing)
        missing = witnesses.missing(shots)
        # Where nobody's probe came there is no sign yet that the log has arrived at all.
        if missing and not graced and witnesses.probes and len(witnesses.silent(missing)) == len(missing):
            graced, deadline, pauses = True, min(deadline, time.monotonic() + GRACE_S), iter(PAUSES_S)
        pause_s = next(pauses, PAUSES_S[-1])
        if not missing or time.monotonic() + pause_s > deadline:
            return len(missing)
        time.sleep(pause_s)
    return 0
