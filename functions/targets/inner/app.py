"""What `outer` calls, in any region: it answers at once."""

import isotherm_probe as probe


@probe.observe
def handler(_event: object, context: object) -> dict[str, object]:
    """Answer at once, so that what `outer` waits for is the way; the request's id is for `outer` to note."""
    return {"ok": True, "target": "inner", "request_id": getattr(context, "aws_request_id", None)}
