"""Says in one sentence what a campaign found: for each kind of campaign the answer to the question it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from isotherm.analysis.contrasts import farthest, of_finding
from isotherm.analysis.crisscross import billed_dependences, round_trips
from isotherm.analysis.design import Design
from isotherm.analysis.summary import (
    Cell,
    CellDifference,
    ClientDependence,
    CrisscrossFacts,
    LoadFacts,
    MetricName,
    TargetDifference,
)
from isotherm.analysis.words.cells import WAYS
from isotherm.analysis.words.contrasts import cell_difference_in_words, client_dependence_in_words
from isotherm.analysis.words.crisscross import finding_in_words, round_trips_in_words
from isotherm.analysis.words.differences import (
    HOW_MANY_ROUNDS,
    could_have_been_found,
    target_difference_in_words,
)
from isotherm.analysis.words.intervals import median_interval
from isotherm.analysis.words.loads import loads_in_a_sentence
from isotherm.campaign.cell import CellKey, Kind, cell_key
from isotherm.numbers import capitalised, count, digits, listed
from isotherm.statistics.fewest import FEWEST_ROUNDS
from isotherm.statistics.results import MetricSummary


class Findings(NamedTuple):
    """What a headline chooses from."""

    targets: Sequence[TargetDifference]
    crisscrosses: Sequence[CrisscrossFacts]
    clients: Sequence[ClientDependence]
    across: Sequence[CellDifference]
    loads: Sequence[LoadFacts] = ()


def headline(
    design: Design, cells: Sequence[Cell], start: MetricName | None, found: Findings, confidence: float = 0.95
) -> str:
    """The campaign's answer, in the order of what only such a campaign can tell.

    Whether billed time depends on distance (criss-cross); whether it depends on the client (several clients); what a
    way to the function adds (several protocols); how targets differ in their start-up, or without cold starts in their
    answers. Of a load: how many requests succeeded, and what was reached at the peak. `confidence` is of the intervals.
    """
    prefix = "On this machine (emulated, not AWS), " if design.platform == "emulated" else ""
    load = design.load
    of_loads = loads_in_a_sentence(load, found.loads) if load is not None and found.loads else None
    finding = of_loads or _of_pairs(found.crisscrosses, confidence) or _of_clients(found, confidence)
    if finding:
        return prefix + (finding if prefix else capitalised(finding))
    # These begin with a target's name, which stays as it is written.
    return prefix + (
        _of_waits(found.crisscrosses, cells)
        or _of_ways(found, confidence)
        or _of_targets(cells, start, found.targets, confidence)
    )


def _of_pairs(crisscrosses: Sequence[CrisscrossFacts], confidence: float) -> str | None:
    if not crisscrosses:
        return None
    first = crisscrosses[0]
    inner = first.inner_targets[0]
    if any(slope.verdict == "unclear" for slope in billed_dependences(first, inner)):
        return None
    # That there is none needs no number in a headline; the finding has it.
    return finding_in_words(first, inner, confidence, brief=True)


def _of_waits(crisscrosses: Sequence[CrisscrossFacts], cells: Sequence[Cell]) -> str | None:
    if not crisscrosses:
        return None
    outer = crisscrosses[0].target
    seen = round_trips(crisscrosses[0], cells)
    if seen is None:
        return f"no call of {outer} could be used: nothing to say about distance"
    return f"{round_trips_in_words(outer, seen)}; whether billed time depends on distance cannot be told"


def _of_clients(found: Findings, confidence: float) -> str | None:
    if not found.clients:
        return None
    worst = ("differs", "unclear", "independent")
    speaker = min(found.clients, key=lambda f: (f.kind != "warm", worst.index(f.verdict)))
    said = client_dependence_in_words(speaker, found.across, confidence)
    later = farthest(of_finding(speaker, found.across), "client_ms")
    if later is None:
        return said
    more = "longer" if later.difference > 0 else "less"
    seen = f"seen from {later.other} a call takes {digits(abs(later.difference))} ms {more}"
    return f"{said}; {seen} than from {later.baseline}"


def _of_ways(found: Findings, confidence: float) -> str | None:
    ways = [c for c in found.across if c.across == "protocol" and c.metric == "client_ms"]
    if not ways:
        return None
    widest = farthest(ways, "client_ms") or ways[0]
    return cell_difference_in_words(widest, confidence, widest.region)


def _of_targets(
    cells: Sequence[Cell], start: MetricName | None, targets: Sequence[TargetDifference], confidence: float
) -> str:
    if not any(cell.kind == "cold" for cell in cells):
        return _of_answers("warm", cells, targets, confidence) or "no call could be used: nothing to say"
    if start is None:  # a file may hold nothing but the client's time
        nothing = "no cold start could be used: nothing to say about start-up"
        return _of_answers("cold", cells, targets, confidence) or nothing
    starts = [c for c in targets if c.kind == "cold" and c.metric == start]
    if starts:
        return _of_comparisons(starts, confidence)
    cell = next(cell for cell in cells if cell.kind == "cold" and start in cell.metrics)
    return _lone(cell, cell.metrics[start], "starts", confidence)


def _of_answers(
    kind: Kind, cells: Sequence[Cell], targets: Sequence[TargetDifference], confidence: float
) -> str | None:
    """How targets differ in the client's time of such calls; None where no call could be used."""
    lone = next((cell for cell in cells if cell.kind == kind and "client_ms" in cell.metrics), None)
    if lone is None:
        used = any(cell.kind == kind and cell.accounting.used for cell in cells)
        return "no client time was measured: nothing to say of how targets differ" if used else None
    compared = [c for c in targets if c.kind == kind and c.metric == "client_ms"]
    if compared:
        return _of_comparisons(compared, confidence)
    return _lone(lone, lone.metrics["client_ms"], "answers", confidence)


