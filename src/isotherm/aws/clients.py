"""AWS clients by service and region, and where the deployed stack says its table and bucket are.

botocore's own session makes them: boto3's clients are these, and boto3's import takes a sixth longer
(docs/decisions.md, "Import time").
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

import botocore.session
from botocore.config import Config

from isotherm.campaign.lane import Platform

#: Control-plane calls: many, and throttled by AWS at about 15 a second, so patience is right.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=5, read_timeout=60)

#: For a control function that may take all of the 15 minutes that Lambda gives it, and does no harm when run again.
LONG_CALL = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=920, tcp_keepalive=True)

#: What `sam local` gives a function as its access key where it has no credentials to hand on.
_NO_ACCESS_KEY = "defaultkey"


#: Somebody waits for the answer, and a region that does not answer is to be named, not waited for.
BRISK = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=10)


class NoAwsAccess(Exception):
    """Neither credentials for AWS nor an endpoint that stands in for it."""


class NotDeployed(Exception):
    """A variable is not set that the template gives to control functions."""


def from_template(name: str) -> str:
    """A variable of the environment that the template gives to a control function.

    Raises
    ------
    NotDeployed
        It is not set, or empty.
    """
    value = os.environ.get(name)
    if not value:
        raise NotDeployed(f"{name}: not set; template.yaml sets it for each control function: deploy the stack again")
    return value


def endpoint_url() -> str | None:
    """The endpoint that stands in for AWS, if there is one.

    `ISOTHERM_ENDPOINT_URL` is the template's parameter, for `sam local`; the embedded stack sets `AWS_ENDPOINT_URL`.
    """
    return os.environ.get("ISOTHERM_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None


def platform() -> Platform:
    """Whether calls go to AWS or to something that stands in for it."""
    url = endpoint_url()
    return "aws" if url is None or ".amazonaws.com" in url else "emulated"


@cache
def _session() -> Any:
    return botocore.session.get_session()


def after_failed_calls(endpoint: str, check: Callable[[], None]) -> None:
    """Have `check` called at each attempt at a call to `endpoint` that fails or is refused; what it raises, is raised.

    It concerns the clients that are made from now on. A later call with the same endpoint replaces the check.
    """
    _CHECKS[endpoint] = check


#: By endpoint, what looks whether it is still there.
_CHECKS: dict[str, Callable[[], None]] = {}


def _check_endpoint(
    *, request_dict: dict[str, Any], response: tuple[Any, Any] | None, caught_exception: Exception | None, **_: object
) -> None:
    if caught_exception is None and (response is None or response[0].status_code < HTTPStatus.BAD_REQUEST):
        return
    for endpoint, check in _CHECKS.items():
        if request_dict["url"].startswith(f"{endpoint}/"):
            check()


def make_client(service: str, region: str | None, config: Config) -> Any:
    """A client of its own, for a caller that needs other patience or more connections than `client` gives.

    Raises
    ------
    NoAwsAccess
        `sam local` runs this, with neither credentials nor an endpoint: AWS would refuse every call.
    """
    if endpoint_url() is None and os.environ.get("AWS_ACCESS_KEY_ID") == _NO_ACCESS_KEY:
        raise NoAwsAccess(
            "no AWS endpoint and no credentials: set ISOTHERM_ENDPOINT_URL to the embedded stack's address, or have "
            "credentials for AWS (docs/sam-local.md)"
        )
    made = _session().create_client(service, region_name=region, endpoint_url=endpoint_url(), config=config)
    if _CHECKS:
        # Before botocore's own handler of the same event, which raises what the last attempt failed with.
        event = f"needs-retry.{made.meta.service_model.service_id.hyphenize()}"
        made.meta.events.register_first(event, _check_endpoint)
    return made


def own_credentials() -> Any:
    """The credentials that we have; botocore's, which renews them where they expire.

    Raises
    ------
    NoAwsAccess
        There are none.
    """
    credentials = _session().get_credentials()
    if credentials is None:
        raise NoAwsAccess("there are no credentials for AWS to sign with (docs/customers-api.md)")
    return credentials


@cache
def client(service: str, region: str | None = None) -> Any:
    """A client for control-plane calls; the same object for the same arguments."""
    return make_client(service, region, PATIENT)


def lambda_regions(beside: str | None = None) -> list[str]:
    """Names of the regions that have Lambda, from botocore's own endpoint data (no call is made).

    Parameters
    ----------
    beside : str, optional
        Only those which the account of this region can reach: those of its partition.
    """
    session = _session()
    partitions = session.get_available_partitions() if beside is None else [session.get_partition_for_region(beside)]
    return sorted(name for partition in partitions for name in session.get_available_regions("lambda", partition))


@dataclass(frozen=True, slots=True)
class Home:
    """Where a stack keeps its results; read from the environment that the template gives each control function."""

    stack: str
    region: str
    table: str
    bucket: str

    @property
    def server_log(self) -> str:
        """The log group of the stack's own server, in each of its regions."""
        return f"/isotherm/{self.stack}/server"

    @classmethod
    def from_environment(cls) -> Home:
        """Read ISOTHERM_STACK, ISOTHERM_HOME_REGION, ISOTHERM_TABLE and ISOTHERM_BUCKET.

        Raises
        ------
        NotDeployed
            One of them is not set.
        """
        return cls(
            stack=from_template("ISOTHERM_STACK"),
            region=from_template("ISOTHERM_HOME_REGION"),
            table=from_template("ISOTHERM_TABLE"),
            bucket=from_template("ISOTHERM_BUCKET"),
        )
