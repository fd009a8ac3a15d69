"""Two targets that one campaign measured in the same rounds: is the one slower than the other? Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np

from isotherm.analysis.comparison import Side, compared_metrics, reading_order, used_samples, values_by_round
from isotherm.analysis.comparison_model import USUAL_SLOWDOWN, TargetsSideBySide, TargetTest
from isotherm.analysis.summary import MetricName
from isotherm.analysis.words.cells import cell_name
from isotherm.analysis.words.comparison import metric_name, test_in_words
from isotherm.campaign.cell import CellKey
from isotherm.measurement.sample import Sample
from isotherm.numbers import listed
from isotherm.statistics.fewest import LEAST_A_ROUND
from isotherm.statistics.results import SequentialAnswer
from isotherm.statistics.sequential import FIRST_LOOK, round_ratios, sequential_tests

#: How often "worse" may be said of any metric where the two are alike, and "not worse" where one is that much slower.
ALPHA = BETA = 0.05


class _Pair(NamedTuple):
    key: CellKey
    metric: MetricName
    baseline: Mapping[int, Sequence[float]]
    other: Mapping[int, Sequence[float]]

    @property
    def rounds(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        """Both sides of each round that any of them has."""
        return [(self.baseline.get(r, ()), self.other.get(r, ())) for r in sorted({*self.baseline, *self.other})]

    @property
    def has_ratio(self) -> bool:
        """Whether each round's medians are above 0."""
        kept = [pair for pair in self.rounds if min(map(len, pair)) >= LEAST_A_ROUND]
        return all(np.median(side) > 0 for pair in kept for side in pair)


def compare_targets(side: Side, baseline: str, other: str, *, slowdown: float = USUAL_SLOWDOWN) -> TargetsSideBySide:
    """Whether `other` is slower than `baseline` in the cells that both have: cold start-ups, and all client times.

    What a round did to both cancels in it, so nothing has to be known of how sessions differ. The sequential test goes
    through the rounds in their order and stops at the first one at which it can tell; all metrics of all cells share
    one rate of false alarms.

    Parameters
    ----------
    side : Side
        The campaign.
    baseline, other : str
        The targets: the old one and the new one.
    slowdown : float
        The slow-down that is to be found, as a share above 0.
    """
    used = used_samples(side.samples)
    theirs = {key: samples for key, samples in used.items() if key.target == other}
    ours = {replace(key, target=other): samples for key, samples in used.items() if key.target == baseline}
    pairs = [
        _pair(key, metric, ours[key], theirs[key])
        for key in sorted(set(ours) & set(theirs), key=reading_order)
        for metric in compared_metrics(key, ours[key], theirs[key])
    ]
    campaign = side.summary.campaign if side.summary else None
    planned = campaign.most_rounds if campaign else 0
    most = max([FIRST_LOOK, planned, *(len(pair.rounds) for pair in pairs)])
    tests = sequential_tests(
        {metric_name(p.key, p.metric): round_ratios(p.rounds) for p in pairs if p.has_ratio},
        max_rounds=most,
        slowdown=slowdown,
        alpha=ALPHA,
        beta=BETA,
    )
    return TargetsSideBySide(
        campaign=side.name,
        baseline=baseline,
        other=other,
        slowdown=slowdown,
        alpha=ALPHA,
        beta=BETA,
        tests=[test_in_words(_tested(p, baseline, tests.get(metric_name(p.key, p.metric)))) for p in pairs],
        only_baseline=[
            cell_name(replace(key, target=baseline)) for key in sorted(set(ours) - set(theirs), key=reading_order)
        ],
        only_other=[cell_name(key) for key in sorted(set(theirs) - set(ours), key=reading_order)],
    )


def targets_untold(found: TargetsSideBySide) -> list[str]:
    """Why the two cannot be said to be alike in everything, in words; empty where each cell has its answer."""
    said = [f"{name}: used samples of {found.baseline} only" for name in found.only_baseline]
    said += [test.sentence for test in found.tests if test.answer == "undecided"]
    return said if found.tests or said else ["the two have nothing in common"]


def not_two_targets(side: Side, names: Sequence[str]) -> str | None:
    """Why these names cannot be the two targets of a campaign that are compared; None where they can."""
    measured = list(dict.fromkeys(key.target for key in used_samples(side.samples)))
    if not measured:
        return f"{side.name} has no samples of targets, as loads have none"
    if len(names) != 2 or len(set(names)) != 2:
        given = ",".join(names)
        return f"{given!r} is not two targets; give the old one and the new one, of {listed(sorted(measured))}"
    unknown = [name for name in names if name not in measured]
    if unknown:
        return f"{side.name} has no used samples of {unknown[0]!r}; it has {listed(sorted(measured))}"
    return None


def _pair(key: CellKey, metric: MetricName, ours: Sequence[Sample], theirs: Sequence[Sample]) -> _Pair:
    return _Pair(key, metric, values_by_round(ours, metric), values_by_round(theirs, metric))


def _tested(pair: _Pair, baseline: str, test: SequentialAnswer | None) -> TargetTest:
    ours, theirs = ([value for of in side.values() for value in of] for side in (pair.baseline, pair.other))
    return TargetTest(
        **asdict(pair.key),
        metric=pair.metric,
        baseline=baseline,
        baseline_n=len(ours),
        other_n=len(theirs),
        baseline_median=float(np.median(ours)),
        other_median=float(np.median(theirs)),
        rounds_left_out=sum(min(map(len, of)) < LEAST_A_ROUND for of in pair.rounds),
        no_ratio=test is None,
        test=test,
    )
