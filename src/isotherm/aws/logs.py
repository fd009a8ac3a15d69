"""Finds log messages of given invocations in CloudWatch Logs. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import Iterator

from isotherm.aws.clients import client

#: Reports in text and in JSON format, and the probe's line; any of the terms is enough.
PATTERN = '?"REPORT RequestId" ?"platform.report" ?"isotherm_probe"'


def messages(region: str, log_group: str, first_ms: float, last_ms: float) -> Iterator[str]:
    """Platform reports and probe lines that a log group received between two epoch times in milliseconds."""
    pages = (
        client("logs", region)
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=log_group,
            startTime=int(first_ms),
            endTime=int(last_ms) + 1,
            filterPattern=PATTERN,
        )
    )
    for page in pages:
        for event in page["events"]:
            yield event["message"]