def _of_comparisons(comparisons: Sequence[TargetDifference], confidence: float) -> str:
    """The largest of the sure differences, and who cannot be told apart from the baseline; or what could be seen."""
    # The first region and memory size speak for the campaign; the others are in the tables.
    here = [c for c in comparisons if _place(c) == _place(comparisons[0])]
    sure = [c for c in here if c.is_sure]
    if not sure:
        return _none_told_apart(here, confidence)
    widest = max(sure, key=lambda c: abs(c.result.shift or 0.0))
    sentence = target_difference_in_words(widest, confidence, widest.region)
    alike = [c.other for c in here if not c.is_sure]
    if alike:
        sentence += f"; {listed(alike)} cannot be told apart from {widest.baseline}"
    return sentence


def _none_told_apart(here: Sequence[TargetDifference], confidence: float) -> str:
    """That no target is told apart, and what to do about it: nothing is chosen among differences that are not sure."""
    first, *others = here
    tested = [c for c in here if c.detectable_ms is not None]
    if not others:
        more = f"; {_MORE_ROUNDS}" if tested else ""
        return target_difference_in_words(first, confidence, first.region) + more
    names = listed([c.other for c in here])
    if not tested:
        medians = listed([f"{c.other} {digits(c.result.other_median)}" for c in here])
        fewest = min(c.rounds or 0 for c in here)
        why = f"cannot be told from {count(fewest, 'round')}: {HOW_MANY_ROUNDS}"
        if fewest >= FEWEST_ROUNDS:
            why = "cannot be told"
        return (
            f"whether {names} differ from {first.baseline} in {first.region} {why} (medians in ms: {first.baseline} "
            f"{digits(first.result.baseline_median)}, {medians})"
        )
    hardest = max(tested, key=lambda c: c.detectable_ms or 0.0)
    return (
        f"{names} cannot be told apart from {first.baseline} with these samples in {first.region}: "
        f"{could_have_been_found(hardest)}; {_MORE_ROUNDS}"
    )


#: The standard error falls with the root of the number of rounds.
_MORE_ROUNDS = "with four times the rounds, one of half that size"


def _place(comparison: TargetDifference) -> CellKey:
    """Its cell without the target."""
    return replace(cell_key(comparison), target="")


def _lone(cell: Cell, summary: MetricSummary, verb: str, confidence: float) -> str:
    operation = f" ({cell.operation})" if cell.operation else ""
    way = f" {WAYS[cell.protocol]}" if cell.protocol != "invoke" else ""
    sentence = f"{cell.target}{operation} {verb} in {digits(summary.median)} ms{way} in {cell.region}"
    sentence += f" (median of {summary.n}"
    if summary.median_low is None or summary.median_high is None:
        return sentence + ", too few for an interval)"
    return sentence + f", {median_interval(summary, confidence)})"
