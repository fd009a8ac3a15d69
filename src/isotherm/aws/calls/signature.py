"""Signs requests to an HTTP API with IAM authorisation, or to Lambda, as oneself or as a role. Sends none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import DeferredRefreshableCredentials

from isotherm.aws.clients import client, own_credentials

#: The service that a request to an API is signed for, unless another one is named.
SERVICE = "execute-api"

#: How long an assumed role's credentials last, in seconds: the most that AWS gives a role which assumes another one.
#: botocore renews them 10 to 15 minutes before their end.
SESSION_S = 3600


def caller_role_arn(stack: str, region: str) -> str:
    """The role that may call a stack's customers API in a region: of the account, and partition, that we are in."""
    arn = client("sts", region).get_caller_identity()["Arn"].split(":")
    return f"arn:{arn[1]}:iam::{arn[4]}:role/{stack}-caller_{region}"


class Signer:
    """Signs requests to one service of one region; safe to be used from several threads."""

    def __init__(self, region: str, role_arn: str | None = None, service: str = SERVICE) -> None:
        """`role_arn` is the role to sign as, assumed when first needed; None signs with our own credentials."""
        self._region, self._service = region, service
        self._credentials = own_credentials() if role_arn is None else _as_role(region, role_arn)

    def headers(
        self, method: str, url: str, body: bytes | None = None, extra_headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """All headers to send a request with, except `host`, which is signed as the URL has it.

        Parameters
        ----------
        method : str
            In upper case.
        url : str
            The whole address, percent-encoded as it will be sent.
        body : bytes, optional
            As it will be sent.
        extra_headers : mapping, optional
            Further headers; they are signed too.

        Returns
        -------
        dict
            By name in lower case.

        Raises
        ------
        botocore.exceptions.ClientError
            The role may not be assumed.
        """
        request = AWSRequest(method=method, url=url, data=body, headers=dict(extra_headers or {}))
        SigV4Auth(self._credentials.get_frozen_credentials(), self._service, self._region).add_auth(request)
        return {name.lower(): value for name, value in request.headers.items()}


def _as_role(region: str, role_arn: str) -> Any:
    def assume() -> dict[str, Any]:
        session = f"isotherm-{time.time_ns()}"
        told = client("sts", region).assume_role(RoleArn=role_arn, RoleSessionName=session, DurationSeconds=SESSION_S)[
            "Credentials"
        ]
        return {
            "access_key": told["AccessKeyId"],
            "secret_key": told["SecretAccessKey"],
            "token": told["SessionToken"],
            "expiry_time": told["Expiration"].isoformat(),
        }

    return DeferredRefreshableCredentials(refresh_using=assume, method="assume-role")
