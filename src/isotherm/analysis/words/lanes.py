"""Says why a lane failed, as it stands in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def fault_in_words(fault: Mapping[str, Any]) -> str:
    """The text for a person in a state's {"Error", "Cause"}; the cause of a Lambda error is a JSON document."""
    error, cause = fault["Error"], fault.get("Cause") or ""
    if error == "States.Timeout":
        return "States.Timeout: a function of the tour did not answer in its time"
    try:
        document = json.loads(cause)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("errorMessage"):
        return f"{document.get('errorType') or error}: {document['errorMessage']}"
    return f"{error}: {cause}" if cause else str(error)


def failure_in_words(reason: str | None, unrestored: str | None, *, put_back: bool) -> str | None:
    """All that went wrong with a lane; None where nothing is known.

    Parameters
    ----------
    reason : str or None
        Why its measuring failed.
    unrestored : str or None
        Why its own state could not put its function back.
    put_back : bool
        Whether Rescue put it back afterwards.
    """
    parts = [reason] if reason else []
    if unrestored and put_back:
        parts.append(f"the function was put back only by its rescue, not by the lane: {unrestored}")
    elif unrestored:
        parts.append(f"the function was not put back: {unrestored}")
    return "; ".join(parts) or None
