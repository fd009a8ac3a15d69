"""Whether one of two things measured in the same rounds is slower, decided as soon as it can be told.

Both are measured side by side, round by round, and each round gives one number: the logarithm of the ratio of its two
medians. What a round does to both cancels in it, and what it does to one alone is its scatter, so nothing is assumed
about calls inside a round. After each round from the third on two questions are asked: can it be that nothing got
slower, and can it be that it got slower by as much as matters? The first one that is answered with no ends the test.

To look after every round would make both errors larger than stated, so the critical values of Student's t are raised
such that *all* looks together keep the stated rates. The course of t over the rounds has one distribution whatever the
scatter is, which is not known beforehand, so those values are simulated once, from a fixed seed, and hold for any
scatter. They assume that rounds' log ratios are about normal, as those of medians are; heavy tails make the test
cautious. That the two questions have bounds of their own, each valid without the other, and that one may go on after a
bound was crossed, is what repeated confidence intervals are for.

The decision itself is plain arithmetic on `critical_values`, so that what has no scipy at hand can be given those.

References
----------
Jennison & Turnbull, Interim analyses: the repeated confidence interval approach, Journal of the Royal Statistical
Society B 51 (1989), 305-361; Group Sequential Methods with Applications to Clinical Trials (2000), chapters 4 and 9.
Wang & Tsiatis, Approximately optimal one-parameter boundaries for group sequential trials, Biometrics 43 (1987),
193-199 (bounds between Pocock's and O'Brien and Fleming's).
Hajnal, A two-sample sequential t-test, Biometrika 48 (1961), 65-75 (the t of the rounds so far is all that is used, so
that their scatter need not be known).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from isotherm.numbers import count
from isotherm.statistics.arrays import Floats, finite_values, mean_of, resolution
from isotherm.statistics.fewest import LEAST_A_ROUND
from isotherm.statistics.results import SequentialAnswer, Undecided, Verdict

#: Fewer rounds say nothing of how rounds scatter.
FIRST_LOOK = 3

#: The coarsest unit in which values may be known: whole seconds, of times in milliseconds.
COARSEST = 1000.0

#: The most rounds for which a test can be planned.
MOST_ROUNDS = 1000

#: A look after r of R rounds may err (r / R) ** _SHAPE times as often as the last look: later ones know more.
_SHAPE = 0.5
_PATHS = 100_000
_SEED = 20261127

#: Rounds needed are told up to this many; where it would take more, no campaign is going to do it.
_NEVER = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRatios:
    """What two targets' rounds say of one metric.

    Attributes
    ----------
    log_ratios : tuple of float
        Natural logarithm of other's median over baseline's, one for each round that counts, in order.
    samples : tuple of int
        Values of both sides in each of them.
    rounding : float
        Standard error of a log ratio from values that are known in whole units only; it is the same in every round, so
        more rounds do not make it smaller.
    left_out : int
        Rounds with fewer than `LEAST_A_ROUND` values on a side.
    """

    log_ratios: tuple[float, ...]
    samples: tuple[int, ...]
    rounding: float = 0.0
    left_out: int = 0


def round_ratios(rounds: Iterable[tuple[ArrayLike, ArrayLike]], *, unit: float | None = None) -> RoundRatios:
    """The log ratio of the two medians of each round.

    Parameters
    ----------
    rounds : iterable of (array, array)
        Values of baseline and of other in each round, in one unit and in the order in which the rounds were measured.
    unit : float, optional
        Values are known in whole units of this size, such as 1 for whole milliseconds; 0 for none. By default the
        largest of 1000, 100, 10, 1, 0.1, 0.01 and 0.001 of which all values are multiples.

    Raises
    ------
    ValueError
        NaN or infinity among the values, a negative `unit`, or a median that is not above 0.

    Examples
    --------
    >>> first, second = ([100.5, 101.2, 99.3], [110.5, 111.4, 110.1]), ([103.1, 98.2, 102.3], [112.1, 109, 113])
    >>> found = round_ratios([first, second])
    >>> [round(ratio, 3) for ratio in found.log_ratios]
    [0.095, 0.091]
    """
    if unit is not None and not 0 <= unit < math.inf:
        raise ValueError(f"unit: {unit} is not a size; give one such as 1, or 0 for none")
    pairs = [(finite_values(baseline), finite_values(other)) for baseline, other in rounds]
    kept = [pair for pair in pairs if min(side.size for side in pair) >= LEAST_A_ROUND]
    medians = [(float(np.median(baseline)), float(np.median(other))) for baseline, other in kept]
    for number, sides in enumerate(medians, 1):
        if min(sides) <= 0:
            raise ValueError(f"rounds: a median of round {number} is {min(sides)}; ratios need medians above 0")
    if unit is None:
        every = [side for pair in kept for side in pair]
        unit = resolution(np.concatenate(every), coarsest=COARSEST) if kept else 0.0
    # The relative error of each median by rounding, as of a number that may lie anywhere inside its unit.
    shares = [math.hypot(unit / baseline, unit / other) / math.sqrt(12) for baseline, other in medians]
    return RoundRatios(
        log_ratios=tuple(math.log(other / baseline) for baseline, other in medians),
        samples=tuple(baseline.size + other.size for baseline, other in kept),
        rounding=max(shares, default=0.0),
        left_out=len(pairs) - len(kept),
    )


def sequential_test(
    log_ratios: ArrayLike | RoundRatios,
    *,
    max_rounds: int,
    slowdown: float = 0.05,
    alpha: float = 0.05,
    beta: float = 0.05,
    metrics: int = 1,
) -> SequentialAnswer:
    """Whether other is slower than baseline, by the rounds so far.

    Asked again after each round with all rounds so far, it gives its answer at the first round at which it can, and
    keeps it: what comes later is not looked at.

    Parameters
    ----------
    log_ratios : (r,) array of float, or RoundRatios
        Natural logarithm of other's median over baseline's, one for each round, in the order of the rounds.
    max_rounds : int
        The most rounds that there are going to be, 3 to 1000. It has to be fixed before the first look.
    slowdown : float
        The slow-down that is to be found, as a share: 0.05 is 5 %.
    alpha : float
        The most often that "worse" may be said, of all metrics together, where other is as fast as baseline, in
        (0, 0.5).
    beta : float
        The most often that "not worse" may be said where other is slower by `slowdown` or more, in (0, 0.5).
    metrics : int
        How many metrics are tested side by side; each may err with `alpha` / `metrics` (Bonferroni). Misses need no
        such share: whoever says of one metric that it is not worse errs of this one alone.

    Returns
    -------
    SequentialAnswer
        "worse": slower, surely, and a slow-down by `slowdown` cannot be excluded. "not worse": less than `slowdown`,
        surely. "undecided": neither can be told, `why` says what is missing. Of slow-downs between none and `slowdown`
        either may be said, with the rates stated for those two.

    Raises
    ------
    ValueError
        A parameter outside its range, NaN or infinity among the ratios, or more of them than `max_rounds`.

    Examples
    --------
    >>> found = sequential_test([0.31, 0.28, 0.33, 0.30], max_rounds=10)
    >>> found.answer, found.rounds, round(found.ratio, 2)
    ('worse', 3, 1.36)
    """
    given = log_ratios if isinstance(log_ratios, RoundRatios) else None
    values = finite_values(log_ratios.log_ratios if isinstance(log_ratios, RoundRatios) else log_ratios)
    _check(slowdown, alpha, beta, max_rounds, metrics)
    if values.size > max_rounds:
        raise ValueError(f"log_ratios: {values.size} rounds, more than max_rounds ({max_rounds})")
    rounding = given.rounding if given else 0.0
    of_worse = critical_values(max_rounds, alpha / metrics)
    of_less = critical_values(max_rounds, beta)
    limit = math.log1p(slowdown)
    answer: Verdict = "undecided"
    used = values.size
    low = high = None
    least_worse = least_less = math.inf
    for used in range(FIRST_LOOK, values.size + 1):
        place = used - FIRST_LOOK
        middle, error = _middle(values[:used], rounding)
        low, high = middle - of_worse[place] * error, middle + of_less[place] * error
        least_worse = min(least_worse, _nominal(middle, error, used, max_rounds))
        least_less = min(least_less, _nominal(limit - middle, error, used, max_rounds))
        # Slower, but surely by less than what matters, is not worse.
        answer = "not worse" if high < limit else "worse" if low > 0 else "undecided"
        if answer != "undecided":
            break
    enough = values.size >= FIRST_LOOK
    needed = _rounds_needed(values, rounding, limit, alpha / metrics, beta) if enough else None
    return SequentialAnswer(
        answer=answer,
        why=None if answer != "undecided" else _why(values.size, max_rounds, rounding, needed, enough=enough),
        rounds=used,
        rounds_given=values.size,
        max_rounds=max_rounds,
        samples=sum(given.samples[:used]) if given else None,
        slowdown=slowdown,
        alpha=alpha / metrics,
        beta=beta,
        ratio=math.exp(mean_of(values[:used])) if values.size else None,
        ratio_low=None if low is None else math.exp(low),
        ratio_high=None if high is None else math.exp(high),
        p_worse=min(1.0, metrics * _probability(least_worse, max_rounds)) if enough else None,
        p_less=_probability(least_less, max_rounds) if enough else None,
        rounds_needed=max(needed, values.size + 1) if answer == "undecided" and needed else None,
    )


def sequential_tests(
    series: Mapping[str, ArrayLike | RoundRatios],
    *,
    max_rounds: int,
    slowdown: float = 0.05,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> dict[str, SequentialAnswer]:
    """`sequential_test` of several metrics, which share one rate of false alarms; parameters as there.

    Examples
    --------
    >>> found = sequential_tests({"start": [0.3, 0.31, 0.29], "client": [0.0, 0.01, -0.01]}, max_rounds=5)
    >>> {metric: test.answer for metric, test in found.items()}
    {'start': 'worse', 'client': 'not worse'}
    """
    return {
        metric: sequential_test(
            ratios, max_rounds=max_rounds, slowdown=slowdown, alpha=alpha, beta=beta, metrics=len(series)
        )
        for metric, ratios in series.items()
    }


@lru_cache(maxsize=256)
def critical_values(max_rounds: int, level: float) -> tuple[float, ...]:
    """Student's t that has to be passed after 3, 4 ... `max_rounds` rounds, so that all looks together err by `level`.

    Whoever has these decides with plain arithmetic: other is worse once the mean of the log ratios is above this times
    its standard error (standard deviation over root of the number of rounds).

    Parameters
    ----------
    max_rounds : int
        The most rounds, 3 to 1000.
    level : float
        The probability, one-sided, that any look passes where the true mean is 0; in (0, 0.5).

    Examples
    --------
    >>> [round(value, 1) for value in critical_values(5, 0.05)]
    [4.8, 3.3, 2.7]
    """
    # The largest number of simulated courses that may pass: such that two standard errors of the simulation fit in.
    passing = (math.sqrt(level * _PATHS) - 1) ** 2 - 1 if level * _PATHS > 4 else -1.0
    simulated = _least_nominal(max_rounds)[math.floor(passing)] if passing >= 0 else 0.0
    nominal = max(float(simulated), level / sum(_weights(max_rounds)))
    return tuple(
        -float(special.stdtrit(rounds - 1.0, nominal * weight))
        for rounds, weight in enumerate(_weights(max_rounds), FIRST_LOOK)
    )


def needed_rounds(
    scatter: float, *, slowdown: float = 0.05, alpha: float = 0.05, beta: float = 0.05, rounding: float = 0.0
) -> int | None:
    """Rounds that a single look at the end needs to tell a slow-down from none; None where 10,000 do not.

    Parameters
    ----------
    scatter : float
        Standard deviation of the rounds' log ratios.
    slowdown, alpha, beta : float
        As of `sequential_test`.
    rounding : float
        As of `RoundRatios`.
    """
    limit = math.log1p(slowdown)

    def fits(rounds: int) -> bool:
        both = sum(float(stats.t.isf(level, rounds - 1)) for level in (alpha, beta))
        return both * math.hypot(scatter / math.sqrt(rounds), rounding) <= limit

    if not fits(_NEVER):
        return None
    low, high = FIRST_LOOK - 1, _NEVER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _rounds_needed(values: Floats, rounding: float, limit: float, alpha: float, beta: float) -> int | None:
    scatter = float(np.std(values, ddof=1))
    return needed_rounds(scatter, slowdown=math.expm1(limit), alpha=alpha, beta=beta, rounding=rounding)


def _why(given: int, max_rounds: int, rounding: float, needed: int | None, *, enough: bool) -> Undecided:
    if not enough:
        return "few_rounds"
    if needed is None:
        return "coarse" if rounding else "scatter"
    return "more_rounds" if given < max_rounds else "budget"


def _middle(values: Floats, rounding: float) -> tuple[float, float]:
    """Mean of the log ratios, and its standard error with what rounding adds."""
    return mean_of(values), math.hypot(float(np.std(values, ddof=1)) / math.sqrt(values.size), rounding)


@lru_cache(maxsize=64)
def _weights(max_rounds: int) -> tuple[float, ...]:
    return tuple((rounds / max_rounds) ** _SHAPE for rounds in range(FIRST_LOOK, max_rounds + 1))


def _nominal(middle: float, error: float, rounds: int, max_rounds: int) -> float:
    """The p-value of one look, as if it were the last one."""
    if error == 0:
        return 0.0 if middle > 0 else 1.0
    alone = float(special.stdtr(rounds - 1.0, -middle / error))
    return alone / _weights(max_rounds)[rounds - FIRST_LOOK]


def _probability(nominal: float, max_rounds: int) -> float:
    """How often any look has so small a nominal p by chance: the least level at which `critical_values` is passed."""
    passing = int(np.searchsorted(_least_nominal(max_rounds), nominal, side="right"))
    simulated = (1 + math.sqrt(1 + passing)) ** 2 / _PATHS
    return min(1.0, simulated, nominal * sum(_weights(max_rounds)))


@lru_cache(maxsize=32)
def _least_nominal(max_rounds: int) -> Floats:
    """The smallest nominal p of all looks, of many courses without any effect, sorted."""
    rng = np.random.default_rng(_SEED)
    total, squares, least = np.zeros(_PATHS), np.zeros(_PATHS), np.full(_PATHS, np.inf)
    weights = _weights(max_rounds)
    for rounds in range(1, max_rounds + 1):
        steps = rng.standard_normal(_PATHS)
        total += steps
        squares += steps**2
        if rounds >= FIRST_LOOK:
            variance = (squares - total**2 / rounds) / (rounds - 1)
            t = total / np.sqrt(rounds * variance)
            least = np.minimum(least, special.stdtr(rounds - 1.0, -t) / weights[rounds - FIRST_LOOK])
    return np.sort(least)


def _check(slowdown: float, alpha: float, beta: float, max_rounds: int, metrics: int) -> None:
    if not 0 < slowdown < math.inf:
        raise ValueError(f"slowdown: {slowdown} is not a share above 0; 0.05 is 5 %")
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 < value < 0.5:
            raise ValueError(f"{name}: {value} is outside (0, 0.5)")
    if not FIRST_LOOK <= max_rounds <= MOST_ROUNDS:
        raise ValueError(f"max_rounds: {count(max_rounds, 'round')}; {FIRST_LOOK} to {MOST_ROUNDS} can be tested")
    if metrics < 1:
        raise ValueError(f"metrics: {metrics}; at least 1 is tested")
