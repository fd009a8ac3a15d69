"""Says where every planned invocation ended (docs/measuring.md, rule 1).

Knows the plan, what was sent and the samples, no statistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, fields, replace

from isotherm.analysis.summary import Accounting, Cell, CellImbalance, Failure, Imbalance
from isotherm.campaign.cell import CellKey, Kind, cell_key, cell_of
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from isotherm.measurement.shot import Outcome

#: Of an error's message as a summary keeps it; the samples have the whole.
MESSAGE_SHOWN = 300

_FAILURES: Mapping[str, str] = {
    "function_error": "function_errors",
    "timeout": "timeouts",
    "throttled": "throttles",
    "client_error": "client_errors",
    "failed": "unexplained",
}
_VERDICTS = frozenset({"used", "contested", "unexpected", "proactive", "unwitnessed", "primed", "unusable"})
# Shots that never ran: the platform owes no report for them.
_NEVER_RAN = frozenset({"throttled", "client_error"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What the clients of a campaign said to have sent, or to be about to send, by lane and step; and then by kind.

    `unannounced` are steps of which there are shots and no such word: none of their calls is provably unsent.
    """

    announced: Mapping[tuple[str, int], Mapping[str, int]]
    unannounced: Collection[tuple[str, int]] = ()


def distinct(samples: Iterable[Sample]) -> tuple[list[Sample], dict[CellKey, int]]:
    """Samples without repeats, in an order of their own, and how many repeats each cell had.

    Two samples are the same shot when lane and shot id agree. Of differing copies the one that knows more is kept
    (a report found on a later look beats its absence), so that the order of delivery does not matter.

    Parameters
    ----------
    samples : iterable of Sample
        In any order, with any repeats.

    Returns
    -------
    kept : list of Sample
        Sorted by lane, step, kind, burst, index and shot id.
    repeats : dict
        Number of surplus copies by cell.
    """
    kept: dict[tuple[str, str], Sample] = {}
    surplus: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        identity = (sample.lane, sample.shot_id)
        known = kept.get(identity)
        if known is None:
            kept[identity] = sample
        else:
            surplus[identity] += 1
            kept[identity] = max(known, sample, key=_knowledge)
    repeats: dict[CellKey, int] = {}
    for identity, count in surplus.items():
        key = cell_key(kept[identity])
        repeats[key] = repeats.get(key, 0) + count
    return sorted(kept.values(), key=_position), repeats


def planned_shots(plan: Plan, lane_keys: Collection[str] | None = None) -> dict[CellKey, int]:
    """Shots the plan means to fire, by cell, in the plan's order of lanes; of some lanes alone where `lane_keys` says.

    A step whose memory is left as deployed is booked under the memory the region reported for the function.
    """
    planned: dict[CellKey, int] = {}
    for lane, _, _, count, key in _steps(plan):
        if lane_keys is None or lane in lane_keys:
            planned[key] = planned.get(key, 0) + count
    return planned


def _steps(plan: Plan) -> Iterator[tuple[str, int, Kind, int, CellKey]]:
    """Each kind of shots of each step of each lane: how many are planned, and of which cell they are."""
    deployed = {(t.region, t.target): t.memory_mb for region in plan.inventory for t in region.targets}
    for lane in plan.lanes.values():
        for step in lane.steps:
            memory_mb = deployed[lane.region, lane.target] if step.memory_mb is None else step.memory_mb
            shots: tuple[tuple[Kind, int], ...] = (
                ("cold", sum(burst.shots for burst in step.bursts)),
                ("prime", step.prime_shots),
                ("warm", step.warm_shots),
            )
            for kind, count in shots:
                if count:
                    key = cell_of(lane, step, kind, memory_mb, clients_named=bool(plan.campaign.clients))
                    yield lane.key, step.step, kind, count, key


