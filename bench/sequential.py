"""Whether the sequential test keeps its stated rates, and how many samples it saves against a test of fixed size.

Run: python -m bench.sequential [--quick] [--json]

Pairs of targets are made up, null ones (both alike) and shifted ones (the other slower by exactly what is to be found),
in several shapes and with several shares of the variance between rounds (ICC), which each target has of its own: the
worst case, as what rounds do to both alike cancels. The test is fed round by round until it decides or its rounds are
spent; these are half as many again as a single look at the end would need that knew the scatter beforehand, which is
the test of fixed size beside it. Exit code 1 where a rate is above the stated one by more than Monte Carlo error: 2.58
standard errors. Rates and counts only, no times.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from isotherm.statistics.sequential import critical_values, needed_rounds, round_ratios, sequential_test

Values = NDArray[np.float64]

SLOWDOWN, ALPHA, BETA = 0.05, 0.05, 0.05
ICCS = (0.0, 0.1, 0.3)
#: Values of each target in a round.
EACH = 10
#: Rounds from which the scatter is taken that the test of fixed size knows.
_PILOT = 2000
_TIMES = 1.5


def lognormal(share: Values) -> Values:
    """Around 91 ms with a coefficient of variation of 0.1, from probabilities."""
    return np.asarray(91 * np.exp(0.1 * special.ndtri(share)))


def two_modes(share: Values) -> Values:
    """Nine calls of ten around 90 ms, one around 117 ms."""
    slow = share > 0.9
    inside = np.where(slow, (share - 0.9) / 0.1, share / 0.9)
    return np.asarray(np.where(slow, 117.0, 90.0) * np.exp(0.06 * special.ndtri(np.clip(inside, 1e-9, 1 - 1e-9))))


def heavy_tail(share: Values) -> Values:
    """From 80 ms on with a Pareto tail of index 2.5, whose third moment is infinite."""
    return 80 + 36 * (np.power(1 - share, -1 / 2.5) - 1)


SHAPES: dict[str, Callable[[Values], Values]] = {
    "lognormal": lognormal,
    "two modes": two_modes,
    "heavy tail": heavy_tail,
    "whole ms": two_modes,
}
#: Shapes that are known in whole milliseconds only, with many ties.
_WHOLE = frozenset({"whole ms"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one scenario showed: shares of its null and of its shifted pairs, and samples used until the decision."""

    shape: str
    icc: float
    pairs: int
    scatter: float
    fixed_rounds: int
    max_rounds: int
    false_alarms: float
    misses: float
    undecided_null: float
    undecided_shifted: float
    samples_fixed: int
    samples_null_mean: float
    samples_null_p90: float
    samples_shifted_mean: float
    samples_shifted_p90: float

    @property
    def kept(self) -> bool:
        """Whether neither rate is above the stated one by more than Monte Carlo error."""
        return self.false_alarms <= most(ALPHA, self.pairs) and self.misses <= most(BETA, self.pairs)


def most(rate: float, pairs: int) -> float:
    """A stated rate with 2.58 standard errors of what `pairs` pairs show of it."""
    return rate + 2.58 * math.sqrt(rate * (1 - rate) / pairs)


def values_of(shape: str, icc: float, rounds: int, slower: float, rng: np.random.Generator) -> Values:
    """Values of one target, a row for each round, slower by the factor `slower`, with one distribution at any ICC."""
    luck = math.sqrt(icc) * rng.standard_normal((rounds, 1)) + math.sqrt(1 - icc) * rng.standard_normal((rounds, EACH))
    share = np.clip(special.ndtr(luck), 1e-12, 1 - 1e-12)
    times = SHAPES[shape](share) * slower
    return np.round(times) if shape in _WHOLE else times


