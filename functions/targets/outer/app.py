"""Calls `inner` or `inner_db` in the region it is told, and times the round trip from where it stands."""

import isotherm_probe as probe

with probe.imports:
    import json
    import os
    import time

    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# One attempt: a second one inside the client would be an invocation that is not counted. Both times together stay below
# this function's own 30 seconds, so that it is this function that says whom it waited for in vain, and above the 15 of
# inner and inner_db, whose own timeout says more.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, tcp_keepalive=True)

_session = botocore.session.get_session()
_clients: "dict[str, Any]" = {}


class BadEvent(Exception):
    """The event does not say which function to call."""


class InnerFailed(Exception):
    """The inner function was refused, failed, or did not answer in time."""


@probe.observe
def handler(event: "dict[str, Any]", _context: object) -> dict[str, object]:
    """Invoke the function that the event names, and hand on its answer.

    The event is `{"isotherm": {"shot_id": ...}, "inner": {"region": ..., "function_name": ...}}`. The inner function is
    told the same shot, so that its probe line can be found.
    """
    inner = event.get("inner")
    region, function_name = _text(inner, "region"), _text(inner, "function_name")
    asked = event.get("isotherm")
    shot_id = asked.get("shot_id") if isinstance(asked, dict) else None
    payload = json.dumps({"isotherm": {"shot_id": shot_id}}).encode()
    probe.note(inner_region=region, inner_client_new=region not in _clients)
    try:
        functions = _client(region)
        probe.note(inner_sent_at_ms=time.time_ns() / 1e6)
        began_ns = time.perf_counter_ns()
        answer = functions.invoke(FunctionName=function_name, Payload=payload)
        body = answer["Payload"].read()
        probe.note(inner_round_trip_ms=(time.perf_counter_ns() - began_ns) / 1e6)
    except (BotoCoreError, ClientError) as fault:
        raise InnerFailed(f"{function_name} in {region}: {fault}") from fault
    # On AWS the same as inner's own word below; what stands in for AWS names its answer and its log differently.
    probe.note(inner_request_id=answer["ResponseMetadata"].get("RequestId"))
    if answer.get("FunctionError"):
        error = _error(body)
        probe.note(inner_error=error)
        raise InnerFailed(f"{function_name} in {region}: {error}")
    told = json.loads(body)
    if isinstance(told, dict) and told.get("request_id"):
        probe.note(inner_request_id=told["request_id"])
    return {"inner": told}


def _client(region: str) -> "Any":
    """The client of a region, made when it is first called; its connection stays open between calls."""
    if region not in _clients:
        endpoint_url = os.environ.get("ISOTHERM_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None
        _clients[region] = _session.create_client(
            "lambda", region_name=region, endpoint_url=endpoint_url, config=_CONFIG
        )
    return _clients[region]


def _text(inner: object, name: str) -> str:
    value = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(value, str) or not value:
        raise BadEvent(
            f'inner.{name}: {value!r} is not a {name.replace("_", " ")}; say {{"inner": {{"{name}": "..."}}}}'
        )
    return value


def _error(body: bytes) -> str:
    """What a failed function says of itself, in one line."""
    try:
        error = json.loads(body)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:500]
