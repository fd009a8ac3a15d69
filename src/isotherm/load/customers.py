"""Customers made up from a seed, and the requests that create and read them. Sends nothing."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

#: Header by which a shot tells the probe which one it is (functions/targets/isotherm_probe.py).
SHOT_HEADER = "x-isotherm-shot"

#: Header of the answer: `<environment id>/<invocation index>`; index 0 was a cold start.
CALL_HEADER = "x-isotherm-call"

READ_PREFIX = "/customers/"

#: Reserved for documentation (RFC 2606): no mail to a made-up address reaches anybody.
DOMAIN = "example.com"

#: Some names are not ASCII, as customers' names are not.
FIRST_NAMES = (
    "Aaliyah", "Aiko", "Amelia", "André", "Anjali", "Arjun", "Beatriz", "Callum", "Camila", "Charlotte",
    "Chloé", "Daichi", "Diego", "Elif", "Emeka", "Eva", "Farah", "Gabriel", "Hana", "Hugo",
    "Imani", "Inês", "Jack", "Joana", "José", "Kaito", "Kavya", "Lachlan", "Leila", "Liam",
    "Luís", "Maja", "Mateo", "Matilda", "Mei", "Mia", "Nadia", "Noah", "Oliver", "Omar",
    "Priya", "Rafael", "Ren", "Rohan", "Sakura", "Sofía", "Tariq", "Vikram", "Yuki", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abe", "Adeyemi", "Ahmed", "Almeida", "Andersson", "Bauer", "Bennett", "Campbell", "Carvalho", "Chen",
    "Costa", "Das", "Dubois", "Evans", "Fernández", "Fischer", "García", "Gonçalves", "Gupta", "Haddad",
    "Hughes", "Ito", "Iyer", "Johnson", "Kaya", "Khan", "Kim", "Kowalski", "Laurent", "Lima",
    "López", "Mehta", "Moreau", "Müller", "Nakamura", "Novák", "Nguyen", "Oliveira", "Okafor", "Patel",
    "Reid", "Rossi", "Santos", "Sato", "Schäfer", "Silva", "Smith", "Tanaka", "Walker", "Wilson",
)  # fmt: skip


#: Made once: a load generator writes thousands of requests a second.
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer, named as in the API's JSON; the table calls them EmailID, FirstName, LastName."""

    email_id: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request of the customers API; `path` is percent-encoded, as it goes over the wire."""

    method: str
    path: str
    body: bytes | None


def customer(seed: int, number: int) -> Customer:
    """Make up a customer: the same one for the same seed and number, whatever the Python.

    Parameters
    ----------
    seed : int
        Any whole number; customers of two seeds share no address.
    number : int
        Which customer of that seed, from 0.

    Raises
    ------
    ValueError
        `number` is below 0.
    """
    if number < 0:
        raise ValueError(f"number: {number} is below the least accepted, 0")
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    first = FIRST_NAMES[int.from_bytes(digest[:8]) % len(FIRST_NAMES)]
    last = LAST_NAMES[int.from_bytes(digest[8:16]) % len(LAST_NAMES)]
    return Customer(f"{_plain(first)}.{_plain(last)}.{seed}.{number}@{DOMAIN}", first, last)


def create_request(made: Customer) -> WebRequest:
    """The request that creates a customer; sent twice it changes nothing."""
    fields = {"email_id": made.email_id, "first_name": made.first_name, "last_name": made.last_name}
    return WebRequest("POST", "/customers", _ENCODER.encode(fields).encode())


def read_request(email_id: str) -> WebRequest:
    """The request that reads a customer."""
    return WebRequest("GET", READ_PREFIX + quote(email_id, safe=""), None)


def as_event(request: WebRequest, shot_id: str | None) -> dict[str, Any]:
    """The event that an HTTP API would make of a request, to invoke the function without one.

    Parameters
    ----------
    request : WebRequest
        What a client would send.
    shot_id : str or None
        Which shot it is; None sends no such header.

    References
    ----------
    Payload format 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    headers = {"accept": "application/json"}
    if request.body is not None:
        headers["content-type"] = "application/json"
    if shot_id is not None:
        headers[SHOT_HEADER] = shot_id
    prefix, _, email_id = request.path.partition(READ_PREFIX)
    reads_one = bool(email_id) and not prefix
    path = unquote(request.path)
    route = f"{request.method} {READ_PREFIX}{{email}}" if reads_one else f"{request.method} {path}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": {"method": request.method, "path": path, "protocol": "HTTP/1.1", "userAgent": "isotherm"},
            "routeKey": route,
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if reads_one:
        event["pathParameters"] = {"email": unquote(email_id)}
    if request.body is not None:
        event["body"] = request.body.decode()
    return event


def _plain(name: str) -> str:
    """A name as it stands in an address: lower-case ASCII letters."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
