"""Says how a time changed between campaigns, or differs between two targets of one, or why that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

from isotherm.analysis.comparison_model import (
    CampaignComparison,
    Change,
    ChangeFacts,
    TargetTest,
    TargetTestInWords,
    Untold,
)
from isotherm.analysis.summary import MetricName
from isotherm.analysis.words.cells import cell_name
from isotherm.campaign.cell import InCell
from isotherm.numbers import NOTHING, count, digits, percent, probability
from isotherm.statistics.fewest import LEAST_A_ROUND
from isotherm.statistics.results import ENOUGH_SESSIONS, SequentialAnswer, Undecided, Verdict
from isotherm.statistics.sequential import FIRST_LOOK

#: What a verdict is called in a table.
ANSWER_LABELS: dict[Verdict, str] = {
    "worse": "worse",
    "not worse": "not worse",
    "undecided": "cannot be told",
}

_ROUNDS = f"{count(FIRST_LOOK, 'round')} of {count(LEAST_A_ROUND, 'sample')}"


def metric_name(found: InCell, metric: MetricName) -> str:
    """A cell and one of its two times, in words."""
    return f"{cell_name(found)}, {'client time' if metric == 'client_ms' else 'start-up'}"


def change_name(change: ChangeFacts) -> str:
    """A change's cell and metric, in words."""
    return metric_name(change, change.metric)


def as_change(ratio: float | None) -> str:
    """A ratio as a change in percent, with its sign: +30 %; a dash for none."""
    if ratio is None:
        return NOTHING
    share = 100 * (ratio - 1)
    return f"{'+' if share > 0 else ''}{digits(share)} %"


def changes_between(low: float | None, high: float | None) -> str:
    """Both ends of a ratio as changes in percent; a dash for none."""
    return NOTHING if low is None or high is None else f"{as_change(low)} … {as_change(high)}"


def change_in_words(facts: ChangeFacts) -> Change:
    """The change with its sentence."""
    result = facts.result
    said = f"{change_name(facts)}: {_values(result.baseline_median, result.other_median, result.ratio)}"
    if result.ratio_low is not None:
        said += f" (interval {changes_between(result.ratio_low, result.ratio_high)}, p {probability(facts.p_holm)})"
    return Change(**facts.model_dump(), sentence=f"{said}: {ANSWER_LABELS[facts.answer]}")


def changes_untold(changes: Sequence[Change], comparison: CampaignComparison) -> list[str]:
    """Why these changes are untold: each reason once where it is the same for all, with the cell where it is not."""
    found: dict[str, None] = {}
    for change in changes:
        result = change.result
        match change.why:
            case None:
                continue
            case "no_summary" | "no_sessions" | "few_sessions":
                found[_of_sessions(change.why, comparison)] = None
            case "few_measured":
                has = f"{count(change.sessions or 0, 'session')} of {comparison.name} measured it as A did"
                found[f"{change_name(change)}: {has}, {ENOUGH_SESSIONS} are needed"] = None
            case "few_rounds":
                has = f"A has {result.baseline_rounds} of these, B has {result.other_rounds}"
                found[f"{change_name(change)}: {_ROUNDS} are needed on each side; {has}"] = None
            case "no_ratio":
                found[f"{change_name(change)}: a median of 0 ms or less has no ratio"] = None
            case "scatter":
                between = changes_between(result.ratio_low, result.ratio_high)
                apart = f"sessions differ by {percent(change.session_sd or 0.0)}"
                found[f"{change_name(change)}: anything from {between} is possible, as {apart}"] = None
    return list(found)


def _of_sessions(why: Untold, comparison: CampaignComparison) -> str:
    single = "one campaign each says nothing of how far campaigns differ anyway"
    if why == "no_summary":
        return f"{single}, and without the summary.json of both their name is not known, of which others would say it"
    if why == "no_sessions":
        return f"{single}, and no other of the name {comparison.name} is known here"
    known = f"{count(comparison.sessions, 'session')} of {comparison.name}"
    return f"{single}, and {known} besides B {'is' if comparison.sessions == 1 else 'are'} too few: 3 are needed"


def how_to_tell(name: str | None) -> str:
    """What can be done so that two versions can be told apart."""
    return (
        "to tell it, measure both versions in one campaign, as two targets (isotherm compare ID --targets OLD,NEW), or "
        f"have {ENOUGH_SESSIONS} sessions of {name or 'one name'} before the change (--reports FOLDER names reports)"
    )


def test_in_words(found: TargetTest) -> TargetTestInWords:
    """The test with its sentence."""
    said = f"{metric_name(found, found.metric)}, against {found.baseline}: "
    said += _values(found.baseline_median, found.other_median, found.test.ratio if found.test else None)
    if found.test is None:
        said += ": cannot be told, as a median of 0 ms or less has no ratio"
    else:
        said += f": {_answered(found.test, found.rounds_left_out)}"
    return TargetTestInWords(**found.model_dump(), sentence=said)


def _answered(test: SequentialAnswer, left_out: int) -> str:
    after = f"after {count(test.rounds, 'round')} of at most {test.max_rounds}"
    bounds = f"between {changes_between(test.ratio_low, test.ratio_high)}"
    match test.answer:
        case "worse":
            return f"slower, {after} ({bounds})"
        case "not worse":
            return f"not slower by {percent(test.slowdown)} or more, {after} ({bounds})"
        case "undecided":
            return f"cannot be told {after}: {_why_undecided(test, test.why, left_out)}"


def _why_undecided(test: SequentialAnswer, why: Undecided | None, left_out: int) -> str:
    match why:
        case "few_rounds":
            short = f"; {count(left_out, 'round')} had fewer samples on a side" if left_out else ""
            return f"{_ROUNDS} on each side are needed{short}"
        case "coarse":
            return f"times in whole units are too coarse for {percent(test.slowdown)}"
        case "scatter" | None:
            return f"rounds scatter so far that no number of them would tell {percent(test.slowdown)}"
        case "more_rounds" | "budget":
            return f"about {count(test.rounds_needed or 0, 'round')} of this size would be needed in all"


def _values(baseline: float, other: float, ratio: float | None) -> str:
    return f"{digits(baseline)} → {digits(other)} ms ({as_change(ratio)})"
