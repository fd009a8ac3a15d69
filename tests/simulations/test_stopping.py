"""A campaign that stops where its intervals are narrow: do they still hold as often as they say?"""

from __future__ import annotations

import numpy as np
import pytest

from isotherm.campaign.lane import LEAST_TO_DECIDE
from isotherm.campaign.model import Precision
from isotherm.campaign.stopping import too_wide
from isotherm.statistics.rounds import median_over_rounds
from simulations.made_up_rounds import values_in_rounds

TRIALS, MOST_ROUNDS, A_ROUND = 400, 40, 10


@pytest.mark.parametrize(("name", "asked"), [("two modes", 0.05), ("lognormal", 0.15), ("heavy tail", 0.3)])
def test_what_is_precise_enough_holds_as_often_as_it_says(name: str, asked: float) -> None:
    """Looked at after every round of ten from the fifth on; rounds share 0, a tenth or 0.3 of the variance.

    Of 1,200 campaigns together the Monte Carlo error is 0.6 %, of 400 it is 1.1 %: bounds are 0.94 to 0.97, less
    and more twice that. A rule that takes samples as independent keeps 77 % where rounds share 0.3.
    """
    held, stopped = [], []
    for icc in (0.0, 0.1, 0.3):
        rng = np.random.default_rng([round(10 * icc), round(100 * asked)])
        values, truth = values_in_rounds(name, rng, (TRIALS, MOST_ROUNDS, A_ROUND), icc)
        median, covered, rounds_run = truth(0.5), 0, []
        for campaign in values.tolist():
            run = next(
                (n for n in range(LEAST_TO_DECIDE, MOST_ROUNDS) if not too_wide(campaign[:n], Precision(median=asked))),
                MOST_ROUNDS,
            )
            low, high = median_over_rounds(campaign[:run]) or (None, None)
            covered += (low or 0) <= median <= (high or 0)
            rounds_run.append(run)
        print(f"{name:>10} to {asked}, ICC {icc}: covered {covered / TRIALS:.3f}, {np.mean(rounds_run):.1f} rounds")
        held.append(covered / TRIALS)
        stopped.append(float(np.mean(rounds_run)))

    assert 0.94 - 0.012 <= np.mean(held) <= 0.97 + 0.012
    assert all(0.94 - 0.022 <= share <= 0.97 + 0.022 for share in held)
    # Where rounds differ more of them are needed: a rule blind to rounds stops as early.
    assert stopped[0] < stopped[1] < stopped[2] < MOST_ROUNDS
