"""What a customer is, and what a body has to be to become one. Pure."""

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Customer = Mapping[str, str]

#: Fields of the interface, and the attributes of the table that keep them.
ATTRIBUTES = {"email_id": "EmailID", "first_name": "FirstName", "last_name": "LastName"}

MAX_BODY_BYTES = 4096
MAX_NAME = 100
MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the two angle brackets

# What browsers take for a valid address (HTML, "valid e-mail address"), less "/" and "%", which do not come unchanged
# through every path.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$&'*+=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


class Refused(Exception):
    """What was sent is not a customer; `reasons` says why, by field."""

    def __init__(self, reasons: "dict[str, str]") -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = reasons


def read_customer(body: bytes) -> "Customer":
    """Read a body of at most `MAX_BODY_BYTES`.

    Raises
    ------
    Refused
        With one reason for each field that is wrong, or for `body` where it is not a JSON object.
    """
    try:
        fields = json.loads(body.decode())
    except UnicodeDecodeError as problem:
        raise Refused({"body": f"not UTF-8 at byte {problem.start}"}) from problem
    except ValueError as problem:
        raise Refused({"body": f"not JSON: {problem}"}) from problem
    except RecursionError as problem:
        raise Refused({"body": "cannot be read as JSON: nested too deeply"}) from problem
    if not isinstance(fields, dict):
        raise Refused({"body": f"a JSON {_kind(fields)} and no object with {', '.join(ATTRIBUTES)}"})
    reasons = {name: reason for name in ATTRIBUTES if (reason := _wrong(name, fields))}
    for name in fields:
        if name not in ATTRIBUTES:
            reasons[_shown(name)] = f"unknown; accepted are {', '.join(ATTRIBUTES)}"
    if reasons:
        raise Refused(reasons)
    return fields


def wrong_address(address: str) -> str | None:
    """Why a text is not an email address; None where it is one."""
    if len(address) > MAX_ADDRESS:
        return f"has {len(address)} characters; at most {MAX_ADDRESS} are accepted"
    if not _ADDRESS.fullmatch(address):
        return f"{_shown(address)!r} is not an email address such as ann@example.com"
    return None


def _wrong(name: str, fields: "dict[str, Any]") -> str | None:
    if name not in fields:
        return "missing"
    value = fields[name]
    if not isinstance(value, str):
        return f"a JSON {_kind(value)}, not text"
    if not value.strip():
        return "empty"
    if name == "email_id":
        return wrong_address(value)
    if len(value) > MAX_NAME:
        return f"has {len(value)} characters; at most {MAX_NAME} are accepted"
    if not value.isprintable():
        return "has characters that cannot be printed"
    return None


def _kind(value: object) -> str:
    """What JSON calls a value's kind."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")


def _shown(text: str) -> str:
    """A text that somebody sent, short enough to be shown and without what cannot be encoded."""
    short = text if len(text) <= 60 else f"{text[:60]}..."
    return short.encode("utf-8", "replace").decode()