def account(
    plan: Plan, samples: Iterable[Sample], spared: Collection[str] = (), sent: Sent | None = None
) -> dict[CellKey, Accounting]:
    """Account of every cell that was planned or has a sample.

    Parameters
    ----------
    plan : Plan
        What was meant to happen.
    samples : iterable of Sample
        What came back, in any order, with any repeats.
    spared : collection of str
        Keys of the lanes that were not run because their cells were precise enough already.
    sent : Sent, optional
        What was said to be sent; without it, what has a sample.

    Returns
    -------
    dict
        By cell, planned ones first in the plan's order. A sample of a cell that was not planned is counted all the
        same, and `imbalances` names it.
    """
    kept, repeats = distinct(samples)
    return settled(expected(plan, kept, spared, sent), kept, repeats)


def expected(
    plan: Plan, kept: Iterable[Sample], spared: Collection[str] = (), sent: Sent | None = None
) -> dict[CellKey, Accounting]:
    """What a plan, and those who carried it out, say of each cell: planned, spared, sent and uncollected.

    Parameters
    ----------
    kept : iterable of Sample
        Without repeats; what was sent and is not among them is uncollected.
    """
    accounts = {key: Accounting(planned=count, uncollected=0) for key, count in planned_shots(plan).items()}
    for key, count in planned_shots(plan, spared).items():
        accounts[key].spared = count
    if sent is not None:
        said, lost = _sent_by_cell(plan, kept, sent)
        for key, entry in accounts.items():
            entry.sent, entry.uncollected = said[key], lost[key]
    return accounts


def settled(
    stated: Mapping[CellKey, Accounting] | None, kept: Iterable[Sample], repeats: Mapping[CellKey, int]
) -> dict[CellKey, Accounting]:
    """Account of every cell that something was stated of or that has a sample.

    Parameters
    ----------
    stated : mapping, optional
        What was planned, spared, sent and uncollected of each cell; None where there was no plan: then nothing is said
        to be planned, sent or missing.
    kept, repeats
        As `distinct` gives them.
    """
    nothing_yet = {"unusable": 0, "unexplained": 0, "report_unsaid": 0}
    accounts = {key: replace(entry, **nothing_yet) for key, entry in (stated or {}).items()}
    unplanned = replace(Accounting(planned=None) if stated is None else Accounting(uncollected=0), **nothing_yet)
    for sample in kept:
        book(accounts.setdefault(cell_key(sample), replace(unplanned)), sample)
    for key, count in repeats.items():
        accounts[key].duplicates += count
    for entry in accounts.values():
        if entry.planned is not None:
            if entry.sent is None:
                entry.sent = entry.issued
            # Never below zero: more issued than planned must show as an imbalance, not cancel out.
            missing = entry.planned - entry.spared - entry.issued - (entry.uncollected or 0)
            entry.not_issued = max(0, missing)
    return accounts


def _sent_by_cell(plan: Plan, kept: Iterable[Sample], sent: Sent) -> tuple[Counter[CellKey], Counter[CellKey]]:
    """What was sent, and what of it has no sample, step by step: one step's surplus hides no other's loss."""
    collected = Counter((sample.lane, sample.step, sample.kind) for sample in kept)
    all_sent, lost = Counter[CellKey](), Counter[CellKey]()
    for lane, step, kind, planned, key in _steps(plan):
        # Where shots lie in the bucket that nobody announced, none can be said not to have been sent.
        said = sent.announced.get((lane, step), {}).get(kind, 0)
        most = planned if (lane, step) in sent.unannounced else said
        all_sent[key] += said
        lost[key] += max(0, most - collected[lane, step, kind])
    return all_sent, lost


def book(entry: Accounting, sample: Sample) -> None:
    """Count one sample, seen for the first time, in `entry`."""
    entry.issued += 1
    if sample.outcome == "answered":
        entry.answered += 1
    else:
        entry.failed += 1
        failure = _FAILURES[sample.outcome]
        setattr(entry, failure, getattr(entry, failure) + 1)
    if sample.report_found is None:
        entry.report_unsaid = (entry.report_unsaid or 0) + 1
    elif sample.report_found:
        entry.report_found += 1
    elif sample.outcome in _NEVER_RAN:
        entry.report_not_due += 1
    else:
        entry.report_missing += 1
    if sample.verdict in _VERDICTS:
        setattr(entry, sample.verdict, getattr(entry, sample.verdict) + 1)
    if sample.temperature == "cold":
        entry.cold_verified += 1
    if sample.inner is not None and sample.outcome == "answered":
        entry.nested += 1
        if sample.inner_report_found:
            entry.inner_report_found += 1
        else:
            entry.inner_report_missing += 1
    if sample.attempts > 1:
        entry.retried_throttles += sample.attempts - 1


