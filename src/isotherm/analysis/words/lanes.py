"""Says why a lane failed, as it stands in the end."""

from __future__ import annotations


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
