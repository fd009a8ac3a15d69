"""Collect takes logs it did not ask for: a subscription's events and exported files; twice is once."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from .embedded import HOME, ROOT, STACK, Embedded

REQUEST_ID = "1f2e3d4c-0000-4000-8000-000000000001"
REPORT = (
    f"REPORT RequestId: {REQUEST_ID}\tDuration: 1.48 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\tInit Duration: 111.64 ms\t\n"
)


def _collect(embedded: Embedded, event: str) -> Any:
    payload = (ROOT / "events" / event).read_bytes()
    answer = embedded.client("lambda").invoke(FunctionName=f"{STACK}-collect", Payload=payload)
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def _reports(embedded: Embedded, source: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = embedded.client("dynamodb").query(
        TableName=f"{STACK}-samples",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"log#{source}"}},
    )["Items"]
    return items


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ("collect-subscription.json", "/aws/lambda/some-function"),
        ("collect-exported-file.json", "s3:logs/export/000000.gz"),
    ],
)
def test_reports_of_unasked_logs_are_kept_once(embedded: Embedded, event: str, source: str) -> None:
    bucket = f"{STACK}-{embedded.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
    exported = gzip.compress(f"2026-01-01T00:00:00.000Z {REPORT}".encode())
    embedded.client("s3").put_object(Bucket=bucket, Key="logs/export/000000.gz", Body=exported)
    for _ in range(2):
        assert _collect(embedded, event)["reports"] == 1
    (report,) = _reports(embedded, source)
    assert report["request_id"] == {"S": REQUEST_ID}
    assert report["init_duration_ms"] == {"N": "111.64"}
    assert report["billed_duration_ms"] == {"N": "114"}
