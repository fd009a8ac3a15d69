"""What is removed besides the stack, on moto: every version, leftovers by exact name, and nothing of a neighbour's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isotherm.aws import removal
from isotherm.aws.clients import client
from isotherm.aws.removal import RemovalFailed, _await_deleted, empty_bucket, sweep
from isotherm.aws.stacks import StackFound
from isotherm.campaign.stack_health import function_logs_of
from unit.account_in_memory import account_in_memory

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with account_in_memory(monkeypatch):
        yield


def versions_in(bucket: str) -> list[str]:
    answer = client("s3", REGION).list_object_versions(Bucket=bucket)
    return sorted(entry["Key"] for entry in (*answer.get("Versions", []), *answer.get("DeleteMarkers", [])))


def a_bucket_with_history(bucket: str) -> None:
    s3 = client("s3", REGION)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("isotherm/a", "isotherm/a", "isotherm/b", "isotherm-2/a", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    s3.delete_object(Bucket=bucket, Key="isotherm/b")


def test_every_version_and_delete_marker_of_a_prefix_goes_and_nothing_else() -> None:
    a_bucket_with_history("bucket")

    assert empty_bucket(REGION, "bucket", "isotherm/") == 4
    assert versions_in("bucket") == ["isotherm-2/a", "other"]
    assert empty_bucket(REGION, "bucket") == 2
    assert empty_bucket(REGION, "bucket") == 0


def test_uploads_that_were_never_ended_are_aborted() -> None:
    s3 = client("s3", REGION)
    s3.create_bucket(Bucket="bucket")
    for key in ("isotherm/a", "isotherm-2/a"):
        s3.create_multipart_upload(Bucket="bucket", Key=key)

    assert empty_bucket(REGION, "bucket", "isotherm/") == 0
    assert [upload["Key"] for upload in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]] == ["isotherm-2/a"]


def test_logs_and_uploads_of_the_stack_go_and_a_neighbours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    a_bucket_with_history("uploads")
    uploads = StackFound("id", "CREATE_COMPLETE", outputs={"SourceBucket": "uploads"}, parameters={})
    # moto's CloudFormation needs packages that nothing else here does.
    monkeypatch.setattr(
        removal, "find_stack", lambda _, name: uploads if name == "aws-sam-cli-managed-default" else None
    )
    ours = ["/aws/lambda/isotherm-fire", "/aws/lambda/isotherm-target_pkg20", "/isotherm/isotherm/control", "/own/one"]
    theirs = [
        "/aws/lambda/isotherm-2-fire",
        "/aws/lambda/isotherm-firefly",
        "/isotherm/isotherm-2/control",
        "/own/one2",
    ]
    for group in (*ours, *theirs):
        client("logs", REGION).create_log_group(logGroupName=group)
    told: list[str] = []

    removed = sweep(REGION, "isotherm", told.append, {"/own/one"})

    left = [group["logGroupName"] for group in client("logs", REGION).describe_log_groups()["logGroups"]]
    assert sorted(left) == sorted(theirs)
    assert sorted(removed) == sorted([*(f"log group {group}" for group in ours), "4 uploads of uploads/isotherm/"])
    assert versions_in("uploads") == ["isotherm-2/a", "other"]
    assert sweep(REGION, "isotherm", told.append) == []
    assert told


@pytest.mark.parametrize(
    ("stack", "log_group", "own"),
    [
        ("isotherm", "/aws/lambda/isotherm-plan", True),
        ("isotherm", "/aws/lambda/isotherm-target_inner_db", True),
        ("isotherm", "/isotherm/isotherm/control", True),
        ("isotherm", "isotherm-plan", False),
        ("isotherm", "/aws/lambda/isotherm", False),
        ("isotherm", "/aws/lambda/isotherm-2-plan", False),
        ("isotherm", "/aws/lambda/other-isotherm-plan", False),
        ("isotherm", "/aws/lambda/isotherm-plan-2", False),
    ],
)
def test_a_log_group_is_told_by_its_name(stack: str, log_group: str, own: bool) -> None:
    assert function_logs_of(stack, log_group) is own


def test_what_cloudformation_cannot_delete_is_named_with_its_reason() -> None:
    class Stuck:
        """CloudFormation, with a bucket that somebody else wrote to meanwhile."""

        def describe_stacks(self, **_: str) -> dict[str, object]:
            return {"Stacks": [{"StackId": "id", "StackStatus": "DELETE_FAILED"}]}

        def get_paginator(self, _: str) -> Stuck:
            return self

        def paginate(self, **_: str) -> list[dict[str, object]]:
            bucket = {"LogicalResourceId": "ResultsBucket", "ResourceStatus": "DELETE_FAILED"}
            role = {"LogicalResourceId": "TargetRole", "ResourceStatus": "DELETE_COMPLETE"}
            return [{"StackResourceSummaries": [{**bucket, "ResourceStatusReason": "it is not empty"}, role]}]

    with pytest.raises(RemovalFailed) as failure:
        _await_deleted(Stuck(), "id", lambda _: None)
    assert str(failure.value) == "CloudFormation could not delete ResultsBucket (it is not empty)"
