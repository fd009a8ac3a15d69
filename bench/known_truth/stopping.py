"""Whether a median's interval still holds where a campaign ran, round by round, until it was narrow enough.

The rule is that of the control functions (`isotherm.campaign.stopping`), asked after each round; the interval is the
one of the summary of what was measured by then. The former rule looked at the width of order statistics over all calls,
which does not know how rounds differ, from the second round on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.known_truth.campaigns import covers
from bench.known_truth.claims import Case, Claim, Experiment
from bench.known_truth.samples import METRIC, analysed
from bench.known_truth.shapes import Floats, former_interval_holds, order_statistics_of, times_in_rounds, true_values
from isotherm.campaign.model import Precision
from isotherm.campaign.stopping import too_wide


@dataclass(frozen=True, kw_only=True)
class Stopped(Experiment):
    """One target; `width` is how wide the median's interval may be, as a share of it. `rounds` are the most."""

    width: float

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Run one campaign until it stops."""
        times = times_in_rounds(self.shape, (1, self.rounds, self.per_round), self.icc, rng)
        precision, lists, median = Precision(median=self.width), times[0].tolist(), true_values(self.shape)[0]["median"]
        run = next((n for n in range(1, self.rounds) if not too_wide(lists[:n], precision)), self.rounds)
        summary = analysed(times[:, :run]).summary
        assert summary is not None
        measured = summary.cells[0].model_dump()["metrics"][METRIC]
        old = next((n for n in range(2, self.rounds) if self._was_enough(times[0, :n])), self.rounds)
        claim = Claim(f"median once `precision` ({self.width:.0%}) stopped the campaign", "covers", 0.95)
        yield Case(
            claim, former_interval_holds(times[0, :old].ravel(), 0.5, median), covers(measured, "median", median)
        )

    def _was_enough(self, times: Floats) -> bool:
        ordered = np.sort(times, axis=None)
        low, high = order_statistics_of(ordered.size, 0.5)
        if low < 1 or high > ordered.size:
            return False
        return bool(ordered[high - 1] - ordered[low - 1] <= self.width * np.median(ordered))
