"""What `outer` calls, in any region, with a database: it puts one item into its region's own table and gets it back."""

import isotherm_probe as probe

with probe.imports:
    import os
    import time

    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# One attempt, so that a time is that of one call; both together stay well below this function's own 15 seconds.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2, tcp_keepalive=True)
_KEPT_S = 86_400

_table = os.environ.get("ISOTHERM_INNER_TABLE", "")
_dynamodb = botocore.session.get_session().create_client(
    "dynamodb",
    region_name=os.environ.get("AWS_REGION"),
    endpoint_url=os.environ.get("ISOTHERM_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None,
    config=_CONFIG,
)


class DatabaseFailed(Exception):
    """DynamoDB refused, did not answer in time, or gave back something else than was put."""


@probe.observe
def handler(_event: object, context: object) -> dict[str, object]:
    """Put an item and get it back, each timed; the item is this environment's own, so that calls do not meet.

    The read is strongly consistent: it gives back what was put just now, or the call has failed.
    """
    key = {"id": {"S": probe.environment_id}}
    request_id = getattr(context, "aws_request_id", None)
    mark = {"S": str(request_id)}
    item = {**key, "mark": mark, "expires_at": {"N": str(int(time.time()) + _KEPT_S)}}
    _, put_ms = _timed("put", lambda: _dynamodb.put_item(TableName=_table, Item=item))
    answer, get_ms = _timed("get", lambda: _dynamodb.get_item(TableName=_table, Key=key, ConsistentRead=True))
    probe.note(database_ms=put_ms + get_ms, put_ms=put_ms, get_ms=get_ms)
    if answer.get("Item", {}).get("mark") != mark:
        raise DatabaseFailed(f"table {_table}: another item came back than was put")
    return {"ok": True, "target": "inner_db", "request_id": request_id}


def _timed(what: str, call: "Callable[[], Any]") -> "tuple[Any, float]":
    began_ns = time.perf_counter_ns()
    try:
        answer = call()
    except (BotoCoreError, ClientError) as fault:
        raise DatabaseFailed(f"table {_table}: {what}: {fault}") from fault
    return answer, (time.perf_counter_ns() - began_ns) / 1e6
