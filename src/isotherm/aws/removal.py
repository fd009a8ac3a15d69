"""Removes a stack from one region with all that it left there, and says beforehand what would be lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from isotherm.aws.clients import client
from isotherm.aws.stacks import StackFound, find_stack
from isotherm.campaign.stack_health import function_logs_of

#: How often CloudFormation is asked how far it is, and after how long waiting ends, in seconds.
POLL_S = 1.0
PATIENCE_S = 3600.0

#: The stack in which SAM CLI keeps the bucket for what it uploads, and that stack's output with the bucket's name.
_SAM_STACK, _SAM_BUCKET = "aws-sam-cli-managed-default", "SourceBucket"

_KEYS_A_CALL = 1000  # AWS, DeleteObjects: at most 1,000 keys


class RemovalFailed(Exception):
    """A stack could not be removed; the text says which of its resources stayed, and why."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What goes with the home region: how many campaigns, and the bucket that has them."""

    bucket: str
    campaigns: int
    objects: int
    size_bytes: int


def losses(region: str, found: StackFound) -> Losses | None:
    """What would be lost with a stack; None where it keeps no results (it is not a home, or was never completed)."""
    bucket = found.outputs.get("ResultsBucketName")
    if bucket is None:
        return None
    campaigns, objects, size_bytes = set(), 0, 0
    for page in client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            objects, size_bytes = objects + 1, size_bytes + entry["Size"]
            if entry["Key"].startswith("reports/"):
                campaigns.add(entry["Key"].split("/")[1])
    return Losses(bucket, len(campaigns), objects, size_bytes)


def running_campaigns(region: str, found: StackFound) -> list[str]:
    """Names of the campaigns that run on a stack in its home region."""
    machine = found.outputs.get("CampaignStateMachineArn")
    if machine is None:
        return []
    pages = client("stepfunctions", region).get_paginator("list_executions")
    return [
        execution["name"]
        for page in pages.paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for execution in page["executions"]
    ]


def remove_stack(region: str, name: str, found: StackFound, tell: Callable[[str], None]) -> list[str]:
    """Remove a stack, its results, and what it left that CloudFormation does not know of; waits until all is gone.

    Parameters
    ----------
    region : str
        From where.
    name : str
        The stack's name.
    found : StackFound
        The stack.
    tell : callable
        Told how it stands.

    Returns
    -------
    list of str
        What was removed besides what CloudFormation removes by itself, in words.

    Raises
    ------
    RemovalFailed
        CloudFormation could not delete a resource, or takes longer than an hour.
    """
    cloudformation = client("cloudformation", region)
    resources = list(_resources(cloudformation, found.stack_id))
    removed = []
    for kind, bucket in resources:
        if kind == "AWS::S3::Bucket":
            tell(f"emptying {bucket}")
            removed += _said(empty_bucket(region, bucket), "object", f"of {bucket}")
    cloudformation.delete_stack(StackName=found.stack_id)
    _await_deleted(cloudformation, found.stack_id, tell)
    own = {f"/aws/lambda/{function}" for kind, function in resources if kind == "AWS::Lambda::Function"}
    own |= {group for kind, group in resources if kind == "AWS::Logs::LogGroup"}
    return removed + sweep(region, name, tell, own)


def sweep(region: str, name: str, tell: Callable[[str], None], log_groups: Collection[str] = ()) -> list[str]:
    """Remove what a stack that is gone has left: logs of its functions, and what SAM uploaded for it.

    Parameters
    ----------
    log_groups : collection of str
        Groups that are known to be its own, besides those that are by their names.

    Returns
    -------
    list of str
        What was removed, in words.
    """
    tell("looking for what is left")
    logs = client("logs", region)
    removed = []
    for prefix in (f"/aws/lambda/{name}-", f"/isotherm/{name}/", *sorted(log_groups)):
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in (entry["logGroupName"] for entry in page["logGroups"]):
                if group in log_groups or function_logs_of(name, group):
                    logs.delete_log_group(logGroupName=group)
                    removed.append(f"log group {group}")
    uploads = find_stack(client("cloudformation", region), _SAM_STACK)
    if uploads is not None and _SAM_BUCKET in uploads.outputs:
        bucket = uploads.outputs[_SAM_BUCKET]
        removed += _said(empty_bucket(region, bucket, f"{name}/"), "upload", f"of {bucket}/{name}/")
    return removed


def empty_bucket(region: str, bucket: str, prefix: str = "") -> int:
    """Delete all versions of all objects with a prefix, abort uploads never ended; returns how many objects went."""
    s3 = client("s3", region)
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        for first in range(0, len(found), _KEYS_A_CALL):
            batch = found[first : first + _KEYS_A_CALL]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            for fault in answer.get("Errors", []):
                raise RemovalFailed(f"{bucket}/{fault['Key']} cannot be deleted: {fault['Message']}")
            deleted += len(batch)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return deleted


def _resources(cloudformation: Any, stack_id: str) -> Iterator[tuple[str, str]]:
    """Type and name of each resource that is there."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id):
        for resource in page["StackResourceSummaries"]:
            if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE":
                yield resource["ResourceType"], resource["PhysicalResourceId"]


def _await_deleted(cloudformation: Any, stack_id: str, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = find_stack(cloudformation, stack_id)
        if found is None or found.status == "DELETE_COMPLETE":
            return
        tell(found.status)
        if found.status == "DELETE_FAILED":
            raise RemovalFailed(f"CloudFormation could not delete {_stayed(cloudformation, stack_id)}")
        if time.monotonic() > deadline:
            raise RemovalFailed(f"CloudFormation still says {found.status} after {PATIENCE_S / 60:.0f} minutes")
        time.sleep(POLL_S)


def _stayed(cloudformation: Any, stack_id: str) -> str:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
    return "; ".join(
        f"{resource['LogicalResourceId']} ({resource.get('ResourceStatusReason') or 'no reason given'})"
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] == "DELETE_FAILED"
    )


def _said(count: int, what: str, where: str) -> list[str]:
    return [f"{count} {what}{'s' if count > 1 else ''} {where}"] if count else []