def measure(shape: str, icc: float, pairs: int, seed: int = 1) -> Rates:
    """Simulate one scenario."""
    rng = np.random.default_rng([seed, list(SHAPES).index(shape), round(100 * icc)])
    pilot = [np.median(values_of(shape, icc, _PILOT, 1.0, rng), axis=1) for _ in range(2)]
    scatter = float(np.std(np.log(pilot[1] / pilot[0]), ddof=1))
    fixed = needed_rounds(scatter, slowdown=SLOWDOWN, alpha=ALPHA, beta=BETA)
    if fixed is None:
        raise ValueError(f"{shape}, ICC {icc}: no number of rounds would do")
    rounds = math.ceil(_TIMES * fixed) + 2
    critical_values(rounds, ALPHA)
    shares: dict[str, tuple[float, float]] = {}
    used: dict[str, tuple[float, float]] = {}
    for kind, slower, wrong in (("null", 1.0, "worse"), ("shifted", 1 + SLOWDOWN, "not worse")):
        answers = []
        for _ in range(pairs):
            baseline, other = (values_of(shape, icc, rounds, factor, rng) for factor in (1.0, slower))
            ratios = round_ratios(zip(baseline, other, strict=True))
            answers.append(sequential_test(ratios, max_rounds=rounds, slowdown=SLOWDOWN, alpha=ALPHA, beta=BETA))
        samples = [answer.samples or 0 for answer in answers]
        shares[kind] = (
            sum(answer.answer == wrong for answer in answers) / pairs,
            sum(answer.answer == "undecided" for answer in answers) / pairs,
        )
        used[kind] = float(np.mean(samples)), float(np.quantile(samples, 0.9))
    return Rates(
        shape=shape,
        icc=icc,
        pairs=pairs,
        scatter=scatter,
        fixed_rounds=fixed,
        max_rounds=rounds,
        false_alarms=shares["null"][0],
        misses=shares["shifted"][0],
        undecided_null=shares["null"][1],
        undecided_shifted=shares["shifted"][1],
        samples_fixed=2 * EACH * fixed,
        samples_null_mean=used["null"][0],
        samples_null_p90=used["null"][1],
        samples_shifted_mean=used["shifted"][0],
        samples_shifted_p90=used["shifted"][1],
    )


def main() -> int:
    """Print the rates of every scenario; 1 where one is not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 pairs instead of 1,000")
    parser.add_argument("--pairs", type=int, metavar="N", help="null pairs, and shifted ones, of each scenario")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args()
    pairs = options.pairs or (200 if options.quick else 1000)
    if not options.json:
        print(
            f"slow-down to be found {SLOWDOWN:.0%}, false alarms at most {ALPHA:.0%}, misses at most {BETA:.0%}; "
            f"{pairs} null and {pairs} shifted pairs each, {EACH} values a target and round; with Monte Carlo error "
            f"{most(ALPHA, pairs):.3f} may be seen\n"
        )
        print(f"{'':24}{'false':>8}{'':>8}{'undecided':>14}{'samples used (mean, p90)':>28}{'fixed':>8}")
        print(f"{'shape':14}{'ICC':>4}{'sd':>6}{'alarms':>8}{'misses':>8}{'null':>7}{'slower':>7}", end="")
        print(f"{'null':>14}{'slower':>14}{'size':>8}{'kept':>6}")
    found = []
    for shape in SHAPES:
        for icc in ICCS:
            rates = measure(shape, icc, pairs)
            found.append(rates)
            if not options.json:
                print(_line(rates), flush=True)
    if options.json:
        document = {"slowdown": SLOWDOWN, "alpha": ALPHA, "beta": BETA, "most": most(ALPHA, pairs)}
        print(json.dumps(document | {"scenarios": [asdict(rates) | {"kept": rates.kept} for rates in found]}, indent=2))
    return 0 if all(rates.kept for rates in found) else 1


def _line(rates: Rates) -> str:
    null = f"{rates.samples_null_mean:,.0f}, {rates.samples_null_p90:,.0f}"
    shifted = f"{rates.samples_shifted_mean:,.0f}, {rates.samples_shifted_p90:,.0f}"
    return (
        f"{rates.shape:14}{rates.icc:>4}{rates.scatter:>6.3f}{rates.false_alarms:>8.3f}{rates.misses:>8.3f}"
        f"{rates.undecided_null:>7.3f}{rates.undecided_shifted:>7.3f}{null:>14}{shifted:>14}"
        f"{rates.samples_fixed:>8,}{'yes' if rates.kept else 'NO':>6}"
    )


if __name__ == "__main__":
    sys.exit(main())
