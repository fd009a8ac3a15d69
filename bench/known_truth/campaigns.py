"""One campaign of five targets: intervals of its cells, its comparisons and its headline; and targets that differ.

Former methods: order statistics over all calls for quantiles, and for verdicts whether any of the four two-sided
Mann-Whitney tests of all calls against all calls is below .05, with no correction for their number.

Where one target is slower, the best honest method known is two-way blocks with Dunnett's correction, without the
safeguards against rounds that do not fit it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bench.known_truth.claims import Case, Claim, Experiment
from bench.known_truth.samples import METRIC, TARGETS, analysed
from bench.known_truth.shapes import QUANTILES, Floats, former_interval_holds, times_in_rounds, true_values
from isotherm.statistics.dunnett import p_of_largest

_INTERVALS = {
    "median": Claim("interval of a median", "covers", 0.95),
    "p95": Claim("interval of a p95", "covers at least", 0.95),
    "p99": Claim("interval of a p99", "covers at least", 0.95),
}
_MEAN = Claim("interval of a mean", "covers", 0.95)
_HEADLINE = Claim("five equal targets: headline tells two apart", "seldom", 0.05)
_COMPARISON = Claim("five equal targets: a comparison with p (corrected) < .05", "seldom", 0.05)


@dataclass(frozen=True, kw_only=True)
class EqualTargets(Experiment):
    """Five targets that do not differ."""

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, and judge its cells, its comparisons and its headline."""
        times = times_in_rounds(self.shape, (len(TARGETS), self.rounds, self.per_round), self.icc, rng)
        document = _document(times)
        flat = times.reshape(len(TARGETS), -1)
        old = bool((stats.mannwhitneyu(flat[1:], flat[0], axis=1).pvalue < 0.05).any())
        yield Case(_HEADLINE, old, tells_apart(document["headline"]))
        yield Case(_COMPARISON, old, any(map(is_sure, document["comparisons"])))
        truths, mean = true_values(self.shape)
        for cell in document["cells"]:
            summary = cell["metrics"][METRIC]
            values = flat[TARGETS.index(cell["target"])]
            for name, claim in _INTERVALS.items():
                held = former_interval_holds(values, QUANTILES[name], truths[name])
                yield Case(claim, held, covers(summary, name, truths[name]))
            yield Case(_MEAN, None, covers(summary, "mean", mean))


@dataclass(frozen=True, kw_only=True)
class SlowerTarget(Experiment):
    """Five targets of which the last is slower, by this share."""

    slower: float

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Make one campaign, and see whether the slower target is told apart from the baseline."""
        times = times_in_rounds(self.shape, (len(TARGETS), self.rounds, self.per_round), self.icc, rng)
        times[-1] *= 1 + self.slower
        found = next((c for c in _document(times)["comparisons"] if c["other"] == TARGETS[-1]), None)
        old = stats.mannwhitneyu(times[-1].ravel(), times[0].ravel()).pvalue < 0.05
        claim = Claim(f"a target {self.slower:.0%} slower is told apart", "as the best")
        yield Case(claim, bool(old), found is not None and is_sure(found), by_blocks(times) < 0.05)


def by_blocks(times: Floats) -> float:
    """Dunnett's p of the last target against the first: rounds as blocks, logarithms of medians, nothing else."""
    logs = np.log(np.median(times, axis=2))
    targets, rounds = logs.shape
    left = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0) + logs.mean()
    freedom = (targets - 1) * (rounds - 1)
    error = np.sqrt(2 * np.sum(left**2) / freedom / rounds)
    t = abs(logs[-1].mean() - logs[0].mean()) / error
    return p_of_largest(float(t), (0.5**0.5,) * (targets - 1), freedom)


def _document(times: Floats) -> dict[str, Any]:
    summary = analysed(times).summary
    assert summary is not None
    return summary.model_dump()


def tells_apart(headline: str) -> bool:
    """Whether a headline says of two targets that one is later than the other."""
    finding = headline.partition(";")[0]
    told = " later than " in finding or " earlier than " in finding
    return told and not any(doubt in finding for doubt in (" about ", "cannot be told", "too few"))


def is_sure(comparison: Mapping[str, Any]) -> bool:
    """Whether a comparison tells two targets apart by its corrected p."""
    p = comparison["p_holm"]
    return p is not None and p < 0.05


def covers(summary: Mapping[str, Any], name: str, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where none is claimed. An end that is open holds everything."""
    low, high = summary[f"{name}_low"], summary[f"{name}_high"]
    if (low is None and high is None) or (name != "mean" and summary.get("scope") == "these_rounds"):
        return None
    return (low is None or low <= truth) and (high is None or truth <= high)
