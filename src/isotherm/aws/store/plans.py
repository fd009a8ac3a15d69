"""A campaign's plan: an object in the bucket, and a copy in the table, since nothing is accounted for without it."""

from __future__ import annotations

import base64
import gzip
import json

from botocore.exceptions import ClientError

from isotherm.aws.store.bucket import Bucket, plan_key
from isotherm.aws.store.table import Table

#: Longer copies are not kept: an item has at most 400 kB (AWS, DynamoDB, "Quotas"). Plans shrink to about a twentieth.
MAX_COPY_BYTES = 380_000


def write_plan(table: Table, bucket: Bucket, campaign_id: str, text: bytes) -> None:
    """Write a plan, and its copy where that is small enough."""
    bucket.write(plan_key(campaign_id), text, "application/json")
    copy = base64.b64encode(gzip.compress(text)).decode()
    if len(copy) <= MAX_COPY_BYTES:
        table.put_plan_copy(campaign_id, copy)


def read_plan(table: Table, bucket: Bucket, campaign_id: str) -> bytes | None:
    """A plan's text, of the copy where the object is gone or damaged; None where there is neither."""
    try:
        text = bucket.read_if_there(plan_key(campaign_id))
    except ClientError as fault:
        # Of what is not there S3 says this to whoever may not list the bucket (AWS, GetObject).
        if fault.response["Error"]["Code"] != "AccessDenied":
            raise
        text = None
    if text is not None and _is_json(text):
        return text
    copy = table.plan_copy(campaign_id)
    return text if copy is None else gzip.decompress(base64.b64decode(copy))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
