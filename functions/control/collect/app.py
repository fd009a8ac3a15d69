"""Finds every report of a step's shots, joins, and writes the samples; asks again until all are there or time is up.

Also takes what it did not ask for: a CloudWatch Logs subscription's events, and exported log files in S3. Their reports
are written under their source, for functions that no campaign measures.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from isotherm.aws.clients import Home
from isotherm.aws.collect import check_all_there, collect_samples
from isotherm.aws.request import StepRequest, parse
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.samples import put_reports
from isotherm.aws.store.table import Table
from isotherm.aws.store.tasks import task_of
from isotherm.measurement.witnesses import reports_in

logger = Logger()

#: What is kept of the function's own time for joining and writing.
MARGIN_S = 60.0


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one step of a lane, a subscription's log events, or exported log files; repeats change nothing."""
    home = Home.from_environment()
    if "awslogs" in event:
        return _take_subscription(event, Table(home))
    if "Records" in event:
        return _take_files(event, Bucket(home), Table(home))
    request = parse(StepRequest, event)
    logger.append_keys(**request.log_keys)
    return _take_step(request, home, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)


def _take_step(request: StepRequest, home: Home, time_left_s: float) -> dict[str, Any]:
    table, where = Table(home), request.where
    task = task_of(home, *where)
    load = task.lane.step(request.step).load
    if load is None:
        said, found = collect_samples(home, task, request.step, time_left_s)
        check_all_there(table, task, request.step, len(found.shots))
        return {"samples": said.samples, "used": said.used, "missing": said.missing, "odd_lines": found.odd_lines}
    loads = Bucket(home).read_loads(*where, request.step, load.fires)
    planned, succeeded = sum(one.planned for one in loads), sum(one.succeeded for one in loads)
    table.update_lane(
        *where, LaneFacts(samples=planned, used=succeeded, missing=load.fires - len(loads)), unless_ended=True
    )
    return {"samples": planned, "used": succeeded, "missing": load.fires - len(loads), "odd_lines": 0}


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
