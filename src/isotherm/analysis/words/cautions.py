"""Says what to be careful of before a number of a campaign is quoted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import assert_never

from isotherm.analysis.summary import (
    EMULATED_NOTE,
    Caution,
    ChangedByOthers,
    Contested,
    FewSamplesUsed,
    Imprecise,
    LanesFailed,
    LateGenerator,
    LoadFacts,
    NotIssued,
    NotReported,
    OddLines,
    RanBeside,
    ReportsMissing,
    Uncollected,
    UnevenRounds,
)
from isotherm.analysis.words.cells import cell_name, varying
from isotherm.analysis.words.loads import run_names
from isotherm.analysis.words.precision import precision_in_words
from isotherm.campaign.cautions import CutRounds, Emulated, FewRounds, FewSamples, Queueing, caution_in_words
from isotherm.campaign.cell import InCell
from isotherm.campaign.lane import CallProtocol
from isotherm.campaign.left_alone import left_in_words
from isotherm.numbers import capitalised, count, listed

_Names = Mapping[tuple[str, CallProtocol], str]


def cautions_in_words(
    found: Iterable[Caution], cells: Iterable[InCell] = (), loads: Sequence[LoadFacts] = ()
) -> list[str]:
    """A sentence for each caution, in order.

    Parameters
    ----------
    found : iterable of Caution
        What is said.
    cells, loads
        The campaign's, from which those that are named have to be told.
    """
    named = varying(cells)
    names = {(run.lane_key, run.protocol): name for run, name in zip(loads, run_names(loads), strict=True)}
    return [_in_words(caution, named, names) for caution in found]


def _in_words(caution: Caution, named: Collection[str], names: _Names) -> str:
    match caution:
        case Emulated():
            return f"{capitalised(EMULATED_NOTE)}."
        case Queueing() | FewSamples() | FewRounds() | CutRounds():
            return caution_in_words(caution)
        case LanesFailed():
            counted = "not reported" if caution.of_load else "not issued or uncollected"
            lanes = f"{count(caution.failed, 'lane')} of {caution.planned}"
            return f"{lanes} failed; what they lack is counted as {counted}."
        case ChangedByOthers():
            return f"Lane {caution.lane_key}: {'; '.join(map(left_in_words, caution.left))}."
        case RanBeside():
            ran = count(len(caution.campaigns), "other campaign")
            return f"{ran} ran at the same time on this stack: {listed(caution.campaigns)}."
        case OddLines():
            lines = count(sum(caution.lanes.values()), "line")
            return (
                f"{lines} of the log looked like a probe's and could not be read, and nothing was taken from them "
                f"({'; '.join(f'lane {key}: {number}' for key, number in caution.lanes.items())})."
            )
        case NotReported():
            return _not_reported(caution, names)
        case LateGenerator():
            late = "; ".join(f"{names[of.lane_key, of.protocol]} in {listed(of.phases)}" for of in caution.loads)
            return f"The generator did not keep up, and its own slowness is in the numbers: {late}."
        case NotIssued():
            return f"{caution.not_issued} of {caution.planned} planned calls were not issued."
        case Uncollected():
            return (
                f"{caution.uncollected} of {caution.planned} planned calls are uncollected: they were sent, or may "
                "have been, and what became of them was lost."
            )
        case ReportsMissing():
            return f"{count(caution.reports, 'report')} never came; those calls are counted, not guessed."
        case Contested():
            return (
                f"{count(caution.samples, 'sample')} contested: the witnesses disagree on coldness, or the "
                "platform's report is contradicted; kept out of the statistics."
            )
        case Imprecise():
            return f"{cell_name(caution.cell, named)}: {precision_in_words(caution.reached)}."
        case FewSamplesUsed():
            return _few_samples(caution)
        case UnevenRounds():
            return (
                f"Rounds differ by more than chance in {caution.uneven} of {count(caution.cells, 'cell')}: the mean "
                f"client time of {cell_name(caution.widest, named)} scatters between rounds {caution.factor:.1f} times "
                "as wide as the scatter inside them predicts; intervals of medians take samples as independent and are "
                "too narrow there."
            )
    assert_never(caution)


def _not_reported(caution: NotReported, names: _Names) -> str:
    name, requests = names[caution.lane_key, caution.protocol], count(caution.planned, "request")
    if caution.not_reported >= caution.planned:
        return f"{name}: nothing is reported of its {requests}: no generator said what became of them."
    return (
        f"{name}: {caution.not_reported:,} of {requests} are not reported: a generator never "
        "said what became of its share, so throughput is at least what is shown, and times are of the rest."
    )


def _few_samples(caution: FewSamplesUsed) -> str:
    alike = caution.least == caution.most
    spread = f"{caution.least}" if alike else f"{caution.least} to {caution.most}"
    have = "has" if caution.short == 1 else "have"
    cells = f"{caution.short} of {count(caution.cells, 'cell')}"
    return (
        f"{cells} {have} fewer than {caution.enough} used samples ({spread}): few for a {caution.quantile}; "
        "see its interval."
    )
