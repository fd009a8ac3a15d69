"""Keeps customers: in this region's own table, or in this process. Knows neither requests nor answers."""

import os
import time

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from customers.record import ATTRIBUTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from customers.record import Customer

#: How long to wait for the table, in seconds: to be connected, and then for its answer. One attempt. Their sum stays
#: well below the function's own 3 seconds, as on record: a function that is stopped tells its client nothing.
CONNECT_S = 0.8
ANSWER_S = 1.0

#: How long a customer is kept, in seconds: all of them are made up.
KEPT_S = 86_400

_BUSY = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
}


class Unavailable(Exception):
    """The table cannot be asked now; asking again later may help."""


class Silent(Exception):
    """The table did not answer in time."""


class Table:
    """Customers in DynamoDB. Safe to be used from several threads."""

    def __init__(self, name: str, client: "Any") -> None:
        self._name = name
        self._client = client

    def put(self, customer: "Customer") -> None:
        """Keep a customer for a day, in place of an earlier one of the same address.

        Raises
        ------
        Unavailable, Silent
            It may or may not be kept.
        """
        item = {attribute: {"S": customer[name]} for name, attribute in ATTRIBUTES.items()}
        item["expires_at"] = {"N": str(int(time.time()) + KEPT_S)}
        self._ask(self._client.put_item, Item=item)

    def get(self, email_id: str) -> "Customer | None":
        """The customer with this address, if there is one.

        The read is strongly consistent: who has just been created is found.

        Raises
        ------
        Unavailable, Silent
            The table does not answer, so whether it exists is not known.
        """
        answer = self._ask(self._client.get_item, Key={"EmailID": {"S": email_id}}, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else {name: item[attribute]["S"] for name, attribute in ATTRIBUTES.items()}

    def _ask(self, call: "Callable[..., Any]", **request: "Any") -> "Any":
        try:
            return call(TableName=self._name, **request)
        except (ConnectTimeoutError, ReadTimeoutError) as problem:
            limit = CONNECT_S if isinstance(problem, ConnectTimeoutError) else ANSWER_S
            raise Silent(f"the table did not answer within {limit} s") from problem
        except (EndpointConnectionError, ConnectionClosedError) as problem:
            raise Unavailable("the table cannot be reached") from problem
        except ClientError as problem:
            # Anything else is a fault of the deployment, and shall be seen as one.
            if problem.response["Error"]["Code"] not in _BUSY:
                raise
            raise Unavailable("the table takes no more requests for the moment") from problem


class Memory:
    """Customers of this process alone, for a server without a table."""

    def __init__(self) -> None:
        self._customers: dict[str, Customer] = {}

    def put(self, customer: "Customer") -> None:
        """Keep a customer, in place of an earlier one of the same address."""
        self._customers[customer["email_id"]] = customer

    def get(self, email_id: str) -> "Customer | None":
        """The customer with this address, if there is one."""
        return self._customers.get(email_id)


def open_store(environment: "Mapping[str, str]" = os.environ) -> Table | Memory:
    """The table named by ISOTHERM_CUSTOMERS_TABLE, or this process's memory where ISOTHERM_CUSTOMERS is `memory`.

    Raises
    ------
    KeyError
        Neither is set.
    """
    if environment.get("ISOTHERM_CUSTOMERS") == "memory":
        return Memory()
    client = botocore.session.get_session().create_client(
        "dynamodb",
        region_name=environment.get("AWS_REGION"),
        endpoint_url=environment.get("ISOTHERM_ENDPOINT_URL") or environment.get("AWS_ENDPOINT_URL") or None,
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=CONNECT_S,
            read_timeout=ANSWER_S,
            max_pool_connections=100,  # Lambda needs one; a server of the same handlers as many as it has threads
            tcp_keepalive=True,
        ),
    )
    return Table(environment["ISOTHERM_CUSTOMERS_TABLE"], client)
