"""Finds log messages of given invocations in CloudWatch Logs. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import Iterator

from isotherm.aws.clients import client


def messages(region: str, log_group: str, first_ms: float, last_ms: float) -> Iterator[str]:
    """Every message that a log group holds of the time between two epoch times in milliseconds.

    All of them, since a target's log is little else than platform lines and probe lines; a filter pattern would save
    little and has to be right for both log formats.
    """
    pages = (
        client("logs", region)
        .get_paginator("filter_log_events")
        .paginate(logGroupName=log_group, startTime=int(first_ms), endTime=int(last_ms) + 1)
    )
    for page in pages:
        for event in page["events"]:
            yield event["message"]
