"""What tours and their lanes have to do: as their rows of the table say, or where those are gone, as the plan says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from isotherm.aws.clients import Home
from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.plans import read_plan
from isotherm.aws.store.table import Table
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.tour import Tour

if TYPE_CHECKING:
    from isotherm.campaign.plan import Plan


def tour_of(home: Home, campaign_id: str, tour_key: str) -> Tour:
    """What a tour carries out.

    Raises
    ------
    LookupError
        The campaign has no such tour, or neither its row nor the plan is there any more.
    """
    table = Table(home)
    if tour := table.tour(campaign_id, tour_key):
        return tour
    if tour := _plan(home, table, campaign_id, f"tour {tour_key}").tours.get(tour_key):
        return tour
    raise LookupError(f"campaign {campaign_id} has no tour {tour_key}")


def tasks_of(home: Home, campaign_id: str, lane_keys: Iterable[str]) -> dict[str, LaneTask]:
    """What some lanes have to do, by key, each once.

    Raises
    ------
    LookupError
        The campaign has no such lane, or neither its row nor the plan is there any more.
    """
    table = Table(home)
    found = {key: table.task(campaign_id, key) for key in dict.fromkeys(lane_keys)}
    gone = [key for key, task in found.items() if task is None]
    planned: dict[str, LaneTask] = {}
    if gone:
        plan = _plan(home, table, campaign_id, f"lane {gone[0]}")
        planned = {task.lane.key: task for task in plan.tasks() if task.lane.key in gone}
    if unknown := [key for key in gone if key not in planned]:
        raise LookupError(f"campaign {campaign_id} has no lane {unknown[0]}")
    return {key: task or planned[key] for key, task in found.items()}


def _plan(home: Home, table: Table, campaign_id: str, whose: str) -> Plan:
    from isotherm.campaign.plan import Plan  # pydantic: most calls do without its import

    written = read_plan(table, Bucket(home), campaign_id)
    if written is None:
        raise LookupError(f"what {whose} of campaign {campaign_id} has to do is gone, and the plan too")
    return Plan.model_validate_json(written)
