"""What is claimed, how often it held, and whether that is as often as it has to."""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

Verdict = Literal["held", "missed", "wide", "not claimed", ""]

#: What is asked of a claim. "covers": the truth lies inside in .93 to .975 of cases; "covers at least": in .93, as an
#: interval that is open on one side, or of order statistics alone, holds more by its nature. "seldom": at most .06.
#: "as the best": at least nine tenths of what the best honest method finds in the same samples. "as long": a time is
#: within a hundredth of the true one. "": it is shown, and nothing is asked.
Goal = Literal["covers", "covers at least", "seldom", "as the best", "as long", ""]

LOWEST, HIGHEST = 0.93, 0.975
MOST_FALSE = 0.06
OF_THE_BEST = 0.9
NEAR = 0.01


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim in words, what is asked of it, and what it states itself: a share of cases, or a time in ms."""

    name: str
    goal: Goal = ""
    nominal: float | None = None


class Case(NamedTuple):
    """What one trial says of a claim: by the former method, by this version, and by the best honest method known.

    Whether it held or was found, or a time in ms; None where the method is not tried, or claims nothing.
    """

    claim: Claim
    old: float | None
    new: float | None
    best: float | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment(ABC):
    """Campaigns that are alike: the distribution of times, rounds, calls of a target, and how rounds differ."""

    shape: str = "lognormal"
    icc: float = 0.0
    rounds: int = 5
    calls: int = 50

    @property
    def per_round(self) -> int:
        """Calls of a target in a round."""
        return self.calls // self.rounds

    @property
    def key(self) -> int:
        """A number of this experiment, which goes into its seed."""
        return zlib.crc32(repr(self).encode())

    @abstractmethod
    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, or as many as a claim needs, and judge what is said of it."""


@dataclass(frozen=True)
class Row:
    """One claim in one experiment: what it states, and what was measured, by the former method and by this version.

    Shares of cases, or times in ms (means over trials) where `unit` says so. `best` is what the best honest method
    known has on the same samples, `stated` the share of cases in which the claim was made at all. `error` is two
    standard errors of `new`.
    """

    claim: str
    shape: str
    icc: float
    rounds: int
    calls: int
    per_round: int
    nominal: float | None
    old: float | None
    new: float | None
    best: float | None
    stated: float
    error: float
    goal: Goal
    unit: Literal["share", "ms"]
    verdict: Verdict


def row_of(experiment: Experiment, cases: Sequence[Case]) -> Row:
    """What all cases of a claim come to."""
    claim = cases[0].claim
    new = _known([case.new for case in cases])
    best = _known([case.best for case in cases])
    share = _mean(new)
    return Row(
        claim=claim.name,
        shape=experiment.shape,
        icc=experiment.icc,
        rounds=experiment.rounds,
        calls=experiment.calls,
        per_round=experiment.per_round,
        nominal=claim.nominal,
        old=_mean(_known([case.old for case in cases])),
        new=share,
        best=_mean(best),
        stated=len(new) / len(cases),
        error=_error(new, smallest=0.0 if claim.goal == "as long" else 1 / len(new)) if new else 0.0,
        goal=claim.goal,
        unit="ms" if claim.goal == "as long" else "share",
        verdict=_judged(claim, new, best),
    )


def _judged(claim: Claim, new: Sequence[float], best: Sequence[float]) -> Verdict:
    if not new:
        return "not claimed"
    share = float(np.mean(new))
    if claim.goal == "as long" and claim.nominal is not None:
        return "held" if abs(share / claim.nominal - 1) <= NEAR else "missed"
    error = _error(new, smallest=1 / len(new))
    match claim.goal:
        case "seldom":
            return "missed" if share - error > MOST_FALSE else "held"
        case "as the best":
            # On the same samples: the error is that of the difference.
            lacking = [OF_THE_BEST * theirs - ours for ours, theirs in zip(new, best, strict=True)]
            return "missed" if float(np.mean(lacking)) - _error(lacking, smallest=0.0) > 0 else "held"
        case "covers" | "covers at least":
            if share + error < LOWEST:
                return "missed"
            if share - error > HIGHEST:
                return "missed" if claim.goal == "covers" else "wide"
            return "held"
        case _:
            return ""


def _known(values: Sequence[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _error(values: Sequence[float], *, smallest: float) -> float:
    """Two standard errors of a mean; of a share at least those of one case that is otherwise."""
    return 2 * math.sqrt(max(float(np.var(values)), smallest) / len(values))
