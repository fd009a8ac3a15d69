"""How the lanes of a tour end: by themselves, or because the tour they are in does not go on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from isotherm.analysis.words.lanes import failure_in_words
from isotherm.aws.store.records import LaneFacts
from isotherm.aws.store.table import Table
from isotherm.campaign.left_alone import fails_lane, left_in_words, of_items


def fail_lane(table: Table, campaign_id: str, lane_key: str, reason: str) -> None:
    """Record why a lane failed, unless it has ended; its tour goes on with the others."""
    table.update_lane(campaign_id, lane_key, LaneFacts(status="failed", reason=reason), unless_ended=True)


def fail_unfinished(
    table: Table, campaign_id: str, lane_keys: Iterable[str], reason: str, *, also_planned: bool = False
) -> None:
    """Record that lanes failed that were begun and have not ended; with `also_planned`, those not begun as well.

    Those that are complete stay succeeded. A row that was deleted and made again by its progress has no status.
    """
    for key in lane_keys:
        lane = table.lane(campaign_id, key)
        is_begun = lane is not None and lane.status != "planned"
        if is_begun or also_planned:
            fail_lane(table, campaign_id, key, reason)


def conclude(table: Table, campaign_id: str, lane_keys: Iterable[str], unrestored: str | None = None) -> dict[str, str]:
    """Conclude lanes that have ended, once their functions were put back; why those failed that did, by key.

    Only now is it known what others did to a function meanwhile. Concluded again, a lane stays as it is.

    Parameters
    ----------
    unrestored : str, optional
        Why functions were not put back: it fails the lanes that answer for those.
    """
    failed = {}
    for key in lane_keys:
        lane = table.lane(campaign_id, key)
        if lane is None or lane.end is None:
            continue
        if lane.phase != "done":
            reasons = [lane.reason] if lane.reason and lane.end == "failed" else []
            reasons += [left_in_words(fact) for fact in of_items(lane.left or []) if fails_lane(fact)]
            not_back = unrestored if lane.holds else None
            said = LaneFacts(phase="done")
            if reasons or not_back:
                said = LaneFacts(status="failed", phase="done", reason="; ".join(reasons) or None, unrestored=not_back)
            table.update_lane(campaign_id, key, said)
            lane = replace(lane, **said.said())
        if lane.end == "failed":
            said_of = failure_in_words(lane.reason, lane.unrestored, put_back=lane.holds is False)
            failed[key] = said_of or "no reason was given"
    return failed
