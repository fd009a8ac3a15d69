"""Adds the token that a stack's own server asks of every request (server/template.yaml, ServerToken). Sends none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from isotherm.aws.clients import client
from isotherm.campaign.lane import ServerAt

#: What the load balancer's rule compares.
TOKEN_HEADER = "x-isotherm-token"  # noqa: S105 - a name


class Bearer:
    """Puts the token into a request's headers, where `aws.calls.signature.Signer` would sign them."""

    def __init__(self, region: str, secret_id: str) -> None:
        """`secret_id` names the secret in Secrets Manager of the server's region; it is read once."""
        self._token = _read(region, secret_id)

    def headers(
        self, _method: str, _url: str, _body: bytes | None = None, extra_headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """All headers to send a request with."""
        return {**(extra_headers or {}), TOKEN_HEADER: self._token}


def bearer_for(region: str, server: ServerAt | None) -> Bearer | None:
    """Who adds the token that a server asks for; None where it asks for none.

    Raises
    ------
    botocore.exceptions.ClientError
        The secret may not be read, or is not there.
    """
    return Bearer(region, server.token) if server is not None and server.token is not None else None


@cache
def _read(region: str, secret_id: str) -> str:
    value: str = client("secretsmanager", region).get_secret_value(SecretId=secret_id)["SecretString"]
    return value