def failures(by_cell: Mapping[CellKey, Iterable[Sample]]) -> list[Failure]:
    """Why calls failed: the reasons met in each cell, the commonest first.

    Parameters
    ----------
    by_cell : mapping
        All samples by cell, without repeats, in reading order.

    Returns
    -------
    list of Failure
        `reason` is the HTTP status where there was one, else the error's type as the platform or the client names it,
        else the outcome.
    """
    found = []
    for key, samples in by_cell.items():
        messages: dict[tuple[Outcome, str], Counter[str]] = {}
        for sample in samples:
            if sample.outcome != "answered":
                status = f"HTTP {sample.http_status}" if sample.http_status is not None else None
                otherwise = "not said how" if sample.outcome == "failed" else sample.outcome.replace("_", " ")
                reason = status or sample.error_type or otherwise
                messages.setdefault((sample.outcome, reason), Counter())[sample.error_message or ""] += 1
        for (outcome, reason), said in sorted(messages.items(), key=lambda item: (-item[1].total(), item[0])):
            example = min(said, key=lambda message: (-said[message], message))
            found.append(
                Failure(
                    **asdict(key),
                    outcome=outcome,
                    reason=reason,
                    calls=said.total(),
                    example=example[:MESSAGE_SHOWN] or None,
                )
            )
    return found


def total(accounts: Iterable[Accounting]) -> Accounting:
    """Sum of accounts, field by field."""
    counted = list(accounts)
    result = Accounting(planned=None if counted else 0)
    for entry in counted:
        for field in fields(entry):
            parts = [number for one in (result, entry) if (number := getattr(one, field.name)) is not None]
            setattr(result, field.name, sum(parts) if parts else None)
    return result


#: Each sum by its fields: the whole, and the parts of which it is made.
_SUMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("planned", ("issued", "uncollected", "not_issued", "spared")),
    ("sent", ("issued", "uncollected")),
    ("issued", ("answered", "failed")),
    ("failed", ("function_errors", "timeouts", "throttles", "client_errors", "unexplained")),
    ("issued", ("report_found", "report_missing", "report_not_due", "report_unsaid")),
    ("answered", ("used", "contested", "unexpected", "proactive", "unwitnessed", "primed", "unusable")),
    ("nested", ("inner_report_found", "inner_report_missing")),
)


def imbalances(accounting: Accounting) -> list[Imbalance]:
    """Each sum that does not agree, with its numbers (docs/measuring.md, rule 1); empty when all agree.

    Parameters
    ----------
    accounting : Accounting
        Of a cell or of a whole campaign.
    """
    numbers = {name: number or 0 for name, number in asdict(accounting).items()}
    found = [
        Imbalance(name=name, whole=numbers[name], parts={part: numbers[part] for part in parts})
        for name, parts in _SUMS
        if getattr(accounting, name) is not None  # as in the summary of an earlier version
    ]
    return [imbalance for imbalance in found if imbalance.whole != sum(imbalance.parts.values())]


def cell_imbalances(cells: Iterable[Cell]) -> list[CellImbalance]:
    """Each sum of each cell's accounting that does not agree."""
    return [
        CellImbalance(**asdict(cell_key(cell)), sum=found) for cell in cells for found in imbalances(cell.accounting)
    ]


def _knowledge(sample: Sample) -> tuple[bool, bool, bool, str]:
    return bool(sample.report_found), sample.probe_found, sample.outcome == "answered", repr(astuple(sample))


def _position(sample: Sample) -> tuple[str, int, str, int, int, str]:
    return sample.lane, sample.step, sample.kind, sample.burst, sample.index, sample.shot_id
