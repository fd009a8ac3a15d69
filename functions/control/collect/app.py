"""Finds every report of a stage's shots, joins, and writes the samples; asks again until all are there or time is up.

Also takes what it did not ask for: a CloudWatch Logs subscription's events, and exported log files in S3. Their reports
are written under their source, for functions that no campaign measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.analysis.words.lanes import fault_in_words
from isotherm.aws.clients import Home
from isotherm.aws.collect import Collector, ShotsLost
from isotherm.aws.request import StageRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_reports
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import tasks_of, tour_of
from isotherm.aws.tour_ends import fail_lane, fail_unfinished
from isotherm.measurement.witnesses import reports_in

logger = Logger()

#: What is kept of the function's own time for joining and writing.
MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class CollectRequest(StageRequest):
    """One stage of one tour; `failure` is what a state left, as {"Error", "Cause"}, where it did not end well."""

    failure: dict[str, Any] | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one stage of a tour, a subscription's log events, or exported log files; repeats change nothing."""
    home = Home.from_environment()
    if "awslogs" in event:
        return _take_subscription(event, Table(home))
    if "Records" in event:
        return _take_files(event, Bucket(home), Table(home))
    request = parse(CollectRequest, event)
    logger.append_keys(**request.log_keys)
    return _take_stage(request, home, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)


def _take_stage(request: CollectRequest, home: Home, time_left_s: float) -> dict[str, Any]:
    """Collect each step; a lane whose last step is collected has succeeded, unless it failed before."""
    table, campaign_id = Table(home), request.campaign_id
    steps = tour_of(home, *request.where).steps_of(request.stage)
    tasks = tasks_of(home, campaign_id, [one.lane_key for one in steps])
    if request.failure is not None:  # first of all, so that the reason is kept whatever becomes of this
        fail_unfinished(table, campaign_id, tasks, fault_in_words(request.failure), also_planned=True)
    collector = Collector(home, next(iter(tasks.values())).report_deadline_s, time_left_s)
    found = []
    for lane_key, number in steps:
        task = tasks[lane_key]
        try:
            found.append(collector.collect(task, number))
        except ShotsLost as lost:
            logger.exception("shots lost", extra={"lane": lane_key, "step": number})
            fail_lane(table, campaign_id, lane_key, f"{type(lost).__name__}: {lost}")
            continue
        if number == task.lane.steps[-1].step:
            table.update_lane(campaign_id, lane_key, LaneFacts(status="succeeded"), unless_ended=True)
    return {name: sum(getattr(one, name) for one in found) for name in ("samples", "used", "missing", "odd_lines")}


def _take_subscription(event: dict[str, Any], table: Table) -> dict[str, Any]:
    from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent  # loads every event there is

    batch = CloudWatchLogsEvent(event).parse_logs_data()
    text = "\n".join(entry.message for entry in batch.log_events)
    found = put_reports(table, batch.log_group, reports_in(text))
    return {"source": batch.log_group, "log_events": len(batch.log_events), "reports": found}


def _take_files(event: dict[str, Any], bucket: Bucket, table: Table) -> dict[str, Any]:
    from aws_lambda_powertools.utilities.data_classes import S3Event

    keys = [record.s3.get_object.key for record in S3Event(event).records]
    texts = ((key, bucket.read_log(key).decode("utf-8", "replace")) for key in keys)
    return {
        "files": len(keys),
        "reports": sum(put_reports(table, f"s3:{key}", reports_in(text)) for key, text in texts),
    }
