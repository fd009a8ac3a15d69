"""What a campaign cost, counted from what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from isotherm.campaign.estimate import (
    ASSUMED_COLD_BILLED_MS,
    ASSUMED_WARM_BILLED_MS,
    CAMPAIGN_TRANSITIONS,
    Functions,
    add_control,
    add_load,
    add_looks,
    add_stores,
    add_tour,
    fires_of,
    note_servers,
    table_requests,
    tour_transitions,
)
from isotherm.campaign.lane import Lane, is_server
from isotherm.campaign.plan import Plan
from isotherm.pricing.bill import Bill
from isotherm.pricing.price import Price

if TYPE_CHECKING:
    from isotherm.analysis.summary import LaneOutcome
    from isotherm.measurement.sample import Sample


def actual(
    plan: Plan,
    samples: Sequence[Sample],
    outcomes: Iterable[LaneOutcome],
    requests: Mapping[tuple[str, int], int] | None = None,
) -> Price:
    """What a campaign cost, by what its samples and lanes say.

    Billed time of measured calls is the reports' own; a call that ran without a report that was found is booked at the
    mean of its cell's, or as assumed before. The time of Fire is that from a step's first call to its last answer.
    The other control functions are counted, their times assumed: their reports are not collected. A tour is booked with
    all of its transitions, and with one more for its rescue where a lane of it failed; a stage all of whose lanes were
    spared without its Fire; a tour of which no lane was begun with nothing.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    samples : sequence of Sample
        What happened, each shot once.
    outcomes : iterable of LaneOutcome
        How each lane ended.
    requests : mapping, optional
        How many requests the loads sent, by lane and step; their billed times are assumed.
    """
    bill = Bill()
    functions = {(t.region, t.target): t for region in plan.inventory for t in region.targets}
    by_step: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        by_step.setdefault((sample.lane, sample.step), []).append(sample)
    status = {outcome.lane_key: outcome.status for outcome in outcomes}
    unreported = _add_measured(bill, functions, samples)
    transitions = CAMPAIGN_TRANSITIONS + len(plan.waves)
    ran: list[Lane] = []
    for lane in plan.lanes.values():
        if status.get(lane.key, "failed") in ("not_begun", "spared"):
            continue
        ran.append(lane)
        function = functions[lane.region, lane.target]
        for step in lane.steps:
            if step.load is not None:
                add_load(bill, lane, step, step.load, function, (requests or {}).get((lane.key, step.step), 0))
    for tour in plan.tours.values():
        ended = {status.get(key, "failed") for key in tour.lanes}
        if ended == {"not_begun"}:
            continue
        transitions += 1 + ("failed" in ended)  # its dispatch, and its rescue; the rest is in its own region
        first = plan.lanes[tour.lanes[0]]
        architecture = functions[first.region, first.target].architecture
        own = tour_transitions(tour, plan.lanes) - 1
        for stage in tour.stages:
            steps = {one: plan.lanes[one.lane_key].step(one.step) for one in stage}
            made = [step for one, step in steps.items() if status.get(one.lane_key) != "spared"]
            if not made:
                own -= fires_of(next(iter(steps.values())))
            elif made[0].load is not None:
                continue
            firing_ms = sum(_firing_ms(by_step.get(one, [])) for one in stage)
            add_control(bill, tour, made, architecture, firing_ms)
        bill.add_transitions(tour.client_region, own)
        add_tour(bill, tour, architecture)
    bill.add_transitions(plan.home_region, transitions)
    note_servers(bill, plan.campaign)
    add_stores(bill, plan.home_region, len(samples), ran)
    add_looks(bill, plan.campaign, list(plan.lanes.values()), plan.home_region)
    bill.note(
        "measured calls by their reports' billed time; Fire by the time from first call to last answer; the times of "
        "the other control functions, table, bucket and log quantities from counts, as estimated before"
    )
    if requests:
        bill.note(
            "requests of loads are counted as sent; their reports are not collected, so their billed times are assumed"
        )
    if unreported:
        bill.note(
            f"{unreported} calls without a billed time are booked at the mean of their cell, or as assumed before"
        )
    if plan.platform == "emulated":
        bill.note("emulated: what AWS would have asked, by this machine's times, in which billed time holds start-up")
    return bill.price()


def _add_measured(bill: Bill, functions: Functions, samples: Iterable[Sample]) -> int:
    """Book the measured calls by cell; how many of them ran, or may have, without a billed time."""
    cells: dict[tuple[str, str, int, str], list[float | None]] = {}
    for sample in samples:
        bill.add_table(sample.region, *table_requests(sample.target, sample.operation, 1))
        if sample.protocol == "http" and sample.outcome != "client_error":
            bill.add_http_api(sample.region, 1)
        if sample.billed_ms is None and sample.outcome in ("throttled", "client_error"):
            continue  # refused before it ran: no request is charged
        if not is_server(sample.protocol):  # which costs by the hour, whether it is called or not
            key = (sample.region, sample.target, sample.memory_mb, sample.kind)
            cells.setdefault(key, []).append(sample.billed_ms)
        if sample.inner is not None and sample.inner_region is not None:
            called = functions.get((sample.inner_region, sample.inner))
            memory_mb = sample.inner_memory_size_mb or (called.memory_mb if called else sample.memory_mb)
            bill.add_table(sample.inner_region, *table_requests(sample.inner, None, 1))
            inner_key = (sample.inner_region, sample.inner, memory_mb, sample.kind)
            cells.setdefault(inner_key, []).append(sample.inner_billed_duration_ms)
    unreported = 0
    for (region, target, memory_mb, kind), billed in cells.items():
        known = [value for value in billed if value is not None]
        assumed = ASSUMED_COLD_BILLED_MS if kind == "cold" else ASSUMED_WARM_BILLED_MS
        mean = sum(known) / len(known) if known else assumed
        unreported += len(billed) - len(known)
        function = functions.get((region, target))
        architecture = function.architecture if function else "x86_64"
        billed_ms = sum(known) + (len(billed) - len(known)) * mean
        bill.add_lambda(region, architecture, memory_mb, len(billed), billed_ms)
    return unreported


def _firing_ms(samples: Sequence[Sample]) -> float:
    if not samples:
        return 0.0
    ends = [sample.sent_at_ms + (sample.client_ms or 0.0) + (sample.hold_ms or 0.0) for sample in samples]
    return max(ends) - min(sample.sent_at_ms for sample in samples)
