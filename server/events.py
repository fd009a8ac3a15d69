"""Turns a request into the event that API Gateway would make of it, and an answer into the response. Knows no server.

Payload format 2.0 of API Gateway's HTTP APIs, so that a handler cannot tell whether it runs there or here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

#: RFC 9110, 5.1 and 5.5.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, whole. `path` is percent-decoded, header names are in lower case, in the order of arrival."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    begin_at_ms: float


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back to the client; header names in lower case, without the length."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class BadAnswer(Exception):
    """The handler's answer is none that HTTP could carry."""


def as_event(request: Request, route: str, parameters: dict[str, str], request_id: str) -> dict[str, Any]:
    """Make the event of a request.

    Parameters
    ----------
    request : Request
        What came in.
    route : str
        The route it matched, such as `GET /customers/{email}`.
    parameters : dict
        What stood in place of the braces.
    request_id : str
        Names this request in every log.
    """
    headers: dict[str, str] = {}
    cookies = []
    for name, value in request.headers:
        if name == "cookie":
            cookies += value.split("; ")
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    body, encoded = _as_text(request.body, headers.get("content-type", ""))
    host = headers.get("host", "")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "isotherm-server",
            "domainName": host.partition(":")[0],
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.begin_at_ms / 1000)),
            "timeEpoch": int(request.begin_at_ms),
        },
        "isBase64Encoded": encoded,
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        joined: dict[str, str] = {}
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        event["queryStringParameters"] = joined
    if parameters:
        event["pathParameters"] = parameters
    if request.body:
        event["body"] = body
    return event


def _as_text(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as the event holds it, and whether in base64: text where it is said to be text and is."""
    if not body:
        return "", False
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in ("application/json", "application/javascript", "application/xml"):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True


def as_response(answer: Any) -> Response:
    """Make the response of a handler's answer: an object with `statusCode`, or anything else as a JSON body.

    Raises
    ------
    BadAnswer
        The status, a header or the body is not of its type, or the answer is not JSON.
    """
    if not (isinstance(answer, dict) and "statusCode" in answer):
        try:
            return Response(200, [("content-type", "application/json")], json.dumps(answer).encode())
        except (TypeError, ValueError) as problem:
            raise BadAnswer(f"the answer is not JSON: {problem}") from problem
    status = answer["statusCode"]
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise BadAnswer(f"statusCode: {status!r} is not a number from 200 to 599")
    headers = [_header(name, value) for name, value in (answer.get("headers") or {}).items()]
    headers += [_header("set-cookie", cookie) for cookie in answer.get("cookies") or []]
    if all(name != "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return Response(status, headers, _body(answer))


def _header(name: Any, value: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise BadAnswer(f"headers: {name!r} is not a header's name")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, (str, int, float)) or not _HEADER_VALUE.fullmatch(text):
        raise BadAnswer(f"headers: {name}: {value!r} is not a header's value")
    return name.lower(), text


def _body(answer: dict[str, Any]) -> bytes:
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise BadAnswer(f"body: a {type(body).__name__} is not text")
    if not answer.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as problem:
        raise BadAnswer(f"body: isBase64Encoded, and it is not: {problem}") from problem
