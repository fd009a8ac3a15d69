"""Requests are signed as AWS's own library signs them, as oneself or as a role that is assumed once for an hour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.stub import ANY, Stubber

from isotherm.aws import clients
from isotherm.aws.calls import signature
from isotherm.aws.calls.signature import Signer, caller_role_arn
from isotherm.aws.clients import NoAwsAccess

URL = "https://abc123.execute-api.ap-south-1.amazonaws.com/customers/ann%40example.com"
ROLE = "arn:aws:iam::123456789012:role/isotherm-caller_ap-south-1"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials of AWS's examples, and a clock that stands still."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "ISOTHERM_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_: NOW.replace(tzinfo=None))
    clients._session.cache_clear()
    yield
    clients._session.cache_clear()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """AWS's service for roles, which answers as told and nothing else."""
    real = botocore.session.get_session().create_client("sts", region_name="ap-south-1")

    def client(service: str, region: str) -> Any:
        assert (service, region) == ("sts", "ap-south-1")
        return real

    monkeypatch.setattr(signature, "client", client)
    with Stubber(real) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def assume(sts: Stubber, key: str, lasts: timedelta) -> None:
    """Let the role be assumed once more."""
    credentials = {
        "AccessKeyId": key,
        "SecretAccessKey": "secret",
        "SessionToken": f"token of {key}",
        "Expiration": datetime.now(UTC) + lasts,
    }
    asked = {"RoleArn": ROLE, "RoleSessionName": ANY, "DurationSeconds": 3600}
    sts.add_response("assume_role", {"Credentials": credentials}, asked)


def test_a_request_is_signed_with_our_own_credentials_for_the_apis_region() -> None:
    headers = Signer("ap-south-1").headers("GET", URL)
    assert headers.keys() == {"authorization", "x-amz-date"}
    assert headers["x-amz-date"] == "20260102T030405Z"
    assert re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/ap-south-1/execute-api/aws4_request, "
        r"SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}",
        headers["authorization"],
    )


def test_a_signature_is_the_one_that_the_rules_give() -> None:
    """Worked out by hand, from the rules alone: the path is encoded a second time, the host stands without a port."""
    import hashlib
    import hmac

    def mac(key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    body = b'{"a": 1}'
    canonical = "\n".join(
        [
            "POST",
            "/customers/ann%2540example.com",
            "",
            "content-type:application/json",
            "host:abc123.execute-api.ap-south-1.amazonaws.com",
            "x-amz-date:20260102T030405Z",
            "x-isotherm-shot:s-1",
            "",
            "content-type;host;x-amz-date;x-isotherm-shot",
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = "20260102/ap-south-1/execute-api/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n20260102T030405Z\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    for part in scope.split("/"):
        key = mac(key, part)

    extra = {"Content-Type": "application/json", "x-isotherm-shot": "s-1"}
    headers = Signer("ap-south-1").headers("POST", URL, body, extra)
    assert headers["authorization"].endswith(f"Signature={mac(key, to_sign).hex()}")
    assert (headers["content-type"], headers["x-isotherm-shot"]) == ("application/json", "s-1")


@pytest.mark.parametrize(
    "changed", [{"method": "POST"}, {"url": URL + "x"}, {"body": b"x"}, {"extra_headers": {"a": "b"}}]
)
def test_whatever_is_changed_changes_the_signature(changed: dict[str, Any]) -> None:
    request: dict[str, Any] = {"method": "GET", "url": URL, "body": None, "extra_headers": None}
    signer = Signer("ap-south-1")
    assert signer.headers(**request)["authorization"] == signer.headers(**request)["authorization"]
    assert signer.headers(**request)["authorization"] != signer.headers(**(request | changed))["authorization"]


def test_what_the_caller_holds_is_not_changed() -> None:
    extra = {"x-isotherm-shot": "s-1"}
    Signer("ap-south-1").headers("GET", URL, None, extra)
    assert extra == {"x-isotherm-shot": "s-1"}


def test_a_role_is_assumed_when_it_is_needed_and_kept(sts: Stubber) -> None:
    signer = Signer("ap-south-1", ROLE)
    assume(sts, "ASIAONEONEONEONE", timedelta(hours=1))
    for _ in range(3):
        headers = signer.headers("GET", URL)
        assert headers["x-amz-security-token"] == "token of ASIAONEONEONEONE"
        assert "Credential=ASIAONEONEONEONE/" in headers["authorization"]
        assert "x-amz-security-token" in headers["authorization"]


def test_a_role_is_assumed_anew_before_its_credentials_end(sts: Stubber) -> None:
    signer = Signer("ap-south-1", ROLE)
    assume(sts, "ASIAONEONEONEONE", timedelta(minutes=5))
    assume(sts, "ASIATWOTWOTWOTWO", timedelta(hours=1))
    assert "ASIAONEONEONEONE" in signer.headers("GET", URL)["authorization"]
    for _ in range(2):
        assert "ASIATWOTWOTWOTWO" in signer.headers("GET", URL)["authorization"]


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:sts::123456789012:assumed-role/isotherm-FireFunctionRole-X/isotherm-fire", ROLE),
        ("arn:aws-cn:iam::210987654321:user/ann", "arn:aws-cn:iam::210987654321:role/isotherm-caller_ap-south-1"),
    ],
)
def test_the_callers_role_is_in_the_account_we_are_in(sts: Stubber, arn: str, expected: str) -> None:
    sts.add_response("get_caller_identity", {"Arn": arn, "Account": arn.split(":")[4], "UserId": "x"})
    assert caller_role_arn("isotherm", "ap-south-1") == expected


def test_without_credentials_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(NoAwsAccess, match="no credentials for AWS to sign with"):
        Signer("ap-south-1")
