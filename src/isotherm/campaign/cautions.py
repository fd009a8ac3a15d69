"""What a plan makes people careful of before anything is measured: the facts, and each of them as a sentence."""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import Field

from isotherm.campaign.model import Strict
from isotherm.numbers import count

#: Samples of a cell from which an interval of the median, or of the p95, is narrow enough to be of use.
ENOUGH_FOR_MEDIAN = 50
ENOUGH_FOR_P95 = 100


class Emulated(Strict):
    """All numbers will be of this machine, not of AWS; not `foreseen` by the plan of an earlier version."""

    kind: Literal["emulated"] = "emulated"
    foreseen: bool = True


class Queueing(Strict):
    """More calls at once than the machine has cores."""

    kind: Literal["queueing"] = "queueing"
    calls_at_once: int
    cores: int


class FewSamples(Strict):
    """So few samples are planned for each cold, or each warm, cell that an interval will be wide or missing."""

    kind: Literal["few_samples_planned"] = "few_samples_planned"
    of: Literal["cold", "warm"]
    samples: int


class FewRounds(Strict):
    """So few rounds that nothing can be said of how far they differ."""

    kind: Literal["few_rounds"] = "few_rounds"
    rounds: int


class CutRounds(Strict):
    """Tours do not fit side by side in the accounts' concurrency, of which `least` is the smallest."""

    kind: Literal["cut_rounds"] = "cut_rounds"
    least: int
    lanes: int
    waves: int


PlanCaution = Annotated[Emulated | Queueing | FewSamples | FewRounds | CutRounds, Field(discriminator="kind")]


def caution_in_words(caution: PlanCaution) -> str:
    """A caution as the sentence that people read."""
    match caution:
        case Emulated():
            return "Emulated: these are real numbers of this machine, not of AWS."
        case Queueing():
            return (
                f"Up to {caution.calls_at_once} calls run at once on {caution.cores} cores: "
                "their times contain queueing for the processor."
            )
        case FewSamples():
            planned = f"{caution.samples} {caution.of} samples per cell"
            if caution.samples < ENOUGH_FOR_MEDIAN:
                return f"{planned}: {ENOUGH_FOR_MEDIAN} are advised for a median and {ENOUGH_FOR_P95} for a p95."
            return f"{planned}: enough for a median, {ENOUGH_FOR_P95} are advised for a p95."
        case FewRounds():
            return (
                f"{count(caution.rounds, 'round')}: too few to say how much results differ from one round to the next."
            )
        case CutRounds():
            return (
                f"Not all regions' lanes fit side by side in the accounts' concurrency (least: {caution.least} "
                f"unreserved): {caution.lanes} lanes run in {caution.waves} waves."
            )
    assert_never(caution)
